// The page tree as terminal text: wrapped, aligned, coloured where asked, and safe whatever the data says.

import { say } from '../model/message.ts';
import type { Severity } from '../model/report.ts';
import type { Translator } from '../text/catalog.ts';
import type { Column, Emphasis, Inline, Node, Page } from '../view/tree.ts';
import { printable } from './printable.ts';
import { type RulerCell, rulerLines } from './ruler.ts';
import { columns, cut } from './width.ts';

/** How to render. */
export interface TerminalOptions {
  readonly lang: Translator;
  /** Columns of the output. */
  readonly width: number;
  readonly color: boolean;
  /** False where the locale cannot show more than ASCII. */
  readonly unicode: boolean;
  /** Cut long cells so that every row is one line (a terminal); else rows are as long as they must (a pipe). */
  readonly fit: boolean;
}

/** Prose is not set wider than this, however wide the terminal. */
const PROSE_WIDTH = 100;

/** A growing column with less room than this says too little to be worth the others. */
const LEAST_GROWN = 20;

/** SGR parameters (ECMA-48 s8.3.117). */
const SGR: Readonly<Record<Emphasis, string>> = {
  strong: '1',
  dim: '2',
  good: '32',
  warn: '33',
  bad: '31',
  accent: '36',
};
const SEVERITY: Readonly<Record<Severity, Emphasis>> = {
  high: 'bad',
  medium: 'warn',
  low: 'accent',
  info: 'dim',
};
const RULER: Readonly<Partial<Record<RulerCell['part'], string>>> = {
  needle: '1;35',
  system: '33',
  user: '36',
  dynamic: '34',
  ephemeral: '35',
  reserved: '33',
  axis: '2',
};

/** What stands for a character where only ASCII can be shown. */
const ASCII: Readonly<Record<string, string>> = {
  '\u00a0': ' ',
  '–': '-',
  '—': '-',
  '…': '...',
  '“': '"',
  '„': '"',
  '”': '"',
  '’': "'",
  '→': '->',
  '│': '|',
  '▼': 'v',
  '█': '#',
  '░': '-',
  '▒': '=',
  '╌': '~',
  '─': '-',
  '┴': '+',
};

/** A run of text with one emphasis. */
interface Span {
  readonly text: string;
  readonly emphasis: Emphasis | undefined;
}

/** The page as text, ending in a newline. */
export function renderTerminal(page: Page, options: TerminalOptions): string {
  const { lang, unicode } = options;
  const renderer = new Renderer(unicode || lang.lang === 'en' ? options : { ...options, lang: plain(lang) });
  const text = `${renderer.page(page)}\n`;
  return options.unicode ? text : asciiText(text);
}

/** Sentences without the marks on their letters; commands, which are copied, are no sentences. */
function plain(lang: Translator): Translator {
  return {
    ...lang,
    say: (message) =>
      lang
        .say(message)
        .normalize('NFD')
        .replace(/\p{Mn}/gu, ''),
  };
}

/** What Portolan writes, for a locale that cannot show more than ASCII; names of others stay as they are. */
export function asciiText(text: string): string {
  return text.replace(/[\u00a0–—…“”„’→│▼█░▒╌─┴]/g, (char) => ASCII[char] ?? char);
}

