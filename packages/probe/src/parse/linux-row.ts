// One socket row as Linux gives it, before anyone asks whose it is; the shape both readers produce.
import type { Endpoint, SocketState } from '@portolan/core';

/** Transports whose sockets Linux lists by sock_diag. */
export type DiagTransport = 'tcp' | 'udp' | 'sctp';

/** A socket without its owners. */
export interface LinuxSocketRow {
  readonly transport: DiagTransport;
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  readonly peer: Endpoint | null;
  readonly state: SocketState;
  /** 0 where the kernel keeps none. */
  readonly inode: number;
  readonly uid: number | null;
  readonly freeInMs: number | null;
  readonly ipv6Only: boolean | null;
  /** cgroup v2 id (inode of the cgroup directory); null where not told. */
  readonly cgroupId: number | null;
  /** Interface it is bound to, by number, as text; null for none and where not told. */
  readonly device: string | null;
  /** True for a socket of Multipath TCP; false where not told. */
  readonly mptcp: boolean;
  /** IP_BIND_ADDRESS_NO_PORT (man ip(7)); left out where it is not set and where it was not told. */
  readonly noPort?: true;
}

/** States in which the kernel has taken the socket over and no user id is kept with it. */
export function uidIsMeaningless(state: SocketState, inode: number): boolean {
  return inode === 0 && state !== 'LISTEN' && state !== 'UNCONN';
}
