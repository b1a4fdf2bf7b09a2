// What a probe brings back: sockets, the processes that own them, this host's limits, and the gaps.
import type { PortRange, Transport } from './port.ts';

/**
 * Socket states, in the kernel's spelling (include/net/tcp_states.h; meanings in RFC 9293 s3.3.2).
 * `BOUND` is a TCP socket bound and not listening (TCP_BOUND_INACTIVE); `UNCONN` a datagram socket that is
 * bound and takes from any peer.
 */
export type SocketState =
  | 'ESTABLISHED'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'FIN_WAIT1'
  | 'FIN_WAIT2'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'LISTEN'
  | 'CLOSING'
  | 'NEW_SYN_RECV'
  | 'BOUND'
  | 'UNCONN';

/** An address in text form (RFC 5952 for IPv6) and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** The container a process runs in, as its cgroup names it. */
export interface Container {
  /** `docker`, `podman`, `containerd`, `cri-o`, `lxc` or `machine`. */
  readonly runtime: string;
  readonly id: string;
  readonly name: string | null;
}

/** A process behind a socket. */
export interface Owner {
  readonly pid: number;
  /** When the process started, ISO 8601 in UTC; null where it could not be read. */
  readonly startedAt: string | null;
  /** File name of the executable, or the kernel's command name where the executable is hidden. */
  readonly name: string;
  readonly exe: string | null;
  readonly argv: readonly string[] | null;
  readonly cwd: string | null;
  readonly user: string | null;
  /** systemd unit, from the cgroup path. */
  readonly unit: string | null;
  readonly container: Container | null;
  /** True where the owner follows from the socket's cgroup and not from a file descriptor. */
  readonly inferred: boolean;
}

/** One socket as the kernel lists it. */
export interface Socket {
  readonly transport: Transport;
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  /** null where the socket has no peer. */
  readonly peer: Endpoint | null;
  readonly state: SocketState;
  /** 0 where the kernel keeps no inode for it (TIME_WAIT, orphans, request sockets). */
  readonly inode: number;
  /** User the socket belongs to; null where the kernel no longer says. */
  readonly uid: number | null;
  readonly user: string | null;
  /** Milliseconds until the kernel lets the port go (TIME_WAIT); null for all others. */
  readonly freeInMs: number | null;
  /** IPV6_V6ONLY of an IPv6 socket; null for IPv4 and where the kernel did not say. */
  readonly ipv6Only: boolean | null;
  readonly owners: readonly Owner[];
  /** True once every process was looked at for this socket: `owners` is then complete. */
  readonly ownersComplete: boolean;
  /** True where all processes were looked at and none has it: the kernel itself holds the socket. */
  readonly kernel: boolean;
}

/** Why a gap is there; each code has its sentences in the message catalog. */
export type GapCode =
  | 'unsupported-platform'
  | 'sockets-unreadable'
  | 'owners-hidden'
  | 'owner-elsewhere'
  | 'owner-not-found'
  | 'processes-hidden'
  | 'threads-not-searched'
  | 'processes-unreadable'
  | 'bound-invisible'
  | 'bound-unlisted'
  | 'limits-unreadable'
  | 'recorded-host';

/** Something the probe could not see. */
export interface Gap {
  readonly code: GapCode;
  /** Values for the sentences. */
  readonly values: Readonly<Record<string, string | number>>;
  /** The one command that would show it, or null where none would. */
  readonly remedy: string | null;
  /** True where a holder may hide in this gap, so that nothing may be called free. */
  readonly coversUse: boolean;
  /** Transports the gap is about; empty for all. */
  readonly transports: readonly Transport[];
}

/** Numbers this network namespace hands out or keeps back. */
export interface HostLimits {
  /** Inclusive range for automatic choice (net.ipv4.ip_local_port_range); null where unreadable. */
  readonly ephemeral: PortRange | null;
  /** Ports never chosen automatically (net.ipv4.ip_local_reserved_ports); null where unreadable. */
  readonly reserved: readonly PortRange[] | null;
  /** Ports below this need a privilege to bind (net.ipv4.ip_unprivileged_port_start). */
  readonly unprivilegedFrom: number | null;
}

/** Ports counted by parity of the number. */
export interface ParityCount {
  readonly even: number;
  readonly odd: number;
}

/** Ports of the ephemeral range, less the reserved ones, that have a socket now; null where not counted. */
export interface EphemeralUse {
  readonly tcp: ParityCount | null;
  readonly udp: ParityCount | null;
}

/** What a probe saw at one moment. */
export interface Snapshot {
  readonly platform: string;
  readonly release: string | null;
  /** ISO 8601 in UTC. */
  readonly takenAt: string;
  /** How sockets were read. */
  readonly via: 'sock_diag' | 'procfs' | 'none';
  readonly limits: HostLimits;
  /** Ports in use within the ephemeral range; null where they were not counted. */
  readonly ephemeralUse: EphemeralUse | null;
  readonly sockets: readonly Socket[];
  readonly gaps: readonly Gap[];
}
