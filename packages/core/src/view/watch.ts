// The page of a watch: its newest changes as a table, how it watches, and what it does without.
import type { Claim } from '../model/claim.ts';
import type { WatchEvent, WatchState } from '../model/event.ts';
import { type Message, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { HolderKind } from '../model/report.ts';
import { formatEndpoint, namespaceName } from './holder-words.ts';
import { formatAddress, ownerCell, shortClaim } from './list.ts';
import { type Column, data, type Emphasis, type Inline, type Node, type Page, said } from './tree.ts';

/** What the live table shows. */
export interface WatchModel {
  /** Newest first, as many as there is room for. */
  readonly events: readonly WatchEvent[];
  /** All events so far. */
  readonly counts: Readonly<Record<WatchEvent['change'], number>>;
  /** When it began, ISO 8601 in UTC. */
  readonly since: string;
  readonly ports: PortRange | null;
  readonly state: WatchState;
  /** Claims by port, for the last column. */
  readonly claimsOf: (port: number) => readonly Claim[];
}

/** How a change stands out, beside its sign and its word. */
const LOOKS: Readonly<Record<WatchEvent['change'], { sign: string; emphasis: Emphasis }>> = {
  opened: { sign: '+', emphasis: 'good' },
  closed: { sign: '-', emphasis: 'bad' },
  changed: { sign: '~', emphasis: 'warn' },
};

/** Kinds that are better known by their state. */
const BY_STATE: ReadonlySet<HolderKind> = new Set(['connection', 'closing']);

/** The live table. */
export function watchPage({ events, counts, since, ports, state, claimsOf }: WatchModel): Page {
  const values = { now: state.holders, since: timeOf(since), ...counts };
  const title =
    ports === null ? say('watch.title', values) : say('watch.title.ports', { ...values, ports: run(ports) });
  const nodes: Node[] = [{ kind: 'answer', severity: 'info', lines: [[said(title, 'strong')]] }];
  if (events.length === 0) nodes.push({ kind: 'para', inline: [said(say('watch.none'), 'dim')] });
  else {
    const rows = events.map((event) => tableCells(event, claimsOf));
    nodes.push({ kind: 'table', header: true, columns: COLUMNS, rows });
  }
  const foot: Inline[] = [said(howMessage(state), 'dim'), data(' ')];
  if (state.cpuShare !== null) {
    foot.push(said(say('watch.cpu', { share: { share: state.cpuShare } }), 'dim'), data(' '));
  }
  foot.push(said(say('watch.end'), 'dim'));
  nodes.push({ kind: 'para', inline: foot }, ...noticeNodes(state));
  return { nodes };
}

/** One change as a line of text, for a pipe. */
export function watchLinePage(event: WatchEvent, claimsOf: (port: number) => readonly Claim[]): Page {
  const [time = [], what = [], ...rest] = tableCells(event, claimsOf);
  const word: Inline[] = [said(say(`watch.change.${event.change}`), LOOKS[event.change].emphasis)];
  const cells = [time, word, what.slice(1), ...rest];
  const columns = cells.map((): Column => ({ title: null, align: 'left', grow: false }));
  return { nodes: [{ kind: 'table', header: false, columns, rows: [cells] }] };
}

/** How it watches and what it does without, for those who see no table. */
export function watchHowPage(state: WatchState): Page {
  return { nodes: [{ kind: 'para', inline: [said(howMessage(state))] }, ...noticeNodes(state)] };
}

const COLUMNS: readonly Column[] = [
  { title: say('watch.col.time'), align: 'left', grow: false },
  { title: say('watch.col.change'), align: 'left', grow: false },
  { title: say('list.col.port'), align: 'right', grow: false },
  { title: say('list.col.address'), align: 'left', grow: false },
  { title: say('list.col.owner'), align: 'left', grow: false },
  { title: say('list.col.user'), align: 'left', grow: false, optional: true },
  { title: say('list.col.claim'), align: 'left', grow: true },
];

/** One row; its sign is explained by the page's first line, and a connection is better known by its state. */
function tableCells(
  { at, change, holder }: WatchEvent,
  claimsOf: (port: number) => readonly Claim[],
): readonly (readonly Inline[])[] {
  const { sign, emphasis } = LOOKS[change];
  const address: Inline[] = [data(formatAddress(holder))];
  if (holder.device !== null) address.push(data(`%${holder.device}`));
  if (holder.namespace !== null) address.push(data(` @${namespaceName(holder.namespace)}`, 'warn'));
  if (holder.peer !== null) address.push(data(' → '), data(formatEndpoint(holder.peer), 'dim'));
  return [
    [data(timeOf(at), 'dim')],
    [
      data(`${sign} `, emphasis),
      BY_STATE.has(holder.kind) ? data(holder.state, emphasis) : said(say(`kind.${holder.kind}`), emphasis),
    ],
    [data(`${holder.local.port}/${holder.transport}`, 'strong')],
    address,
    ownerCell(holder),
    [data(holder.owners[0]?.user ?? holder.user ?? '–')],
    shortClaim(claimsOf(holder.local.port), [holder.transport]),
  ];
}

function howMessage({ trace, destroy, intervalMs, boundMs, ownersMs }: WatchState): Message {
  const values = {
    interval: lasting(intervalMs),
    owners: lasting(ownersMs),
    bound: boundMs === 0 ? '' : say('watch.how.bound', { bound: lasting(boundMs) }),
  };
  if (trace) return say(destroy ? 'watch.how.trace' : 'watch.how.trace.polled', values);
  return say(destroy ? 'watch.how.destroy' : 'watch.how.poll', values);
}

function noticeNodes({ notices, lost, unplaced }: WatchState): Node[] {
  const nodes = notices.flatMap(({ code, values, remedy }): Node[] => [
    { kind: 'para', inline: [said(say(`watch.notice.${code}`, values), 'warn')] },
    ...(remedy === null ? [] : [{ kind: 'commands', lines: [remedy] } as const]),
  ]);
  if (lost > 0) nodes.push({ kind: 'para', inline: [said(say('watch.lost', { count: lost }), 'warn')] });
  if (unplaced > 0) {
    nodes.push({ kind: 'para', inline: [said(say('watch.unplaced', { count: unplaced }), 'warn')] });
  }
  return nodes;
}

/** `21:59:41` of an ISO time. */
function timeOf(iso: string): string {
  return iso.slice(11, 19);
}

function run([first, last]: PortRange): string {
  return first === last ? String(first) : `${first}–${last}`;
}

/** `250 ms`, `2.5 s`: units that every language writes the same way, not to be parted from their number. */
function lasting(ms: number): string {
  return ms < 1000 ? `${ms}\u00a0ms` : `${Math.round(ms / 100) / 10}\u00a0s`;
}
