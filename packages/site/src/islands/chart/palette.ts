// The chart's colours, from the style sheet, so that day and night are told in one place.

const NAMES = {
  system: '--c-system',
  user: '--c-user',
  dynamic: '--c-dynamic',
  assignedSystem: '--c-assigned-system',
  assigned: '--c-assigned',
  one: '--c-assigned-one',
  oneSystem: '--c-assigned-one-system',
  claimed: '--c-claimed',
  reserved: '--c-reserved',
  grid: '--c-grid',
  sheet: '--sheet',
  ink: '--ink',
  ink2: '--ink-2',
  ink3: '--ink-3',
  sea: '--sea',
  magenta: '--magenta',
  landInk: '--land-ink',
} as const;

/** Colours by what they stand for. */
export type Palette = Readonly<Record<keyof typeof NAMES, string>>;

/** The colours of now. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    Object.entries(NAMES).map(([name, property]) => [name, style.getPropertyValue(property).trim()]),
  ) as Palette;
}

/** A colour as a pixel of an ImageData, read as a little-endian number; every browser's platform is. */
export function pixel(colour: string): number {
  const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, '$&$&') : colour;
  const value = Number.parseInt(hex.slice(1, 7), 16);
  return (0xff00_0000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}
