// Claims (somebody says that ports carry something) and the sources they were read in.
import type { PortRange, Transport } from './port.ts';

/**
 * Who says so: `registry` (IANA), `standard` (RFC, WHATWG), `vendor` (the vendor's own list), `default`
 * (a product's shipped default), `observed` (unauthorised use or a conflict on record), `host` (a file on
 * this host), `local` (the user's or team's own list).
 */
export type Authority = 'registry' | 'standard' | 'vendor' | 'default' | 'observed' | 'host' | 'local';

/** The language that claims, their notes and their sources are written in, whatever the reader's; a BCP 47 tag. */
export const FACTS_LANGUAGE = 'en';

/** Every authority, in the order in which claims of one width are shown. */
export const AUTHORITIES: readonly Authority[] = [
  'registry',
  'standard',
  'local',
  'host',
  'default',
  'vendor',
  'observed',
];

/** How sure we are that the source says this: `verified` (its text was read) or `likely`. */
export type Confidence = 'verified' | 'likely';

/** State of a number in IANA's registry for one transport (RFC 6335 s6). */
export type RegistryStatus = 'assigned' | 'reserved';

/** Someone says that a run of ports carries something. */
export interface Claim {
  /** Stable, unique over all claims. */
  readonly id: string;
  /** Inclusive first and last port. */
  readonly ports: PortRange;
  /** Transports the source names; empty where it names none. */
  readonly transports: readonly Transport[];
  /** Service as the source calls it: an IANA service name (RFC 6335 s5) or a short label. */
  readonly service: string;
  readonly product: string | null;
  readonly vendor: string | null;
  readonly authority: Authority;
  readonly note: string | null;
  /** Id of the source it was read in. */
  readonly source: string;
  readonly confidence: Confidence;
  /** Registry claims only. */
  readonly status?: RegistryStatus;
  /** Registry claims only: what IANA's "Known Unauthorized Uses" field says (RFC 6335 s8.1.1). */
  readonly unauthorizedUse?: string;
}

/** Where claims were read. */
export interface Source {
  readonly title: string;
  readonly url: string;
  /** Date of the edition or of the reading: YYYY, YYYY-MM or YYYY-MM-DD. */
  readonly date: string | null;
  /** Version, commit or edition as the publisher names it. */
  readonly edition?: string | null;
}

/** Sources by id. */
export type Sources = Readonly<Record<string, Source>>;

/** A number browsers refuse to fetch from (WHATWG Fetch, "port blocking"). */
export interface BlockedPort {
  readonly port: number;
  /** Service the standard's table names beside it. */
  readonly service: string | null;
}

/** The range one operating system hands out by itself, as shipped. */
export interface EphemeralDefault {
  readonly os: string;
  readonly versions: string;
  readonly transports: readonly Transport[];
  readonly ranges: readonly PortRange[];
  readonly source: string;
}

/** The ports that a system hands to connections, unless somebody set others. */
export interface SystemRange {
  readonly system: string;
  readonly range: PortRange;
}

/** Ports that a product uses, for an audit; each with the source that states it. */
export interface Profile {
  /** Word it is asked for by. */
  readonly name: string;
  readonly title: string;
  readonly ports: readonly {
    readonly ports: PortRange;
    readonly transports: readonly Transport[];
    readonly service: string;
    readonly source: string;
  }[];
}

/** Claims about one port and the sources they name; `wide` claims cover more ports than `narrow` ones. */
export interface ClaimSet {
  readonly claims: readonly Claim[];
  readonly sources: Sources;
}
