// The page of `read`: what a tool printed as `list` shows a host, and the lines that were not understood.
import type { Claim } from '../model/claim.ts';
import { type Message, say } from '../model/message.ts';
import type { Holder } from '../model/report.ts';
import type { Gap } from '../model/socket.ts';
import { gapsNode } from './holder-words.ts';
import { listPage } from './list.ts';
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
  readonly unknown: readonly UnreadLine[];
  readonly unknownCount: number;
}

/** Most lines that are shown; the JSON has more. */
const LINES_SHOWN = 10;

/** The page. */
export function readPage(model: ReadModel): Page {
  const { holders, gaps, tools, known, unknown, unknownCount } = model;
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

function lineItem({ line, text, reason }: UnreadLine): { mark: null; inline: Inline[]; nodes: Node[] } {
  return {
    mark: null,
    inline: [said(say('read.unknown.line', { line })), data(': '), said(say(`read.reason.${reason}`), 'dim')],
    nodes: [{ kind: 'para', inline: [data(text.trim())] }],
  };
}
