// What is said of the port under the cursor, for the eye and for a screen reader.
import type { ChartWords, HeldMark, LiveChart } from '@portolan/core/web';
import { FLAG } from '../../formats/flags.ts';
import type { PortNames } from '../../formats/names.ts';

/** What is in use here, ready to be looked up. */
export interface Here {
  readonly held: ReadonlyMap<number, { readonly mark: HeldMark; readonly name: string }>;
  readonly connections: ReadonlySet<number>;
  readonly chart: LiveChart;
}

/** What is known of one port. */
export interface Known {
  readonly port: number;
  readonly flags: number;
  readonly names: PortNames | undefined;
  /** Null where no host is known. */
  readonly here: Here | null;
}

/** Sentences about a port. */
export interface Told {
  /** What it is to the registry and to others. */
  readonly is: string;
  /** Who has it here; empty where nobody has. */
  readonly here: string;
  /** Its range, and what this host does with it. */
  readonly range: string;
  /** All of it, for a screen reader. */
  readonly spoken: string;
}

const ASSIGNED = FLAG.tcp | FLAG.udp | FLAG.other;

/** Puts a value into a sentence; what the value holds is never taken for a place to fill. */
export function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** What is said of a port. */
export function told(known: Known, words: ChartWords): Told {
  const { port, here } = known;
  const is = pieces(known, words).join(', ');
  const holder = here === null ? '' : holderWords(here, port, words);
  const range = port < 1024 ? words.system : port < 49_152 ? words.user : words.dynamic;
  const more: string[] = [];
  if (here !== null) {
    const { chart } = here;
    const kept = chart.reserved.some(([first, last]) => port >= first && port <= last);
    if (kept) more.push(words.kept);
    else if (chart.range !== null && port >= chart.range[0] && port <= chart.range[1])
      more.push(words.handed);
    if (holder === '') more.push(chart.complete ? words.nothing : words.unseen);
  }
  const place = [range, ...more].join(', ');
  const spoken = [String(port), is, holder, place].filter((text) => text !== '').join('. ');
  return { is, here: holder, range: place, spoken: `${spoken}.` };
}

function pieces({ port, flags, names }: Known, words: ChartWords): string[] {
  const out: string[] = [];
  if ((flags & ASSIGNED) !== 0) {
    const transports = [
      ...((flags & FLAG.tcp) === 0 ? [] : ['tcp']),
      ...((flags & FLAG.udp) === 0 ? [] : ['udp']),
      ...((flags & FLAG.other) === 0 ? [] : [words.other]),
    ].join(' ');
    const name = names?.registry ?? '';
    out.push(filled(name === '' ? words.assignedPlain : words.assigned, { name, transports }));
  } else if ((flags & FLAG.reserved) !== 0) out.push(words.reserved);
  else out.push(port < 49_152 ? words.none : words.never);
  if ((flags & FLAG.claimed) !== 0) {
    const name = names?.other ?? '';
    const sentence = names?.more === true ? words.claimedMore : words.claimed;
    out.push(name === '' ? words.claimedPlain : filled(sentence, { name }));
  } else if ((flags & FLAG.range) !== 0) out.push(words.inRange);
  if ((flags & FLAG.blocked) !== 0) out.push(words.blocked);
  return out;
}

function holderWords({ held, connections, chart }: Here, port: number, words: ChartWords): string {
  const holder = held.get(port);
  if (holder === undefined) {
    if (connections.has(port)) return words.connection;
    return chart.redirects.some(([first, last]) => port >= first && port <= last) ? words.redirectPlain : '';
  }
  const { mark, name } = holder;
  if (mark === 'kernel') return words.kernel;
  return name === '' ? words[`${mark}Plain`] : filled(words[mark], { name });
}
