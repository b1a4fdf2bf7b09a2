// From sockets to holders and a verdict: what kind of hold each socket is, and may the port be called free.
import type { PortRange, Transport } from '../model/port.ts';
import { inRange } from '../model/port.ts';
import { HOLDER_KINDS, type Holder, type HolderKind, type Use } from '../model/report.ts';
import type { Snapshot, Socket } from '../model/socket.ts';

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

/** The holder that a socket is. */
export function toHolder(socket: Socket): Holder {
  return {
    kind: holderKind(socket),
    transport: socket.transport,
    local: socket.local,
    peer: socket.peer,
    state: socket.state,
    freeInMs: socket.freeInMs,
    namespace: null,
    uid: socket.uid,
    user: socket.user,
    ipv6Only: socket.ipv6Only,
    owners: socket.owners,
    ownerHidden: socket.owners.length === 0 && socket.inode !== 0 && !socket.kernel,
  };
}

/** Holders in the order they are shown: by port, then kind, transport and address. */
export function holdersOf(
  snapshot: Snapshot,
  ports: PortRange | null,
  transports: readonly Transport[],
): Holder[] {
  return snapshot.sockets
    .filter(
      (socket) =>
        (ports === null || inRange(socket.local.port, ports)) && transports.includes(socket.transport),
    )
    .map(toHolder)
    .toSorted(compareHolders);
}

function compareHolders(a: Holder, b: Holder): number {
  return (
    a.local.port - b.local.port ||
    HOLDER_KINDS.indexOf(a.kind) - HOLDER_KINDS.indexOf(b.kind) ||
    compareText(a.transport, b.transport) ||
    compareText(a.local.address, b.local.address) ||
    (a.peer?.port ?? 0) - (b.peer?.port ?? 0)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Who is on these ports. *Free* is only said where no gap could hide a holder. */
export function useOf(snapshot: Snapshot, ports: PortRange | null, transports: readonly Transport[]): Use {
  const holders = holdersOf(snapshot, ports, transports);
  const gaps = snapshot.gaps.filter(
    (gap) =>
      gap.transports.length === 0 || gap.transports.some((transport) => transports.includes(transport)),
  );
  const verdict = holders.length > 0 ? 'held' : gaps.some((gap) => gap.coversUse) ? 'unknown' : 'free';
  return { verdict, holders, gaps };
}
