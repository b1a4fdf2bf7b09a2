// Parsers that have no file of their own for it, against input that nobody means: an answer or an error of their own,
// and always an end.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asArray, asObject, asPort, asString, parseJson, ShapeError } from './json-shape.ts';
import { parseFibTrie, parseIfInet6 } from './linux-local-addresses.ts';
import { parseSockstat } from './linux-sockstat.ts';
import { linuxSocketState } from './linux-tcp-states.ts';

/** Lines as the kernel writes them, with pieces changed, and any text besides. */
function texts(lines: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...lines),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc
      .tuple(fc.constantFrom(...lines), fc.nat(80), fc.string({ maxLength: 4 }))
      .map(([line, at, change]) => line.slice(0, at) + change + line.slice(at + 1)),
  );
  return fc.array(piece, { maxLength: 12 }).map((all) => all.join('\n'));
}

test('sockstat: texts, and no line of another name among them', () => {
  const lines = [
    'sockets: used 17',
    'TCP: inuse 1 orphan 0 tw 2 alloc 4 mem 3',
    'UDP: inuse 3 mem 5',
    'TCP6: inuse 4',
  ];
  fc.assert(
    fc.property(texts(lines), texts(lines), (v4, v6) => {
      const { tcp, udp } = parseSockstat(v4, v6);
      for (const counters of [tcp, udp]) expect(counters).not.toContain('\n');
    }),
    { numRuns: 2000 },
  );
});

test('addresses of this host: each a network of its family', () => {
  const trie = [
    'Main:',
    '  +-- 127.0.0.0/8 2 0 2',
    '     |-- 127.0.0.1',
    '        /32 host LOCAL',
    '        /8 host LOCAL',
    '     |-- 999.1.1.1',
    '        /99 host LOCAL',
  ];
  const inet6 = [
    '00000000000000000000000000000001 01 80 10 80       lo',
    'fe80000000000000025056fffec00001 02 40 20 80 eth0',
  ];
  fc.assert(
    fc.property(texts(trie), texts(inet6), (first, second) => {
      for (const network of parseFibTrie(first)) {
        expect(network.first <= network.last).toBe(true);
        expect(network.family === 'ipv4' || network.family === 'ipv6').toBe(true);
      }
      for (const network of parseIfInet6(second)) {
        expect(network.family).toBe('ipv6');
        expect(network.first).toBe(network.last);
      }
    }),
    { numRuns: 2000 },
  );
  expect(parseFibTrie(trie.slice(0, 5).join('\n'))).toHaveLength(2);
  expect(parseIfInet6(inet6.join('\n'))).toHaveLength(2);
});

test('a state of any number has a name, and a socket is never lost for it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('tcp', 'udp', 'sctp'),
      fc.integer(),
      fc.boolean(),
      (transport, state, peer) => {
        expect(linuxSocketState(transport, state, peer)).toMatch(/^[A-Z_0-9]+$/);
      },
    ),
  );
  expect(linuxSocketState('tcp', 0, false)).toBe('CLOSE');
  expect(linuxSocketState('tcp', 14, false)).toBe('CLOSE');
  expect(linuxSocketState('tcp', 13, false)).toBe('BOUND');
});

describe('JSON of other programs', () => {
  const attempt = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      expect(error).toBeInstanceOf(ShapeError);
      return null;
    }
  };

  test('any value either has its shape or is a ShapeError that names the place', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const array = attempt(() => asArray(value, 'it'));
        if (array !== null) expect(Array.isArray(array)).toBe(true);
        const object = attempt(() => asObject(value, 'it'));
        if (object !== null)
          expect(object !== value || (typeof value === 'object' && !Array.isArray(value))).toBe(true);
        const string = attempt(() => asString(value, 'it'));
        if (string !== null) expect(typeof string).toBe('string');
        const port = attempt(() => asPort(value, 'it'));
        if (port !== null)
          expect(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535).toBe(true);
      }),
      { numRuns: 2000 },
    );
    for (const value of [0, 65_536, 1.5, -1, Number.NaN, '80', null])
      expect(() => asPort(value, 'ports[0]')).toThrow(/ports\[0\]/);
  });

  test('any text is JSON or a ShapeError', () => {
    fc.assert(fc.property(fc.string(), (text) => attempt(() => parseJson(text, 'answer')) !== undefined));
  });
});
