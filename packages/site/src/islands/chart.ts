// The chart of all ports: puts a canvas in the place of the picture, and keeps what it shows up to date.
import { type ChartPlaces, type ChartWords, connectionPorts, type LiveChart } from '@portolan/core/web';
import { FLAG } from '../formats/flags.ts';
import { type NamesFile, unpackNames } from '../formats/names.ts';
import { portAddress } from './addresses.ts';
import { ChartCanvas } from './chart/canvas.ts';
import { keyboard, zoomStep } from './chart/keys.ts';
import { centredOn, PORTS } from './chart/layout.ts';
import { placeText, portOf, readPlace } from './chart/place.ts';
import { pointing } from './chart/pointer.ts';
import type { Layer } from './chart/scene.ts';
import { filled, told } from './chart/words.ts';
import { readLines } from './lines.ts';
import { untilToken } from './token.ts';

/** Port under the cursor at first. */
const FIRST = 8080;
/** Pixels a cell gets at least when somebody goes to a port. */
const GO_ZOOM = 24;
/** The address is written once nothing has changed for so long. */
const ADDRESS_MS = 300;

/** What is known of a port that has a page wherever some have. */
const HAS_PAGE = FLAG.tcp | FLAG.udp | FLAG.other | FLAG.claimed | FLAG.blocked;

/** A part of the chart's frame that the server wrote. */
function part<T extends Element>(frame: Element, selector: string): T {
  const found = frame.querySelector<T>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

async function start(frame: HTMLElement): Promise<void> {
  const words = JSON.parse(frame.dataset['words'] ?? '{}') as ChartWords;
  const places = JSON.parse(frame.dataset['places'] ?? '{}') as ChartPlaces;
  const box = part<HTMLElement>(frame, '.chart-box');
  const answer = await fetch(places.flags);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const flags = new Uint8Array(await answer.arrayBuffer());
  if (flags.length !== PORTS) throw new Error(`${flags.length} bytes`);
  // What only a program needs is shown now, so that the chart gets the room that it will have.
  frame.classList.add('on');
  const chart = new ChartCanvas(box, words, flags);
  box.replaceChildren(chart.canvas);
  const address = (port: number): string => portAddress(places, port, ((flags[port] ?? 0) & HAS_PAGE) !== 0);
  const open = (): void => location.assign(address(chart.scene.cursor));

  box.tabIndex = 0;
  box.setAttribute('role', 'slider');
  box.setAttribute('aria-label', words.label);
  box.setAttribute('aria-valuemin', '0');
  box.setAttribute('aria-valuemax', String(PORTS - 1));

  const form = part<HTMLFormElement>(frame, '.chart-bar form');
  const field = part<HTMLInputElement>(form, 'input');
  const bad = part<HTMLElement>(form, '.chart-bad');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const port = portOf(field.value.trim());
    bad.textContent = port === null ? words.bad : '';
    field.setAttribute('aria-invalid', String(port === null));
    if (port === null) return;
    goTo(chart, port);
    box.focus({ preventScroll: true });
  });
  const goToDigit = (digit: string): void => {
    field.value = digit;
    field.focus();
  };
  pointing(box, chart, open);
  keyboard(box, chart, { open, goTo: goToDigit });
  for (const button of frame.querySelectorAll<HTMLButtonElement>('[data-zoom]')) {
    const direction = { in: 1, out: -1, whole: 0 } as const;
    const way = direction[button.dataset['zoom'] as keyof typeof direction];
    button.addEventListener('click', () => zoomStep(chart, way));
  }
  for (const input of frame.querySelectorAll<HTMLInputElement>('.layers input')) {
    // A browser may remember what was switched off before the page was left.
    const switched = (): void => chart.show(input.name as Layer, input.checked);
    if (!input.checked) switched();
    input.addEventListener('change', switched);
  }

  const place = readPlace(location.hash);
  chart.point(place?.port ?? FIRST);
  if (place?.middle != null) chart.move(centredOn(chart.scene.layout, place.zoom, place.middle));
  addEventListener('hashchange', () => {
    const now = readPlace(location.hash);
    if (now === null) return;
    chart.point(now.port, true);
    chart.glide(centredOn(chart.scene.layout, now.zoom, now.middle ?? now.port));
  });
  chart.onChange = follower(frame, box, chart, address);

  const again = (): void => chart.resize();
  new ResizeObserver(again).observe(box);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  void document.fonts.ready.then(again);

  const { live } = places;
  // A page that was made for nobody in particular is filled for whoever has the token.
  if (live !== null) {
    if (frame.querySelector('.closed') === null) follow(frame, chart, live);
    else void untilToken().then(() => follow(frame, chart, live));
  }
  const names = await fetch(places.names);
  if (names.ok) chart.learn({ names: unpackNames((await names.json()) as NamesFile) });
}

function goTo(chart: ChartCanvas, port: number): void {
  const { layout, view } = chart.scene;
  chart.point(port, true);
  chart.glide(centredOn(layout, Math.max(view.zoom, GO_ZOOM / layout.cellWidth), port));
}

/** Says what the cursor is on, and writes where the reader is into the address. */
function follower(
  frame: HTMLElement,
  box: HTMLElement,
  chart: ChartCanvas,
  address: (port: number) => string,
): () => void {
  const how = part<HTMLElement>(frame, '.chart-how');
  const readout = part<HTMLElement>(frame, '.readout');
  const link = document.createElement('a');
  const [is, inUse, range] = [0, 1, 2].map(() => document.createElement('span')) as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  inUse.className = 'in-use';
  range.className = 'range';
  readout.replaceChildren(link, ' ', is, ' ', inUse, ' ', range);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    const { cursor, flags, names, here, words, layout, view } = chart.scene;
    const port = cursor;
    const about = told({ port, flags: flags[port] ?? 0, names: names.get(port), here }, words);
    link.href = address(port);
    link.textContent = String(port);
    is.textContent = about.is;
    inUse.textContent = about.here;
    range.textContent = about.range;
    box.setAttribute('aria-valuenow', String(port));
    box.setAttribute('aria-valuetext', about.spoken);
    box.classList.toggle('zoomed', view.zoom > 1);
    const lines = 1000 / layout.columns;
    how.textContent = lines === 1 ? words.how : filled(words.folded, { lines: String(lines) });
    clearTimeout(timer);
    timer = setTimeout(() => {
      const text = placeText({ port, zoom: view.zoom, middle: view.zoom > 1 ? chart.middle() : null });
      if (`#${text}` !== location.hash && (location.hash !== '' || port !== FIRST || view.zoom > 1)) {
        history.replaceState(null, '', `#${text}`);
      }
    }, ADDRESS_MS);
  };
}

/** Takes what is in use as it changes. */
function follow(frame: HTMLElement, chart: ChartCanvas, address: string): void {
  const lost = part<HTMLElement>(frame, '.lost');
  void readLines(address, {
    line(text) {
      const live = JSON.parse(text) as LiveChart;
      for (const later of frame.querySelectorAll<HTMLElement>('[data-later]')) later.hidden = false;
      frame.querySelector('.closed')?.remove();
      chart.learn({
        here: {
          held: new Map(live.held.map(([port, mark, name]) => [port, { mark, name }])),
          connections: new Set(connectionPorts(live)),
          chart: live,
        },
      });
    },
    lost: () => {
      lost.hidden = false;
    },
    back: () => {
      lost.hidden = true;
    },
  });
}

const frame = document.querySelector<HTMLElement>('.chart');
if (frame !== null) {
  start(frame).catch((error: unknown) => {
    // The picture and the table stand; why there is no more is for whoever looks.
    console.error(error);
  });
}
