// Everything a frame is drawn from.
import type { ChartWords } from '@portolan/core/web';
import type { PortNames } from '../../formats/names.ts';
import type { Layout, View } from './layout.ts';
import type { Palette } from './palette.ts';
import type { Here } from './words.ts';

/** Layers that can be switched. */
export type Layer =
  | 'assigned'
  | 'one'
  | 'claimed'
  | 'reserved'
  | 'blocked'
  | 'held'
  | 'connections'
  | 'range'
  | 'kept';

/** What the chart shows. */
export interface Scene {
  readonly layout: Layout;
  readonly view: View;
  readonly palette: Palette;
  readonly words: ChartWords;
  /** A byte a port, see formats/flags.ts. */
  readonly flags: Uint8Array;
  readonly names: ReadonlyMap<number, PortNames>;
  /** Null where no host is known. */
  readonly here: Here | null;
  /** Layers that are switched off. */
  readonly hidden: ReadonlySet<Layer>;
  readonly cursor: number;
  /** The ports as a picture: a pixel each, and three below each other where notches show what is claimed. */
  readonly baked: { readonly plain: HTMLCanvasElement; readonly notched: HTMLCanvasElement };
}

/** The typeface of the chart at a size and weight. */
export function font(size: number, weight: number): string {
  return `${weight} ${size}px "Portolan Sans", system-ui, sans-serif`;
}

/** Cells from this width on show their number; below it the chart is a picture. */
export const NUMBERS_FROM = 34;
/** Cells from this width on show a name. */
export const NAMES_FROM = 64;
/** Cells from this width on have room for marks in their corners. */
export const CORNERS_FROM = 10;
