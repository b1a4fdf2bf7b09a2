// The page of `ephemeral`: how full and for how long, then range, kinds, destinations, users and the rate.
import { soonest } from '../decide/ephemeral.ts';
import { joinRanges, portCount, withoutRanges } from '../decide/port-set.ts';
import type { Destination, EphemeralReport, EphemeralUser } from '../model/ephemeral.ts';
import { listed, type Message, type MessageValue, say } from '../model/message.ts';
import type { Severity } from '../model/report.ts';
import { formatEndpoint, gapsNode } from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** From so full on it is worth a warning. */
const FULL = 0.8;
/** Less than this until a destination runs out is soon. */
const SOON_SECONDS = 24 * 3600;
const DESTINATIONS_SHOWN = 5;
const USERS_SHOWN = 5;
const RUNS_SHOWN = 6;
const GAUGE_WIDTH = 20;

/** The page; `more` are the sections of what was measured besides. */
export function ephemeralPage(report: EphemeralReport, more: readonly Node[]): Page {
  const nodes: Node[] = [answer(report)];
  if (report.range !== null) {
    nodes.push(useNode(report));
    nodes.push({
      kind: 'section',
      title: say('ephemeral.section.destinations'),
      nodes: destinationNodes(report),
    });
    if (report.users.length > 0) {
      nodes.push({
        kind: 'section',
        title: say('ephemeral.section.users'),
        nodes: [usersTable(report.users)],
      });
    }
    const rate = rateNodes(report);
    if (rate.length > 0) nodes.push({ kind: 'section', title: say('ephemeral.section.rate'), nodes: rate });
    nodes.push({ kind: 'section', title: say('ephemeral.section.range'), nodes: [rangeTable(report)] });
  }
  nodes.push(...more);
  if (report.gaps.length > 0) nodes.push(gapsNode(report.gaps));
  return { nodes };
}

function answer(report: EphemeralReport): Node {
  const { range, available } = report;
  if (range === null || available === null) {
    return { kind: 'answer', severity: 'medium', lines: [[said(say('ephemeral.unknown'), 'strong')]] };
  }
  const used = usedPorts(report);
  const { when, severity } = outlook(report, available);
  const first = say('ephemeral.answer', {
    used,
    available,
    percent: percentOf(available === 0 ? 1 : used / available),
    when,
  });
  const [from, to] = range;
  const second = say('ephemeral.range', {
    first: from,
    last: to,
    size: to - from + 1,
    reserved: to - from + 1 - available,
  });
  return { kind: 'answer', severity, lines: [[said(first, 'strong')], [said(second)]] };
}

/** Ports of the transport that uses more of them: both have the whole range. */
function usedPorts({ tcp, udp }: EphemeralReport): number {
  return Math.max(tcp.ports, udp.ports);
}

function outlook(report: EphemeralReport, available: number): { when: Message; severity: Severity | 'good' } {
  if (available === 0) return { when: say('ephemeral.when.reserved'), severity: 'high' };
  const [fullest] = report.destinations;
  if (fullest !== undefined && fullest.fill >= 1) {
    return { when: say('ephemeral.when.now', { where: formatEndpoint(fullest.peer) }), severity: 'high' };
  }
  const next = soonest(report.destinations);
  if (next?.exhaustedIn != null && next.exhaustedIn < SOON_SECONDS) {
    const values = { where: formatEndpoint(next.peer), time: timeWords(next.exhaustedIn) };
    return {
      when: say('ephemeral.when.soon', values),
      severity: next.exhaustedIn < 3600 ? 'high' : 'medium',
    };
  }
  const full = Math.max(fullest?.fill ?? 0, usedPorts(report) / available) >= FULL;
  const key = report.rate === null ? 'ephemeral.when.unrated' : 'ephemeral.when.never';
  return { when: say(key), severity: full ? 'medium' : 'good' };
}

function timeWords(seconds: number): Message {
  if (seconds < 120) return say('ephemeral.time.seconds', { count: Math.round(seconds) });
  if (seconds < 7200) return say('ephemeral.time.minutes', { count: Math.round(seconds / 60) });
  if (seconds < 48 * 3600) return say('ephemeral.time.hours', { count: Math.round(seconds / 3600) });
  return say('ephemeral.time.days', { count: Math.round(seconds / 86_400) });
}

