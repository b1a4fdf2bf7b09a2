// What is in use on this host: who listens, what connections hold, what the host hands out and keeps back. Each has a
// shape of its own, so that colour is never needed to tell them apart.
import { cellSize, cornerOf, type Layout, type View } from './layout.ts';
import { CORNERS_FROM, font, NAMES_FROM, NUMBERS_FROM, type Scene } from './scene.ts';
import { filled, type Here } from './words.ts';

type Run = readonly [first: number, last: number];

/** Shorter runs are no more than a few cells and are marked as such. */
const RUN_LABEL_FROM = 100;

/** Draws it above the ports. */
export function paintHere(context: CanvasRenderingContext2D, scene: Scene): void {
  const { here, hidden, palette } = scene;
  if (here === null) return;
  const { range, reserved, redirects } = here.chart;
  if (!hidden.has('kept')) for (const run of reserved) paintHatching(context, scene, run);
  context.strokeStyle = palette.magenta;
  context.lineWidth = 1.25;
  if (!hidden.has('range') && range !== null) paintLimit(context, scene, range, [6, 4]);
  if (!hidden.has('held')) for (const run of redirects) paintLimit(context, scene, run, [1, 3]);
  if (!hidden.has('connections')) paintConnections(context, scene, here);
  if (!hidden.has('held')) paintHeld(context, scene, here);
  const { columns } = scene.layout;
  if (columns === 1000 && cellSize(scene.layout, scene.view.zoom).width < CORNERS_FROM) {
    paintRunLabels(context, scene, here);
  }
  if (!hidden.has('held')) paintNames(context, scene, here);
}

/** The outline of a run of ports: a dashed limit, as charts have them. */
function paintLimit(
  context: CanvasRenderingContext2D,
  { layout, view }: Scene,
  [first, last]: Run,
  dash: number[],
): void {
  const { columns, plot } = layout;
  const cell = cellSize(layout, view.zoom);
  const x = (column: number): number => Math.round(plot.x + column * cell.width - view.left) + 0.5;
  const y = (row: number): number => Math.round(plot.y + row * cell.height - view.top) - 0.5;
  const [fromRow, toRow] = [Math.floor(first / columns), Math.floor(last / columns)];
  const [from, to] = [first % columns, (last % columns) + 1];
  context.setLineDash(dash);
  context.beginPath();
  if (fromRow === toRow) context.rect(x(from), y(fromRow), x(to) - x(from), y(toRow + 1) - y(fromRow));
  else {
    context.moveTo(x(from), y(fromRow));
    context.lineTo(x(columns) - 1, y(fromRow));
    context.lineTo(x(columns) - 1, y(toRow));
    context.lineTo(x(to), y(toRow));
    context.lineTo(x(to), y(toRow + 1));
    context.lineTo(x(0), y(toRow + 1));
    context.lineTo(x(0), y(fromRow + 1));
    context.lineTo(x(from), y(fromRow + 1));
    context.closePath();
  }
  context.stroke();
  context.setLineDash([]);
}

