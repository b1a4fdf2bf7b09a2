// The page of one port: the answer in two lines, the ruler, then what is said, what is here, what could go wrong.
import { claimName, isWide } from '../decide/claims.ts';
import type { Claim } from '../model/claim.ts';
import { listed, type Message, type MessageValue, say } from '../model/message.ts';
import { inRange, type PortRange } from '../model/port.ts';
import { HOLDER_KINDS, type Holder, type PortReport, type Severity } from '../model/report.ts';
import { forecastNodes } from './forecast.ts';
import {
  formatEndpoint,
  gapsNode,
  holderNodes,
  rangeWords,
  redirectTarget,
  secondsLeft,
  whoWords,
} from './holder-words.ts';
import { data, type Emphasis, fact, type Inline, joined, type Node, type Page, said } from './tree.ts';

/** Most holders of one kind that are described one by one. */
const HOLDERS_SHOWN = 6;

/** The page of a report; `about` is `claims` where no host was looked at, so that nothing is said of any. */
export function reportPage(report: PortReport, about: 'host' | 'claims' = 'host'): Page {
  const refs = new References();
  const nodes: Node[] = [
    about === 'host' ? answer(report) : answerWithoutHost(report),
    {
      kind: 'ruler',
      ruler: {
        port: report.port,
        ephemeral: report.host.ephemeral,
        reserved: report.host.reserved ?? [],
        label: rulerLabel(report),
      },
    },
    { kind: 'section', title: say('section.said'), nodes: saidNodes(report, refs) },
  ];
  if (report.disagreements.length > 0) {
    nodes.push({
      kind: 'section',
      title: say('section.disagree'),
      nodes: [
        {
          kind: 'list',
          items: report.disagreements.map((found) => ({
            mark: null,
            inline: [said(found.text), ...(found.rule === null ? [] : [data(' '), refs.mark(found.rule)])],
            nodes: [],
          })),
        },
      ],
    });
  }
  nodes.push(
    about === 'host'
      ? { kind: 'section', title: say('section.here'), nodes: hereNodes(report) }
      : { kind: 'section', title: say('section.here'), nodes: elsewhereNodes(report) },
    ...(about === 'claims' && report.risks.length === 0
      ? []
      : [{ kind: 'section' as const, title: say('section.could'), nodes: couldNodes(report, refs) }]),
    {
      kind: 'section',
      title: say('section.sources'),
      nodes: [
        {
          kind: 'sources',
          items: refs.ids().flatMap((id, index) => {
            const source = report.sources[id];
            return source === undefined ? [] : [{ n: index + 1, source }];
          }),
        },
      ],
    },
  );
  return { nodes };
}

/** Numbers sources in the order in which they are first pointed at. */
export class References {
  readonly #ids: string[] = [];

  mark(id: string): Inline {
    return { kind: 'ref', n: this.number(id) };
  }

  /** The number of a source, from 1. */
  number(id: string): number {
    let index = this.#ids.indexOf(id);
    if (index < 0) index = this.#ids.push(id) - 1;
    return index + 1;
  }

  ids(): readonly string[] {
    return this.#ids;
  }
}

function answer(report: PortReport): Node {
  const { verdict } = report.use;
  const severity: Severity | 'good' = verdict === 'free' ? 'good' : verdict === 'held' ? 'info' : 'medium';
  const lines: Inline[][] = [[said(report.port === 0 ? say('answer.zero') : useSentence(report), 'strong')]];
  lines.push([said(saidSentence(report))]);
  return { kind: 'answer', severity, lines };
}

function answerWithoutHost(report: PortReport): Node {
  const lines: Inline[][] = [
    [said(say('answer.no-host', { port: report.port }), 'strong')],
    [said(saidSentence(report, 'claims'))],
  ];
  return { kind: 'answer', severity: 'info', lines };
}

