// How random the source ports of a DNS resolver are, as its queries arrive at an authority (RFC 5452 s9.2).
import type { PortRange } from './port.ts';
import type { Endpoint } from './socket.ts';

/** One query as it arrived. */
export interface ResolverQuery {
  readonly transport: 'udp' | 'tcp';
  readonly from: Endpoint;
  /** Transaction ID (RFC 1035 s4.1.1), 0–65535. */
  readonly id: number;
}

/** The test zone and where it is answered for. */
export interface TestZone {
  /** Without the last dot. */
  readonly name: string;
  readonly authority: Endpoint;
}

/** What was observed, before it is judged. */
export interface ResolverInput {
  readonly zone: TestZone;
  /** The resolver that was asked; null where others were waited for. */
  readonly asked: Endpoint | null;
  readonly sent: number;
  readonly answered: number;
  /** In the order of arrival. */
  readonly queries: readonly ResolverQuery[];
  /** Packets that were no DNS query. */
  readonly malformed: number;
  /** This host's range and reservations; null where unknown or the resolver runs elsewhere. */
  readonly ephemeral: PortRange | null;
  readonly reserved: readonly PortRange[] | null;
}

/**
 * `random`: a large pool, no order seen. `narrow`: 10 to 14 bits. `few`: less than 10 bits. `sequential`: the next port
 * follows from the last. `fixed`: one port. `unknown`: too few queries to judge.
 */
export type ResolverGrade = 'random' | 'narrow' | 'few' | 'sequential' | 'fixed' | 'unknown';

/** The judgement. */
export interface ResolverReport {
  readonly zone: TestZone;
  readonly asked: Endpoint | null;
  readonly sent: number;
  readonly answered: number;
  readonly udp: number;
  readonly tcp: number;
  readonly malformed: number;
  /** Addresses that queries came from. */
  readonly sources: readonly string[];
  readonly grade: ResolverGrade;
  readonly distinct: number;
  /** Lowest and highest port seen; null without queries. */
  readonly spread: PortRange | null;
  /** Shannon entropy of the ports seen, and the most that so many queries can show, in bits. */
  readonly seenBits: number;
  readonly seenBitsLimit: number;
  /** Size of the pool that the ports seem to come from, by their spread and by those that came twice; null unknown. */
  readonly pool: number | null;
  /** log2 of it: what an attacker has to guess besides the ID. */
  readonly bits: number | null;
  /** Runs of ports that were left out though they lie between others, too long to be so by chance. */
  readonly avoided: readonly PortRange[];
  /** Ports outside what this host hands out: the resolver chooses by itself. */
  readonly outsideEphemeral: number | null;
  /** Ports that this host keeps out of automatic choice, and the resolver used all the same. */
  readonly onReserved: number | null;
  readonly ids: { readonly distinct: number; readonly order: 'none' | 'sequential' | 'fixed' };
  readonly setup: readonly ResolverSetup[];
}

/** Lines that point a resolver at the test zone. */
export interface ResolverSetup {
  readonly resolver: 'unbound' | 'dnsmasq' | 'BIND' | 'systemd-resolved';
  readonly lines: readonly string[];
}
