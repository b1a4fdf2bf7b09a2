// Runs of ports against plain sets of numbers.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PortRange } from '../model/port.ts';
import {
  commonRanges,
  formatRanges,
  joinRanges,
  parseRanges,
  portCount,
  sameRanges,
  withoutRanges,
} from './port-set.ts';

const range = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 9 }))
  .map(([first, more]): PortRange => [first, first + more]);
const ranges = fc.array(range, { maxLength: 12 });

function ports(list: readonly PortRange[]): number[] {
  const all = list.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  return [...new Set(all)].toSorted((a, b) => a - b);
}

describe('sets of ports', () => {
  it('do what sets of numbers do, and come out as ascending runs that do not touch', () => {
    fc.assert(
      fc.property(ranges, ranges, (a, b) => {
        const [left, right] = [ports(a), ports(b)];
        const results: [PortRange[], number[]][] = [
          [joinRanges(a, b), [...new Set([...left, ...right])].toSorted((x, y) => x - y)],
          [withoutRanges(a, b), left.filter((port) => !right.includes(port))],
          [commonRanges(a, b), left.filter((port) => right.includes(port))],
        ];
        for (const [got, wanted] of results) {
          expect(ports(got)).toEqual(wanted);
          expect(portCount(got)).toBe(wanted.length);
          got.forEach(([first], index) => {
            if (index > 0) expect(first).toBeGreaterThan((got[index - 1]?.[1] ?? 0) + 1);
          });
        }
        expect(sameRanges(a, b)).toBe(left.join(',') === right.join(','));
      }),
    );
  });
  it('are read as they are written', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        expect(parseRanges(formatRanges(list))).toEqual(list);
      }),
    );
    expect(parseRanges('0-65535')).toEqual([[0, 65_535]]);
    expect(parseRanges('\n')).toEqual([]);
  });
  it('are refused where the kernel refuses them', () => {
    for (const text of ['5-1', '65536', '7,,8', 'abc', '7,x', '-1', '1-', '9999999999']) {
      expect(parseRanges(text), text).toBeNull();
    }
  });
});
