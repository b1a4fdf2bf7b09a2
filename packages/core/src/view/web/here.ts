// The page of this host: how full its range is, what is likely to collide, who listens, what connections hold.
import { claimName, isWide } from '../../decide/claims.ts';
import type { Claim } from '../../model/claim.ts';
import type { ListenerForecast } from '../../model/forecast.ts';
import { listed, type Message, say } from '../../model/message.ts';
import { inRange, rangeSize } from '../../model/port.ts';
import type { Holder } from '../../model/report.ts';
import type { Gap, HostLimits, Snapshot } from '../../model/socket.ts';
import { gapsNode, whoWords } from '../holder-words.ts';
import { formatAddress, ownerCell } from '../list.ts';
import { data, type Inline, type Node, said } from '../tree.ts';
import type { Block, Section, WebPage } from './tree.ts';

/** What the page is made from. */
export interface HerePageInput {
  /** Name of the host. */
  readonly host: string;
  readonly snapshot: Pick<Snapshot, 'limits' | 'gaps'>;
  readonly holders: readonly Holder[];
  /** Listeners that a connection could take the place of, the likeliest first. */
  readonly forecasts: readonly ListenerForecast[];
  readonly claimsOf: (port: number) => readonly Claim[];
  /** What an audit of this host found; null where none could be made. */
  readonly findings: readonly Node[] | null;
  /** How a shell calls the program. */
  readonly call: string;
}

/** The page for a reader who may not see the host: its sections are there, for whoever turns out to have the token. */
export function closedHerePage(call: string): WebPage {
  const nothing: Block = { kind: 'gauge', used: 0, total: 0, words: [], more: `${call} ephemeral` };
  const sections: readonly (readonly [name: keyof typeof TITLES, blocks: readonly Block[]])[] = [
    ['gauge', [nothing]],
    ['collisions', []],
    ['listening', [{ kind: 'filter', of: 'listening' }]],
    ['passing', []],
    ['audit', []],
    ['unseen', []],
  ];
  return herePage(
    say('web.nav.here'),
    [[said(say('web.card.closed'))]],
    sections.map(([id, blocks]) => ({ id, title: say(TITLES[id]), blocks, later: true })),
  );
}

/** What its sections are called. */
const TITLES = {
  gauge: 'web.section.gauge',
  collisions: 'web.section.collisions',
  listening: 'web.section.listening',
  passing: 'web.section.passing',
  audit: 'web.section.audit',
  unseen: 'web.card.unseen',
} as const;

/** One of its sections. */
function sectionOf(id: keyof typeof TITLES, blocks: readonly Block[]): Section {
  return { id, title: say(TITLES[id]), blocks };
}

/** The page. */
export function hereWebPage(input: HerePageInput): WebPage {
  const { host, holders, snapshot } = input;
  const here = holders.filter((holder) => holder.namespace === null);
  const sections: Section[] = [
    sectionOf('gauge', [gauge(input, here)]),
    ...collisions(input),
    sectionOf('listening', listening(input, here)),
  ];
  const passing = passingBlocks(here, input.call);
  if (passing.length > 0) sections.push(sectionOf('passing', passing));
  sections.push(sectionOf('audit', input.findings ?? unaudited(input)));
  if (snapshot.gaps.length > 0) sections.push(sectionOf('unseen', [gapsNode(snapshot.gaps)]));
  const page = herePage(say('web.heading.name', { name: host }), leadOf(here, snapshot), sections);
  return {
    ...page,
    ruler: {
      port: 0,
      ephemeral: snapshot.limits.ephemeral,
      reserved: snapshot.limits.reserved ?? [],
      inUse: [...new Set(here.map(({ local }) => local.port))],
      label: say('web.here.ruler', { host }),
    },
  };
}

/** That nothing was found and that nobody could look are two answers. */
function unaudited({ call }: HerePageInput): Block[] {
  return [
    { kind: 'para', inline: [said(say('web.here.unaudited'))] },
    { kind: 'commands', lines: [`${call} audit`] },
  ];
}

function herePage(heading: Message, lead: WebPage['lead'], main: readonly Section[]): WebPage {
  return {
    path: '/here',
    title: say('web.nav.here'),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { words: heading },
    lead,
    counts: [],
    ruler: null,
    main,
    rail: [],
    sources: [],
    index: false,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: ['here'],
  };
}

