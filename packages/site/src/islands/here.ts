// The page of this host: rows that hold a word, the range's history since the page was opened, and all of it kept live.
import type { Element as Data } from '@portolan/core/web';
import { build } from './build.ts';
import { readLines } from './lines.ts';
import { untilToken } from './token.ts';

/** What the server tells of the host. */
interface Here {
  readonly used: number;
  readonly total: number;
  /** What is said of the drawing. */
  readonly label: string;
  readonly words: Data[];
  readonly listening: Data[];
  readonly passing: Data[];
  /** All of the page; for one that was made for nobody in particular. */
  readonly whole?: {
    readonly heading: Data[];
    readonly lead: Data[];
    readonly sections: readonly { readonly id: string; readonly elements: Data[] }[];
  };
}

/** Most points of the history: ten minutes, one a second. */
const POINTS = 600;
const SVG = 'http://www.w3.org/2000/svg';

const field = document.querySelector<HTMLInputElement>('[data-filter]');

function filterRows(): void {
  const wanted = field?.value.trim().toLowerCase() ?? '';
  for (const row of document.querySelectorAll<HTMLElement>('#listening tbody tr')) {
    row.hidden = wanted !== '' && !(row.textContent ?? '').toLowerCase().includes(wanted);
  }
}

if (field !== null) {
  const line = field.closest<HTMLElement>('.filter');
  if (line !== null) line.hidden = false;
  field.addEventListener('input', filterRows);
}

const history: number[] = [];

/** The history as a line; its height is the whole range, or the fullest it has been where that is little. */
function drawHistory(box: HTMLElement, total: number): void {
  const top = Math.max(...history, total / 50, 1);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${POINTS} 60`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute(
    'aria-label',
    `${box.dataset['title'] ?? ''}: ${Math.min(...history)}–${Math.max(...history)}`,
  );
  const line = document.createElementNS(SVG, 'path');
  const start = POINTS - history.length;
  line.setAttribute(
    'd',
    history
      .map(
        (used, index) => `${index === 0 ? 'M' : 'L'}${start + index} ${(58 - (used / top) * 54).toFixed(1)}`,
      )
      .join(''),
  );
  svg.append(line);
  const title = document.createElement('p');
  title.className = 'dim';
  title.textContent = box.dataset['title'] ?? '';
  box.replaceChildren(title, svg);
}

function show(here: Here): void {
  const box = document.querySelector<HTMLElement>('.history');
  if (box !== null) {
    history.push(here.used);
    if (history.length > POINTS) history.shift();
    drawHistory(box, here.total);
  }
  document.querySelector('#gauge > p')?.replaceChildren(...here.words.map(build));
  const share = here.total === 0 ? 100 : Math.max(here.used === 0 ? 0 : 0.4, (here.used / here.total) * 100);
  document.querySelector('.gauge')?.setAttribute('aria-label', here.label);
  document.querySelector('.g-used')?.setAttribute('width', `${share.toFixed(2)}%`);
  for (const name of ['listening', 'passing'] as const) {
    const [table] = here[name].map(build);
    // A reader who is at work in the table keeps it.
    const old = document.querySelector(`#${name} .scroll`);
    if (table !== undefined && old !== null && !old.contains(document.activeElement)) old.replaceWith(table);
  }
  filterRows();
}

/** Fills a page that has its sections and nothing in them. */
function fill({ heading, lead, sections }: NonNullable<Here['whole']>, range: boolean): void {
  document.querySelector('h1')?.replaceChildren(...heading.map(build));
  document.querySelector('.lead')?.replaceChildren(...lead.map(build));
  const found = new Map(sections.map(({ id, elements }) => [id, elements]));
  for (const box of document.querySelectorAll<HTMLElement>('.filled')) {
    const section = box.parentElement;
    const elements = found.get(section?.id ?? '');
    if (section !== null) section.hidden = elements === undefined;
    // A reader who is at work in it keeps it.
    if (!box.contains(document.activeElement)) box.replaceChildren(...(elements ?? []).map(build));
  }
  // Where the range is not known, nothing of it can be drawn.
  for (const part of document.querySelectorAll('.gauge, .history')) part.toggleAttribute('hidden', !range);
}

const address = `/api/live/here?lang=${document.documentElement.lang}`;
/** Was the page made for nobody in particular? Then it is filled for whoever has the token. */
const empty = document.querySelector('.filled') !== null;
if (empty) await untilToken();
void readLines(empty ? `${address}&whole` : address, {
  line(text) {
    const here = JSON.parse(text) as Here;
    if (here.whole !== undefined) fill(here.whole, here.label !== '');
    show(here);
  },
  lost() {
    document.querySelector('.history')?.classList.add('old');
  },
  back() {
    document.querySelector('.history')?.classList.remove('old');
  },
});