/** Slanted lines over a run of ports. */
function paintHatching(context: CanvasRenderingContext2D, scene: Scene, [first, last]: Run): void {
  const { layout, view, palette } = scene;
  const { columns, plot } = layout;
  const cell = cellSize(layout, view.zoom);
  const [fromRow, toRow] = [Math.floor(first / columns), Math.floor(last / columns)];
  const top = Math.max(plot.y, plot.y + fromRow * cell.height - view.top);
  const bottom = Math.min(plot.y + plot.height, plot.y + (toRow + 1) * cell.height - view.top);
  if (bottom <= top) return;
  context.save();
  context.beginPath();
  for (let row = fromRow; row <= toRow; row++) {
    const from = row === fromRow ? first % columns : 0;
    const to = row === toRow ? (last % columns) + 1 : columns;
    const x = plot.x + from * cell.width - view.left;
    // A single port is a sliver where all are shown, and still has to be seen.
    const width = Math.max(3, (to - from) * cell.width);
    context.rect(x, plot.y + row * cell.height - view.top, width, cell.height);
  }
  context.clip();
  context.strokeStyle = palette.landInk;
  context.globalAlpha = 0.65;
  context.lineWidth = 1;
  const height = bottom - top;
  context.beginPath();
  for (let x = plot.x - height; x < plot.x + plot.width; x += 7) {
    context.moveTo(x, bottom);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}

/** Half-height ticks; in a halo once there is room for one. */
function paintConnections(
  context: CanvasRenderingContext2D,
  { layout, view, palette }: Scene,
  { connections }: Here,
): void {
  const cell = cellSize(layout, view.zoom);
  const large = cell.width >= CORNERS_FROM;
  const width = Math.max(1.2, Math.min(cell.width * 0.5, 4));
  const small = cell.height >= 6 ? cell.height * 0.5 - 1 : cell.height * 0.6;
  const height = large ? Math.min(11, cell.height * 0.28) : small;
  for (const port of connections) {
    const { x, y } = cornerOf(layout, view, port);
    if (!near(layout, x + cell.width / 2, y + cell.height / 2)) continue;
    const left = x + (cell.width - width) / 2;
    const top = large ? y + 4 : y + cell.height - height - 1;
    if (large) {
      context.fillStyle = palette.sheet;
      context.fillRect(left - 1.5, top - 1.5, width + 3, height + 3);
    }
    context.fillStyle = palette.magenta;
    context.fillRect(left, top, width, height);
  }
}

/** Where the mark of a holder stands, and how large it is. */
function markAt(layout: Layout, view: View, port: number): { x: number; y: number; radius: number } {
  const cell = cellSize(layout, view.zoom);
  const { x, y } = cornerOf(layout, view, port);
  const high = cell.width >= NUMBERS_FROM;
  return {
    x: x + cell.width / 2,
    y: high ? y + Math.min(cell.height * 0.2, 12) : y + cell.height / 2,
    radius: cell.width < 7 ? Math.max(3.4, cell.height * 0.36) : Math.min(6, cell.width * 0.26),
  };
}

/** Round for what listens, a ring for the kernel, a square for what is bound, a diamond for a rule; each in a halo. */
function paintHeld(
  context: CanvasRenderingContext2D,
  { layout, view, palette }: Scene,
  { held }: Here,
): void {
  for (const [port, { mark }] of held) {
    const { x, y, radius } = markAt(layout, view, port);
    if (!near(layout, x, y)) continue;
    for (const [size, colour] of [
      [radius + 1.6, palette.sheet],
      [radius, palette.magenta],
    ] as const) {
      context.fillStyle = colour;
      context.beginPath();
      if (mark === 'bound') context.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
      else if (mark === 'redirect') {
        context.moveTo(x, y - size * 1.2);
        context.lineTo(x + size * 1.2, y);
        context.lineTo(x, y + size * 1.2);
        context.lineTo(x - size * 1.2, y);
      } else context.arc(x, y, size, 0, 7);
      context.fill();
    }
    if (mark === 'listening' || mark === 'redirect') continue;
    context.fillStyle = palette.sheet;
    context.beginPath();
    context.arc(x, y, radius * 0.45, 0, 7);
    context.fill();
  }
}

/** Is a point close enough to the plot for a cell or a mark about it to be seen? */
function near({ plot }: Layout, x: number, y: number): boolean {
  const reach = 50;
  return (
    x > plot.x - reach &&
    x < plot.x + plot.width + reach &&
    y > plot.y - reach &&
    y < plot.y + plot.height + reach
  );
}

/** What the dashed limit and the hatching mean, at the end of one of their lines. */
function paintRunLabels(context: CanvasRenderingContext2D, scene: Scene, { chart, connections }: Here): void {
  const { layout, palette, words, hidden } = scene;
  const busy = new Set([...connections].map((port) => Math.floor(port / layout.columns)));
  const label = (template: string, [first, last]: Run, row: number, colour: string): void => {
    const text = filled(template, { first: String(first), last: String(last) });
    const { height } = cellSize(layout, scene.view.zoom);
    const { y } = cornerOf(layout, scene.view, row * layout.columns);
    context.font = font(11, 550);
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    const right = layout.plot.x + layout.plot.width - 8;
    const width = context.measureText(text).width;
    context.fillStyle = palette.sheet;
    context.globalAlpha = 0.92;
    context.fillRect(right - width - 5, y + height / 2 - 7.5, width + 10, 15);
    context.globalAlpha = 1;
    context.fillStyle = colour;
    context.fillText(text, right, y + height / 2 + 0.5);
  };
  if (chart.range !== null && !hidden.has('range')) {
    const last = Math.floor(chart.range[1] / layout.columns) - 1;
    let row = Math.ceil(chart.range[0] / layout.columns) + 1;
    while (busy.has(row) && row < last) row++;
    if (row <= last) label(words.handedArea, chart.range, row, palette.magenta);
  }
  if (hidden.has('kept')) return;
  for (const run of chart.reserved) {
    if (run[1] - run[0] < RUN_LABEL_FROM) continue;
    label(words.keptArea, run, Math.floor((run[0] + run[1]) / 2 / layout.columns), palette.landInk);
  }
}

/** A box on the canvas. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;

/** Names beside what listens, as many as find room; inside the cell once that is large enough. */
function paintNames(context: CanvasRenderingContext2D, scene: Scene, { held }: Here): void {
  const { layout, view, palette } = scene;
  const cell = cellSize(layout, view.zoom);
  const { plot } = layout;
  const inside = cell.width >= NUMBERS_FROM;
  context.font = font(11, 600);
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  if (inside) {
    if (cell.width >= NAMES_FROM) for (const [port, { name }] of held) paintTag(context, scene, port, name);
    return;
  }
  context.textAlign = 'left';
  context.strokeStyle = palette.sheet;
  context.fillStyle = palette.magenta;
  context.lineWidth = 4;
  const taken: Box[] = [];
  for (const port of held.keys()) {
    const { x, y, radius } = markAt(layout, view, port);
    if (!near(layout, x, y)) continue;
    taken.push({ left: x - radius - 1, top: y - radius, right: x + radius + 1, bottom: y + radius });
  }
  const told = new Set<string>();
  // High numbers first: the low ones lie in the dense belt, where names find no room and cover much.
  for (const [port, { name }] of [...held].toReversed()) {
    const { x, y, radius } = markAt(layout, view, port);
    if (!near(layout, x, y)) continue;
    const beside = radius + 4.5;
    const above = radius + 7.5;
    const short = name.length > 18 ? `${name.slice(0, 17)}…` : name;
    const key = `${short} ${Math.floor(port / layout.columns)}`;
    if (short !== '' && told.has(key)) continue;
    const text = short === '' ? String(port) : `${port} ${short}`;
    const width = context.measureText(text).width;
    const places = [
      [x + beside, y],
      [x - beside - width, y],
      [x + 6, y - above],
      [x + 6, y + above],
      [x - 6 - width, y + above],
      [x - 6 - width, y - above],
    ] as const;
    for (const [left, middle] of places) {
      const box = { left: left - 2, top: middle - 6.5, right: left + width + 2, bottom: middle + 6.5 };
      const outside =
        box.left < plot.x ||
        box.right > plot.x + plot.width ||
        box.top < plot.y ||
        box.bottom > plot.y + plot.height;
      if (outside || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      told.add(key);
      context.strokeText(text, left, middle);
      context.fillText(text, left, middle);
      break;
    }
  }
}

/** A name on a ground of its own at the foot of a cell. */
function paintTag(context: CanvasRenderingContext2D, scene: Scene, port: number, name: string): void {
  const { layout, view, palette } = scene;
  const cell = cellSize(layout, view.zoom);
  const { x, y } = cornerOf(layout, view, port);
  if (name === '' || !near(layout, x + cell.width / 2, y + cell.height / 2)) return;
  const text = name.slice(0, Math.floor(cell.width / 6.4));
  const width = context.measureText(text).width;
  const middle = x + cell.width / 2;
  const low = y + cell.height - Math.min(11, cell.height * 0.16);
  context.fillStyle = palette.magenta;
  context.fillRect(middle - width / 2 - 5, low - 8, width + 10, 16);
  context.fillStyle = palette.sheet;
  context.textAlign = 'center';
  context.fillText(text, middle, low + 0.5);
}