const hides = (gaps: readonly Gap[]): boolean => gaps.some((gap) => gap.coversUse);

const isListening = (holder: Holder): boolean => holder.kind !== 'connection' && holder.kind !== 'closing';

/** Numbers of the ephemeral range that something holds, each once. */
function usedIn(holders: readonly Holder[], { ephemeral }: HostLimits): number {
  if (ephemeral === null) return 0;
  return new Set(holders.map(({ local }) => local.port).filter((port) => inRange(port, ephemeral))).size;
}

function leadOf(holders: readonly Holder[], { limits, gaps }: HerePageInput['snapshot']): Inline[][] {
  // Where nobody was seen and somebody may hide, a count of none would say that nobody is there.
  if (holders.length === 0 && hides(gaps)) return [[said(say('web.card.unknown'), 'strong')]];
  const listeners = new Set(holders.filter(isListening).map(({ local }) => local.port)).size;
  const connections = holders.filter((holder) => !isListening(holder)).length;
  const lines: Inline[][] = [
    [said(say('web.here.lead', { count: listeners }), 'strong')],
    [said(say('web.here.connections', { count: connections }))],
  ];
  if (limits.ephemeral === null) lines.push([said(say('here.range.unknown'))]);
  return lines;
}

function gauge({ snapshot, call }: HerePageInput, holders: readonly Holder[]): Block {
  const { ephemeral, reserved } = snapshot.limits;
  if (ephemeral === null) return { kind: 'para', inline: [said(say('here.range.unknown'))] };
  const kept = (reserved ?? []).reduce((sum, [first, last]) => {
    const from = Math.max(first, ephemeral[0]);
    const to = Math.min(last, ephemeral[1]);
    return from > to ? sum : sum + rangeSize([from, to]);
  }, 0);
  const total = rangeSize(ephemeral) - kept;
  const used = usedIn(holders, snapshot.limits);
  return {
    kind: 'gauge',
    used,
    total,
    words: [
      said(
        say('web.gauge.words', {
          used,
          total,
          percent: { share: total === 0 ? 1 : used / total },
          first: ephemeral[0],
          last: ephemeral[1],
        }),
      ),
    ],
    more: `${call} ephemeral`,
  };
}

/** Listeners inside the range that connections are given numbers of. */
function collisions({ forecasts, snapshot, holders, call }: HerePageInput): Section[] {
  const { ephemeral } = snapshot.limits;
  if (ephemeral === null || forecasts.length === 0) return [];
  const placeOf = ({ transport, local }: Pick<Holder, 'transport' | 'local'>): string =>
    `${transport} ${local.address} ${local.port}`;
  const listeners = new Map(
    holders.filter(({ kind }) => kind === 'listener').map((holder) => [placeOf(holder), holder]),
  );
  const holderOf = (found: ListenerForecast): Holder | undefined => listeners.get(placeOf(found));
  // A program that listens on several addresses is one collision: the likeliest stands for it.
  const rows = new Map<string, ListenerForecast>();
  for (const found of forecasts) {
    const key = `${found.transport} ${found.local.port} ${holderOf(found)?.owners[0]?.pid ?? ''}`;
    if (!rows.has(key)) rows.set(key, found);
  }
  return [
    sectionOf('collisions', [
      {
        kind: 'para',
        inline: [said(say('web.collisions.about', { first: ephemeral[0], last: ephemeral[1] }))],
      },
      {
        kind: 'table',
        header: true,
        columns: [
          { title: say('web.col.port'), align: 'right', grow: false },
          { title: say('web.col.listens'), align: 'left', grow: false },
          { title: say('web.col.chance'), align: 'left', grow: false },
          { title: say('web.col.remedy'), align: 'left', grow: true },
        ],
        rows: [...rows.values()].slice(0, COLLISIONS_SHOWN).map((found) => {
          const holder = holderOf(found);
          return [
            [portLink(found.local.port)],
            holder === undefined ? [data('–')] : ownerCell(holder),
            [said(say('web.collisions.chance', { percent: { share: found.forecast.chance } }))],
            [data(`sudo ${call} reserve ${found.local.port} --apply`)],
          ];
        }),
      },
      ...unshown(rows.size - COLLISIONS_SHOWN, `${call} audit`),
    ]),
  ];
}

