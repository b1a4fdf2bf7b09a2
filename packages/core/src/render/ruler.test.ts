// The ruler: as wide as asked, the needle where the port is, the ranges where they are.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import { translator } from '../text/catalog.ts';
import { rulerLines } from './ruler.ts';

const lang = translator('en');
const draw = (
  port: number,
  width: number,
  ephemeral: PortRange | null = [32_768, 60_999],
  reserved: PortRange[] = [],
) =>
  rulerLines(
    { port, ephemeral, reserved, label: say('ruler.label.plain', { port, range: '' }) },
    width,
    lang,
  ).map((cells) => cells.map((cell) => cell.char).join(''));
/** Column of a port, counted apart from the code under test. */
const columnOf = (port: number, width: number) => Math.floor((port * width) / 65_536);

describe('the needle', () => {
  test.each([0, 1023, 1024, 32_768, 60_163, 65_535])('of %i stands in its column in every width', (port) => {
    for (let width = 40; width <= 160; width++) {
      const [head = '', ranges = '', handedOut = ''] = draw(port, width);
      const column = columnOf(port, width);
      expect(head.indexOf('▼'), `width ${width}`).toBe(column);
      expect(ranges.indexOf('│'), `width ${width}`).toBe(column);
      expect(handedOut.indexOf('│'), `width ${width}`).toBe(column);
      expect(ranges.lastIndexOf('│')).toBe(column);
      expect(head).toContain(String(port));
    }
  });
  test('for any port and width', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 40, max: 200 }), (port, width) => {
        const [head = '', ranges = ''] = draw(port, width);
        expect(head.indexOf('▼')).toBe(columnOf(port, width));
        expect(ranges.indexOf('│')).toBe(columnOf(port, width));
      }),
    );
  });
});

test('no line is wider than asked; the ranges and the axis are exactly as wide', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65_535 }),
      fc.integer({ min: 40, max: 200 }),
      fc.integer({ min: 0, max: 65_535 }),
      fc.nat(40_000),
      (port, width, first, more) => {
        const ephemeral: PortRange = [first, Math.min(65_535, first + more)];
        const lines = draw(port, width, ephemeral, [[first, first]]);
        expect(lines).toHaveLength(5);
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
        expect([...(lines[1] ?? '')].length).toBe(width);
        expect([...(lines[3] ?? '')].length).toBe(width);
      },
    ),
  );
});

test('the numbers below the axis are the five that are meant, each whole', () => {
  for (let width = 40; width <= 160; width++) {
    const numbers = (draw(80, width).at(-1) ?? '').trim().split(/\s+/);
    // Where there is no room for all, one may be left out; none may run into another.
    for (const number of numbers)
      expect(['0', '16384', '32768', '49152', '65535'], `width ${width}`).toContain(number);
    expect(numbers.at(-1)).toBe('65535');
    if (width >= 50) expect(numbers).toHaveLength(5);
  }
});

test('the three ranges change where they change', () => {
  const [, ranges = ''] = draw(65_535, 128, null);
  expect(ranges.slice(0, 2)).toBe('██');
  expect(ranges[2]).toBe('░');
  expect(ranges[95]).not.toBe('▒');
  expect(ranges[96]).toBe('▒');
});

test('without a known ephemeral range its line is left out', () => {
  expect(draw(80, 80, null)).toHaveLength(4);
  expect(draw(80, 80)).toHaveLength(5);
});

test('the ephemeral range is drawn where it is, a reservation in it as R', () => {
  const [, , line = ''] = draw(80, 128, [32_768, 49_151], [[40_000, 40_000]]);
  expect(line.indexOf('╌')).toBe(64);
  expect(line.lastIndexOf('╌')).toBeLessThanOrEqual(95);
  expect(line[columnOf(40_000, 128)]).toBe('R');
});
