// The pages of many holders: `list`, and `who` for one port.
import { claimName, isWide, narrowestFirst, sharesTransport } from '../decide/claims.ts';
import type { Claim } from '../model/claim.ts';
import type { ListenerForecast } from '../model/forecast.ts';
import { listed, type Message, say } from '../model/message.ts';
import type { PortRange, Transport } from '../model/port.ts';
import type { Holder, HolderKind, Use } from '../model/report.ts';
import type { Gap } from '../model/socket.ts';
import {
  containerName,
  formatEndpoint,
  gapsNode,
  mainOwner,
  namespaceName,
  rangeWords,
  redirectCells,
  whoWords,
} from './holder-words.ts';
import { holdersNode } from './report.ts';
import { data, fact, type Inline, joined, type Node, type Page, said } from './tree.ts';

/** What `list` shows. */
export interface ListModel {
  readonly holders: readonly Holder[];
  readonly gaps: readonly Gap[];
  /** Claims by port, for the last column. */
  readonly claimsOf: (port: number) => readonly Claim[];
  /** List every connection, too. */
  readonly all: boolean;
  /** True where filters took something away. */
  readonly filtered: boolean;
  /** Listeners in the ephemeral range, the likeliest to be taken first. */
  readonly forecasts: readonly ListenerForecast[];
  readonly ephemeral: PortRange | null;
}

/** Most ports that are named with their chances. */
const FORETOLD = 5;

/** Kinds that come and go by themselves: counted by owner unless all are asked for. */
const FLEETING: ReadonlySet<HolderKind> = new Set(['connection', 'closing']);

/** The page of `list`: what is here, then what other network namespaces have. */
export function listPage({ holders, gaps, claimsOf, all, filtered, forecasts, ephemeral }: ListModel): Page {
  const nodes: Node[] = [];
  const here = holders.filter((holder) => holder.namespace === null);
  const elsewhere = holders.filter((holder) => holder.namespace !== null);
  const shown = (holder: Holder): boolean => all || !FLEETING.has(holder.kind);
  const rows = here.filter(shown);
  const folded = here.filter((holder) => !shown(holder));
  // A rule that redirects a port is listed and is no socket.
  const rules = here.filter((holder) => holder.redirect !== null).length;
  const sockets = here.length - rules;
  const lines: Inline[][] = [[said(titleOf(sockets, gaps, filtered && here.length === 0), 'strong')]];
  if (folded.length > 0) lines.push([said(say('list.shown', { count: rows.length - rules }))]);
  if (rules > 0) lines.push([said(say('list.rules', { count: rules }))]);
  if (elsewhere.length > 0) lines.push([said(elsewhereTitle(elsewhere))]);
  nodes.push({ kind: 'answer', severity: 'info', lines });
  if (rows.length > 0) nodes.push(holdersTable(rows, claimsOf));
  if (ephemeral !== null && forecasts.length > 0) nodes.push(foretoldNode(forecasts, ephemeral));
  if (folded.length > 0) {
    nodes.push({ kind: 'para', inline: [said(say('list.folded.title'), 'dim')] }, foldedNode(folded));
  }
  const listedElsewhere = elsewhere.filter(shown);
  if (listedElsewhere.length > 0) {
    nodes.push(
      { kind: 'para', inline: [said(say('list.elsewhere.title'), 'dim')] },
      holdersTable(listedElsewhere, claimsOf),
    );
  }
  const passing = elsewhere.length - listedElsewhere.length;
  if (passing > 0) {
    nodes.push({ kind: 'para', inline: [said(say('list.elsewhere.passing', { count: passing }), 'dim')] });
  }
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}

function foretoldNode(forecasts: readonly ListenerForecast[], [first, last]: PortRange): Node {
  const chances = forecasts.map(({ local, forecast }) =>
    say('list.foretold.chance', { port: local.port, percent: { share: forecast.chance } }),
  );
  const ports = listed(chances, FORETOLD);
  const message = say('list.foretold', { count: forecasts.length, first, last, ports });
  return { kind: 'para', inline: [said(message)] };
}

function titleOf(count: number, gaps: readonly Gap[], filtered: boolean): Message {
  if (count > 0) return say('list.title', { count });
  if (gaps.some((gap) => gap.coversUse)) return say('list.title.unknown');
  return say(filtered ? 'list.title.none.filtered' : 'list.title.none');
}

function elsewhereTitle(holders: readonly Holder[]): Message {
  const namespaces = new Set(holders.map(({ namespace }) => namespace)).size;
  return say('list.elsewhere', { count: holders.length, namespaces });
}

function holdersTable(holders: readonly Holder[], claimsOf: (port: number) => readonly Claim[]): Node {
  const shortClaims = new Map<string, Inline[]>();
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('list.col.port'), align: 'right', grow: false },
      { title: say('list.col.kind'), align: 'left', grow: false },
      { title: say('list.col.address'), align: 'left', grow: false },
      { title: say('list.col.owner'), align: 'left', grow: false },
      { title: say('list.col.user'), align: 'left', grow: false, optional: true },
      { title: say('list.col.claim'), align: 'left', grow: true },
    ],
    rows: holders.map((holder) => {
      const rule = holder.redirect === null ? null : redirectCells(holder.redirect);
      const { exclusion } = holder;
      const kept = exclusion === undefined ? null : rangeWords(exclusion.ports);
      const key = `${rule?.ports ?? kept ?? holder.local.port}/${holder.transport}`;
      const [first, last] = holder.redirect?.ports ?? exclusion?.ports ?? [0, 0];
      const wide = first !== last;
      // What its first port is said to carry says nothing of a whole range.
      const claims = wide ? [] : claimsOf(holder.local.port);
      const short = shortClaims.get(key) ?? shortClaim(claims, [holder.transport]);
      shortClaims.set(key, short);
      const address: Inline[] = [data(rule?.way ?? formatAddress(holder))];
      if (holder.device !== null) address.push(data(`%${holder.device}`));
      if (holder.namespace !== null) address.push(data(` @${namespaceName(holder.namespace)}`, 'warn'));
      if (rule === null && holder.peer !== null)
        address.push(data(' → '), data(formatEndpoint(holder.peer), 'dim'));
      return [
        [data(key, 'strong')],
        // A state says which kind it is; only listeners and bound sockets are better known by their kind.
        [FLEETING.has(holder.kind) ? data(holder.state) : said(say(`kind.${holder.kind}`))],
        address,
        ownerCell(holder),
        [data(holder.owners[0]?.user ?? holder.user ?? '–')],
        short,
      ];
    }),
  };
}