function portLink(port: number): Inline {
  return { kind: 'link', to: `/ports/${port}`, text: String(port) };
}

/** Most listeners that are told to be in the way; the likeliest come first. */
const COLLISIONS_SHOWN = 100;

/** Most sockets that the table has; a browser grows slow with more. */
const LISTENING_SHOWN = 1000;

function listening({ call, claimsOf, snapshot }: HerePageInput, holders: readonly Holder[]): Block[] {
  const rows = holders.filter(isListening);
  if (rows.length === 0) {
    const none = hides(snapshot.gaps) ? 'web.card.unknown' : 'web.here.none';
    return [{ kind: 'para', inline: [said(say(none))] }];
  }
  return [
    { kind: 'filter', of: 'listening' },
    {
      kind: 'table',
      header: true,
      columns: [
        { title: say('web.col.port'), align: 'right', grow: false },
        { title: say('web.col.hold'), align: 'left', grow: false },
        { title: say('web.col.listens'), align: 'left', grow: false },
        { title: say('web.col.reach'), align: 'left', grow: false },
        { title: say('web.col.belongs'), align: 'left', grow: true },
      ],
      rows: rows
        .slice(0, LISTENING_SHOWN)
        .map((holder) => [
          [portLink(holder.local.port), data(`/${holder.transport}`, 'dim')],
          [said(say(`kind.${holder.kind}`))],
          ownerCell(holder),
          reach(holder),
          belongs(claimsOf(holder.local.port)),
        ]),
    },
    ...unshown(rows.length - LISTENING_SHOWN, `${call} list`),
  ];
}

/** How many are left out, and the command that leaves out none. */
function unshown(count: number, command: string): Block[] {
  if (count <= 0) return [];
  return [
    { kind: 'para', inline: [said(say('web.versus.more', { count }))] },
    { kind: 'commands', lines: [command] },
  ];
}

/** From where a socket can be reached, by the address it is bound to. */
function reach(holder: Holder): Inline[] {
  const { address } = holder.local;
  const where = data(` ${formatAddress(holder)}`, 'dim');
  if (holder.redirect !== null) return [data(formatAddress(holder))];
  if (/^127\.|^::1$|^::ffff:127\./.test(address)) return [said(say('web.reach.loopback')), where];
  if (address === '0.0.0.0' || address === '::') return [said(say('web.reach.all'), 'accent'), where];
  return [said(say('web.reach.one')), where];
}

/** What the number is said to be for: IANA's names and the products that use it; what is on record gave it to nobody. */
function belongs(claims: readonly Claim[]): Inline[] {
  const narrow = claims.filter((claim) => !isWide(claim) && claim.status !== 'reserved');
  const official = narrow.filter((claim) => claim.authority === 'registry').map((claim) => claim.service);
  const others = narrow
    .filter((claim) => claim.authority !== 'registry' && claim.authority !== 'observed')
    .map(claimName);
  const names = [...new Set([...official, ...others])];
  if (names.length === 0) return [said(say('web.belongs.nobody'), 'dim')];
  return [said(say('web.belongs.names', { names: listed(names, 4) }))];
}

/** Connections and closing sockets, counted by who has them. */
function passingBlocks(holders: readonly Holder[], call: string): Block[] {
  const groups = new Map<string, { holder: Holder; count: number }>();
  for (const holder of holders) {
    if (isListening(holder)) continue;
    const key = `${holder.kind} ${holder.owners[0]?.pid ?? holder.state}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { holder, count: 1 });
    else group.count++;
  }
  if (groups.size === 0) return [];
  return [
    {
      kind: 'table',
      header: true,
      columns: [
        { title: say('web.col.count'), align: 'right', grow: false },
        { title: say('web.col.hold'), align: 'left', grow: false },
        { title: say('web.col.whose'), align: 'left', grow: true },
      ],
      rows: [...groups.values()]
        .toSorted((a, b) => b.count - a.count)
        .slice(0, GROUPS_SHOWN)
        .map(({ holder, count }) => [
          [data(String(count))],
          [said(say(`kind.${holder.kind}`))],
          holder.owners.length > 0 ? [said(whoWords(holder))] : [data(holder.state)],
        ]),
    },
    ...unshown(groups.size - GROUPS_SHOWN, `${call} list`),
  ];
}

/** Most owners whose connections are counted one by one. */
const GROUPS_SHOWN = 50;
