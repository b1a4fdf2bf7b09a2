// Variables in values, as Compose and shells write them: what comes out, and where each character of it came from.
import type { FixedVariable } from '@portolan/core';

/** A value of a variable, and where it is set. */
export interface Setting {
  readonly value: string;
  readonly place: FixedVariable['place'];
}

/** Values by name. */
export type Settings = ReadonlyMap<string, Setting>;

/** A text with its variables filled in. */
export interface Filled {
  readonly text: string;
  /** For each character: index in the unfilled text of what it came from. */
  readonly from: readonly number[];
  /** For each character: the variable it came from; null where it stands there itself. */
  readonly by: readonly (FixedVariable | null)[];
  /** Variables without a value or default; they came out empty. */
  readonly missing: readonly string[];
}

/** Longest text that is filled in, and deepest nesting of defaults within defaults. */
const LENGTH_LIMIT = 32_768;
const DEPTH_LIMIT = 10;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/**
 * Fills in `$NAME`, `${NAME}` and the forms `:-` `-` `:+` `+` `:?` `?` (Compose file reference, interpolation; POSIX
 * sh s2.6.2). `$$` is a dollar.
 */
export function fill(text: string, settings: Settings): Filled {
  const out = { text: '', from: [] as number[], by: [] as (FixedVariable | null)[], missing: [] as string[] };
  const add = (piece: string, at: number, literal: boolean, by: FixedVariable | null): void => {
    for (let index = 0; index < piece.length; index++) {
      out.from.push(literal ? at + index : at);
      out.by.push(by);
    }
    out.text += piece;
  };
  const walk = (start: number, end: number, by: FixedVariable | null, depth: number): void => {
    let at = start;
    while (at < end) {
      const dollar = text.indexOf('$', at);
      const stop = dollar === -1 || dollar >= end ? end : dollar;
      add(text.slice(at, stop), at, true, by);
      at = stop;
      if (at >= end) return;
      const next = text[at + 1];
      if (next === '$') {
        add('$', at, true, by);
        at += 2;
        continue;
      }
      const braced = next === '{';
      const nameAt = at + (braced ? 2 : 1);
      const name = NAME.exec(text.slice(nameAt, Math.min(end, nameAt + 200)))?.[0];
      const close = braced ? closing(text, nameAt, end) : nameAt + (name?.length ?? 0);
      if (name === undefined || close === -1) {
        add('$', at, true, by);
        at += 1;
        continue;
      }
      const [, operator = ''] = /^(:?[-+?])/.exec(text.slice(nameAt + name.length, close)) ?? [];
      const wordAt = nameAt + name.length + operator.length;
      const setting = settings.get(name);
      const has = setting !== undefined && (!operator.startsWith(':') || setting.value !== '');
      if (operator.endsWith('+')) {
        if (has && depth < DEPTH_LIMIT)
          walk(wordAt, close, { name, place: setting?.place ?? null }, depth + 1);
      } else if (has) add(setting.value, at, false, { name, place: setting.place });
      else if (operator.endsWith('-') && depth < DEPTH_LIMIT) {
        walk(wordAt, close, { name, place: null }, depth + 1);
      } else out.missing.push(name);
      at = braced ? close + 1 : close;
    }
  };
  walk(0, Math.min(text.length, LENGTH_LIMIT), null, 0);
  return out;
}

/** Index of the brace that closes an expression, nested ones passed over; -1 where there is none. */
function closing(text: string, from: number, end: number): number {
  let open = 1;
  for (let at = from; at < end; at++) {
    if (text[at] === '}') open--;
    else if (text[at] === '$' && text[at + 1] === '{') open++;
    if (open === 0) return at;
  }
  return -1;
}

/** Where a piece of the filled text stands in the unfilled one, and the variable it comes from. */
export function sourceOf(
  filled: Filled,
  at: number,
  length: number,
): { readonly at: number; readonly length: number; readonly variable: FixedVariable | null } {
  const first = filled.from[at] ?? 0;
  const last = filled.from[at + length - 1] ?? first;
  const variable = filled.by.slice(at, at + length).find((by) => by !== null) ?? null;
  return { at: first, length: Math.max(1, last - first + 1), variable };
}