function para(message: Message, emphasis?: 'dim'): Node {
  return { kind: 'para', inline: [emphasis === undefined ? said(message) : said(message, emphasis)] };
}

/** Nothing at all is no small share. */
function percentOf(share: number): MessageValue {
  return share === 0 ? say('share.none') : { share };
}

/** A bar of the share that is used. */
function gauge(share: number): string {
  const full = share <= 0 ? 0 : Math.max(1, Math.min(GAUGE_WIDTH, Math.round(share * GAUGE_WIDTH)));
  return '█'.repeat(full) + '░'.repeat(GAUGE_WIDTH - full);
}

/** Columns of a table that is prose and has no header. */
const PROSE = [
  { title: null, align: 'left', grow: false },
  { title: null, align: 'left', grow: true },
] as const;

function useNode({ tcp, udp, available, range, noPort }: EphemeralReport): Node {
  const of = available ?? 0;
  const row = (name: 'tcp' | 'udp', ports: number): Inline[][] => {
    const share = of === 0 ? 1 : ports / of;
    const values = { gauge: gauge(share), ports, available: of, percent: percentOf(share) };
    return [[said(say(`ephemeral.${name}`), 'strong')], [said(say('ephemeral.use', values))]];
  };
  const detail = (message: Message): Inline[][] => [[], [said(message, 'dim')]];
  const odd = range !== null && (range[0] & 1) === 1;
  const preferred = say(odd ? 'parity.odd' : 'parity.even');
  const rows = [
    row('tcp', tcp.ports),
    detail(say('ephemeral.tcp.kinds', { ...kindValues(tcp) })),
    ...(tcp.ports > 0 ? [detail(say('ephemeral.parity', { ...tcp.parity, preferred }))] : []),
    ...(noPort === null || noPort === 0 ? [] : [detail(say('ephemeral.noport', { count: noPort }))]),
    row('udp', udp.ports),
    detail(say('ephemeral.udp.kinds', { connected: udp.connected, query: udp.query, open: udp.open })),
  ];
  return {
    kind: 'section',
    title: say('ephemeral.section.use'),
    nodes: [{ kind: 'table', header: false, columns: PROSE, rows }],
  };
}

function kindValues({
  connected,
  timeWait,
  closing,
  accepted,
  bound,
}: EphemeralReport['tcp']): Record<string, number> {
  return { connected, timeWait, closing, accepted, bound };
}

function destinationNodes(report: EphemeralReport): Node[] {
  const { destinations, destinationCount, available, twReuse } = report;
  if (destinations.length === 0) return [para(say('ephemeral.destination.none'))];
  const shown = destinations.slice(0, DESTINATIONS_SHOWN);
  const columns = destinationColumns(shown, report.rate !== null);
  const nodes: Node[] = [
    {
      kind: 'table',
      header: true,
      columns: columns.map(({ name, align, grow }) => ({
        title: say(`ephemeral.destination.column.${name}`),
        align,
        grow,
      })),
      rows: shown.map((destination) => columns.map(({ cell }) => cell(destination))),
    },
  ];
  const more = destinationCount - shown.length;
  if (more > 0) nodes.push(para(say('ephemeral.destination.more', { count: more }), 'dim'));
  nodes.push(para(say('ephemeral.destination.note', { available: available ?? 0 }), 'dim'));
  if (shown.some(({ timeWait }) => timeWait > 0)) {
    const where = twReuse === 2 ? say('ephemeral.wait.loopback') : '';
    const reused = shown.some(({ ports, blocking }) => blocking < ports);
    nodes.push(
      para(
        reused ? say('ephemeral.wait.reused', { value: twReuse ?? 0, where }) : say('ephemeral.wait.kept'),
        'dim',
      ),
    );
  }
  return nodes;
}

interface DestinationColumn {
  readonly name: 'peer' | 'from' | 'ports' | 'wait' | 'fill' | 'rate' | 'end' | 'who';
  readonly align: 'left' | 'right';
  readonly grow: boolean;
  readonly cell: (destination: Destination) => Inline[];
}

