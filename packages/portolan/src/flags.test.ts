// Reading a command line: flags in any place, numbers that look like flags, and no argument that breaks it.
import { PortolanError } from '@portolan/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { echo, type Flag, GLOBAL_FLAGS, parseFlags } from './flags.ts';

const FLAGS: readonly Flag[] = [
  ...GLOBAL_FLAGS,
  { name: 'limit', value: 'N', summary: '' },
  { name: 'all', value: null, summary: '' },
];
const read = (...args: string[]) => {
  const { positionals, switches, values } = parseFlags(args, FLAGS);
  return { positionals, switches: [...switches], values: Object.fromEntries(values) };
};

describe('what is read', () => {
  test('flags stand anywhere, values behind a blank or an equals sign', () => {
    const expected = { positionals: ['a', 'b'], switches: ['all'], values: { limit: '5' } };
    expect(read('a', '--all', '--limit', '5', 'b')).toEqual(expected);
    expect(read('--limit=5', 'a', 'b', '--all')).toEqual(expected);
  });
  test('a short flag', () => {
    expect(read('-h').switches).toEqual(['help']);
  });
  test('a switch twice is a switch', () => {
    expect(read('--all', '--all').switches).toEqual(['all']);
  });
  test('behind -- nothing is a flag', () => {
    expect(read('--', '--all', '-h').positionals).toEqual(['--all', '-h']);
  });
  test('a value may hold an equals sign', () => {
    expect(read('--limit=a=b').values).toEqual({ limit: 'a=b' });
  });
  test.each(['-1', '-12', '-80', '-65535', '-1-5'])('%s is a word and not a flag', (word) => {
    expect(read(word).positionals).toEqual([word]);
    expect(read('a', word, '--all')).toMatchObject({ positionals: ['a', word], switches: ['all'] });
    expect(read(word, word).positionals).toEqual([word, word]);
    expect(read('--limit', word).values).toEqual({ limit: word });
    expect(read(`--limit=${word}`).values).toEqual({ limit: word });
  });
});

describe('what is refused', () => {
  test.each<[string[], RegExp]>([
    [['--frob'], /no flag --frob/],
    [['-x'], /no flag -x/],
    [['--constructor'], /no flag/],
    [['--__proto__=1'], /no flag/],
    [['--all=1'], /takes no value/],
    [['--limit'], /needs a value: --limit N/],
    [['--limit='], /needs a value/],
    [['--limit', '1', '--limit', '2'], /twice/],
    [['x'.repeat(40_000)], /too long/],
  ])('%j', (args, why) => {
    expect(() => read(...args)).toThrow(PortolanError);
    expect(() => read(...args)).toThrow(why);
  });
  test('a flag that is nearly right is offered', () => {
    expect(() => read('--procfs')).toThrow(expect.objectContaining({ hint: 'Did you mean --procfs-root?' }));
  });
});

test('no command line throws anything but a usage error', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      '--',
      '-',
      '--all',
      '--limit',
      '--limit=',
      '-h',
      '-1',
      '-12x',
      '--json=1',
      '--=',
      '-=',
      '--no-json',
      '-hh',
      '-h1',
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      try {
        const { positionals } = read(...args);
        expect(positionals.length).toBeLessThanOrEqual(args.length);
        for (const positional of positionals) expect(args).toContain(positional);
      } catch (error) {
        expect(error).toMatchObject({ code: 'USAGE' });
      }
    }),
    { numRuns: 5000 },
  );
});

test('an argument is shown back in 60 characters', () => {
  expect(echo('x'.repeat(60))).toHaveLength(60);
  expect(echo('x'.repeat(1000))).toBe(`${'x'.repeat(60)}…`);
});
