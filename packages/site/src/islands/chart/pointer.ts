// Mouse, pen and fingers on the chart: pointing, dragging, pinching, the wheel.
import { FLAG } from '../../formats/flags.ts';
import type { ChartCanvas } from './canvas.ts';
import { portAt, snapped, WHOLE, zoomedAt } from './layout.ts';
import type { Scene } from './scene.ts';

/** A pointer that moved less than this was a tap. */
const TAP = 5;
/** After zooming out to the whole the wheel stays with the chart for so long, so that the page does not jump. */
const WHEEL_MS = 300;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Wires the chart up; `open` goes to the page of a port. */
export function pointing(box: HTMLElement, chart: ChartCanvas, open: () => void): void {
  const fingers = new Map<number, Point>();
  let moved = 0;
  let apart = 0;
  let wheeled = 0;

  const pointOf = (event: MouseEvent): Point => {
    const corner = chart.canvas.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  };
  const pick = ({ x, y }: Point): void => {
    const { layout, view, cursor } = chart.scene;
    const port = portAt(layout, view, x, y);
    if (port === null) return;
    const meant = snapped(layout, view, port, (other) => worth(chart.scene, other));
    if (meant !== cursor) chart.point(meant, true);
  };

  box.addEventListener('pointermove', (event) => {
    const at = pointOf(event);
    const before = fingers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType !== 'touch') pick(at);
      return;
    }
    fingers.set(event.pointerId, at);
    const { layout, view } = chart.scene;
    const [one, two] = [...fingers.values()];
    if (one !== undefined && two !== undefined) {
      const now = Math.hypot(one.x - two.x, one.y - two.y);
      const middle = { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 };
      if (apart > 0) chart.move(zoomedAt(layout, view, now / apart, middle.x, middle.y));
      apart = now;
      moved += TAP;
      return;
    }
    moved += Math.abs(at.x - before.x) + Math.abs(at.y - before.y);
    if (moved < TAP || view.zoom <= 1) return;
    chart.move({ ...view, left: view.left - (at.x - before.x), top: view.top - (at.y - before.y) });
  });
  box.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    if (fingers.size === 0) moved = 0;
    apart = 0;
    fingers.set(event.pointerId, pointOf(event));
    box.setPointerCapture(event.pointerId);
    box.focus({ preventScroll: true });
  });
  const lift = (event: PointerEvent): void => {
    const tapped = fingers.delete(event.pointerId) && event.type === 'pointerup' && moved < TAP;
    apart = 0;
    if (tapped) pick(pointOf(event));
  };
  box.addEventListener('pointerup', lift);
  box.addEventListener('pointercancel', lift);
  box.addEventListener('dblclick', open);
  box.addEventListener(
    'wheel',
    (event) => {
      const { layout, view } = chart.scene;
      // At the whole chart the wheel belongs to the page, unless the page is at its top or the chart has been chosen.
      const chosen = event.ctrlKey || event.metaKey || document.activeElement === box || scrollY === 0;
      const still = event.timeStamp - wheeled < WHEEL_MS;
      if (view.zoom <= 1 && (event.deltaY > 0 ? !still && !event.ctrlKey : !chosen)) return;
      event.preventDefault();
      wheeled = event.timeStamp;
      const lines = event.deltaMode === 1 ? 16 : 1;
      const { x, y } = pointOf(event);
      const next = zoomedAt(layout, view, Math.exp(-event.deltaY * lines * 0.0022), x, y);
      chart.move(next.zoom <= 1 ? WHOLE : next);
    },
    { passive: false },
  );
}

/** What a pointer rather means among ports too small to be hit. */
function worth({ flags, here, hidden }: Scene, port: number): number {
  if (here !== null && here.held.has(port) && !hidden.has('held')) return 4;
  if (here !== null && here.connections.has(port) && !hidden.has('connections')) return 3;
  const flag = flags[port] ?? 0;
  if ((flag & FLAG.claimed) !== 0) return 2;
  return (flag & (FLAG.tcp | FLAG.udp | FLAG.other)) === 0 ? 0 : 1;
}
