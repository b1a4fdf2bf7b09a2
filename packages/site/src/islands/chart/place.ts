// The view as the fragment of the address, so that it can be kept and shared. Places are ports, not pixels: the same
// address shows the same part on a narrower screen.
import { PORTS } from './layout.ts';

/** What is remembered. */
export interface Place {
  /** Port under the cursor. */
  readonly port: number;
  readonly zoom: number;
  /** Port in the middle; null where all is shown. */
  readonly middle: number | null;
}

/** `port=8080&zoom=24&at=5171`, without `#`. */
export function placeText({ port, zoom, middle }: Place): string {
  if (middle === null || zoom <= 1) return `port=${port}`;
  return `port=${port}&zoom=${Math.round(zoom * 100) / 100}&at=${middle}`;
}

/** Reads it; null for what is none. */
export function readPlace(fragment: string): Place | null {
  const values = new URLSearchParams(fragment.replace(/^#/, ''));
  const port = portOf(values.get('port'));
  if (port === null) return null;
  const zoom = Number(values.get('zoom') ?? '1');
  const middle = portOf(values.get('at'));
  if (!Number.isFinite(zoom) || zoom <= 1 || middle === null) return { port, zoom: 1, middle: null };
  return { port, zoom, middle };
}

/** A port written in digits. */
export function portOf(text: string | null): number | null {
  if (text === null || !/^\d{1,5}$/.test(text)) return null;
  return Number(text) < PORTS ? Number(text) : null;
}