/** Where the answer is to be had that is not given here. */
function elsewhereNodes({ port, use }: PortReport): Node[] {
  const lines = [...new Set(use.gaps.flatMap(({ remedy }) => (remedy === null ? [] : [remedy])))];
  return [
    { kind: 'para', inline: [said(say('here.no-host', { port }))] },
    { kind: 'commands', lines },
  ];
}

/** One sentence for who is on the port, the gravest kind of hold first. */
export function useSentence({ port, transports, use }: PortReport): Message {
  if (use.verdict === 'free') {
    const key = use.holders.length > 0 ? 'answer.free.elsewhere' : 'answer.free';
    return say(key, { port, transports: transports.join(', ') });
  }
  if (use.verdict === 'unknown') return say('answer.unknown', { port });
  const here = use.holders.filter((holder) => holder.namespace === null);
  const of = (kind: Holder['kind']): Holder[] => here.filter((holder) => holder.kind === kind);
  const listeners = of('listener');
  const first = listeners[0];
  if (first !== undefined) {
    const owners = new Map(
      listeners.map((holder) => [
        // Proxies of one container are many processes.
        JSON.stringify(holder.publishes ?? holder.owners.map(({ pid }) => pid)),
        whoWords(holder),
      ]),
    );
    const where = [
      ...new Set(listeners.map((holder) => `${formatEndpoint(holder.local)} ${holder.transport}`)),
    ];
    if (owners.size === 1)
      return say('answer.held.listener', { port, who: whoWords(first), where: someOf(where) });
    return say('answer.held.listeners', {
      port,
      count: listeners.length,
      who: { list: [...owners.values()].slice(0, 4) },
    });
  }
  const kernel = of('kernel')[0];
  if (kernel !== undefined) {
    return say('answer.held.kernel', { port, where: `${formatEndpoint(kernel.local)} ${kernel.transport}` });
  }
  const bound = of('bound')[0];
  if (bound !== undefined) {
    return say('answer.held.bound', { port, who: whoWords(bound) });
  }
  const rule = of('redirect')[0]?.redirect ?? null;
  if (rule !== null) {
    const key = rule.partial === true ? 'answer.held.redirect.partial' : 'answer.held.redirect';
    return say(key, { port, target: redirectTarget(rule) });
  }
  const exclusion = of('excluded')[0]?.exclusion;
  if (exclusion !== undefined) {
    return say('answer.held.excluded', { port, ports: rangeWords(exclusion.ports) });
  }
  const connections = of('connection');
  const connection = connections[0];
  if (connection !== undefined) {
    if (connections.length > 1) return say('answer.held.connections', { port, count: connections.length });
    return say('answer.held.connection', {
      port,
      who: whoWords(connection),
    });
  }
  const closing = of('closing');
  const longest = closing.reduce<Holder | null>(
    (a, b) => ((a?.freeInMs ?? -1) >= (b.freeInMs ?? -1) ? a : b),
    null,
  );
  if (longest === null || longest.freeInMs === null) {
    return say('answer.held.closing.open', { port, state: longest?.state ?? '?' });
  }
  return say('answer.held.closing', { port, state: longest.state, seconds: secondsLeft(longest.freeInMs) });
}

function someOf(words: readonly string[]): MessageValue {
  return listed(words, 3);
}

/** What the registry says; where it says nothing, who uses the number; and whether this host hands it out. */
function saidSentence(report: PortReport, about: 'host' | 'claims' = 'host'): Message {
  const { range, claims } = report;
  const also = about === 'host' ? handedOut(report) : '';
  const registry = claims.filter((claim) => claim.authority === 'registry' && !isWide(claim));
  const assigned = registry.filter((claim) => claim.status !== 'reserved');
  if (range.assignable && assigned.length > 0) {
    return say('answer.said.assigned', {
      names: someOf([...new Set(assigned.map((claim) => claim.service))]),
      also,
    });
  }
  const products = claims.filter((claim) => claim.authority === 'default' && !isWide(claim)).map(claimName);
  const use = products.length === 0 ? '' : say('also.use', { names: listed([...new Set(products)], 2) });
  if (!range.assignable) return say('answer.said.dynamic', { use, also });
  return say(registry.length > 0 ? 'answer.said.reserved' : 'answer.said.unassigned', { use, also });
}

