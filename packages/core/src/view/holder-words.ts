// How holders, owners and gaps are put into words, for every page that shows them.
import { type Message, say } from '../model/message.ts';
import type { Holder } from '../model/report.ts';
import type { Endpoint, Gap, Owner } from '../model/socket.ts';
import { data, type Inline, joined, type Node, said } from './tree.ts';

/** `127.0.0.1:80`, `[::1]:80` (RFC 3986 s3.2.2 brackets). */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Seconds with one digit after the point, never less than what is left. */
export function secondsLeft(ms: number): string {
  return (Math.ceil(ms / 100) / 10).toFixed(1);
}

/** Who holds it, in a few words, to stand inside a sentence. */
export function whoWords(holder: Holder): Message {
  const first = holder.owners[0];
  if (first === undefined) return userWords(holder) ?? say('who.unknown');
  const one = say('who.process', { name: first.name, pid: first.pid });
  const sure = first.inferred ? guessed(first, one) : one;
  return holder.owners.length === 1 ? sure : say('who.more', { who: sure, count: holder.owners.length - 1 });
}

/** The unit follows from the socket's cgroup; which of its processes it is, is a guess. */
function guessed(owner: Owner, who: Message): Message {
  return owner.unit === null ? say('who.inferred', { who }) : say('who.unit', { unit: owner.unit, who });
}

/** The user of a socket by name, else by number; null where the kernel keeps none. */
function userWords({ user, uid }: Holder): Message | null {
  if (user !== null) return say('who.user', { user });
  return uid === null ? null : say('who.user', { user: String(uid) });
}

/** Most owners of one socket that are described one by one. */
const OWNERS_SHOWN = 8;

/** One holder: a line for the socket, then lines for those who have it. */
export function holderNodes(holder: Holder): { inline: Inline[]; nodes: Node[] } {
  const parts: Inline[][] = [
    [said(say(`kind.${holder.kind}`), 'strong')],
    [data(holder.transport)],
    [data(formatEndpoint(holder.local))],
  ];
  if (holder.peer !== null) parts.push([said(say('holder.peer', { peer: formatEndpoint(holder.peer) }))]);
  if (holder.kind !== 'bound') parts.push([data(holder.state)]);
  if (holder.local.address === '::' && holder.ipv6Only !== null) {
    parts.push([said(say(holder.ipv6Only ? 'holder.v6only' : 'holder.dual'), 'dim')]);
  }
  if (holder.freeInMs !== null) {
    parts.push([said(say('holder.free', { seconds: secondsLeft(holder.freeInMs) }), 'accent')]);
  }
  const nodes: Node[] = holder.owners.slice(0, OWNERS_SHOWN).flatMap(ownerNodes);
  const skipped = holder.owners.length - OWNERS_SHOWN;
  if (skipped > 0)
    nodes.push({ kind: 'para', inline: [said(say('owner.skipped', { count: skipped }), 'dim')] });
  if (holder.owners.length === 0) {
    const inline: Inline[] = [said(ownerlessWords(holder))];
    if (holder.ownerHidden && holder.user !== null) {
      inline.push(data('; '), said(say('holder.user', { user: holder.user })));
    }
    nodes.push({ kind: 'para', inline });
  }
  return { inline: joined(parts, '  '), nodes };
}

/** Why nobody stands behind a holder. */
function ownerlessWords({ kind, ownerHidden }: Holder): Message {
  if (kind === 'kernel') return say('holder.kernel');
  if (ownerHidden) return say('holder.nobody');
  // A connection that the kernel has set up and no accept(2) has fetched yet has no file of its own.
  return say(kind === 'connection' ? 'holder.queued' : 'holder.closing');
}

function ownerNodes(owner: Owner): Node[] {
  const parts: Inline[][] = [[said(say('owner.line', { name: owner.name, pid: owner.pid }), 'strong')]];
  if (owner.user !== null) parts.push([said(say('owner.user', { user: owner.user }))]);
  if (owner.startedAt !== null) {
    parts.push([said(say('owner.since', { time: `${owner.startedAt.slice(0, 19).replace('T', ' ')}Z` }))]);
  }
  if (owner.unit !== null) parts.push([said(say('owner.unit', { unit: owner.unit }))]);
  if (owner.container !== null) {
    const { runtime, id, name } = owner.container;
    parts.push([said(say('owner.container', { runtime, id: name ?? id.slice(0, 12) }))]);
  }
  const nodes: Node[] = [{ kind: 'para', inline: joined(parts, ', ') }];
  if (owner.inferred) nodes.push({ kind: 'para', inline: [said(say('owner.inferred'), 'warn')] });
  if (owner.argv !== null) {
    const inline: Inline[] = [data(shortened(owner.argv.join(' ')), 'dim')];
    if (owner.cwd !== null) inline.push(data('  '), said(say('owner.cwd', { cwd: owner.cwd }), 'dim'));
    nodes.push({ kind: 'para', inline });
  }
  return nodes;
}

/** Longest command line shown; the whole one is in the JSON. */
const ARGV_SHOWN = 200;

function shortened(text: string): string {
  return text.length <= ARGV_SHOWN ? text : `${text.slice(0, ARGV_SHOWN - 1)}…`;
}

/** What a gap hides and why, as messages. */
export function gapMessages(gap: Gap): { what: Message; why: Message } {
  return { what: say(`gap.${gap.code}.what`, gap.values), why: say(`gap.${gap.code}.why`, gap.values) };
}

/** Gaps as a list, each with the command that closes it. */
export function gapsNode(gaps: readonly Gap[]): Node {
  return {
    kind: 'list',
    items: gaps.map((gap) => {
      const { what, why } = gapMessages(gap);
      return {
        mark: gap.coversUse ? 'medium' : 'info',
        inline: [said(say('gap.title', { what })), data(': '), said(why, 'dim'), data('.')],
        nodes:
          gap.remedy === null
            ? []
            : [
                { kind: 'para', inline: [said(say('gap.remedy'), 'dim')] },
                { kind: 'commands', lines: [gap.remedy] },
              ],
      };
    }),
  };
}
