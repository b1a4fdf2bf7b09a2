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
  /** The name its engine gives it; null where the engine was not asked or did not tell. */
  readonly name: string | null;
}

/** A process in a few words, by pid and start time. */
export interface ProcessRef {
  readonly pid: number;
  /** ISO 8601 in UTC; null where it could not be read. */
  readonly startedAt: string | null;
  /** File name of the executable, or the kernel's command name where the executable is hidden. */
  readonly name: string;
}

/** A network namespace that is not the one we are in (man network_namespaces(7)). */
export interface NetNamespace {
  /** Inode of the namespace, as `net:[INODE]` in /proc/PID/ns/net; null where that may not be read. */
  readonly inode: number | null;
  /** Names under /run/netns that stand for it (man ip-netns(8)). */
  readonly names: readonly string[];
  /** Container of its oldest process that has one. */
  readonly container: Container | null;
  /** Its oldest process; null where none of the processes we see is in it. */
  readonly process: ProcessRef | null;
}

/** A container's port that a port of this host stands for. */
export interface Published {
  readonly container: Container;
  readonly port: number;
}

/** Socket activation: systemd holds the socket, and starts the service for it (man systemd.socket(5)). */
export interface Activation {
  readonly socketUnit: string;
  readonly serviceUnit: string | null;
}

/** A rule that sends packets for a port elsewhere, without any socket here. */
export interface Redirect {
  readonly transport: Transport;
  /** Family the rule is for; null for both. */
  readonly family: 'ipv4' | 'ipv6' | null;
  /** Destination address it matches, with a prefix length where it is a network; null for any. */
  readonly address: string | null;
  /** Destination ports it matches, inclusive. */
  readonly ports: PortRange;
  /** Where packets go; a null address is this host, a null port the same port. */
  readonly target: { readonly address: string | null; readonly port: number | null };
  /**
   * There where the rule asks for more than port and address, such as an interface or a source, where an earlier rule
   * keeps some of its packets from it, or where one that may come before sends them elsewhere, so that other packets may
   * still come here. Left out for rules of a known maker, whose conditions only keep their own traffic apart.
   */
  readonly partial?: true;
  /** `prerouting` for packets that come in, `output` for those that programs here send. */
  readonly hooks: readonly ('prerouting' | 'output')[];
  /** What has the rule; `kube-proxy` where a Service's object says that nodes have one, not which. */
  readonly by: 'nftables' | 'iptables' | 'kube-proxy';
  /** Table and chain that hold the rule; empty where that was not told. */
  readonly table: string;
  readonly chain: string;
  /** Who wrote the rule, where its form or comment shows it. */
  readonly maker: 'kubernetes' | 'docker' | 'podman' | 'cni' | null;
  /** What the maker calls it, `default/web:http` for a Kubernetes Service; without a maker the rule's comment; null for none. */
  readonly name: string | null;
  readonly publishes: Published | null;
}

/** Ports that the system keeps back without any socket: whoever binds one gets EACCES (Windows: `excludedportrange`). */
export interface Exclusion {
  readonly transport: Transport;
  /** null where only what netsh printed is known, which does not name it. */
  readonly family: 'ipv4' | 'ipv6' | null;
  /** Inclusive. */
  readonly ports: PortRange;
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
  /** systemd unit, from the cgroup path; on macOS the label of a launchd job. */
  readonly unit: string | null;
  readonly container: Container | null;
  /** Who started it, nearest first, up to but without pid 1; empty where nothing is known. */
  readonly launchedBy: readonly ProcessRef[];
  /** True where the owner follows from the socket's cgroup, or on macOS from its last use, and not from a descriptor. */
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
  /**
   * 0 where the kernel keeps no inode for it (TIME_WAIT, orphans, request sockets). On macOS the generation of its control
   * block, which tells it from others of its transport; below zero where something else had to.
   */
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
  /** True where whoever opened it is none of `owners` and may be among those that refuse to be looked at. */
  readonly moreOwners: boolean;
  /** True where all processes were looked at and none has it: the kernel itself holds the socket. */
  readonly kernel: boolean;
  /** Network namespace it is in; null for the one we are in. */
  readonly namespace: NetNamespace | null;
  /** Interface it is bound to (SO_BINDTODEVICE, link-local scope), by name or number; null for none. */
  readonly device: string | null;
  /** True where it is a socket of Multipath TCP (RFC 8684). */
  readonly mptcp: boolean;
  /** The service that will be started for it; null where none is known. */
  readonly activation: Activation | null;
  /** The container's port it stands for; null where it publishes none. */
  readonly publishes: Published | null;
}

