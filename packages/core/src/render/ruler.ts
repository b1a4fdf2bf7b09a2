// The range ruler as text: IANA's ranges, this host's ephemeral range and reservations, and where the port lies.
import { say } from '../model/message.ts';
import { IANA_RANGES, PORT_MAX } from '../model/port.ts';
import type { Translator } from '../text/catalog.ts';
import type { RulerModel } from '../view/tree.ts';

/** A cell of a ruler line: what it shows, and which part it belongs to (for colour). */
export interface RulerCell {
  readonly char: string;
  readonly part:
    | 'needle'
    | 'system'
    | 'user'
    | 'dynamic'
    | 'ephemeral'
    | 'reserved'
    | 'label'
    | 'axis'
    | 'blank';
}

/** Characters of the drawing. */
const GLYPH = {
  needle: '│',
  head: '▼',
  system: '█',
  user: '░',
  dynamic: '▒',
  ephemeral: '╌',
  reserved: 'R',
  axis: '─',
  tick: '┴',
};

/** Ports that the axis names. */
const TICKS = [0, 16_384, 32_768, 49_152];

/** Lines of the ruler, `width` columns wide (at least 40). */
export function rulerLines(model: RulerModel, width: number, lang: Translator): RulerCell[][] {
  const column = (port: number): number => Math.min(width - 1, Math.floor((port / (PORT_MAX + 1)) * width));
  const portOf = (index: number): number => Math.floor((index / width) * (PORT_MAX + 1));
  const needle = column(model.port);
  const lines: RulerCell[][] = [headLine(model.port, needle, width)];

  const ranges: RulerCell[] = Array.from({ length: width }, (_, index) => {
    const name = IANA_RANGES.find((range) => portOf(index) <= range.last)?.name ?? 'dynamic';
    return { char: GLYPH[name], part: name };
  });
  const user: [number, number] = [column(1024) + 1, column(49_152) - 1];
  label(ranges, user, needle, [lang.say(say('ruler.user')), lang.say(say('ruler.user.short'))]);
  label(ranges, [column(49_152), width - 1], needle, [
    lang.say(say('ruler.dynamic')),
    lang.say(say('ruler.dynamic.short')),
  ]);
  lines.push(withNeedle(ranges, needle));

  if (model.ephemeral !== null) {
    const [first, last] = model.ephemeral;
    const span: [number, number] = [column(first), column(last)];
    const cells: RulerCell[] = Array.from({ length: width }, (_, index) => {
      if (index >= span[0] && index <= span[1]) return { char: GLYPH.ephemeral, part: 'ephemeral' };
      return { char: ' ', part: 'blank' };
    });
    for (const [from, to] of model.reserved) {
      for (let index = column(from); index <= column(to); index++)
        cells[index] = { char: GLYPH.reserved, part: 'reserved' };
    }
    const values = { first, last };
    label(cells, [span[0] + 1, span[1]], needle, [
      lang.say(say('ruler.ephemeral', values)),
      lang.say(say('ruler.ephemeral.short', values)),
    ]);
    lines.push(withNeedle(cells, needle));
  }

  const axis: RulerCell[] = Array.from({ length: width }, (_, index) => ({
    char: index === width - 1 || TICKS.some((tick) => column(tick) === index) ? GLYPH.tick : GLYPH.axis,
    part: 'axis',
  }));
  lines.push(axis, numbersLine(column, width));
  return lines;
}

function headLine(port: number, needle: number, width: number): RulerCell[] {
  const number = String(port);
  const right = needle + 2 + number.length <= width;
  const text = right
    ? `${' '.repeat(needle)}${GLYPH.head} ${number}`
    : `${' '.repeat(Math.max(0, needle - number.length - 1))}${number} ${GLYPH.head}`;
  return [...text].map((char) => ({ char, part: char === ' ' ? 'blank' : 'needle' }));
}

function withNeedle(cells: RulerCell[], needle: number): RulerCell[] {
  cells[needle] = { char: GLYPH.needle, part: 'needle' };
  return trimmed(cells);
}

function trimmed(cells: RulerCell[]): RulerCell[] {
  let end = cells.length;
  while (end > 0 && cells[end - 1]?.char === ' ') end--;
  return cells.slice(0, end);
}

/** Writes the longest variant that fits into the widest part of `span` free of the needle and of reservations. */
function label(
  cells: RulerCell[],
  span: [number, number],
  needle: number,
  variants: readonly string[],
): void {
  const parts: [number, number][] = [];
  for (let index = span[0]; index <= span[1]; index++) {
    if (index === needle || cells[index]?.part === 'reserved') continue;
    const open = parts.at(-1);
    if (open !== undefined && open[1] === index - 1) open[1] = index;
    else parts.push([index, index]);
  }
  parts.sort((a, b) => b[1] - b[0] - (a[1] - a[0]));
  for (const text of variants) {
    for (const [from, to] of parts) {
      const room = to - from + 1;
      const chars = [...text];
      if (room < chars.length + 4) continue;
      const at = from + Math.floor((room - chars.length) / 2);
      cells[at - 1] = { char: ' ', part: 'label' };
      for (const [index, char] of chars.entries()) cells[at + index] = { char, part: 'label' };
      cells[at + chars.length] = { char: ' ', part: 'label' };
      return;
    }
  }
}

function numbersLine(column: (port: number) => number, width: number): RulerCell[] {
  const line = Array.from({ length: width }, () => ' ');
  const last = width - String(PORT_MAX).length;
  for (const tick of TICKS) {
    // In the narrowest rulers a number would run into the last one.
    if (column(tick) + String(tick).length >= last) continue;
    for (const [index, digit] of [...String(tick)].entries()) line[column(tick) + index] = digit;
  }
  for (const [index, digit] of [...String(PORT_MAX)].entries()) line[last + index] = digit;
  return trimmed(line.map((char) => ({ char, part: char === ' ' ? 'blank' : 'axis' })));
}
