// The chart by keyboard.
import { FLAG } from '../../formats/flags.ts';
import type { ChartCanvas } from './canvas.ts';
import { cellSize, cornerOf, PORTS, WHOLE, zoomedAt } from './layout.ts';

const NAMED = FLAG.tcp | FLAG.udp | FLAG.other | FLAG.claimed;

/** How much one step zooms. */
const ZOOM = 1.8;

/** Zooms by a step with the cursor kept where it is; 0 shows the whole chart. */
export function zoomStep(chart: ChartCanvas, direction: -1 | 0 | 1): void {
  const { layout, view, cursor } = chart.scene;
  if (direction === 0) {
    chart.glide(WHOLE);
    return;
  }
  const cell = cellSize(layout, view.zoom);
  const { x, y } = cornerOf(layout, view, cursor);
  const next = zoomedAt(layout, view, ZOOM ** direction, x + cell.width / 2, y + cell.height / 2);
  chart.glide(next.zoom <= 1.01 ? WHOLE : next);
}

/** Wires the keys up. */
export function keyboard(
  box: HTMLElement,
  chart: ChartCanvas,
  act: { readonly open: () => void; readonly goTo: (digit: string) => void },
): void {
  const next = (direction: 1 | -1, wanted: (port: number) => boolean): void => {
    const { cursor } = chart.scene;
    for (let step = 1; step < PORTS; step++) {
      const port = (cursor + direction * step + PORTS) % PORTS;
      if (!wanted(port)) continue;
      chart.point(port);
      return;
    }
  };
  box.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { layout, cursor, flags, here } = chart.scene;
    const { columns } = layout;
    const back = event.shiftKey ? -1 : 1;
    const to = (port: number): void => {
      if (port >= 0 && port < PORTS) chart.point(port);
    };
    const start = cursor - (cursor % columns);
    const keys: Readonly<Record<string, () => void>> = {
      ArrowRight: () => to(cursor + 1),
      ArrowLeft: () => to(cursor - 1),
      ArrowDown: () => to(cursor + columns),
      ArrowUp: () => to(cursor - columns),
      PageDown: () => to(Math.min(PORTS - 1, cursor + columns * 10)),
      PageUp: () => to(Math.max(0, cursor - columns * 10)),
      Home: () => to(start),
      End: () => to(Math.min(PORTS, start + columns) - 1),
      n: () => next(back, (port) => ((flags[port] ?? 0) & NAMED) !== 0),
      l: () => next(back, (port) => here?.held.has(port) === true),
      Enter: act.open,
      '+': () => zoomStep(chart, 1),
      '=': () => zoomStep(chart, 1),
      '-': () => zoomStep(chart, -1),
      Escape: () => zoomStep(chart, 0),
    };
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = /^\d$/.test(name)
      ? () => act.goTo(name)
      : Object.hasOwn(keys, name)
        ? keys[name]
        : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
