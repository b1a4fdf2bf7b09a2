// What an audit is about: numbers that are fixed somewhere, where each is written, and what is found about them.
import type { Claim, Source } from './claim.ts';
import type { Message } from './message.ts';
import type { PortRange, Transport } from './port.ts';
import type { Holder, Remedy, Severity } from './report.ts';
import type { Gap } from './socket.ts';
import type { XsanDecision } from './xsan.ts';

/** A piece of one line of a file: lines and columns from 1, columns in UTF-16 units, a byte order mark not counted. */
export interface Place {
  /** Path as it is shown and as fingerprints have it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Column after the last character. */
  readonly endColumn: number;
}

/** What a number was found in. */
export type FixedOrigin =
  | 'listener'
  | 'systemd-socket'
  | 'systemd-service'
  | 'compose'
  | 'kubernetes'
  | 'procfile'
  | 'package-json'
  | 'env'
  | 'devcontainer'
  | 'profile';

/** A variable that a number comes from, and where that is set; null where its default stands in the text itself. */
export interface FixedVariable {
  readonly name: string;
  readonly place: Place | null;
}

/** A port of this host that somebody has fixed. A run of ports is one. */
export interface FixedPort {
  readonly origin: FixedOrigin;
  readonly ports: PortRange;
  readonly transport: Transport;
  /** Address it is bound to; null for any or where none is said. */
  readonly address: string | null;
  /** What it is for, in the words of where it was found: a service of a compose file, a unit, a script. */
  readonly service: string;
  /** More words that tell what it is: image, command, description, process. */
  readonly about: readonly string[];
  /** `binds`: whoever is described there takes the port. `names`: it is only said to be there. */
  readonly role: 'binds' | 'names';
  /** Null for a listener and for profiles that ship with Portolan. */
  readonly place: Place | null;
  /** Files of one project stand for one program more often than for two; null for things of the system. */
  readonly project: string | null;
  readonly variable: FixedVariable | null;
  /** False where the number is what the program inside uses by itself, such as 6379:6379 of an image. */
  readonly chosen: boolean;
  /** Has whoever binds it the privilege for low ports? Null where that cannot be told. */
  readonly mayBindLow: boolean | null;
  /** False for a unit that nothing starts; null where that cannot be told. */
  readonly enabled: boolean | null;
  /** Written so that YAML 1.1 reads a number of base 60: what it reads; null for all else. */
  readonly sexagesimal: number | null;
  /** True for a listener whose number the system may have chosen itself. */
  readonly handedOut: boolean;
  /** Sockets that have it, for a listener. */
  readonly holders: readonly Holder[];
  /** Profile that names it. */
  readonly profile: string | null;
}

/** Kinds of findings; stable, for programs. */
export const FINDING_IDS = [
  'ephemeral-overlap',
  'ephemeral-elsewhere',
  'claimed-by-other',
  'browser-blocked',
  'same-port-twice',
  'privileged-without-capability',
  'dynamic-port-as-service',
  'nodeport-overlap',
  'yaml-sexagesimal',
  'xsan-no-fsports',
  'xsan-fsports-broken',
  'xsan-window-ephemeral',
  'xsan-window-elsewhere',
  'xsan-window-held',
  'xsan-window-claimed',
  'xsan-altpmap-ephemeral',
  'xsan-altpmap-held',
  'xsan-altpmap-claimed',
  'xsan-altpmap-in-window',
] as const;

export type FindingId = (typeof FINDING_IDS)[number];

/** One thing that is wrong with a fixed port. */
export interface AuditFinding {
  readonly id: FindingId;
  readonly severity: Severity;
  /** First port that it is about. */
  readonly port: number;
  readonly ports: PortRange;
  readonly transport: Transport;
  /** What the port is fixed for. */
  readonly service: string;
  readonly origin: FixedOrigin | 'fsports';
  /** Null where no file names it. */
  readonly place: Place | null;
  readonly text: Message;
  /** Probability 0–1 that the port is taken at a random moment; null where none can be said. */
  readonly chance: number | null;
  readonly basis: Message | null;
  readonly remedies: readonly Remedy[];
  /** Claims on these very numbers, narrowest first. */
  readonly claims: readonly Claim[];
  /** Who has the port now. */
  readonly holders: readonly Holder[];
  /** Other places that name it. */
  readonly others: readonly Place[];
  /** Ids of sources that the finding rests on. */
  readonly sources: readonly string[];
  /** Variable that the number comes from; null for none. */
  readonly variable: FixedVariable | null;
  /** The same for the same finding from run to run, whatever line it moves to. */
  readonly fingerprint: string;
  /** Profile that names the port; null for none. */
  readonly profile: string | null;
}

/** A finding that is known and put up with. */
export interface KnownFinding {
  readonly finding: string;
  readonly reason: string;
}

/** What was looked at, in numbers. */
export interface AuditScope {
  /** Files whose ports were read. */
  readonly files: readonly string[];
  /** Units of systemd that were read; null where they were not looked for. */
  readonly units: number | null;
  /** Were listeners looked at as fixed ports? */
  readonly listeners: boolean;
  readonly profiles: readonly string[];
}

/** The whole answer of `audit`. */
export interface AuditDecision {
  readonly findings: readonly AuditFinding[];
  /** Findings that the baseline knows, with its reason. */
  readonly silenced: readonly { readonly finding: AuditFinding; readonly reason: string }[];
  /** Entries of the baseline that match nothing any more. */
  readonly unmatched: readonly KnownFinding[];
  readonly fixed: readonly FixedPort[];
  readonly scope: AuditScope;
  readonly ephemeral: PortRange | null;
  readonly sources: Readonly<Record<string, Source>>;
  readonly gaps: readonly Gap[];
  /** Only where the profile xsan was asked for. */
  readonly xsan: XsanDecision | null;
}
