// Reads JSON of other programs: what is used must have its shape, the rest may be anything.

/** A value that does not have its shape; the message names the place. */
export class ShapeError extends Error {
  constructor(place: string, wanted: string) {
    super(`${place} is no ${wanted}`);
    this.name = 'ShapeError';
  }
}

/** Parses text; a ShapeError where it is no JSON. */
export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ShapeError(place, 'JSON');
  }
}

export function asArray(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ShapeError(place, 'list');
  return value as readonly unknown[];
}

export function asObject(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ShapeError(place, 'object');
  return value as Readonly<Record<string, unknown>>;
}

export function asString(value: unknown, place: string): string {
  if (typeof value !== 'string') throw new ShapeError(place, 'string');
  return value;
}

/** A port number, 1 to 65535. */
export function asPort(value: unknown, place: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new ShapeError(place, 'port number');
  }
  return value;
}
