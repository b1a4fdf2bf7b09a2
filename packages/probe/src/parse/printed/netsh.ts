// netsh's excluded and dynamic port ranges in any display language: known by rules of dashes, and told apart by what stands
// right above them, the command that was typed or a title that names the transport as the command did.
import {
  dynamicRange,
  excludedRow,
  ONE_RULE,
  OWN_RULE,
  OWN_RULES,
  onlyNumber,
  TWO_RULES,
} from './netsh-lines.ts';
import { alone, type Out, type PrintedRanges, type Recogniser, type Section } from './row.ts';

/** What a list is of, as far as that was printed. */
type Of = Pick<PrintedRanges, 'transport' | 'family'>;

const COMMAND =
  /(?:^|[^\w.-])netsh(?:\.exe)?\s+int[a-z]{0,6}\s+ip(?:v?([46]))?\s+sho?w?\s+([a-z]{2,20})\s+(?:[a-z]{1,8}=)?(tcp|udp)(?![\w=])/i;
const LISTS = { excludedportrange: 'excluded', dynamicportrange: 'dynamic' } as const;

/** The command line of one of the lists. Words may be cut as netsh allows; `ip` is its other name for `ipv4`. */
function commandOf(line: string): (Of & { readonly list: PrintedRanges['list'] }) | null {
  const match = COMMAND.exec(line);
  if (match === null) return null;
  const word = (match[2] ?? '').toLowerCase();
  const name = (['excludedportrange', 'dynamicportrange'] as const).find((full) => full.startsWith(word));
  if (name === undefined) return null;
  return {
    list: LISTS[name],
    family: match[1] === '6' ? 'ipv6' : 'ipv4',
    transport: transportOf(match[3] ?? ''),
  };
}

/** The one transport that a line names; null for none or both. In no language is one of them another word. */
function transportOf(line: string): PrintedRanges['transport'] {
  const found = new Set(line.toLowerCase().match(/(?<![\w.-])(?:tcp|udp)(?![\w.-])/g));
  return found.size !== 1 ? null : found.has('tcp') ? 'tcp' : 'udp';
}

/** The list whose first line this is, and how many lines above are its headings. */
function beginning(
  line: string,
  above: readonly string[],
): {
  readonly list: PrintedRanges['list'];
  readonly transport: PrintedRanges['transport'];
  readonly headings: number;
} | null {
  const [before = '', last = ''] = above.slice(-2);
  if (TWO_RULES.test(line)) {
    const title = above.length < 2 ? null : transportOf(before);
    if (title === null && !OWN_RULES.test(line)) return null;
    return { list: 'excluded', transport: title, headings: title === null ? Math.min(above.length, 1) : 2 };
  }
  // One line is held: it is the rule.
  const rule = above.length === 1 ? before : last;
  if (!ONE_RULE.test(rule) || onlyNumber(line) === null) return null;
  const title = above.length === 1 ? null : transportOf(before);
  if (title === null && !OWN_RULE.test(rule)) return null;
  return { list: 'dynamic', transport: title, headings: title === null ? 1 : 2 };
}

export const netsh: Recogniser = {
  format: 'netsh',
  heading: null,
  row: null,
  begins: (line, above) => commandOf(line) !== null || beginning(line, above) !== null,
  open: (out) => new NetshSection(out),
};

/** The legend below excluded ranges: `* - ` and words. */
const LEGEND = /^\s*\*\s*[-–]\s*\S/;

class NetshSection implements Section {
  readonly #out: Out;
  /** The command that was typed, until its list comes. */
  #command: ReturnType<typeof commandOf> = null;
  /** Takes rows of the list at hand; null where none is. */
  #excluded: ReturnType<Out['ranges']> | null = null;
  /** A dynamic range of which the first port has come. */
  #dynamic: { readonly of: Of; readonly first: number; readonly line: number; readonly text: string } | null =
    null;
  headings = 0;

  constructor(out: Out) {
    this.#out = out;
  }

  line(text: string, number: number, _raw: string, above: readonly string[]): boolean {
    this.headings = 0;
    if (this.#dynamic !== null) return this.#second(text, number);
    const command = commandOf(text);
    if (command !== null) {
      this.#command = command;
      this.#excluded = null;
      return true;
    }
    if (this.#excluded !== null) {
      const row = excludedRow(text);
      if (row === false) this.#out.unknown(number, text, 'port');
      else if (row !== null) this.#excluded(row, number);
      if (row !== null) return true;
      this.#excluded = null;
      if (LEGEND.test(text)) return true;
    }
    const begun = beginning(text, above);
    if (begun === null) return false;
    this.headings = begun.headings;
    const typed = this.#command?.list === begun.list ? this.#command : null;
    this.#command = null;
    // The title names what was printed; where the command above says another transport, it was another's.
    const same = typed !== null && (begun.transport === null || begun.transport === typed.transport);
    const of: Of = same ? typed : { transport: begun.transport, family: null };
    if (begun.list === 'excluded') this.#excluded = this.#out.ranges('excluded', of, number);
    else this.#dynamic = { of, first: onlyNumber(text) ?? 0, line: number, text: alone(text) };
    return true;
  }

  /** The line below the first port of a dynamic range: how many there are. */
  #second(text: string, number: number): boolean {
    const begun = this.#dynamic;
    this.#dynamic = null;
    const count = onlyNumber(text);
    if (begun === null) return false;
    if (count === null) {
      this.#out.unknown(begun.line, begun.text, 'cut');
      return false;
    }
    const ports = dynamicRange(begun.first, count);
    if (ports === null) {
      this.#out.unknown(begun.line, begun.text, 'port');
      this.#out.unknown(number, text, 'port');
    } else this.#out.ranges('dynamic', begun.of, begun.line)({ ports, administered: false }, number);
    return true;
  }

  end(): void {
    if (this.#dynamic !== null) this.#out.unknown(this.#dynamic.line, this.#dynamic.text, 'cut');
    this.#dynamic = null;
  }
}
