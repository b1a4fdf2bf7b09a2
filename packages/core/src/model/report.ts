// What is decided about a port: who holds it, what could go wrong, what to do. Sentences are still messages.
import type { Claim, Sources } from './claim.ts';
import type { Message } from './message.ts';
import type { IanaRange, PortRange, Transport } from './port.ts';
import type {
  Activation,
  Endpoint,
  Exclusion,
  Gap,
  NetNamespace,
  Owner,
  Published,
  Redirect,
  SocketState,
} from './socket.ts';

/**
 * What makes a bind fail: `listener`, `bound` (bound, not listening), `connection` (outgoing or accepted, by
 * its local port), `closing` (ownerless states such as TIME_WAIT), `redirect` (a rule without a socket),
 * `excluded` (a kernel list), `kernel` (no process at all).
 */
export type HolderKind = 'listener' | 'bound' | 'connection' | 'closing' | 'redirect' | 'excluded' | 'kernel';

/** Every kind, in the order they are shown. */
export const HOLDER_KINDS: readonly HolderKind[] = [
  'listener',
  'bound',
  'kernel',
  'redirect',
  'excluded',
  'connection',
  'closing',
];

/** One thing that holds a port. */
export interface Holder {
  readonly kind: HolderKind;
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly peer: Endpoint | null;
  /** State of the socket; `REDIRECT` for a rule and `EXCLUDED` for a range, which have none. */
  readonly state: SocketState | 'REDIRECT' | 'EXCLUDED';
  /** Milliseconds until it goes away by itself; null where it does not. */
  readonly freeInMs: number | null;
  /** Network namespace; null for the one we are in. A holder of another one does not keep the port from us. */
  readonly namespace: NetNamespace | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** IPV6_V6ONLY: false on `::` means that IPv4 is served too; null for IPv4 and where unknown. */
  readonly ipv6Only: boolean | null;
  readonly owners: readonly Owner[];
  /** Interface it is bound to; null for none. */
  readonly device: string | null;
  readonly mptcp: boolean;
  /** Listeners on the same endpoint that share it by SO_REUSEPORT, this one included; 1 where it is alone. */
  readonly group: number;
  readonly activation: Activation | null;
  readonly publishes: Published | null;
  /** The rule, where the holder is one. */
  readonly redirect: Redirect | null;
  /** The range, where the holder is one; left out for all others. */
  readonly exclusion?: Exclusion;
  /** Inode of its socket, which stands for it as long as it lives; 0 where it has none. Not part of the JSON. */
  readonly inode: number;
  /** True where a process has it and could not be seen; not part of the JSON, where a gap says it. */
  readonly ownerHidden: boolean;
}

/** `unknown`: nobody was seen, and a gap is wide enough to hide somebody. */
export type Verdict = 'held' | 'free' | 'unknown';

/** Who is on the port here. */
export interface Use {
  readonly verdict: Verdict;
  readonly holders: readonly Holder[];
  readonly gaps: readonly Gap[];
}

export type DisagreementKind =
  | 'two-services'
  | 'shared-default'
  | 'registry-against-use'
  | 'use-without-assignment'
  | 'unauthorized-use'
  | 'reserved-but-used'
  | 'claim-on-dynamic-port';

/** Sources that contradict each other, found by rule. */
export interface Disagreement {
  readonly kind: DisagreementKind;
  /** Ids of the claims concerned. */
  readonly claims: readonly string[];
  readonly text: Message;
  /** Source that sets the rule, or null. */
  readonly rule: string | null;
}

export type Severity = 'high' | 'medium' | 'low' | 'info';

/** A way out, as commands that can be copied. */
export interface Remedy {
  readonly title: Message;
  readonly commands: readonly string[];
  readonly needsRoot: boolean;
  /** True where it outlives a reboot. */
  readonly persistent: boolean;
  readonly undo: readonly string[];
}

export type RiskId =
  | 'in-use'
  | 'ephemeral-overlap'
  | 'ephemeral-elsewhere'
  | 'browser-blocked'
  | 'privileged'
  | 'known-port'
  | 'airplay-receiver';

/** Something that can go wrong with a service on this port. */
export interface Risk {
  readonly id: RiskId;
  readonly severity: Severity;
  /** Probability 0–1 that a service which starts at a random moment finds the port taken; null where none can be said. */
  readonly chance: number | null;
  /** What `chance` rests on. */
  readonly basis: Message | null;
  /** Expected seconds until a port like this, free now, is taken; null where no rate is known. Absent for other risks. */
  readonly firstTakenSeconds?: number | null;
  /** Probability 0–1 that a restart of five seconds finds the port taken; null where no rate is known. */
  readonly restartChance?: number | null;
  readonly text: Message;
  readonly remedies: readonly Remedy[];
  /** Source ids. */
  readonly sources: readonly string[];
}

/** What this host does with the port, whoever is on it. */
export interface HostView {
  readonly platform: string;
  readonly release: string | null;
  readonly ephemeral: PortRange | null;
  readonly reserved: readonly PortRange[] | null;
  readonly unprivilegedFrom: number | null;
  readonly inEphemeral: boolean | null;
  readonly isReserved: boolean | null;
  readonly browserBlocked: boolean;
}

/** The whole answer about one port. */
export interface PortReport {
  readonly port: number;
  readonly transports: readonly Transport[];
  readonly range: IanaRange & { readonly source: string };
  /** Narrowest first. */
  readonly claims: readonly Claim[];
  readonly disagreements: readonly Disagreement[];
  readonly sources: Sources;
  readonly host: HostView;
  readonly use: Use;
  readonly risks: readonly Risk[];
}
