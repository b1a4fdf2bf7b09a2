// Addresses and networks: text to numbers and back, with the edges of both families.
import { isIP } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatNetwork,
  intersectNetworks,
  isWhole,
  parseAddress,
  parseNetwork,
  withinNetwork,
} from './network.ts';

const six = fc.ipV6();

test('whatever Node calls an address is one, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV4(),
        six,
        fc.string({ maxLength: 20 }),
        fc.stringMatching(/^[0-9a-f:.]{0,24}$/),
        fc.stringMatching(/^(0?[0-9]{1,3}\.){3}[0-9]{1,3}$/),
        fc.stringMatching(/^(::|[0-9a-f]{1,4}:){1,6}([0-9]{1,3}\.){3}[0-9]{1,3}$/),
      ),
      (text) => {
        expect(parseAddress(text) !== null).toBe(isIP(text) !== 0);
      },
    ),
    { numRuns: 3000 },
  );
});

test('an address is written as RFC 5952 has it', () => {
  const text = (address: string): string[] =>
    formatNetwork(parseAddress(address) ?? { family: 'ipv4', first: 0n, last: 0n });
  expect(text('FD00:0:0:0::01')).toEqual(['fd00::1']);
  expect(text('::ffff:1.2.3.4')).toEqual(['::ffff:1.2.3.4']);
  expect(parseAddress('010.1.1.1')).toBeNull();
});

test.each<[string, string[]]>([
  ['10.1.2.3/8', ['10.0.0.0/8']],
  ['10.0.0.0/255.255.0.0', ['10.0.0.0/16']],
  ['0.0.0.0/0', ['0.0.0.0/0']],
  ['::/0', ['::/0']],
  ['1.2.3.4/32', ['1.2.3.4']],
  ['10.0.0.1-10.0.0.4', ['10.0.0.1', '10.0.0.2/31', '10.0.0.4']],
  ['0.0.0.0-255.255.255.255', ['0.0.0.0/0']],
  ['255.255.255.255', ['255.255.255.255']],
  ['fd00::/8', ['fd00::/8']],
])('%s', (input, expected) => {
  const network = parseNetwork(input);
  expect(network === null ? null : formatNetwork(network)).toEqual(expected);
});

test.each([
  '',
  '/',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/255.0.255.0',
  '::/129',
  '1.2.3.4-1.2.3.3',
  '1.2.3.4-::',
  '1/2/3',
  '::1-',
])('no network: %j', (text) => {
  expect(parseNetwork(text)).toBeNull();
});

test('what both have lies within both', () => {
  const network = fc
    .tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
    .map(([address, length]) => parseNetwork(`${address}/${length}`));
  fc.assert(
    fc.property(network, network, (a, b) => {
      if (a === null || b === null) throw new Error('unreachable');
      const both = intersectNetworks(a, b);
      if (both === null) expect(a.last < b.first || b.last < a.first).toBe(true);
      else expect(withinNetwork(both, a) && withinNetwork(both, b)).toBe(true);
    }),
  );
  expect(isWhole(parseNetwork('0.0.0.0/0') ?? { family: 'ipv4', first: 1n, last: 1n })).toBe(true);
});
