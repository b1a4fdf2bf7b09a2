// The live card: what is on a port of this host, who has it, and what could not be seen.
import { say } from '../../model/message.ts';
import type { Holder, PortReport } from '../../model/report.ts';
import { gapsNode } from '../holder-words.ts';
import { holdersNode, useSentence } from '../report.ts';
import { type Inline, type Node, said } from '../tree.ts';
import type { Card, CardState } from './tree.ts';

/** Kinds of hold, the gravest first, and the word of each. */
const STATES: readonly (readonly [Holder['kind'], CardState])[] = [
  ['listener', 'listening'],
  ['kernel', 'kernel'],
  ['bound', 'bound'],
  ['redirect', 'redirect'],
  ['connection', 'connection'],
  ['closing', 'closing'],
];

/** The card of a report; `host` is null where nobody looked. */
export function portCard(report: PortReport, host: string | null): Card {
  const { port, use } = report;
  if (host === null) {
    return {
      port,
      state: 'none',
      host: null,
      lines: [[said(say('web.card.static'))]],
      nodes: serve(),
      unseen: null,
    };
  }
  const sentence = port === 0 ? say('answer.zero') : useSentence(report);
  const lines: Inline[][] = [[said(sentence)]];
  return {
    port,
    state: stateOf(report),
    host,
    lines,
    nodes: use.holders.length === 0 ? [] : [...holders(use.holders, port), ...commandLines(report)],
    unseen: use.gaps.length === 0 ? null : gapsNode(use.gaps),
  };
}

/** Most holders that a card shows one by one; a port of a busy server has tens of thousands of connections. */
const HOLDERS_SHOWN = 100;

/** Beside a socket that listens or is bound, its connections are only counted. */
function holders(all: readonly Holder[], port: number): Node[] {
  const lasting = all.filter(({ kind }) => kind !== 'connection' && kind !== 'closing');
  if (lasting.length === 0 || lasting.length === all.length) return some(all, port);
  const more = say('web.card.more', { count: all.length - lasting.length });
  return [...some(lasting, port), { kind: 'para', inline: [said(more, 'dim')] }];
}

/** The first of them, and where to see the others. */
function some(all: readonly Holder[], port: number): Node[] {
  if (all.length <= HOLDERS_SHOWN) return [holdersNode(all)];
  const more = say('web.versus.more', { count: all.length - HOLDERS_SHOWN });
  return [
    holdersNode(all.slice(0, HOLDERS_SHOWN)),
    { kind: 'para', inline: [said(more)] },
    { kind: 'commands', lines: [`portolan who ${port}`] },
  ];
}

/** Who runs it sees command lines; a page may be open in front of others, and in a browser's memory. */
function commandLines({ port, use }: PortReport): Node[] {
  if (!use.holders.some(({ owners }) => owners.some(({ exe }) => exe !== null))) return [];
  return [
    { kind: 'para', inline: [said(say('web.card.lines'), 'dim')] },
    { kind: 'commands', lines: [`portolan who ${port}`] },
  ];
}

/** What to run for a page that knows this host. */
function serve(): Node[] {
  return [{ kind: 'commands', lines: ['portolan serve'] }];
}

function stateOf({ port, use }: PortReport): CardState {
  // Nothing is ever on it, and nobody can have it: neither free nor held.
  if (port === 0) return 'none';
  if (use.verdict === 'free') return 'free';
  if (use.verdict === 'unknown') return 'unknown';
  const here = use.holders.filter((holder) => holder.namespace === null);
  return STATES.find(([kind]) => here.some((holder) => holder.kind === kind))?.[1] ?? 'unknown';
}