/** Why a gap is there; each code has its sentences in the message catalog. */
export type GapCode =
  | 'unsupported-platform'
  | 'sockets-unreadable'
  | 'sockets-others'
  | 'sockets-silent'
  | 'owners-unprinted'
  | 'owner-undescribed'
  | 'owner-untold'
  | 'owners-hidden'
  | 'owner-elsewhere'
  | 'owner-not-found'
  | 'owners-partly'
  | 'processes-hidden'
  | 'threads-not-searched'
  | 'processes-unreadable'
  | 'bound-invisible'
  | 'bound-unlisted'
  | 'limits-unreadable'
  | 'bound-untold'
  | 'ranges-differ'
  | 'exclusions-unreadable'
  | 'wsl'
  | 'http-sys'
  | 'recorded-host'
  | 'no-host'
  | 'look-failed'
  | 'bind-untried'
  | 'bind-inexact'
  | 'namespaces-hidden'
  | 'namespaces-unreadable'
  | 'redirects-no-rights'
  | 'redirects-no-tool'
  | 'redirects-unreadable'
  | 'redirects-unparsed'
  | 'redirects-unlisted'
  | 'containers-unreadable'
  | 'activation-unreadable'
  | 'vrf'
  | 'audit-unreadable'
  | 'audit-large'
  | 'audit-broken'
  | 'audit-unresolved'
  | 'audit-bomb'
  | 'audit-cycle'
  | 'audit-unrecognised'
  | 'audit-units-recorded'
  | 'xsan-processes'
  | 'port-range-option'
  | 'sample-unmade'
  | 'leases-private'
  | 'printed-transport'
  | 'printed-listeners-only'
  | 'printed-connections-only'
  | 'printed-bound'
  | 'printed-closing'
  | 'printed-others'
  | 'printed-owners'
  | 'printed-one-owner'
  | 'printed-names'
  | 'printed-states'
  | 'printed-unknown'
  | 'printed-more'
  | 'printed-scan'
  | 'printed-containers'
  | 'printed-services'
  | 'printed-ranges'
  | 'printed-ranges-transport'
  | 'printed-ranges-family'
  | 'printed-dynamic'
  | 'printed-rest'
  | 'printed-rest-ranges'
  | 'printed-said'
  | 'remote-host'
  | 'remote-closed'
  | 'remote-late'
  | 'remote-large'
  | 'remote-tools'
  | 'remote-processes'
  | 'list-cut';

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

/** A port that has a socket, told in a hurry: without owners, and whatever the rest may be. */
export interface PortInUse {
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
  /** It listens, is bound, or takes from any peer; else it is a connection's or waits to be let go. */
  readonly serving: boolean;
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

/** Ports of one part of the ephemeral range, less the reserved ones. */
export interface CellUse {
  readonly total: number;
  /** Those that have a socket now. */
  readonly used: number;
  /** Of these, those that have nothing but sockets in TIME_WAIT. */
  readonly waiting: number;
}

/**
 * The parts of the range between which Linux tells TCP ports apart: the parity that connect() takes first, and that of
 * bind() to port 0 in the lower and in the upper half.
 */
export interface TcpCells {
  readonly connect: CellUse;
  readonly bindLower: CellUse;
  readonly bindUpper: CellUse;
}

/** Outgoing connections since so many seconds (tcpActiveOpens, RFC 4022). */
export interface Opened {
  readonly count: number;
  readonly seconds: number;
}

/** How full the ephemeral range is and how fast it is used; null where that was not counted. */
export interface EphemeralUse {
  readonly tcp: TcpCells | null;
  readonly udp: CellUse | null;
  readonly opened: Opened | null;
}

/** What a probe saw at one moment. */
export interface Snapshot {
  readonly platform: string;
  readonly release: string | null;
  /** ISO 8601 in UTC. */
  readonly takenAt: string;
  /** How sockets were read; `printed`: from what a tool printed. */
  readonly via: 'sock_diag' | 'procfs' | 'libproc' | 'iphlpapi' | 'powershell' | 'printed' | 'none';
  readonly limits: HostLimits;
  /** Ports in use within the ephemeral range; null where they were not counted. */
  readonly ephemeralUse: EphemeralUse | null;
  readonly sockets: readonly Socket[];
  /** Rules of this network namespace that take a port's packets elsewhere. */
  readonly redirects: readonly Redirect[];
  /** Left out on systems that have no such lists. */
  readonly exclusions?: readonly Exclusion[];
  readonly gaps: readonly Gap[];
}
