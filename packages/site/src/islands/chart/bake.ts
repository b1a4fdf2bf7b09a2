// The ports as a small picture, made anew only when colours or layers change; a frame stretches it.
//
// Colour alone would not do: what others claim has a notch at its top, through which shows what the port is besides.
import { FLAG } from '../../formats/flags.ts';
import { PORTS } from './layout.ts';
import { type Palette, pixel } from './palette.ts';
import type { Layer } from './scene.ts';

const ASSIGNED = FLAG.tcp | FLAG.udp | FLAG.other;
const BOTH = FLAG.tcp | FLAG.udp;

/** Parts of a cell's height, of which the first is the notch. */
export const NOTCH_PARTS = 3;

/** Makes both pictures. */
export function bake(
  flags: Uint8Array,
  columns: number,
  palette: Palette,
  hidden: ReadonlySet<Layer>,
): { plain: HTMLCanvasElement; notched: HTMLCanvasElement } {
  const rows = Math.ceil(PORTS / columns);
  const colours = new Map(
    Object.entries(palette).map(([name, colour]) => [name as keyof Palette, pixel(colour)]),
  );
  const of = (name: keyof Palette): number => colours.get(name) ?? 0;
  const ground = [of('system'), of('user'), of('dynamic')] as const;
  const both = [of('assignedSystem'), of('assigned'), of('assigned')] as const;
  const one = [of('oneSystem'), of('one'), of('one')] as const;
  const [claimed, reserved, sheet] = [of('claimed'), of('reserved'), of('sheet')];
  const [noAssigned, noOne] = [hidden.has('assigned'), hidden.has('one')];
  const [noClaimed, noReserved] = [hidden.has('claimed'), hidden.has('reserved')];
  const plain = new Uint32Array(columns * rows).fill(sheet);
  const notched = new Uint32Array(columns * rows * NOTCH_PARTS).fill(sheet);
  for (let port = 0; port < PORTS; port++) {
    const flag = flags[port] ?? 0;
    const range = port < 1024 ? 0 : port < 49_152 ? 1 : 2;
    let under: number = ground[range];
    if ((flag & ASSIGNED) !== 0) {
      const whole = (flag & BOTH) === BOTH;
      if (!(whole ? noAssigned : noOne)) under = (whole ? both : one)[range];
    } else if ((flag & FLAG.reserved) !== 0 && !noReserved) under = reserved;
    const over = (flag & FLAG.claimed) !== 0 && !noClaimed ? claimed : under;
    plain[port] = over;
    const column = port % columns;
    const first = (port - column) * NOTCH_PARTS + column;
    notched[first] = under;
    for (let part = 1; part < NOTCH_PARTS; part++) notched[first + part * columns] = over;
  }
  return { plain: picture(plain, columns, rows), notched: picture(notched, columns, rows * NOTCH_PARTS) };
}

function picture(pixels: Uint32Array, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const image = new ImageData(new Uint8ClampedArray(pixels.buffer as ArrayBuffer), width, height);
  context?.putImageData(image, 0, 0);
  return canvas;
}