/** Said only where it matters: the port is among those that this host hands out, or that is not known. */
function handedOut({ host }: PortReport): MessageValue {
  if (host.ephemeral === null) return say('also.unknown');
  if (host.inEphemeral !== true) return '';
  const [first, last] = host.ephemeral;
  return say(host.isReserved === true ? 'also.inside.reserved' : 'also.inside', { first, last });
}

export function rulerLabel({ port, range, host }: PortReport): Message {
  if (host.ephemeral === null) return say('ruler.label.plain', { port, range: say(`range.${range.name}`) });
  return say('ruler.label', {
    port,
    range: say(`range.${range.name}`),
    first: host.ephemeral[0],
    last: host.ephemeral[1],
  });
}

function saidNodes(report: PortReport, refs: References): Node[] {
  const nodes: Node[] = [];
  const narrow = report.claims.filter((claim) => !isWide(claim));
  const wide = report.claims.filter(isWide);
  if (narrow.length === 0) {
    const key = report.range.assignable ? 'said.none.user' : 'said.none.dynamic';
    nodes.push({
      kind: 'para',
      inline: [said(say(key, { port: report.port })), data(' '), refs.mark(report.range.source)],
    });
  } else {
    nodes.push({
      kind: 'table',
      header: false,
      columns: [
        { title: null, align: 'left', grow: false },
        { title: null, align: 'left', grow: false },
        { title: null, align: 'left', grow: true },
      ],
      rows: narrow.map((claim) => [
        [transportsOf(claim)],
        [authority(claim)],
        claimLine(claim, report.port, refs),
      ]),
    });
  }
  if (wide.length > 0) {
    nodes.push({ kind: 'para', inline: [said(say('said.wide'), 'dim')] });
    nodes.push({
      kind: 'table',
      header: false,
      columns: [
        { title: null, align: 'left', grow: false },
        { title: null, align: 'left', grow: false },
        { title: null, align: 'left', grow: true },
      ],
      rows: groupByRange(wide).map(([first, claims]) => [
        [data(formatRange(first.ports), 'accent')],
        [transportsOf(first)],
        joined(
          claims.map((claim) => [...wideLine(claim), data(' '), refs.mark(claim.source)]),
          '; ',
        ),
      ]),
    });
  }
  return nodes;
}

