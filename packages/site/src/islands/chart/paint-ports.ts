// The ports themselves: the picture, the lines between, and what a cell says once it has room.
import { FLAG } from '../../formats/flags.ts';
import { NOTCH_PARTS } from './bake.ts';
import { cellSize, PORTS, type Seen, seen, THOUSAND } from './layout.ts';
import { CORNERS_FROM, font, NAMES_FROM, NUMBERS_FROM, type Scene } from './scene.ts';

const ASSIGNED = FLAG.tcp | FLAG.udp | FLAG.other;
const BOTH = FLAG.tcp | FLAG.udp;

/** Lines of at least this height are parted by a hair of paper. */
const PARTED_FROM = 4;

/** Draws the ports that are seen. */
export function paintPorts(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, view, palette, baked } = scene;
  const { plot } = layout;
  const cell = cellSize(layout, view.zoom);
  const part = seen(layout, view);
  const columns = part.toColumn - part.fromColumn;
  const rows = part.toRow - part.fromRow;
  const left = plot.x + part.fromColumn * cell.width - view.left;
  const top = plot.y + part.fromRow * cell.height - view.top;
  const notched = cell.width < CORNERS_FROM;
  const parts = notched ? NOTCH_PARTS : 1;
  context.imageSmoothingEnabled = false;
  context.drawImage(
    notched ? baked.notched : baked.plain,
    part.fromColumn,
    part.fromRow * parts,
    columns,
    rows * parts,
    left,
    top,
    columns * cell.width,
    rows * cell.height,
  );
  context.fillStyle = palette.sheet;
  if (cell.height >= PARTED_FROM) {
    const hair = cell.height > 14 ? 2 : 1;
    for (let row = part.fromRow; row <= part.toRow; row++) {
      context.fillRect(plot.x, Math.round(plot.y + row * cell.height - view.top) - 1, plot.width, hair);
    }
  }
  if (cell.width >= 7) {
    for (let column = part.fromColumn; column <= part.toColumn; column++) {
      context.fillRect(Math.round(plot.x + column * cell.width - view.left) - 0.5, plot.y, 1, plot.height);
    }
  }
  // A line every hundred columns, as a chart has its meridians.
  context.fillStyle = palette.grid;
  for (let column = Math.ceil(part.fromColumn / 100) * 100; column <= part.toColumn; column += 100) {
    if (column === 0) continue;
    context.fillRect(Math.round(plot.x + column * cell.width - view.left), plot.y, 1, plot.height);
  }
  if (cell.width >= CORNERS_FROM) paintCells(context, scene, part);
  else paintAreas(context, scene);
}

/** What each cell says: corners for what others claim and browsers refuse, its number, its name. */
function paintCells(context: CanvasRenderingContext2D, scene: Scene, part: Seen): void {
  const { layout, view, flags, hidden } = scene;
  const cell = cellSize(layout, view.zoom);
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let row = part.fromRow; row < part.toRow; row++) {
    const y = layout.plot.y + row * cell.height - view.top;
    for (let column = part.fromColumn; column < part.toColumn; column++) {
      const port = row * layout.columns + column;
      if (port >= PORTS) return;
      const flag = flags[port] ?? 0;
      const x = layout.plot.x + column * cell.width - view.left;
      if ((flag & FLAG.claimed) !== 0 && !hidden.has('claimed')) paintCorner(context, scene, x, y);
      if ((flag & FLAG.blocked) !== 0 && !hidden.has('blocked')) paintBlocked(context, scene, x, y, port);
      if (cell.width >= NUMBERS_FROM) paintText(context, scene, x, y, port);
    }
  }
}

/** A corner cut off. */
function paintCorner(context: CanvasRenderingContext2D, scene: Scene, x: number, y: number): void {
  const { width, height } = cellSize(scene.layout, scene.view.zoom);
  const size = Math.min(13, width * 0.4, height * 0.5);
  context.fillStyle = scene.palette.sheet;
  context.beginPath();
  context.moveTo(x + width - size, y);
  context.lineTo(x + width, y);
  context.lineTo(x + width, y + size);
  context.fill();
}