/** The local address as it stands beside a port. */
export function formatAddress({ local }: Holder): string {
  return local.address.includes(':') ? `[${local.address}]` : local.address;
}

/** Who holds it, in the few words of a table's cell. */
export function ownerCell(holder: Holder): Inline[] {
  if (holder.kind === 'kernel') return [said(say('kind.kernel'))];
  if (holder.publishes !== null) {
    const { container, port } = holder.publishes;
    return [data(clipped(containerName(container))), data(` (${container.runtime}, :${port})`, 'dim')];
  }
  if (holder.redirect !== null) {
    const { maker, name, by } = holder.redirect;
    return [maker === null ? data(by) : name === null ? said(say(`maker.${maker}`)) : data(name)];
  }
  if (holder.exclusion !== undefined) return [said(say('who.excluded'))];
  const first = mainOwner(holder);
  if (first === undefined) return [said(say(holder.ownerHidden ? 'list.hidden' : 'list.none'), 'dim')];
  const more = holder.owners.length > 1 ? ` +${holder.owners.length - 1}` : '';
  const place = first.unit ?? (first.container === null ? null : containerName(first.container));
  const cell: Inline[] = [data(`${first.inferred ? '~' : ''}${first.name} ${first.pid}${more}`)];
  const service = holder.activation?.serviceUnit ?? null;
  if (service !== null && service !== place) cell.push(data(' → '), data(clipped(service)));
  if (place !== null) cell.push(data(` (${clipped(place)})`, 'dim'));
  return cell;
}

/** Longest name of a unit or container in a table, so that one does not push the others out; `who` has it whole. */
const NAME_SHOWN = 24;

/** A name with its middle cut out: numbers that tell instances apart stand at the end. */
function clipped(name: string): string {
  const points = [...name];
  if (points.length <= NAME_SHOWN) return name;
  const head = Math.ceil((NAME_SHOWN - 1) / 2);
  return `${points.slice(0, head).join('')}…${points.slice(head + 1 - NAME_SHOWN).join('')}`;
}

/**
 * The few words that stand for what a port is said to carry: IANA's name, then the product where there is one or
 * one bears IANA's name, else how many there are. Picking one of many would be a guess.
 */
export function shortClaim(claims: readonly Claim[], transports: readonly Transport[]): Inline[] {
  const narrow = narrowestFirst(claims).filter(
    (claim) => !isWide(claim) && claim.status !== 'reserved' && sharesTransport(claim.transports, transports),
  );
  const registry = narrow.find((claim) => claim.authority === 'registry');
  const uses = narrow.filter((claim) => claim.authority === 'default' || claim.authority === 'vendor');
  const products = [...new Set(uses.map(claimName))];
  const parts: Inline[][] = [];
  if (registry !== undefined) parts.push([fact(registry.service, 'dim')]);
  const [first, second] = products;
  if (first !== undefined && products.length <= 2)
    parts.push([fact([first, second].filter((name) => name !== undefined).join(', '), 'dim')]);
  else if (first !== undefined) parts.push([said(say('shared.products', { count: products.length }), 'dim')]);
  return parts.length === 0 ? [data('–', 'dim')] : joined(parts, '; ');
}

/** Connections and closing sockets counted by who has them. */
function foldedNode(holders: readonly Holder[]): Node {
  const groups = new Map<string, { holder: Holder; count: number }>();
  for (const holder of holders) {
    const owner = holder.owners[0];
    const key =
      owner === undefined
        ? `${holder.kind} ${holder.ownerHidden ? (holder.uid ?? '') : holder.state}`
        : `${holder.kind} ${owner.pid}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { holder, count: 1 });
    else group.count++;
  }
  return {
    kind: 'list',
    items: [...groups.values()]
      .toSorted((a, b) => b.count - a.count)
      .map(({ holder, count }) => ({
        mark: null,
        inline: [said(foldedLine(holder, count))],
        nodes: [],
      })),
  };
}

function foldedLine(holder: Holder, count: number): Message {
  const what = say(holder.kind === 'closing' ? 'list.closing' : 'list.connections', { count });
  if (holder.owners.length > 0) return say('list.folded', { count, what, who: whoWords(holder) });
  if (!holder.ownerHidden) return say('list.folded.nobody', { count, state: holder.state });
  return say('list.folded.hidden', { count, what, user: holder.user ?? String(holder.uid ?? '?') });
}

/** The page of `who`: holders and gaps of one port, nothing else. */
export function whoPage(port: number, transports: readonly Transport[], use: Use): Page {
  const nodes: Node[] = [];
  if (use.holders.length > 0) nodes.push(holdersNode(use.holders));
  else {
    const message =
      use.verdict === 'free'
        ? say('who.none', { port, transports: transports.join(', ') })
        : say('who.unseen', { port });
    nodes.push({ kind: 'para', inline: [said(message)] });
  }
  if (use.gaps.length > 0) nodes.push(gapsNode(use.gaps));
  return { nodes };
}
