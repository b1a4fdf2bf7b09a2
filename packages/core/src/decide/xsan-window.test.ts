// The proposed window: never on anything it must keep clear of, whatever that is, and the same for the same facts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EphemeralDefault } from '../model/claim.ts';
import type { PortRange } from '../model/port.ts';
import { proposeWindow } from './xsan-window.ts';

const os = (name: string, ...ranges: PortRange[]): EphemeralDefault => ({
  os: name,
  versions: 'current',
  transports: ['tcp', 'udp'],
  ranges,
  source: 's',
});

/** As the systems ship. */
const DEFAULTS: readonly EphemeralDefault[] = [
  os('Linux', [32_768, 60_999]),
  os('macOS', [49_152, 65_535]),
  os('FreeBSD', [10_000, 65_535]),
  os('Windows', [49_152, 65_535]),
  { ...os('Windows', [1025, 5000]), versions: '2000, XP, Server 2003' },
  os('Solaris', [32_768, 65_535]),
];

const meets = (a: PortRange, b: PortRange): boolean => a[0] <= b[1] && b[0] <= a[1];
const range = fc
  .tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 20_000 }))
  .map(([first, more]): PortRange => [first, Math.min(65_535, first + more)]);

describe('a proposed window', () => {
  test('keeps clear of all it must, of every system where there is room, and says where there is none', () => {
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 30 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.boolean(),
        (never, size, keepSize) => {
          const made = proposeWindow({ size, keepSize, never, defaults: DEFAULTS });
          const taken = new Uint8Array(65_536);
          for (const [first, last] of never) taken.fill(1, first, last + 1);
          if (made === null) {
            // Then there is no room for even the smallest of the sizes.
            let run = 0;
            for (let port = 1024; port <= 65_535; port++) {
              run = taken[port] === 0 ? run + 1 : 0;
              expect(run).toBeLessThan(Math.min(size, 16));
            }
            return;
          }
          const { window, within, lines } = made;
          expect(never.some((each) => meets(each, window))).toBe(false);
          expect(window[0]).toBeGreaterThanOrEqual(1024);
          expect(window[1]).toBeLessThanOrEqual(65_535);
          expect(window[1] - window[0] + 1).toBeLessThanOrEqual(size);
          const inside = DEFAULTS.filter(
            ({ ranges, versions }) => !/XP/.test(versions) && ranges.some((each) => meets(each, window)),
          );
          expect(within).toEqual([...new Set(inside.map((row) => row.os))]);
          expect(lines).toEqual([`MinPort ${window[0]}`, `MaxPort ${window[1]}`]);
          // Without a width to keep, a window in a system's range means that none of this width was free outside all.
          if (!keepSize && within.length > 0) {
            let run = 0;
            for (let port = 1024; port < 10_000; port++) {
              run = taken[port] === 0 ? run + 1 : 0;
              expect(run).toBeLessThan(Math.min(size, 16));
            }
          }
          expect(proposeWindow({ size, keepSize, never: never.toReversed(), defaults: DEFAULTS })).toEqual(
            made,
          );
        },
      ),
    );
  });
  test('prefers a round start, and the width it is to keep', () => {
    const never: PortRange[] = [[1024, 5010]];
    expect(proposeWindow({ size: 101, keepSize: true, never, defaults: DEFAULTS })?.window).toEqual([
      5100, 5200,
    ]);
    const tight: PortRange[] = [
      [1024, 9000],
      [9050, 9999],
    ];
    expect(proposeWindow({ size: 101, keepSize: false, never: tight, defaults: DEFAULTS })).toMatchObject({
      window: [9001, 9032],
      within: [],
    });
    expect(proposeWindow({ size: 101, keepSize: true, never: tight, defaults: DEFAULTS })).toMatchObject({
      window: [10_000, 10_100],
      within: ['FreeBSD'],
    });
  });
  test('none where everything is taken', () => {
    expect(proposeWindow({ size: 10, keepSize: true, never: [[0, 65_535]], defaults: DEFAULTS })).toBeNull();
  });
});