/** A barred ring. */
function paintBlocked(
  context: CanvasRenderingContext2D,
  scene: Scene,
  x: number,
  y: number,
  port: number,
): void {
  const { width, height } = cellSize(scene.layout, scene.view.zoom);
  const radius = Math.min(5, width * 0.2, height * 0.16);
  const centreX = x + radius + 4;
  const centreY = y + height - radius - 5;
  context.strokeStyle = inkOn(scene, port);
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(centreX, centreY, radius, 0, 7);
  context.moveTo(centreX - radius * 0.7, centreY + radius * 0.7);
  context.lineTo(centreX + radius * 0.7, centreY - radius * 0.7);
  context.stroke();
}

function paintText(
  context: CanvasRenderingContext2D,
  scene: Scene,
  x: number,
  y: number,
  port: number,
): void {
  const { width, height } = cellSize(scene.layout, scene.view.zoom);
  const flag = scene.flags[port] ?? 0;
  const names = width >= NAMES_FROM ? scene.names.get(port) : undefined;
  const name = names === undefined ? '' : names.registry || names.other;
  const middle = x + width / 2;
  context.fillStyle = inkOn(scene, port);
  context.font = font(Math.min(13, width / 3.1), (flag & ~FLAG.range) === 0 ? 450 : 650);
  const up = name === '' ? 0 : Math.min(8, height * 0.15);
  context.fillText(String(port), middle, y + height / 2 - up);
  if (name === '') return;
  context.font = font(11, 500);
  const most = Math.floor(width / 5.6);
  const short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  context.fillText(short, middle, y + height / 2 + Math.min(9, height * 0.15));
}

/** The ink that can be read on a cell. */
function inkOn({ flags, hidden, palette }: Scene, port: number): string {
  const flag = flags[port] ?? 0;
  if ((flag & FLAG.claimed) !== 0 && !hidden.has('claimed')) return palette.sheet;
  if ((flag & ASSIGNED) !== 0) {
    const both = (flag & BOTH) === BOTH;
    if (!hidden.has(both ? 'assigned' : 'one')) return both ? palette.sheet : palette.ink;
  }
  // A range that somebody names is no word about a number in it.
  return (flag & ~FLAG.range) === 0 ? palette.ink3 : palette.ink;
}

/** Names of the waters: set wide, slanted, quiet. */
function paintAreas(context: CanvasRenderingContext2D, scene: Scene): void {
  const { words, palette } = scene;
  paintArea(context, scene, words.userArea, '1024–49151', 26_500, palette.user);
  paintArea(context, scene, words.dynamicArea, '49152–65535', 57_500, palette.dynamic);
}

function paintArea(
  context: CanvasRenderingContext2D,
  { layout, view, palette }: Scene,
  name: string,
  numbers: string,
  port: number,
  ground: string,
): void {
  const cell = cellSize(layout, view.zoom);
  const { plot } = layout;
  const x = plot.x + (layout.columns / 2) * cell.width - view.left;
  const y = plot.y + Math.floor((port - (port % THOUSAND)) / layout.columns + 0.5) * cell.height - view.top;
  if (x < plot.x - 200 || x > plot.x + plot.width + 200) return;
  context.save();
  context.translate(x, y);
  context.transform(1, 0, -0.2, 1, 0, 0);
  context.textAlign = 'center';
  context.textBaseline = 'alphabetic';
  context.lineJoin = 'round';
  context.lineWidth = 7;
  context.strokeStyle = ground;
  context.fillStyle = palette.sea;
  for (const { text, size, spacing, below } of [
    { text: name, size: 21, spacing: '5px', below: 0 },
    { text: numbers, size: 12, spacing: '1px', below: 17 },
  ]) {
    context.font = font(size, 500);
    context.letterSpacing = spacing;
    context.globalAlpha = 0.85;
    context.strokeText(text, 0, below);
    context.globalAlpha = 1;
    context.fillText(text, 0, below);
  }
  context.restore();
}
