// The pages of many holders: `list`, and `who` for one port.
import { claimName, isWide, narrowestFirst, sharesTransport } from '../decide/claims.ts';
import type { Claim } from '../model/claim.ts';
import { type Message, say } from '../model/message.ts';
import type { Transport } from '../model/port.ts';
import type { Holder, HolderKind, Use } from '../model/report.ts';
import type { Gap } from '../model/socket.ts';
import { formatEndpoint, gapsNode, whoWords } from './holder-words.ts';
import { holdersNode } from './report.ts';
import { data, type Inline, joined, type Node, type Page, said } from './tree.ts';

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
}

/** Kinds that come and go by themselves: counted by owner unless all are asked for. */
const FLEETING: ReadonlySet<HolderKind> = new Set(['connection', 'closing']);

/** The page of `list`. */
export function listPage({ holders, gaps, claimsOf, all, filtered }: ListModel): Page {
  const nodes: Node[] = [];
  const listed = all ? holders : holders.filter((holder) => !FLEETING.has(holder.kind));
  const folded = all ? [] : holders.filter((holder) => FLEETING.has(holder.kind));
  if (holders.length === 0) {
    const blind = gaps.some((gap) => gap.coversUse);
    const none = filtered ? 'list.title.none.filtered' : 'list.title.none';
    nodes.push(title(say(blind ? 'list.title.unknown' : none)));
  } else {
    const lines: Inline[][] = [[said(say('list.title', { count: holders.length }), 'strong')]];
    if (folded.length > 0) lines.push([said(say('list.shown', { count: listed.length }))]);
    nodes.push({ kind: 'answer', severity: 'info', lines });
  }
  if (listed.length > 0) nodes.push(holdersTable(listed, claimsOf));
  if (folded.length > 0) {
    nodes.push({ kind: 'para', inline: [said(say('list.folded.title'), 'dim')] }, foldedNode(folded));
  }
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}

function title(message: Parameters<typeof said>[0]): Node {
  return { kind: 'answer', severity: 'info', lines: [[said(message, 'strong')]] };
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
      const key = `${holder.local.port}/${holder.transport}`;
      const short = shortClaims.get(key) ?? shortClaim(claimsOf(holder.local.port), [holder.transport]);
      shortClaims.set(key, short);
      const address: Inline[] = [data(formatAddress(holder))];
      if (holder.peer !== null) address.push(data(' → '), data(formatEndpoint(holder.peer), 'dim'));
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

function formatAddress({ local }: Holder): string {
  return local.address.includes(':') ? `[${local.address}]` : local.address;
}

function ownerCell(holder: Holder): Inline[] {
  if (holder.kind === 'kernel') return [said(say('kind.kernel'))];
  const first = holder.owners[0];
  if (first === undefined) return [said(say(holder.ownerHidden ? 'list.hidden' : 'list.none'), 'dim')];
  const more = holder.owners.length > 1 ? ` +${holder.owners.length - 1}` : '';
  const place = first.unit ?? (first.container === null ? null : first.container.id.slice(0, 12));
  const cell: Inline[] = [data(`${first.inferred ? '~' : ''}${first.name} ${first.pid}${more}`)];
  if (place !== null) cell.push(data(` (${place})`, 'dim'));
  return cell;
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
  if (registry !== undefined) parts.push([data(registry.service, 'dim')]);
  const [first, second] = products;
  if (first !== undefined && products.length <= 2)
    parts.push([data([first, second].filter((name) => name !== undefined).join(', '), 'dim')]);
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
