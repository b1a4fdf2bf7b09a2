// A network namespace's ephemeral ports: how many there are, who uses them, how fast, and for how long they last.
import type { PortRange } from './port.ts';
import type { NamespaceView } from './reserve.ts';
import type { Endpoint, Gap, HostLimits, Snapshot, SocketState } from './socket.ts';

/** One socket as a quick look lists it, without owners. */
export interface EphemeralRow {
  readonly transport: 'tcp' | 'udp';
  readonly local: Endpoint;
  readonly peer: Endpoint | null;
  readonly state: SocketState;
  readonly inode: number;
  readonly freeInMs: number | null;
  /** IP_BIND_ADDRESS_NO_PORT is set (man ip(7)); null where the kernel did not say. */
  readonly noPort: boolean | null;
}

/** A quick look: rows, and the counter of connections that were begun (RFC 4022 tcpActiveOpens). */
export interface EphemeralSample {
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number;
  readonly rows: readonly EphemeralRow[];
  /** null where it could not be read. */
  readonly activeOpens: number | null;
}

/** Settings that decide how long ports are kept. */
export interface EphemeralSettings {
  /** net.ipv4.tcp_tw_reuse: 0 never, 1 always, 2 on loopback; null where unreadable. */
  readonly twReuse: number | null;
  readonly namespace: NamespaceView;
}

/** Everything the answer is made from. */
export interface EphemeralInput {
  readonly platform: string;
  readonly limits: HostLimits;
  readonly settings: EphemeralSettings;
  /** The earlier look; null where no rate was asked for. */
  readonly first: EphemeralSample | null;
  readonly second: EphemeralSample | null;
  /** With owners, taken together with `second`. */
  readonly snapshot: Snapshot;
}

/** Distinct ports in use by what uses them; a port that two kinds use is counted in each. */
export interface KindCount {
  /** Connections that were begun here. */
  readonly connected: number;
  /** Connections that were accepted on a port of the range. */
  readonly accepted: number;
  readonly timeWait: number;
  /** Other states without a process, such as FIN_WAIT2. */
  readonly closing: number;
  /** Listeners and bound sockets. */
  readonly bound: number;
}

/** UDP sockets by use. */
export interface UdpCount {
  /** Sockets that take from anybody: services, as far as can be told. */
  readonly open: number;
  readonly connected: number;
  /** Of a resolver, waiting for the answer to a query (RFC 5452 s9.2): no service. */
  readonly query: number;
}

/** Ports counted by parity of the number. */
export interface ParityCount {
  readonly even: number;
  readonly odd: number;
}

/** How full the range is for one transport. */
export interface TransportUse {
  /** Distinct ports in use. */
  readonly ports: number;
  readonly parity: ParityCount;
}

/** A process and how many ports it uses. */
export interface EphemeralUser {
  /** null for ports that no process has any more, and for processes that could not be seen. */
  readonly pid: number | null;
  readonly name: string | null;
  readonly user: string | null;
  readonly kind: 'process' | 'closing' | 'unknown';
  readonly ports: number;
}

/** All connections from one address to one destination: these four numbers are what runs out first. */
export interface Destination {
  readonly local: string;
  readonly peer: Endpoint;
  /** Distinct local ports in use, those in TIME_WAIT included. */
  readonly ports: number;
  readonly timeWait: number;
  /** Ports that keep a new connection to this destination from being made. */
  readonly blocking: number;
  /** `blocking` of all ports there are, 0–1. */
  readonly fill: number;
  /** Seen begun between the looks, a second; null without a rate. */
  readonly perSecond: number | null;
  /** Seconds until none is left at that rate; null where that does not come. */
  readonly exhaustedIn: number | null;
  /** Ports it settles at, where it does; null without a rate. */
  readonly settlesAt: number | null;
  readonly users: readonly EphemeralUser[];
}

/** Rate between two looks. */
export interface EphemeralRate {
  readonly seconds: number;
  /** TCP connections begun, by the kernel's own counter; null where it was not read. */
  readonly opened: number | null;
  /** Sockets that were there at the second look and not at the first. */
  readonly seen: number;
  readonly perSecond: number;
}

/** The whole answer. */
export interface EphemeralReport {
  readonly platform: string;
  readonly namespace: NamespaceView;
  readonly range: PortRange | null;
  readonly reserved: readonly PortRange[] | null;
  readonly unprivilegedFrom: number | null;
  /** Ports of the range that are not reserved. */
  readonly available: number | null;
  readonly twReuse: number | null;
  readonly tcp: TransportUse & KindCount;
  readonly udp: TransportUse & UdpCount;
  /** Fullest first. */
  readonly destinations: readonly Destination[];
  /** How many destinations there are in all. */
  readonly destinationCount: number;
  readonly users: readonly EphemeralUser[];
  readonly rate: EphemeralRate | null;
  /** Sockets with IP_BIND_ADDRESS_NO_PORT; null where the kernel did not say. */
  readonly noPort: number | null;
  readonly gaps: readonly Gap[];
}
