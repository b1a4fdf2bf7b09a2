// From sockets to holders and a verdict: what kind of hold each socket is, and may the port be called free.
import type { PortRange, Transport } from '../model/port.ts';
import { inRange } from '../model/port.ts';
import { HOLDER_KINDS, type Holder, type HolderKind, type Use } from '../model/report.ts';
import type { NetNamespace, Redirect, Snapshot, Socket } from '../model/socket.ts';

/** States in which no process has the socket any more (RFC 9293 s3.3.2). */
const OWNERLESS_STATES: ReadonlySet<string> = new Set([
  'TIME_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
  'CLOSE',
]);

/** What kind of hold this socket is. */
export function holderKind(socket: Socket): HolderKind {
  if (socket.kernel) return 'kernel';
  if (socket.state === 'LISTEN' || socket.state === 'UNCONN') return 'listener';
  if (socket.state === 'BOUND') return 'bound';
  if (socket.state === 'TIME_WAIT') return 'closing';
  if (socket.inode === 0 && OWNERLESS_STATES.has(socket.state)) return 'closing';
  // A TCP socket in CLOSE with a local port and a process is one that was bound and is not in use.
  if (socket.state === 'CLOSE' && socket.peer === null) return 'bound';
  return 'connection';
}

/** The holder that a socket is, as if it were alone; `holdersOf` counts those that share an endpoint. */
export function toHolder(socket: Socket): Holder {
  return {
    kind: holderKind(socket),
    transport: socket.transport,
    local: socket.local,
    peer: socket.peer,
    state: socket.state,
    freeInMs: socket.freeInMs,
    namespace: socket.namespace,
    uid: socket.uid,
    user: socket.user,
    ipv6Only: socket.ipv6Only,
    owners: socket.owners,
    device: socket.device,
    mptcp: socket.mptcp,
    group: 1,
    activation: socket.activation,
    publishes: socket.publishes,
    redirect: null,
    inode: socket.inode,
    ownerHidden: socket.moreOwners || (socket.owners.length === 0 && socket.inode !== 0 && !socket.kernel),
  };
}

/** The holder that a rule is, for the ports that are asked about. */
export function redirectHolder(redirect: Redirect, ports: PortRange | null): Holder {
  const any = redirect.family === 'ipv6' ? '::' : '0.0.0.0';
  const port = ports === null ? redirect.ports[0] : Math.max(redirect.ports[0], ports[0]);
  const { target } = redirect;
  return {
    kind: 'redirect',
    transport: redirect.transport,
    local: { address: redirect.address ?? any, port },
    peer: { address: target.address ?? any, port: target.port ?? port },
    state: 'REDIRECT',
    freeInMs: null,
    namespace: null,
    uid: null,
    user: null,
    ipv6Only: null,
    owners: [],
    device: null,
    mptcp: false,
    group: 1,
    activation: null,
    publishes: redirect.publishes,
    redirect,
    inode: 0,
    ownerHidden: false,
  };
}

/** Holders in the order they are shown: here before elsewhere, then by port, kind, transport and address. */
export function holdersOf(
  snapshot: Snapshot,
  ports: PortRange | null,
  transports: readonly Transport[],
): Holder[] {
  const sockets = snapshot.sockets
    .filter(
      (socket) =>
        (ports === null || inRange(socket.local.port, ports)) && transports.includes(socket.transport),
    )
    .map(toHolder);
  const redirects = snapshot.redirects
    .filter(
      (redirect) =>
        (ports === null || (redirect.ports[0] <= ports[1] && redirect.ports[1] >= ports[0])) &&
        transports.includes(redirect.transport),
    )
    .map((redirect) => redirectHolder(redirect, ports));
  const holders = [...sockets, ...redirects].sort(compareHolders);
  countGroups(holders);
  return holders;
}

type Counted = { -readonly [K in keyof Holder]: Holder[K] };

/**
 * Only with SO_REUSEPORT can two listeners have the very same endpoint (man socket(7)); in order, they stand side by
 * side.
 */
function countGroups(holders: readonly Counted[]): void {
  for (let first = 0; first < holders.length; ) {
    let end = first + 1;
    while (end < holders.length && sharesEndpoint(holders[first], holders[end])) end++;
    if (end - first > 1) for (const holder of holders.slice(first, end)) holder.group = end - first;
    first = end;
  }
}

function sharesEndpoint(a: Holder | undefined, b: Holder | undefined): boolean {
  return (
    a?.kind === 'listener' &&
    b?.kind === 'listener' &&
    a.local.port === b.local.port &&
    a.local.address === b.local.address &&
    a.transport === b.transport &&
    a.device === b.device &&
    namespaceKey(a.namespace) === namespaceKey(b.namespace)
  );
}

function namespaceKey(namespace: NetNamespace | null): string {
  return namespace === null ? '' : `${namespace.inode ?? ''} ${namespace.process?.pid ?? ''}`;
}

const KIND_RANK: Readonly<Record<HolderKind, number>> = Object.fromEntries(
  HOLDER_KINDS.map((kind, rank) => [kind, rank]),
) as Record<HolderKind, number>;

function compareHolders(a: Holder, b: Holder): number {
  if (a.namespace !== b.namespace) {
    const here = Number(a.namespace !== null) - Number(b.namespace !== null);
    if (here !== 0) return here;
  }
  if (a.local.port !== b.local.port) return a.local.port - b.local.port;
  return (
    KIND_RANK[a.kind] - KIND_RANK[b.kind] ||
    compareText(a.transport, b.transport) ||
    compareText(a.local.address, b.local.address) ||
    (a.peer?.port ?? 0) - (b.peer?.port ?? 0) ||
    (a.namespace === b.namespace ? 0 : compareText(namespaceKey(a.namespace), namespaceKey(b.namespace))) ||
    compareText(a.device ?? '', b.device ?? '')
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The use as far as it is of one local address; rules and other namespaces stay, for they are never acted on. */
export function useAt(use: Use, address: string): Use {
  const holders = use.holders.filter(
    (holder) => holder.redirect !== null || holder.namespace !== null || holder.local.address === address,
  );
  const held = holders.some((holder) => holder.namespace === null);
  if (held || use.verdict !== 'held') return { ...use, holders };
  return { ...use, holders, verdict: use.gaps.some((gap) => gap.coversUse) ? 'unknown' : 'free' };
}

/**
 * Who is on these ports. The verdict is about this network namespace: what another one holds is shown and keeps
 * nobody here from the port. *Free* is only said where no gap could hide a holder.
 */
export function useOf(snapshot: Snapshot, ports: PortRange | null, transports: readonly Transport[]): Use {
  const holders = holdersOf(snapshot, ports, transports);
  const gaps = snapshot.gaps.filter(
    (gap) =>
      gap.transports.length === 0 || gap.transports.some((transport) => transports.includes(transport)),
  );
  const held = holders.some((holder) => holder.namespace === null);
  const verdict = held ? 'held' : gaps.some((gap) => gap.coversUse) ? 'unknown' : 'free';
  return { verdict, holders, gaps };
}
