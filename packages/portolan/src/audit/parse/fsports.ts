// fsports, the file that keeps Xsan and StorNext to a window of ports (macOS man page fsports(4)), and fsnameservers.
import type { Fsports, FsportsFault, FsportsValue } from '@portolan/core';
import type { TextFile } from './text-file.ts';
import { readPortNumber } from './values.ts';

const WORDS = ['MinPort', 'MaxPort', 'AltPmap'] as const;

/** Reads the file: two required lines, one optional one; a comment has its `#` in the first column. */
export function readFsports(file: TextFile): Fsports {
  const values = new Map<(typeof WORDS)[number], FsportsValue>();
  const faults: FsportsFault[] = [];
  for (const { text, at } of file.lines()) {
    if (text.startsWith('#') || text.trim() === '') continue;
    const [, lead = '', word = '', gap = '', rest = ''] = /^(\s*)(\S+)(\s*)(.*?)\s*$/.exec(text) ?? [];
    const place = file.place(at + lead.length, text.trim().length);
    const known = WORDS.find((name) => name.toLowerCase() === word.toLowerCase());
    if (known === undefined) {
      faults.push({ kind: 'unknown-word', word, value: rest, place });
      continue;
    }
    const port = readPortNumber(rest);
    if (port === null) faults.push({ kind: 'not-a-port', word: known, value: rest, place });
    else if (values.has(known)) faults.push({ kind: 'twice', word: known, value: rest, place });
    else {
      const offset = at + lead.length + word.length + gap.length;
      values.set(known, { value: port, place: file.place(offset, rest.length) });
    }
  }
  const min = values.get('MinPort') ?? null;
  const max = values.get('MaxPort') ?? null;
  for (const [word, value] of [['MinPort', min] as const, ['MaxPort', max] as const]) {
    if (value === null && !faults.some((fault) => fault.word === word && fault.kind === 'not-a-port')) {
      faults.push({ kind: 'missing', word, value: '', place: file.place(0, 1) });
    }
  }
  if (min !== null && max !== null && min.value > max.value) {
    faults.push({
      kind: 'backwards',
      word: 'MinPort',
      value: `${min.value} > ${max.value}`,
      place: min.place,
    });
  }
  return { min, max, altPmap: values.get('AltPmap') ?? null, faults };
}

/** Coordinators, one address or name a line; `#` starts a comment (macOS man page fsnameservers(4)). */
export function readFsnameservers(file: TextFile): string[] {
  return file
    .lines()
    .map(({ text }) => text.replace(/#.*$/, '').trim().split(/\s+/)[0] ?? '')
    .filter((name) => name !== '');
}
