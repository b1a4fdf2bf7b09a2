// The frame: a double line with the zebra of a chart's border, the numbers along it, and the cursor with its hairlines.
import { cellSize, cornerOf, seen, THOUSAND } from './layout.ts';
import { font, NUMBERS_FROM, type Scene } from './scene.ts';

/** Sides that the cursor has at least, in pixels. */
const SMALLEST = 15;

/** Draws the cursor; within the plot. */
export function paintCursor(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, view, palette, cursor } = scene;
  const cell = cellSize(layout, view.zoom);
  const { x, y } = cornerOf(layout, view, cursor);
  const { plot } = layout;
  if (cell.width < NUMBERS_FROM) {
    context.fillStyle = palette.ink;
    context.globalAlpha = 0.5;
    context.fillRect(Math.round(x + cell.width / 2), plot.y, 1, Math.max(0, y - 5 - plot.y));
    context.fillRect(plot.x, Math.round(y + cell.height / 2), Math.max(0, x - 9 - plot.x), 1);
    context.globalAlpha = 1;
  }
  // Around a cell too small to be seen it leaves room for the mark of what listens there.
  const more = Math.max(0, (SMALLEST - cell.width) / 2);
  const lift = Math.max(0, (SMALLEST - cell.height) / 2);
  const box = [x - more, y - lift, cell.width + 2 * more, cell.height + 2 * lift] as const;
  context.strokeStyle = palette.sheet;
  context.lineWidth = 4;
  context.strokeRect(...box);
  context.strokeStyle = palette.ink;
  context.lineWidth = 2;
  context.strokeRect(...box);
}

/** Draws what stands around the plot. */
export function paintFrame(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, view, palette } = scene;
  const { plot, columns } = layout;
  const cell = cellSize(layout, view.zoom);
  const part = seen(layout, view);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1;
  context.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
  context.strokeRect(plot.x - 5.5, plot.y - 5.5, plot.width + 11, plot.height + 11);
  context.fillStyle = palette.ink;
  const x = (column: number): number => plot.x + column * cell.width - view.left;
  const y = (row: number): number => plot.y + row * cell.height - view.top;
  // One stripe is 50 columns, and one thousand down the side.
  const wide = columns === 250 ? 25 : 50;
  context.save();
  context.beginPath();
  context.rect(plot.x, plot.y - 6, plot.width, 6);
  context.rect(plot.x, plot.y + plot.height, plot.width, 6);
  context.clip();
  for (let at = Math.floor(part.fromColumn / wide) * wide; at < part.toColumn; at += wide) {
    if ((at / wide) % 2 !== 0) continue;
    context.fillRect(x(at), plot.y - 4, wide * cell.width, 3);
    context.fillRect(x(at), plot.y + plot.height + 1.5, wide * cell.width, 3);
  }
  context.restore();
  const lines = THOUSAND / columns;
  context.save();
  context.beginPath();
  context.rect(plot.x - 6, plot.y, 6, plot.height);
  context.rect(plot.x + plot.width, plot.y, 6, plot.height);
  context.clip();
  for (let at = Math.floor(part.fromRow / lines) * lines; at < part.toRow; at += lines) {
    if ((at / lines) % 2 !== 0) continue;
    context.fillRect(plot.x - 4, y(at), 3, lines * cell.height);
    context.fillRect(plot.x + plot.width + 1.5, y(at), 3, lines * cell.height);
  }
  context.restore();
  paintColumns(context, scene);
  paintThousands(context, scene);
  paintPlace(context, scene);
}

/** Room that a number along the top needs. */
const NUMBER_ROOM = 46;

/** The digits after the thousands, along the top. */
function paintColumns(context: CanvasRenderingContext2D, { layout, view, palette }: Scene): void {
  const { plot, columns } = layout;
  const cell = cellSize(layout, view.zoom);
  const part = seen(layout, view);
  const step = [1, 5, 10, 50, 100].find((columnsApart) => columnsApart * cell.width >= NUMBER_ROOM) ?? 100;
  context.font = font(11, 500);
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = palette.ink2;
  for (let at = Math.ceil(part.fromColumn / step) * step; at < part.toColumn; at += step) {
    const middle = plot.x + at * cell.width - view.left + (cell.width > 7 ? cell.width / 2 : 0);
    if (middle < plot.x - 2 || middle > plot.x + plot.width) continue;
    const text = String(at % THOUSAND).padStart(3, '0');
    const both = columns === 500 && cell.width < 7 ? `${text}/${at + 500}` : text;
    context.fillText(both, Math.max(middle, plot.x + 9), plot.y - 15);
  }
}

/** The thousands, down the side. */
function paintThousands(context: CanvasRenderingContext2D, { layout, view, palette }: Scene): void {
  const { plot, columns } = layout;
  const cell = cellSize(layout, view.zoom);
  const part = seen(layout, view);
  const lines = THOUSAND / columns;
  const gap = 13;
  let last = Number.NEGATIVE_INFINITY;
  context.textAlign = 'right';
  for (let row = Math.ceil(part.fromRow / lines) * lines; row < part.toRow; row += lines) {
    const middle = plot.y + (row + 0.5) * cell.height - view.top;
    if (middle < plot.y || middle > plot.y + plot.height) continue;
    const port = row * columns;
    if (middle - last < gap || (port % 5000 !== 0 && cell.height * lines < gap)) continue;
    last = middle;
    const strong = port % 10_000 === 0;
    context.fillStyle = strong ? palette.ink : palette.ink2;
    context.font = font(11, strong ? 650 : 500);
    context.fillText(thousandText(port), plot.x - 11, middle);
  }
}

/** The cursor's own numbers in the frame. */
function paintPlace(context: CanvasRenderingContext2D, { layout, view, palette, cursor }: Scene): void {
  const { plot } = layout;
  const cell = cellSize(layout, view.zoom);
  const corner = cornerOf(layout, view, cursor);
  const x = corner.x + cell.width / 2;
  const y = corner.y + cell.height / 2;
  if (x < plot.x || x > plot.x + plot.width || y < plot.y || y > plot.y + plot.height) return;
  context.font = font(11, 650);
  const digits = String(cursor % THOUSAND).padStart(3, '0');
  const width = context.measureText(digits).width + 8;
  const middle = Math.max(plot.x + width / 2, Math.min(x, plot.x + plot.width - width / 2));
  context.fillStyle = palette.ink;
  context.fillRect(middle - width / 2, plot.y - 23, width, 16);
  context.fillRect(plot.x - 52, y - 8, 44, 16);
  context.fillStyle = palette.sheet;
  context.textAlign = 'center';
  context.fillText(digits, middle, plot.y - 14.5);
  context.textAlign = 'right';
  context.fillText(thousandText(cursor - (cursor % THOUSAND)), plot.x - 11, y + 0.5);
}

/** `0`, `8 000`, with a thin space: the thousands stand apart from the digits along the top. */
function thousandText(port: number): string {
  return port < THOUSAND ? '0' : `${port / THOUSAND}\u202f000`;
}