/** Columns that have something to tell. */
function destinationColumns(shown: readonly Destination[], rated: boolean): DestinationColumn[] {
  const column = (
    name: DestinationColumn['name'],
    align: 'left' | 'right',
    cell: DestinationColumn['cell'],
    grow = false,
  ): DestinationColumn => ({ name, align, grow, cell });
  const several = new Set(shown.map(({ local }) => local)).size > 1;
  return [
    column('peer', 'left', ({ peer }) => [data(formatEndpoint(peer), 'strong')]),
    ...(several ? [column('from', 'left', ({ local }) => [data(local)])] : []),
    column('ports', 'right', ({ ports }) => [data(String(ports))]),
    column('wait', 'right', ({ timeWait }) => [data(String(timeWait))]),
    column('fill', 'right', ({ fill }) => [
      said(say('ephemeral.share', { percent: percentOf(fill) }), fill >= FULL ? 'bad' : 'dim'),
    ]),
    ...(rated
      ? [
          column('rate', 'right', ({ perSecond }) => [data(String(Math.round((perSecond ?? 0) * 10) / 10))]),
          column('end', 'left', ({ exhaustedIn }) => [endWords(exhaustedIn)]),
        ]
      : []),
    column(
      'who',
      'left',
      ({ users: [first] }) => (first === undefined ? [] : [said(userWords(first))]),
      true,
    ),
  ];
}

function endWords(exhaustedIn: number | null): Inline {
  if (exhaustedIn === null) return said(say('ephemeral.destination.never'), 'dim');
  return said(exhaustedIn === 0 ? say('ephemeral.destination.now') : timeWords(exhaustedIn), 'warn');
}

function userWords({ kind, name, pid }: EphemeralUser): Message {
  return kind === 'process'
    ? say('ephemeral.user.process', { name: name ?? '?', pid: pid ?? 0 })
    : say(`ephemeral.user.${kind}`);
}

function usersTable(users: readonly EphemeralUser[]): Node {
  return {
    kind: 'table',
    header: false,
    columns: [
      { title: null, align: 'right', grow: false },
      { title: null, align: 'left', grow: true },
    ],
    rows: users
      .slice(0, USERS_SHOWN)
      .map((user) => [[data(String(user.ports), 'strong')], [said(userWords(user))]]),
  };
}

function rateNodes({ rate, destinations }: EphemeralReport): Node[] {
  if (rate === null) return [];
  const { perSecond, seconds, opened, seen } = rate;
  const values = { perSecond, seconds, seen, opened: opened ?? 0 };
  const nodes = [para(say(opened === null ? 'ephemeral.rate.seen' : 'ephemeral.rate', values))];
  const [fullest] = destinations;
  if (fullest?.settlesAt != null && (fullest.perSecond ?? 0) > 0 && fullest.exhaustedIn === null) {
    nodes.push(para(say('ephemeral.rate.settles', { count: fullest.settlesAt })));
  }
  return nodes;
}

function rangeTable({ range, reserved, unprivilegedFrom, namespace }: EphemeralReport): Node {
  const [first, last] = range ?? [0, 0];
  const row = (name: 'range' | 'reserved' | 'privileged' | 'namespace', message: Message): Inline[][] => [
    [said(say(`ephemeral.row.${name}`), 'dim')],
    [said(message)],
  ];
  const inode = namespace.inode;
  const name: MessageValue = inode === null ? '' : say('reserve.namespace.name', { inode });
  const rows = [
    row('range', say('ephemeral.range.row', { first, last, size: last - first + 1 })),
    row('reserved', reservedWords(reserved, first, last)),
    row(
      'privileged',
      unprivilegedFrom === null
        ? say('ephemeral.unreadable')
        : unprivilegedFrom === 0
          ? say('ephemeral.privileged.none')
          : say('ephemeral.privileged.row', { from: unprivilegedFrom }),
    ),
    row(
      'namespace',
      say(`ephemeral.namespace.${namespace.kind}`, { name, names: namespace.names.join(', ') }),
    ),
  ];
  return { kind: 'table', header: false, columns: PROSE, rows };
}

function reservedWords(reserved: EphemeralReport['reserved'], first: number, last: number): Message {
  if (reserved === null) return say('ephemeral.unreadable');
  if (reserved.length === 0) return say('ephemeral.reserved.none');
  const runs = joinRanges(reserved).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  const size = last - first + 1;
  const inside = size - portCount(withoutRanges([[first, last]], reserved));
  return say('ephemeral.reserved.row', { ports: listed(runs, RUNS_SHOWN), inside });
}