class Renderer {
  readonly #options: TerminalOptions;
  readonly #prose: number;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#prose = Math.min(options.width, PROSE_WIDTH);
  }

  page(page: Page): string {
    const blocks = page.nodes.map((node) => this.#node(node, 0).join('\n'));
    return blocks.filter((block) => block !== '').join('\n\n');
  }

  /** Lines of a node, indented. */
  #node(node: Node, indent: number): string[] {
    switch (node.kind) {
      case 'answer':
        return node.lines.flatMap((line) => this.#wrap(line, 0, 0));
      case 'section':
        return [
          this.#paint(this.#options.lang.say(node.title).toUpperCase(), 'strong'),
          ...this.#sectionBody(node.nodes),
        ];
      case 'para':
        return this.#wrap(node.inline, indent, indent);
      case 'table':
        return this.#table(node.columns, node.rows, node.header, indent);
      case 'list':
        return this.#list(node.items, indent);
      case 'commands':
        // Never wrapped: a command that is copied must be whole.
        return node.lines.map((line) => `${' '.repeat(indent + 2)}${this.#paint(printable(line), 'accent')}`);
      case 'ruler':
        return rulerLines(node.ruler, Math.min(this.#options.width, 120), this.#options.lang).map((cells) =>
          this.#cells(cells),
        );
      case 'sources':
        return node.items.flatMap(({ n, source }, _index, all) => {
          const markWidth = Math.max(4, String(all.at(-1)?.n ?? 0).length + 2);
          const hang = markWidth + 3;
          const mark = `[${n}]`.padStart(markWidth);
          const edition = source.edition ?? null;
          const { date } = source;
          const when = [edition, date === null || date === edition ? null : this.#options.lang.date(date)]
            .filter((part) => part !== null)
            .join(', ');
          const title = this.#wrap(
            [{ kind: 'data', text: `${source.title}${when === '' ? '' : ` (${when})`}` }],
            hang,
            hang,
          );
          title[0] = `  ${this.#paint(mark, 'dim')} ${(title[0] ?? '').trimStart()}`;
          return [...title, `${' '.repeat(hang)}${this.#paint(printable(source.url), 'dim')}`];
        });
    }
  }

  #sectionBody(nodes: readonly Node[]): string[] {
    return nodes.flatMap((node) => this.#node(node, 2));
  }

  #list(items: Extract<Node, { kind: 'list' }>['items'], indent: number): string[] {
    const labels = items.map(({ mark }) =>
      mark === null ? '' : this.#options.lang.say(say(`severity.${mark}`)),
    );
    const width = Math.max(0, ...labels.map(columns));
    return items.flatMap((item, index) => {
      const label = labels[index] ?? '';
      const gap = ' '.repeat(width - columns(label) + 2);
      const lead: Inline[] =
        item.mark === null
          ? []
          : [
              { kind: 'data', text: label, emphasis: SEVERITY[item.mark] },
              { kind: 'data', text: gap },
            ];
      const hang = indent + (width === 0 ? 2 : width + 2);
      const lines = this.#wrap([...lead, ...item.inline], indent, hang);
      return [...lines, ...item.nodes.flatMap((node) => this.#node(node, hang))];
    });
  }

  #table(
    allCols: readonly Column[],
    rows: readonly (readonly (readonly Inline[])[])[],
    header: boolean,
    indent: number,
  ): string[] {
    const allCells = rows.map((row) => row.map((cell) => this.#spans(cell)));
    const kept = this.#keptColumns(allCols, allCells, indent);
    const cols = kept.flatMap((index) => allCols[index] ?? []);
    const cells = allCells.map((row) => kept.map((index) => row[index] ?? []));
    const titles = cols.map((col) => (col.title === null ? '' : this.#options.lang.say(col.title)));
    const widths = cols.map((_, index) => {
      const sizes = cells.map((row) => spanWidth(row[index] ?? []));
      // A loop and not Math.max(...sizes): tables can have more rows than a call can have arguments.
      return sizes.reduce((a, b) => Math.max(a, b), header ? columns(titles[index] ?? '') : 0);
    });
    const gap = 2;
    const others = widths.reduce((sum, width, index) => sum + (cols[index]?.grow === true ? 0 : width), 0);
    const room = this.#options.width - indent - others - gap * (cols.length - 1);
    const out: string[] = [];
    if (header) {
      const line = cols.map((col, index) =>
        pad(
          this.#paint(titles[index] ?? '', 'dim'),
          columns(titles[index] ?? ''),
          widths[index] ?? 0,
          col.align,
        ),
      );
      out.push(`${' '.repeat(indent)}${line.join('  ')}`.trimEnd());
    }
    for (const row of cells) {
      // Tables without a header are prose in columns: their growing cell wraps. Lists stay one line a row.
      const grown =
        header || room < 16
          ? null
          : row.map((cell, index) => (cols[index]?.grow === true ? this.#breakSpans(cell, room) : null));
      const lines = Math.max(1, ...(grown ?? []).map((part) => part?.length ?? 1));
      for (let line = 0; line < lines; line++) {
        const parts = row.map((cell, index) => {
          const col = cols[index];
          const shown = grown?.[index] != null ? (grown[index]?.[line] ?? []) : line === 0 ? cell : [];
          const fitted =
            col?.grow === true && header && this.#options.fit
              ? this.#cutSpans(shown, Math.max(8, room))
              : shown;
          const last = index === row.length - 1;
          return pad(
            this.#spansText(fitted),
            spanWidth(fitted),
            last && col?.align === 'left' ? 0 : (widths[index] ?? 0),
            col?.align ?? 'left',
          );
        });
        out.push(`${' '.repeat(indent)}${parts.join('  ')}`.trimEnd());
      }
    }
    return out;
  }

  /** In a terminal too narrow for all of them, optional columns go, so that rows stay lines. */
  #keptColumns(
    cols: readonly Column[],
    cells: readonly (readonly (readonly Span[])[])[],
    indent: number,
  ): number[] {
    const all = cols.map((_, index) => index);
    if (!this.#options.fit || !cols.some((col) => col.optional === true)) return all;
    const needed = cols.reduce((sum, col, index) => {
      const widest = cells.reduce((width, row) => Math.max(width, spanWidth(row[index] ?? [])), 0);
      return sum + (col.grow ? LEAST_GROWN : widest) + 2;
    }, indent);
    return needed <= this.#options.width ? all : all.filter((index) => cols[index]?.optional !== true);
  }

  #cells(cells: readonly RulerCell[]): string {
    let out = '';
    for (let at = 0; at < cells.length; ) {
      const part = cells[at]?.part ?? 'blank';
      let end = at;
      while (end < cells.length && cells[end]?.part === part) end++;
      const text = cells
        .slice(at, end)
        .map((cell) => cell.char)
        .join('');
      const sgr = RULER[part];
      out += this.#options.color && sgr !== undefined ? `\u001b[${sgr}m${text}\u001b[0m` : text;
      at = end;
    }
    return out;
  }

  #wrap(inline: readonly Inline[], indent: number, hang: number): string[] {
    const first = this.#breakSpans(this.#spans(inline), this.#prose - indent, this.#prose - hang);
    return first.map((spans, index) =>
      `${' '.repeat(index === 0 ? indent : hang)}${this.#spansText(spans)}`.trimEnd(),
    );
  }

  #spans(inline: readonly Inline[]): Span[] {
    return inline.map((piece): Span => {
      if (piece.kind === 'ref') return { text: `[${piece.n}]`, emphasis: 'dim' };
      if (piece.kind === 'link' || piece.kind === 'outside') {
        const { text } = piece;
        const said = typeof text === 'string' ? text : this.#options.lang.say(text);
        return { text: printable(said), emphasis: undefined };
      }
      const raw = piece.kind === 'say' ? this.#options.lang.say(piece.message) : piece.text;
      return { text: printable(raw), emphasis: piece.emphasis };
    });
  }

  /** Breaks spans at blanks into lines of at most `width` columns; a word longer than a line stands alone. */
  #breakSpans(spans: readonly Span[], width: number, nextWidth: number = width): Span[][] {
    const lines: Span[][] = [[]];
    let used = 0;
    let limit = width;
    for (const word of words(spans)) {
      const size = columns(
        word
          .map((part) => part.text)
          .join('')
          .trimEnd(),
      );
      if (used > 0 && used + size > limit) {
        lines.push([]);
        used = 0;
        limit = nextWidth;
      }
      for (const part of word) {
        lines.at(-1)?.push(part);
        used += columns(part.text);
      }
    }
    return lines.map(withoutTrailingBlanks);
  }

  #cutSpans(spans: readonly Span[], width: number): Span[] {
    const out: Span[] = [];
    let left = width;
    for (const span of spans) {
      if (left <= 0) break;
      const text = cut(span.text, left);
      out.push({ text, emphasis: span.emphasis });
      left -= columns(text);
    }
    return out;
  }

  #spansText(spans: readonly Span[]): string {
    let out = '';
    for (let at = 0; at < spans.length; ) {
      const emphasis = spans[at]?.emphasis;
      let text = '';
      while (at < spans.length && spans[at]?.emphasis === emphasis) text += spans[at++]?.text ?? '';
      out += this.#paint(text, emphasis);
    }
    return out;
  }

  #paint(text: string, emphasis: Emphasis | undefined): string {
    return this.#options.color && emphasis !== undefined && text.trim() !== ''
      ? `\u001b[${SGR[emphasis]}m${text}\u001b[0m`
      : text;
  }
}

/** Words with the blanks behind them; one word may run over several spans, as in `name:` or `(tcp);`. */
function words(spans: readonly Span[]): Span[][] {
  const out: Span[][] = [];
  let open = false;
  for (const { text, emphasis } of spans) {
    for (const part of text.split(/(?<= )(?=[^ ])/)) {
      if (part === '') continue;
      if (open) out.at(-1)?.push({ text: part, emphasis });
      else out.push([{ text: part, emphasis }]);
      open = !part.endsWith(' ');
    }
  }
  return out;
}

/** A line's last blank would stand in a column that the terminal may not have. */
function withoutTrailingBlanks(spans: readonly Span[]): Span[] {
  const last = spans.at(-1);
  if (last === undefined) return [];
  return [...spans.slice(0, -1), { text: last.text.trimEnd(), emphasis: last.emphasis }];
}

function spanWidth(spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + columns(span.text), 0);
}

function pad(text: string, size: number, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - size));
  return align === 'right' ? space + text : text + space;
}