/** Wide claims on the same run of ports share a line: they all say the same little about one number. */
export function groupByRange(claims: readonly Claim[]): [first: Claim, all: Claim[]][] {
  const groups = new Map<string, [Claim, Claim[]]>();
  for (const claim of claims) {
    const key = `${claim.ports.join('-')} ${claim.transports.join(' ')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [claim, [claim]]);
    else group[1].push(claim);
  }
  return [...groups.values()];
}

export function formatRange([first, last]: PortRange): string {
  return first === last ? String(first) : `${first}–${last}`;
}

function transportsOf(claim: Claim): Inline {
  return claim.transports.length === 0 ? said(say('said.transport.none')) : data(claim.transports.join(' '));
}

function authority(claim: Claim): Inline {
  const emphasis: Emphasis | undefined = claim.authority === 'registry' ? 'accent' : undefined;
  return said(say(`authority.${claim.authority}`), emphasis);
}

/** `Xsan filesystem access (Xsan, Apple)`. */
function wideLine(claim: Claim): Inline[] {
  const behind = [...new Set([claim.product, claim.vendor])].filter(
    (name) => name !== null && name !== claim.service,
  );
  return [fact(claim.service), fact(behind.length === 0 ? '' : ` (${behind.join(', ')})`)];
}

function claimLine(claim: Claim, port: number, refs: References): Inline[] {
  const inline: Inline[] = [];
  if (claim.product !== null) {
    inline.push(fact(claim.product, 'strong'));
    if (claim.vendor !== null && claim.vendor !== claim.product) inline.push(fact(` (${claim.vendor})`));
    inline.push(fact(`: ${claim.service}`));
  } else {
    inline.push(fact(claim.service, 'strong'));
  }
  if (claim.note !== null)
    inline.push(fact(claim.authority === 'registry' ? `: ${claim.note}` : `. ${claim.note}`, 'dim'));
  if (claim.ports[0] !== claim.ports[1] || claim.ports[0] !== port)
    inline.push(data(` [${formatRange(claim.ports)}]`, 'dim'));
  inline.push(data(' '), refs.mark(claim.source));
  return inline;
}

function hereNodes(report: PortReport): Node[] {
  const { use, transports } = report;
  const nodes: Node[] = [{ kind: 'para', inline: [said(rangeHere(report))] }];
  if (use.holders.length === 0) {
    const message =
      use.verdict === 'free'
        ? say('here.none', { transports: transports.join(', ') })
        : say('here.none.seen');
    nodes.push({ kind: 'para', inline: [said(message)] });
  } else {
    nodes.push(holdersNode(use.holders));
  }
  if (use.gaps.length > 0) nodes.push(gapsNode(use.gaps));
  return nodes;
}

/** The two ranges that encyclopedias take for one: IANA's Dynamic Ports and what this host hands out. */
export function rangeHere({ port, host, range }: PortReport): Message {
  if (host.ephemeral === null) return say('here.range.unknown');
  const values = { port, first: host.ephemeral[0], last: host.ephemeral[1] };
  if (host.isReserved === true) return say('here.range.reserved', values);
  const dynamic = !range.assignable;
  if (inRange(port, host.ephemeral)) return say(dynamic ? 'here.range.both' : 'here.range.host', values);
  return say(dynamic ? 'here.range.dynamic' : 'here.range.neither', values);
}

/** Holders one by one, a long run of one kind cut short; a busy server's port has tens of thousands. */
export function holdersNode(holders: readonly Holder[]): Node {
  const items: { mark: null; inline: Inline[]; nodes: Node[] }[] = [];
  for (const kind of HOLDER_KINDS) {
    const group = holders.filter((holder) => holder.kind === kind);
    for (const holder of group.slice(0, HOLDERS_SHOWN)) items.push({ mark: null, ...holderNodes(holder) });
    const count = group.length - HOLDERS_SHOWN;
    if (count <= 0) continue;
    const inline = [said(say(`kind.${kind}`)), data('  '), said(say('here.skipped', { count }), 'dim')];
    items.push({ mark: null, inline, nodes: [] });
  }
  return { kind: 'list', items };
}

/** What is said where no risk is known: no more than was looked at, and nothing that the browsers' list gainsays. */
function noRiskKey({ port, host }: PortReport): Parameters<typeof say>[0] {
  if (port === 0) return 'answer.zero';
  if (host.ephemeral === null) return 'risk.none.unseen';
  return host.browserBlocked ? 'risk.none.blocked' : 'risk.none';
}

export function couldNodes(report: PortReport, refs: References): Node[] {
  if (report.risks.length === 0) return [{ kind: 'para', inline: [said(say(noRiskKey(report)))] }];
  return [
    {
      kind: 'list',
      items: report.risks.map((risk) => ({
        mark: risk.severity,
        inline: [said(risk.text), ...risk.sources.flatMap((id) => [data(' '), refs.mark(id)])],
        nodes: [
          ...forecastNodes(risk, report.use.verdict === 'held'),
          ...risk.remedies.flatMap((remedy): Node[] => [
            { kind: 'para', inline: [said(remedy.title)] },
            ...(remedy.commands.length === 0 ? [] : [{ kind: 'commands' as const, lines: remedy.commands }]),
            ...(remedy.undo.length === 0
              ? []
              : [
                  { kind: 'para' as const, inline: [said(say('remedy.undo'), 'dim')] },
                  { kind: 'commands' as const, lines: remedy.undo },
                ]),
          ]),
        ],
      })),
    },
  ];
}
