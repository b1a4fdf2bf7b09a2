// Search: every word must be there; whole names before parts, names before notes, narrow before wide.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeClaim } from '../../../../fixtures/makers.ts';
import { searchClaims } from './search.ts';

const whole = makeClaim({ id: 'whole', service: 'redis', ports: [6379, 6379] });
const word = makeClaim({ id: 'word', product: 'Redis Sentinel', service: 'watch', ports: [26379, 26379] });
const prefix = makeClaim({ id: 'prefix', service: 'redistribution', ports: [1, 1] });
const inside = makeClaim({ id: 'inside', service: 'credis', ports: [2, 2] });
const note = makeClaim({ id: 'note', service: 'cache', note: 'Speaks the Redis protocol.', ports: [3, 3] });
const other = makeClaim({ id: 'other', service: 'http' });
const all = [other, note, inside, prefix, word, whole];
const ids = (query: string, claims = all) => searchClaims(claims, query).map((claim) => claim.id);

describe('ranking', () => {
  test('whole name, word of a name, start, inside, note', () => {
    expect(ids('redis')).toEqual(['whole', 'word', 'prefix', 'inside', 'note']);
  });
  test('case and blanks do not matter', () => {
    expect(ids('  REDIS  ')).toEqual(ids('redis'));
  });
  test('every word must be found', () => {
    expect(ids('redis sentinel')).toEqual(['word']);
    expect(ids('redis postgres')).toEqual([]);
    expect(ids('cache protocol')).toEqual(['note']);
  });
  test('vendors count', () => {
    expect(ids('apple', [makeClaim({ id: 'x', vendor: 'Apple', service: 'y' })])).toEqual(['x']);
  });
  test('equal matches: fewer ports first, then the lower number', () => {
    const at = (id: string, first: number, last = first) =>
      makeClaim({ id, product: 'Same', service: 's', ports: [first, last] });
    expect(ids('same', [at('wide', 10, 900), at('high', 500), at('low', 20)])).toEqual([
      'low',
      'high',
      'wide',
    ]);
  });
  test('reserved numbers are no finds', () => {
    expect(
      ids('reserved', [makeClaim({ service: 'Reserved', authority: 'registry', status: 'reserved' })]),
    ).toEqual([]);
  });
});

test.each(['', '   ', '\n\t'])('nothing asked (%j), nothing found', (query) => {
  expect(ids(query)).toEqual([]);
});

test('for any words: no fault, only claims that were given, each once, and adding a word never finds more', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.constantFrom('redis', 'http', 'e', '.*', '('), (a, b) => {
      const found = ids(a);
      expect(new Set(found).size).toBe(found.length);
      const both = ids(`${a} ${b}`);
      if (a.trim() !== '') expect(both.every((id) => found.includes(id))).toBe(true);
    }),
  );
});
