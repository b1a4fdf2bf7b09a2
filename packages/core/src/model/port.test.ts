// The three IANA ranges and the small words about ports.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { IANA_RANGES, ianaRangeOf, inRange, isPort, isTransport, rangeSize } from './port.ts';

test.each([
  [0, 'system'],
  [1023, 'system'],
  [1024, 'user'],
  [49_151, 'user'],
  [49_152, 'dynamic'],
  [60_163, 'dynamic'],
  [65_535, 'dynamic'],
])('%i is one of the %s ports (RFC 6335 s6)', (port, name) => {
  expect(ianaRangeOf(port).name).toBe(name);
});

test('only the Dynamic Ports are never assigned', () => {
  expect(IANA_RANGES.filter((range) => !range.assignable).map((range) => range.name)).toEqual(['dynamic']);
});

test('the ranges cover every port once', () => {
  let next = 0;
  for (const range of IANA_RANGES) {
    expect(range.first).toBe(next);
    next = range.last + 1;
  }
  expect(next).toBe(65_536);
});

test.each([-1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is no port', (value) => {
  expect(isPort(value)).toBe(false);
  if (!Number.isFinite(value) || Number.isInteger(value))
    expect(() => ianaRangeOf(value)).toThrow(RangeError);
});

test('a range holds as many ports as it says', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 300 }), (first, more) => {
      const range = [first, Math.min(65_535, first + more)] as const;
      let count = 0;
      for (let port = Math.max(0, first - 2); port <= Math.min(65_535, range[1] + 2); port++)
        if (inRange(port, range)) count++;
      expect(count).toBe(rangeSize(range));
    }),
  );
});

test('a transport is one of four words in lower case', () => {
  expect(['tcp', 'udp', 'sctp', 'dccp'].every(isTransport)).toBe(true);
  expect(['TCP', 'icmp', '', 'constructor'].some(isTransport)).toBe(false);
});
