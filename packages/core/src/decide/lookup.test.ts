// Search as you type: the order of what is found, and what people type for a number.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lookup, type LookupEntry, type LookupHit, portQuery } from './lookup.ts';

function entry(name: string, ports: number[], more: Partial<LookupEntry> = {}): LookupEntry {
  return {
    name,
    slug: name.toLowerCase().replaceAll(' ', '-'),
    ports: ports.map((port) => [port, port] as const),
    vendors: [],
    used: false,
    ...more,
  };
}

const lookup = new Lookup([
  entry('http', [80]),
  entry('http-alt', [591, 8008, 8080]),
  entry('https', [443]),
  entry('www-http', [80]),
  entry('oceansoft-lm', [1466]),
  entry('Xsan', [49_152], { vendors: ['Apple'], used: true }),
  entry('apple-licman', [1381]),
  entry('Pineapple', [5]),
  entry('Café Server', [6]),
  entry('Mosh', [], { ports: [[60_000, 61_000]], used: true }),
]);
const words = (hits: readonly LookupHit[]): (string | number)[] =>
  hits.map((hit) => (hit.kind === 'port' ? hit.port : hit.entry.name));

describe('order', () => {
  test('the number itself, then named numbers that start with it', () => {
    expect(words(lookup.find('80', 9))).toEqual([80, 8008, 8080]);
    expect(words(lookup.find('5', 9))).toEqual([5, 591]);
    // A number that nobody names is found all the same.
    expect(words(lookup.find('60163', 9))).toEqual([60_163]);
  });
  test('whole name, start of the name, start of a word, part', () => {
    expect(words(lookup.find('http', 9))).toEqual(['http', 'https', 'http-alt', 'www-http']);
    expect(words(lookup.find('soft', 9))).toEqual(['oceansoft-lm']);
  });
  test('what a maker makes comes after names that start so, and before parts of words', () => {
    expect(words(lookup.find('apple', 9))).toEqual(['apple-licman', 'Xsan', 'Pineapple']);
  });
  test('maker and product together', () => {
    expect(words(lookup.find('apple xsan', 9))).toEqual(['Xsan']);
    expect(words(lookup.find('xsan apple', 9))).toEqual(['Xsan']);
  });
  test('accents and case make no difference', () => {
    expect(words(lookup.find('CAFE', 9))).toEqual(['Café Server']);
    expect(words(lookup.find('café', 9))).toEqual(['Café Server']);
  });
  test('names beside a number: those of whole ranges are not', () => {
    expect(lookup.find('80', 1)).toMatchObject([{ port: 80, names: ['http', 'www-http'] }]);
    expect(lookup.find('60500', 1)).toMatchObject([{ port: 60_500, names: [] }]);
  });
  test('nothing for nothing, and never more than asked for', () => {
    expect(lookup.find('', 9)).toEqual([]);
    expect(lookup.find('  ', 9)).toEqual([]);
    expect(lookup.find('no such thing', 9)).toEqual([]);
    expect(lookup.find('80', 2)).toHaveLength(2);
    expect(lookup.find('h', 2)).toHaveLength(2);
  });
});

test.each([
  ['8080', 8080, null],
  ['53/udp', 53, 'udp'],
  ['udp 53', 53, 'udp'],
  ['TCP:443', 443, 'tcp'],
  ['port 22', 22, null],
  ['0', 0, null],
  ['65535', 65_535, null],
])('%s is a number', (text, port, transport) => {
  expect(portQuery(text)).toEqual({ port, transport });
});

test.each(['65536', '99999', '123456', '80/http', 'tcp 80 udp', '', 'x', '8 0', '-1'])(
  '%s is none',
  (text) => {
    expect(portQuery(text)).toBeNull();
  },
);

test('whatever is typed, nothing throws and the limit holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 20 }), (text, limit) => {
      expect(lookup.find(text, limit).length).toBeLessThanOrEqual(Math.max(limit, 1));
    }),
  );
});
