// Puts what was understood on the page, line by line in the order of the text. Text becomes text nodes and nothing else.
import {
  gapMessages,
  type Message,
  type PastedHolder,
  type PastePlaces,
  pastedHolder,
  printable,
  rangesWords,
  redirectHolder,
  say,
  type Translator,
  toHolder,
} from '@portolan/core/web';
import { type PrintedRow, toolOf, type UnknownLine } from '@portolan/probe/printed';
import type { PortNames } from '../../formats/names.ts';
import { portAddress } from '../addresses.ts';
import { linesOf, type Understood } from './reading.ts';
import { systemsOf } from './systems.ts';

/** Lines that are shown at once. */
const SHOWN = 200;
/** Characters of a line that are shown. */
const LINE = 200;

/** What lines are explained with. */
export interface Showing {
  readonly lang: Translator;
  readonly places: PastePlaces;
  readonly names: ReadonlyMap<number, PortNames>;
}

type HolderRow = Exclude<PrintedRow, { readonly kind: 'range' }>;
type Entry = { readonly line: number } & ({ readonly row: PrintedRow } | { readonly unknown: UnknownLine });

/** An element with a class and what stands in it. */
function make(name: string, kind: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(name);
  if (kind !== '') element.className = kind;
  element.append(...children);
  return element;
}

/** Everything that is told of a text, below the summary. */
export function resultNodes(text: string, { reading, rows }: Understood, showing: Showing): HTMLElement[] {
  const { lang } = showing;
  const words = (message: Message): string => lang.say(message);
  const out: HTMLElement[] = [];
  const entries = inTurn(rows, reading.unknown);
  if (entries.length > 0) {
    out.push(make('h3', '', words(say('web.paste.lines'))));
    out.push(...linesShown(text, entries, showing));
  }
  const untold = reading.unknownCount - reading.unknown.length;
  if (untold > 0) out.push(make('p', 'note', words(say('web.paste.unknown.more', { count: untold }))));
  if (reading.formats.length > 0 && reading.gaps.length > 0) {
    out.push(make('h3', '', words(say('web.paste.gaps'))), gapsList(reading.gaps, lang));
  }
  return out;
}

/** What was understood in few words, for the eye and for a screen reader. */
export function summaryOf({ reading, rows }: Understood, lang: Translator): string {
  const { formats, unknownCount } = reading;
  const tools = { list: [...new Set(formats.map(toolOf))] };
  const holders = rows.filter((row) => row.kind !== 'range').length;
  const title =
    formats.length === 0
      ? say('read.title.unrecognised')
      : holders === 0
        ? say('read.title.none', { tools })
        : say('read.title', { count: holders, tools });
  const unknown = unknownCount === 0 ? [] : [say('read.unknown.title', { count: unknownCount })];
  return [title, ...unknown].map((message) => lang.say(message)).join(' ');
}

function inTurn(rows: readonly PrintedRow[], unknown: readonly UnknownLine[]): Entry[] {
  const entries: Entry[] = [
    ...rows.map((row) => ({ line: row.lines[0], row })),
    ...unknown.map((each) => ({ line: each.line, unknown: each })),
  ];
  return entries.sort((a, b) => a.line - b.line);
}

/** A list that grows when somebody asks for more. */
function linesShown(text: string, entries: readonly Entry[], showing: Showing): HTMLElement[] {
  const { lang } = showing;
  const list = make('ol', 'pasted');
  const how = make('p', 'note');
  const button = document.createElement('button');
  button.type = 'button';
  const foot = make('p', 'paste-do', button);
  let shown = 0;
  const more = (): HTMLElement | null => {
    const next = entries.slice(shown, shown + SHOWN);
    const lines = linesOf(text, [...new Set(next.map(({ line }) => line))], LINE);
    const items = next.map((entry) => lineItem(entry, lines.get(entry.line) ?? '', showing));
    list.append(...items);
    shown += next.length;
    const rest = entries.length - shown;
    how.textContent = lang.say(say('web.paste.shown', { shown, count: entries.length }));
    how.hidden = rest === 0;
    foot.hidden = rest === 0;
    button.textContent = lang.say(say('web.paste.more', { count: Math.min(rest, SHOWN) }));
    return items[0] ?? null;
  };
  more();
  button.addEventListener('click', () => {
    const first = more();
    if (first === null) return;
    // The reader goes on where the list went on.
    first.tabIndex = -1;
    first.focus();
  });
  return [list, how, foot];
}

