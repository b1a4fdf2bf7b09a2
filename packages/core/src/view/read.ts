// The page of `read`: what a tool printed as `list` shows a host, and the lines that were not understood.
import type { Claim } from '../model/claim.ts';
import { type Message, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import type { Gap } from '../model/socket.ts';
import { gapsNode } from './holder-words.ts';
import { listPage } from './list.ts';
import { type RangesOf, rangesWords } from './ranges-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** A line that was not understood, and why: `read.reason.<reason>` in the catalog. */
export interface UnreadLine {
  readonly line: number;
  readonly text: string;
  readonly reason:
    | 'unrecognised'
    | 'cut'
    | 'port'
    | 'port-name'
    | 'transport'
    | 'too-long'
    | 'json'
    | 'json-shape';
}

/** One such list. */
export interface PrintedList extends Omit<RangesOf, 'administered'> {
  readonly ranges: readonly { readonly ports: PortRange; readonly administered: boolean }[];
}

/** What `read` shows. */
export interface ReadModel {
  readonly holders: readonly Holder[];
  readonly gaps: readonly Gap[];
  readonly claimsOf: (port: number) => readonly Claim[];
  readonly all: boolean;
  /** Tools whose output was recognised. */
  readonly tools: readonly string[];
  /** Every tool whose output is known. */
  readonly known: readonly string[];
  /** Lists of ports that the system hands out or keeps back. */
  readonly ranges: readonly PrintedList[];
  readonly unknown: readonly UnreadLine[];
  readonly unknownCount: number;
}

/** Most lines that are shown; the JSON has more. */
const LINES_SHOWN = 10;

/** The page. */
export function readPage(model: ReadModel): Page {
  const { holders, gaps, tools, known, ranges, unknown, unknownCount } = model;
  const list = listPage({ ...model, filtered: false, forecasts: [], ephemeral: null, gaps: [] });
  const [answer, ...rest] = list.nodes;
  const nodes: Node[] = [];
  if (answer?.kind === 'answer') {
    const help = tools.length > 0 ? [] : [[said(say('read.title.help', { tools: { list: known } }))]];
    nodes.push({
      ...answer,
      lines: [[said(titleOf(holders.length, tools), 'strong')], ...answer.lines.slice(1), ...help],
    });
  }
  nodes.push(...rest);
  if (ranges.length > 0) {
    nodes.push({ kind: 'para', inline: [said(say('read.ranges.title'), 'strong')] });
    nodes.push({ kind: 'list', items: ranges.flatMap(listItems) });
  }
  if (unknownCount > 0) {
    nodes.push({ kind: 'para', inline: [said(say('read.unknown.title', { count: unknownCount }), 'warn')] });
    nodes.push({ kind: 'list', items: unknown.slice(0, LINES_SHOWN).map(lineItem) });
    const more = unknownCount - Math.min(unknown.length, LINES_SHOWN);
    if (more > 0)
      nodes.push({ kind: 'para', inline: [said(say('read.unknown.more', { count: more }), 'dim')] });
  }
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}

function titleOf(count: number, names: readonly string[]): Message {
  if (names.length === 0) return say('read.title.unrecognised');
  const tools = { list: names };
  return count === 0 ? say('read.title.none', { tools }) : say('read.title', { count, tools });
}

/** What is kept back from everybody, and what an administrator keeps, are two things. */
function listItems(list: PrintedList): { mark: null; inline: Inline[]; nodes: Node[] }[] {
  return [false, true].flatMap((administered) => {
    const ports = list.ranges
      .filter((range) => range.administered === administered)
      .map((each) => each.ports);
    const nothing = ports.length === 0 && (administered || list.ranges.length > 0);
    if (nothing) return [];
    return [{ mark: null, inline: [said(rangesWords({ ...list, administered }, ports))], nodes: [] }];
  });
}

function lineItem({ line, text, reason }: UnreadLine): { mark: null; inline: Inline[]; nodes: Node[] } {
  return {
    mark: null,
    inline: [said(say('read.unknown.line', { line })), data(': '), said(say(`read.reason.${reason}`), 'dim')],
    nodes: [{ kind: 'para', inline: [data(text.trim())] }],
  };
}
