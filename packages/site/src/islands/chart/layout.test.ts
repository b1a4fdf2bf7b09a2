// Where ports are drawn: every port at one place, zooming about a point, nothing shown beside the chart.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cellSize,
  centredOn,
  clamped,
  cornerOf,
  layoutFor,
  PORTS,
  portAt,
  revealing,
  seen,
  snapped,
  type View,
  WHOLE,
  zoomedAt,
} from './layout.ts';

const width = fc.integer({ min: 280, max: 2000 });
const port = fc.integer({ min: 0, max: PORTS - 1 });
const zoom = fc.double({ min: 1, max: 120, noNaN: true });

test.each([
  [1180, 1000, 66],
  [860, 1000, 66],
  [859, 500, 132],
  [560, 500, 132],
  [350, 250, 263],
])('%i pixels: %i ports a line', (pixels, columns, rows) => {
  expect(layoutFor(pixels)).toMatchObject({ columns, rows });
});

test('every port lies where it is looked for', () => {
  fc.assert(
    fc.property(width, zoom, port, (pixels, times, wanted) => {
      const layout = layoutFor(pixels);
      const view = centredOn(layout, times, wanted);
      const { x, y } = cornerOf(layout, view, wanted);
      const cell = cellSize(layout, view.zoom);
      expect(portAt(layout, view, x + cell.width / 2, y + cell.height / 2)).toBe(wanted);
    }),
  );
});

test('beside the plot and after the last port there is none', () => {
  const layout = layoutFor(1180);
  const { plot } = layout;
  const outside = [
    [plot.x - 1, plot.y + 1],
    [plot.x + 1, plot.y - 1],
    [plot.x + plot.width, plot.y + 1],
    [plot.x + 1, plot.y + plot.height],
    // The last line ends at 65535.
    [plot.x + plot.width * 0.6, plot.y + plot.height - 1],
  ] as const;
  for (const [x, y] of outside) expect(portAt(layout, WHOLE, x, y)).toBeNull();
});

test('zooming keeps what is under the pointer, within what the edges allow', () => {
  fc.assert(
    fc.property(
      width,
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      fc.double({ min: 1, max: 4, noNaN: true }),
      (pixels, atX, atY, factor) => {
        const layout = layoutFor(pixels);
        const x = layout.plot.x + layout.plot.width * atX;
        const y = layout.plot.y + layout.plot.height * atY;
        // Seen once in the middle no edge is near, in whichever direction.
        const start = centredOn(layout, 8, 30_000);
        const before = portAt(layout, start, x, y);
        const after = portAt(layout, zoomedAt(layout, start, factor, x, y), x, y);
        const columns = Math.abs(((before ?? -1) % layout.columns) - ((after ?? -1) % layout.columns));
        expect(columns).toBeLessThanOrEqual(1);
        const lines = Math.floor((before ?? 0) / layout.columns) - Math.floor((after ?? 0) / layout.columns);
        expect(Math.abs(lines)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test('no view shows anything beside the chart', () => {
  fc.assert(
    fc.property(
      width,
      fc.record({
        zoom: fc.double({ min: 0, max: 1e4 }),
        left: fc.double({ min: -1e7, max: 1e7 }),
        top: fc.double({ min: -1e7, max: 1e7 }),
      }),
      (pixels, wild: View) => {
        fc.pre(Object.values(wild).every(Number.isFinite));
        const layout = layoutFor(pixels);
        const view = clamped(layout, wild);
        expect(view.zoom).toBeGreaterThanOrEqual(1);
        expect(view.zoom).toBeLessThanOrEqual(layout.maxZoom);
        expect(Math.min(view.left, view.top)).toBeGreaterThanOrEqual(0);
        const cell = cellSize(layout, view.zoom);
        expect(view.left + layout.plot.width).toBeLessThanOrEqual(layout.columns * cell.width + 0.01);
        expect(view.top + layout.plot.height).toBeLessThanOrEqual(layout.rows * cell.height + 0.01);
        const part = seen(layout, view);
        expect(part.toColumn).toBeLessThanOrEqual(layout.columns);
        expect(part.toRow).toBeLessThanOrEqual(layout.rows);
      },
    ),
  );
});

test('a port that is revealed is seen whole, and nothing moves where it was seen already', () => {
  fc.assert(
    fc.property(width, zoom, port, port, (pixels, times, from, to) => {
      const layout = layoutFor(pixels);
      const before = centredOn(layout, times, from);
      const view = revealing(layout, before, to);
      const { x, y } = cornerOf(layout, view, to);
      const cell = cellSize(layout, view.zoom);
      expect(x).toBeGreaterThanOrEqual(layout.plot.x - 0.01);
      expect(y).toBeGreaterThanOrEqual(layout.plot.y - 0.01);
      expect(x + cell.width).toBeLessThanOrEqual(layout.plot.x + layout.plot.width + 0.01);
      expect(y + cell.height).toBeLessThanOrEqual(layout.plot.y + layout.plot.height + 0.01);
      expect(revealing(layout, before, from)).toEqual(before);
    }),
  );
});

describe('what a pointer means', () => {
  const layout = layoutFor(1180);
  const worth = (wanted: Record<number, number>) => (at: number) => wanted[at] ?? 0;
  test('the best within reach on the same line', () => {
    expect(snapped(layout, WHOLE, 8078, worth({ 8080: 1 }))).toBe(8080);
    expect(snapped(layout, WHOLE, 8078, worth({ 8080: 4, 8077: 1 }))).toBe(8080);
    expect(snapped(layout, WHOLE, 8078, worth({ 8080: 1, 8077: 1 }))).toBe(8077);
    expect(snapped(layout, WHOLE, 8078, worth({ 8090: 4 }))).toBe(8078);
    expect(snapped(layout, WHOLE, 8999, worth({ 9000: 4 }))).toBe(8999);
    expect(snapped(layout, WHOLE, 65_535, worth({}))).toBe(65_535);
  });
  test('the cell itself once it can be hit', () => {
    expect(snapped(layout, centredOn(layout, 10, 8078), 8078, worth({ 8080: 4 }))).toBe(8078);
  });
});
