// Where a port is drawn: lines of a thousand, folded on narrow screens so that every line stays decimal. Pure arithmetic.

/** How many ports there are. */
export const PORTS = 65_536;

/** Ports that the numbers at the side count. */
export const THOUSAND = 1000;

/** A widest cell, in CSS pixels: room for a number and a name. */
const WIDEST = 96;
/** Height of a cell at that width. */
const TALLEST = 90;

/** Screens up to so wide get so many ports a line, each so tall. */
const FOLDS = [
  { below: 560, columns: 250, tall: 4 },
  { below: 860, columns: 500, tall: 6 },
  { below: Number.POSITIVE_INFINITY, columns: 1000, tall: 9.5 },
] as const;

/** The part of the canvas that ports are drawn in, in CSS pixels. */
export interface Plot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How the ports are laid out at one width of the page. */
export interface Layout {
  /** Ports a line: 1000, 500 or 250. */
  readonly columns: number;
  readonly rows: number;
  /** Size of a port where the whole chart is shown. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** Size of the canvas. */
  readonly width: number;
  readonly height: number;
  readonly plot: Plot;
  readonly maxZoom: number;
}

/** What of the chart is seen: how far it is zoomed, and the pixels that lie before the plot's corner. */
export interface View {
  readonly zoom: number;
  readonly left: number;
  readonly top: number;
}

/** All of it. */
export const WHOLE: View = { zoom: 1, left: 0, top: 0 };

/** The layout for a canvas of this width. */
export function layoutFor(width: number): Layout {
  const fold = FOLDS.find(({ below }) => width < below) ?? FOLDS[2];
  const margin = { start: 56, end: 12, top: 30, bottom: 12 };
  const { columns, tall } = fold;
  const rows = Math.ceil(PORTS / columns);
  const plotWidth = Math.max(100, width - margin.start - margin.end);
  const cellWidth = plotWidth / columns;
  const plotHeight = Math.round(rows * tall);
  return {
    columns,
    rows,
    cellWidth,
    cellHeight: plotHeight / rows,
    width,
    height: plotHeight + margin.top + margin.bottom,
    plot: { x: margin.start, y: margin.top, width: plotWidth, height: plotHeight },
    maxZoom: WIDEST / cellWidth,
  };
}

/** Size of a cell. Lines grow less than columns, so that a cell ends about as tall as wide. */
export function cellSize(layout: Layout, zoom: number): { width: number; height: number } {
  const growth = Math.log(TALLEST / layout.cellHeight) / Math.log(layout.maxZoom);
  return { width: layout.cellWidth * zoom, height: layout.cellHeight * zoom ** growth };
}

/** The nearest view that shows nothing beside the chart. */
export function clamped(layout: Layout, view: View): View {
  const zoom = between(view.zoom, 1, layout.maxZoom);
  const cell = cellSize(layout, zoom);
  return {
    zoom,
    left: between(view.left, 0, Math.max(0, layout.columns * cell.width - layout.plot.width)),
    top: between(view.top, 0, Math.max(0, layout.rows * cell.height - layout.plot.height)),
  };
}

/** Zooms so that what is at a point of the canvas stays there. */
export function zoomedAt(layout: Layout, view: View, factor: number, x: number, y: number): View {
  const zoom = between(view.zoom * factor, 1, layout.maxZoom);
  const before = cellSize(layout, view.zoom);
  const after = cellSize(layout, zoom);
  const inX = x - layout.plot.x;
  const inY = y - layout.plot.y;
  return clamped(layout, {
    zoom,
    left: ((view.left + inX) * after.width) / before.width - inX,
    top: ((view.top + inY) * after.height) / before.height - inY,
  });
}

/** The corner of a port's cell on the canvas. */
export function cornerOf(layout: Layout, view: View, port: number): { x: number; y: number } {
  const cell = cellSize(layout, view.zoom);
  return {
    x: layout.plot.x + (port % layout.columns) * cell.width - view.left,
    y: layout.plot.y + Math.floor(port / layout.columns) * cell.height - view.top,
  };
}

/** The port at a point of the canvas; null beside the plot and after the last port. */
export function portAt(layout: Layout, view: View, x: number, y: number): number | null {
  const { plot, columns } = layout;
  if (x < plot.x || y < plot.y || x >= plot.x + plot.width || y >= plot.y + plot.height) return null;
  const cell = cellSize(layout, view.zoom);
  const column = Math.floor((x - plot.x + view.left) / cell.width);
  const row = Math.floor((y - plot.y + view.top) / cell.height);
  const port = row * columns + column;
  return column < 0 || column >= columns || port < 0 || port >= PORTS ? null : port;
}

/** The view with a port in the middle. */
export function centredOn(layout: Layout, zoom: number, port: number): View {
  const cell = cellSize(layout, between(zoom, 1, layout.maxZoom));
  return clamped(layout, {
    zoom,
    left: ((port % layout.columns) + 0.5) * cell.width - layout.plot.width / 2,
    top: (Math.floor(port / layout.columns) + 0.5) * cell.height - layout.plot.height / 2,
  });
}

/** The view moved no further than a port needs to be seen. */
export function revealing(layout: Layout, view: View, port: number): View {
  const cell = cellSize(layout, view.zoom);
  const { plot } = layout;
  const along = (at: number, size: number, from: number, room: number): number => {
    const slack = Math.min(room * 0.1, Math.max(0, (room - size) / 2));
    if (at < from) return at - slack;
    return at + size > from + room ? at + size - room + slack : from;
  };
  return clamped(layout, {
    zoom: view.zoom,
    left: along((port % layout.columns) * cell.width, cell.width, view.left, plot.width),
    top: along(Math.floor(port / layout.columns) * cell.height, cell.height, view.top, plot.height),
  });
}

/** Columns and lines that are seen, the last ones not included. */
export interface Seen {
  readonly fromColumn: number;
  readonly toColumn: number;
  readonly fromRow: number;
  readonly toRow: number;
}

/** What of the chart is seen. */
export function seen(layout: Layout, view: View): Seen {
  const cell = cellSize(layout, view.zoom);
  const { plot, columns, rows } = layout;
  return {
    fromColumn: Math.max(0, Math.floor(view.left / cell.width)),
    toColumn: Math.min(columns, Math.ceil((view.left + plot.width) / cell.width)),
    fromRow: Math.max(0, Math.floor(view.top / cell.height)),
    toRow: Math.min(rows, Math.ceil((view.top + plot.height) / cell.height)),
  };
}

/** How far a pointer may be from what it means, in pixels. */
const REACH = 4;

/**
 * The port that a pointer means where cells are too small to be hit: the best within reach on the same line. `worth` is 0
 * for a port like any other and more for one that is rather meant.
 */
export function snapped(layout: Layout, view: View, port: number, worth: (port: number) => number): number {
  const { width } = cellSize(layout, view.zoom);
  if (width > REACH) return port;
  const reach = Math.ceil(REACH / width);
  const line = Math.floor(port / layout.columns);
  let best = port;
  let most = worth(port) * REACH;
  for (let other = port - reach; other <= port + reach; other++) {
    if (other < 0 || other >= PORTS || Math.floor(other / layout.columns) !== line) continue;
    const value = worth(other);
    if (value === 0) continue;
    const weighed = value * REACH - Math.abs(other - port) * width;
    if (weighed > most) {
      most = weighed;
      best = other;
    }
  }
  return best;
}

function between(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
