// What programs pass to the library: a value of the wrong type is told by name before anything is looked at or changed.

import { isTransport } from '@portolan/core';

/** What an option may be, null and undefined apart. */
interface Kind {
  readonly words: string;
  is(value: unknown): boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isIterable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

const TEXT: Kind = { words: 'a string', is: isText };
const TEXTS: Kind = {
  words: 'an array of strings',
  is: (value) => Array.isArray(value) && value.every(isText),
};
const FLAG: Kind = { words: 'true or false', is: (value) => typeof value === 'boolean' };
const NUMBER: Kind = { words: 'a number', is: (value) => typeof value === 'number' };
const NUMBERS: Kind = { words: 'an array, a set or another iterable of numbers', is: isIterable };

/** By the name of the option: it means the same in every call. */
const KINDS = {
  address: TEXT,
  all: FLAG,
  allow: TEXTS,
  apply: FLAG,
  baseline: TEXT,
  configRoot: TEXT,
  count: NUMBER,
  cwd: TEXT,
  exclude: NUMBERS,
  ffi: FLAG,
  files: TEXTS,
  force: FLAG,
  host: TEXT,
  intervalMs: NUMBER,
  name: TEXT,
  near: NUMBER,
  now: FLAG,
  port: { words: 'a number or an iterable of numbers', is: (value) => NUMBER.is(value) || isIterable(value) },
  ports: {
    words: 'a run of ports, [first, last]',
    is: (value) => Array.isArray(value) && value.length === 2 && value.every(Number.isInteger),
  },
  procRoot: TEXT,
  profiles: TEXTS,
  project: TEXT,
  prove: FLAG,
  reserve: FLAG,
  sample: NUMBER,
  signal: { words: 'an AbortSignal', is: (value) => value instanceof AbortSignal },
  transport: { words: '"tcp" or "udp"', is: (value) => value === 'tcp' || value === 'udp' },
  transports: {
    words: 'an array of "tcp", "udp", "sctp" and "dccp", not empty',
    is: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((one) => isText(one) && isTransport(one)),
  },
} satisfies Record<string, Kind>;

/** Throws TypeError where an option of the call has a value that it cannot have; other names are left alone. */
export function checkOptions(call: string, options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${call}: the options are an object, not ${told(options)}`);
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : undefined;
    if (kind === undefined || value === undefined || value === null) continue;
    if (!kind.is(value)) throw new TypeError(`${call}: ${name} is ${kind.words}, not ${told(value)}`);
  }
}

/** Throws TypeError where the value is no string. */
export function checkText(call: string, name: string, value: unknown): void {
  if (!isText(value)) throw new TypeError(`${call}: ${name} is a string, not ${told(value)}`);
}

/** A value as its writer knows it again, shortened. */
export function told(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (value === null || ['number', 'boolean', 'undefined', 'bigint'].includes(typeof value))
    return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
