// How holders, owners and gaps are put into words, for every page that shows them.
import { listed, type Message, type MessageValue, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import type { Container, Endpoint, Gap, NetNamespace, Owner, Published, Redirect } from '../model/socket.ts';
import { data, type Inline, joined, type Node, said } from './tree.ts';

/** `127.0.0.1:80`, `[::1]:80` (RFC 3986 s3.2.2 brackets). */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The name of a network namespace: what ip-netns(8) calls it, else what /proc does. */
export function namespaceName({ names, inode, process }: NetNamespace): string {
  if (names[0] !== undefined) return names[0];
  return inode === null ? `pid:${process?.pid ?? '?'}` : `net:[${inode}]`;
}

/** A container by its name, else by the start of its id as its engine prints it. */
export function containerName({ name, id }: Container): string {
  return name ?? id.slice(0, 12);
}

/** Runtimes that are called otherwise than they are written in cgroups. */
const RUNTIMES: Readonly<Record<string, string>> = {
  docker: 'Docker',
  podman: 'Podman',
  'cri-o': 'CRI-O',
  lxc: 'LXC',
};

/** A container's runtime as its makers write it. */
export function runtimeName({ runtime }: Container): string {
  return RUNTIMES[runtime] ?? runtime;
}

/** The owner that a socket is for: of one that systemd holds, the service's own process once it runs. */
export function mainOwner({ owners, activation }: Pick<Holder, 'owners' | 'activation'>): Owner | undefined {
  const service = activation?.serviceUnit ?? null;
  const serving = service === null ? undefined : owners.find(({ unit }) => unit === service);
  return serving ?? owners[0];
}

/** Whose namespace it is, as far as that is known. */
function namespaceWords(namespace: NetNamespace): Message {
  const name = namespaceName(namespace);
  const { container, process } = namespace;
  if (container !== null) {
    return say('holder.namespace.container', {
      name,
      runtime: runtimeName(container),
      container: containerName(container),
    });
  }
  if (process === null) return say('holder.namespace', { name });
  return say('holder.namespace.process', { name, process: process.name, pid: process.pid });
}

/** Seconds with one digit after the point, never less than what is left. */
export function secondsLeft(ms: number): MessageValue {
  return { decimal: Math.ceil(ms / 100) / 10 };
}

/** `50000–50059`, or the one port. */
export function rangeWords([first, last]: PortRange): string {
  return first === last ? String(first) : `${first}–${last}`;
}

/** Who holds it, in a few words, to stand inside a sentence. */
export function whoWords(holder: Holder): Message {
  if (holder.publishes !== null) {
    const { container, port } = holder.publishes;
    return say('who.container', {
      runtime: runtimeName(container),
      container: containerName(container),
      port,
    });
  }
  if (holder.activation !== null && holder.owners.length <= 1) {
    const { socketUnit, serviceUnit } = holder.activation;
    return say(serviceUnit === null ? 'who.socket' : 'who.activated', {
      socket: socketUnit,
      service: serviceUnit ?? '',
    });
  }
  if (holder.redirect !== null) return say('who.rule', { by: holder.redirect.by });
  if (holder.exclusion !== undefined) return say('who.excluded');
  const first = mainOwner(holder);
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

/** Where it is: an endpoint, what a rule matches, or a range that the system keeps back. */
function placeOf({ redirect, exclusion, local }: Holder): string {
  if (redirect !== null) return redirectFrom(redirect);
  if (exclusion === undefined) return formatEndpoint(local);
  return `${exclusion.family === 'ipv6' ? '[::]' : local.address}:${rangeWords(exclusion.ports)}`;
}

/** Most owners of one socket that are described one by one. */
const OWNERS_SHOWN = 8;

/** One holder: a line for the socket, then lines for those who have it. */
export function holderNodes(holder: Holder): { inline: Inline[]; nodes: Node[] } {
  const parts: Inline[][] = [
    [said(say(`kind.${holder.kind}`), 'strong')],
    [data(holder.transport)],
    [data(placeOf(holder))],
  ];
  if (holder.redirect !== null) {
    const { family, address } = holder.redirect;
    parts.push([said(redirectTarget(holder.redirect))]);
    if (family !== null && address === null) parts.push([said(say(`holder.redirect.${family}`), 'dim')]);
  }
  if (holder.redirect === null && holder.peer !== null) {
    parts.push([said(say('holder.peer', { peer: formatEndpoint(holder.peer) }))]);
  }
  const stateless = holder.redirect !== null || holder.exclusion !== undefined;
  if (holder.kind !== 'bound' && !stateless) parts.push([data(holder.state)]);
  if (holder.mptcp) parts.push([said(say('holder.mptcp'), 'dim')]);
  if (holder.device !== null) parts.push([said(say('holder.device', { device: holder.device }), 'accent')]);
  if (holder.group > 1) parts.push([said(say('holder.group', { count: holder.group }), 'dim')]);
  if (holder.local.address === '::' && holder.ipv6Only !== null && !stateless) {
    parts.push([said(say(holder.ipv6Only ? 'holder.v6only' : 'holder.dual'), 'dim')]);
  }
  if (holder.freeInMs !== null) {
    parts.push([said(say('holder.free', { seconds: secondsLeft(holder.freeInMs) }), 'accent')]);
  }
  const nodes: Node[] = [];
  if (holder.namespace !== null) {
    nodes.push({ kind: 'para', inline: [said(namespaceWords(holder.namespace), 'warn')] });
  }
  if (holder.redirect !== null) nodes.push(...redirectNodes(holder.redirect));
  if (holder.publishes !== null) {
    nodes.push({ kind: 'para', inline: [said(publishedWords(holder.publishes), 'strong')] });
  }
  if (holder.activation !== null) {
    const { socketUnit, serviceUnit } = holder.activation;
    const serves = serviceUnit !== null && holder.owners.some(({ unit }) => unit === serviceUnit);
    const key = serviceUnit === null ? 'holder.socket' : serves ? 'holder.serves' : 'holder.activates';
    const values = { socket: socketUnit, service: serviceUnit ?? '' };
    nodes.push({ kind: 'para', inline: [said(say(key, values), 'strong')] });
  }
  nodes.push(...holder.owners.slice(0, OWNERS_SHOWN).flatMap(ownerNodes));
  const skipped = holder.owners.length - OWNERS_SHOWN;
  if (skipped > 0)
    nodes.push({ kind: 'para', inline: [said(say('owner.skipped', { count: skipped }), 'dim')] });
  if (holder.exclusion !== undefined) nodes.push({ kind: 'para', inline: [said(say('holder.excluded'))] });
  if (holder.owners.length === 0 && !stateless) {
    const inline: Inline[] = [said(ownerlessWords(holder))];
    if (holder.ownerHidden && holder.user !== null) {
      inline.push(data('; '), said(say('holder.user', { user: holder.user })));
    }
    nodes.push({ kind: 'para', inline });
  }
  return { inline: joined(parts, '  '), nodes };
}

/** The container's port that stands behind it. */
function publishedWords({ container, port }: Published): Message {
  const values = { runtime: runtimeName(container), container: containerName(container), port };
  return say('holder.publishes', values);
}

/** What a rule matches: `10.0.0.1:80`, `*:30000–32767`. */
function redirectFrom({ address, ports }: Redirect): string {
  const host = address === null ? '*' : address.includes(':') ? `[${address}]` : address;
  return `${host}:${portsOf(ports)}`;
}

/** `80`, `30000–32767`. */
function portsOf([first, last]: Redirect['ports']): string {
  return first === last ? `${first}` : `${first}–${last}`;
}

/** A rule in the cells of a table: its ports, and its address with what it sends them to. */
export function redirectCells({ address, ports, target }: Redirect): { ports: string; way: string } {
  const to =
    target.address === null
      ? target.port === null
        ? ''
        : `:${target.port}`
      : target.port === null
        ? target.address
        : formatEndpoint({ address: target.address, port: target.port });
  return { ports: portsOf(ports), way: `${address ?? '*'} → ${to}` };
}

/** Where a rule sends packets, to stand after what it matches or at the end of a sentence. */
export function redirectTarget({ target: { address, port } }: Redirect): Message {
  if (port === null) {
    return address === null ? say('holder.redirect.here.same') : say('holder.redirect.to.same', { address });
  }
  if (address === null) return say('holder.redirect.here', { port });
  return say('holder.redirect.to', { target: formatEndpoint({ address, port }) });
}

/** Who wrote the rule, where that is known, and where it stands. */
function redirectNodes({ by, table, chain, maker, name, hooks, partial }: Redirect): Node[] {
  const rule =
    table === '' ? say('holder.redirect.proxied') : say('holder.redirect.rule', { by, table, chain });
  const only = hooks[0] === 'output' ? 'holder.redirect.outgoing' : 'holder.redirect.incoming';
  const where: Node = {
    kind: 'para',
    inline: [said(hooks.length > 1 ? rule : say(only, { rule }), 'dim')],
  };
  const more: Node[] =
    partial === true ? [{ kind: 'para', inline: [said(say('holder.redirect.partial'), 'warn')] }] : [];
  const whose = makerWords(maker, name);
  return whose === null
    ? [where, ...more]
    : [{ kind: 'para', inline: [said(whose, 'strong')] }, where, ...more];
}

function makerWords(maker: Redirect['maker'], name: string | null): Message | null {
  if (maker === null) return name === null ? null : say('holder.redirect.noted', { name });
  const whose = say(`maker.${maker}`);
  return name === null
    ? say('holder.redirect.made', { maker: whose })
    : say('holder.redirect.named', { maker: whose, name });
}

/** Why nobody stands behind a holder. */
function ownerlessWords({ kind, ownerHidden }: Holder): Message {
  if (kind === 'kernel') return say('holder.kernel');
  if (ownerHidden) return say('holder.nobody');
  // A connection that the kernel has set up and no accept(2) has fetched yet has no file of its own.
  return say(kind === 'connection' ? 'holder.queued' : 'holder.closing');
}

/** Lines about one process. */
export function ownerNodes(owner: Owner): Node[] {
  const parts: Inline[][] = [[said(say('owner.line', { name: owner.name, pid: owner.pid }), 'strong')]];
  if (owner.user !== null) parts.push([said(say('owner.user', { user: owner.user }))]);
  if (owner.startedAt !== null) {
    parts.push([said(say('owner.since', { time: `${owner.startedAt.slice(0, 19).replace('T', ' ')}Z` }))]);
  }
  if (owner.unit !== null) parts.push([said(say('owner.unit', { unit: owner.unit }))]);
  if (owner.container !== null) {
    const runtime = runtimeName(owner.container);
    parts.push([said(say('owner.container', { runtime, id: containerName(owner.container) }))]);
  }
  const nodes: Node[] = [{ kind: 'para', inline: joined(parts, ', ') }];
  if (owner.inferred) nodes.push({ kind: 'para', inline: [said(say('owner.inferred'), 'warn')] });
  if (owner.argv !== null) {
    const inline: Inline[] = [data(shortened(owner.argv.join(' ')), 'dim')];
    if (owner.cwd !== null) inline.push(data('  '), said(say('owner.cwd', { cwd: owner.cwd }), 'dim'));
    nodes.push({ kind: 'para', inline });
  } else if (owner.exe !== null) {
    nodes.push({ kind: 'para', inline: [said(say('owner.exe', { exe: shortened(owner.exe) }), 'dim')] });
  }
  if (owner.launchedBy.length > 0) nodes.push({ kind: 'para', inline: [said(chainWords(owner), 'dim')] });
  return nodes;
}

/** Most ancestors that are shown. */
const CHAIN_SHOWN = 5;

/** Who started it: the nearest ancestors, then how many more. */
function chainWords({ launchedBy }: Owner): Message {
  const names = launchedBy.map(({ name, pid }) => `${name} ${pid}`);
  return say('owner.chain', { chain: listed(names, CHAIN_SHOWN) });
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

/** Gaps as a list, with the commands that close them; one command that closes several in a row is told once, after the last. */
export function gapsNode(gaps: readonly Gap[]): Node {
  return {
    kind: 'list',
    items: gaps.map((gap, index) => {
      const { what, why } = gapMessages(gap);
      const told = gap.remedy !== null && gaps[index + 1]?.remedy !== gap.remedy;
      const several = gaps[index - 1]?.remedy === gap.remedy;
      return {
        mark: gap.coversUse ? 'medium' : 'info',
        inline: [said(say('gap.title', { what })), data(': '), said(why, 'dim'), data('.')],
        nodes: told
          ? [
              { kind: 'para', inline: [said(say(several ? 'gap.remedy.several' : 'gap.remedy'), 'dim')] },
              { kind: 'commands', lines: [gap.remedy] },
            ]
          : [],
      };
    }),
  };
}