function lineItem(entry: Entry, text: string, showing: Showing): HTMLElement {
  const { lang } = showing;
  const number = make('span', 'at', lang.say(say('read.unknown.line', { line: entry.line })));
  const line = make('code', '', printable(text.trim().replaceAll('\t', ' ')));
  line.dir = 'ltr';
  if ('unknown' in entry) {
    const why = lang.say(say(`read.reason.${entry.unknown.reason}`));
    const reason = make('p', 'why', make('b', '', lang.say(say('web.paste.unknown'))), ' ', why);
    return make('li', 'not', number, line, reason);
  }
  if (entry.row.kind === 'range') {
    const told = printableIn(lang.say(rangesWords(entry.row, [entry.row.ports])));
    return make('li', '', number, line, make('p', 'what', told));
  }
  return make('li', '', number, line, ...holderNodes(entry.row, showing));
}

function holderNodes(row: HolderRow, showing: Showing): HTMLElement[] {
  const { lang, places, names } = showing;
  const words = (message: Message): string => printableIn(lang.say(message));
  const systems = systemsOf(row.format);
  const holder = 'redirect' in row ? redirectHolder(row.redirect, null) : toHolder(row.socket);
  const told = pastedHolder(
    holder,
    names,
    places.ranges.filter(({ system }) => systems.includes(system)),
  );
  const means = make('span', 'note', `(${words(told.means)})`);
  const head = make('p', 'what', make('b', '', words(told.kind)), ' ', means, ' ', placeNode(told));
  if (told.way !== null) head.append(' ', make('span', '', words(told.way)));
  if (told.who !== null) head.append(' · ', make('span', 'who', words(told.who)));
  const out = [head];
  for (const { port, carries } of told.ports) {
    const link = document.createElement('a');
    link.href = portAddress(places, port, names.has(port));
    link.textContent = String(port);
    const says = carries.map((each) => words(each)).join(lang.dir === 'rtl' ? '، ' : ', ');
    out.push(make('p', 'carries', link, ' ', make('span', '', says)));
  }
  for (const concern of told.concerns) out.push(make('p', 'could', words(concern)));
  if (told.calm !== null) out.push(make('p', 'note', words(told.calm)));
  return out;
}

function placeNode({ place }: PastedHolder): HTMLElement {
  const node = make('bdi', 'place', printable(place));
  node.dir = 'ltr';
  return node;
}

/** What a tool printed may hold anything; marks that the translator set itself stay. */
function printableIn(said: string): string {
  return said.replace(/[^\u200f\u2066-\u2069]+/gu, printable);
}

function gapsList(gaps: Understood['reading']['gaps'], lang: Translator): HTMLElement {
  const list = make('ul', 'findings');
  for (const [index, gap] of gaps.entries()) {
    const { what, why } = gapMessages(gap);
    const item = make(
      'li',
      gap.coversUse ? 'is-medium' : 'is-info',
      printableIn(lang.say(say('gap.title', { what }))),
      ': ',
      make('span', 'dim', printableIn(lang.say(why))),
      '.',
    );
    // One command that closes several in a row is told once, after the last.
    if (gap.remedy !== null && gaps[index + 1]?.remedy !== gap.remedy) {
      const several = gaps[index - 1]?.remedy === gap.remedy;
      const command = make('pre', '', make('code', '', printable(gap.remedy)));
      command.dir = 'ltr';
      item.append(make('p', 'dim', lang.say(say(several ? 'gap.remedy.several' : 'gap.remedy'))), command);
    }
    list.append(item);
  }
  return list;
}
