// One object of a JSON document, and how its values are taken without trusting any of them.
import type { Out, PrintedFormat } from './row.ts';

/** Where an object stood. */
export interface JsonUnit {
  readonly first: number;
  readonly last: number;
  /** Its text, for telling that it was not understood. */
  readonly text: string;
}

/** An object that may be anything. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A tool's JSON, known by the keys of its objects. */
export interface JsonShape {
  readonly format: PrintedFormat;
  is(value: JsonObject): boolean;
  /** Puts out what the object tells; false where it cannot be read after all. */
  read(value: JsonObject, out: Out, unit: JsonUnit): boolean;
}

export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** An integer that is not negative, also one written as text; null for all else. */
export function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** A port, 0 to 65535. */
export function portOf(value: unknown): number | null {
  const number = numberOf(value);
  return number !== null && number <= 65_535 ? number : null;
}
