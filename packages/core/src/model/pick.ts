// Ports worth offering: what is wished, the rules that refuse a number, and what is offered and why.
import type { Message } from './message.ts';
import type { PortRange, Transport } from './port.ts';
import type { Gap } from './socket.ts';

/**
 * Why a number is not offered, in the order in which the rules are asked; the first that applies counts.
 * `system-ports` 0–1023 and `dynamic-ports` 49152–65535 (RFC 6335 s6); `excluded` by the caller; `privileged`: below
 * net.ipv4.ip_unprivileged_port_start; `reserved`: in net.ipv4.ip_local_reserved_ports; `ephemeral-here`: this host
 * hands it out; `ephemeral-elsewhere`: a current system does by default; `browser-blocked` (WHATWG Fetch); `claimed`:
 * a registry entry or product names it, whole-range claims apart; `leased`: promised to a name or held; `in-use`:
 * somebody has it here; `unbindable`: a bind was tried and failed.
 */
export type PickRule =
  | 'system-ports'
  | 'dynamic-ports'
  | 'excluded'
  | 'privileged'
  | 'reserved'
  | 'ephemeral-here'
  | 'ephemeral-elsewhere'
  | 'browser-blocked'
  | 'claimed'
  | 'leased'
  | 'in-use'
  | 'unbindable';

/** Every rule, in the order in which they are asked. */
export const PICK_RULES: readonly PickRule[] = [
  'system-ports',
  'dynamic-ports',
  'excluded',
  'privileged',
  'reserved',
  'ephemeral-here',
  'ephemeral-elsewhere',
  'browser-blocked',
  'claimed',
  'leased',
  'in-use',
  'unbindable',
];

/** Rules that may be lifted by name; the others are facts that no wish changes. */
export const LIFTABLE: readonly PickRule[] = [
  'system-ports',
  'dynamic-ports',
  'reserved',
  'ephemeral-here',
  'ephemeral-elsewhere',
  'browser-blocked',
  'claimed',
];

/** How many numbers a rule took. */
export interface RuleCount {
  readonly rule: PickRule;
  readonly count: number;
}

/** What speaks for a port; the sentence is in `text`. */
export interface PickReason {
  readonly id:
    | 'free'
    | 'outside-range'
    | 'outside-others'
    | 'not-reserved'
    | 'not-blocked'
    | 'not-claimed'
    | 'not-leased'
    | 'near'
    | 'stable';
  readonly text: Message;
}

export interface PickedPort {
  readonly port: number;
  readonly reasons: readonly PickReason[];
}

/** The number that was wished, and what refused it. */
export interface NearVerdict {
  readonly port: number;
  /** null: it was offered. */
  readonly rule: PickRule | null;
  /** Whose it is or why it was refused; null where it was offered. */
  readonly text: Message | null;
}

/** The whole answer of `pick`. */
export interface PickDecision {
  /** Ports asked for. */
  readonly count: number;
  readonly transports: readonly Transport[];
  readonly ports: readonly PickedPort[];
  /** Over 1–65535; with the numbers that were offered or would have been, they add up to 65,535. */
  readonly refused: readonly RuleCount[];
  /** Numbers that no rule refused, the offered ones included, before any bind was tried. */
  readonly left: number;
  readonly near: NearVerdict | null;
  /** This host's range and the systems whose default ranges were counted, for the page. */
  readonly ephemeral: PortRange | null;
  readonly systems: readonly string[];
  readonly lifted: readonly PickRule[];
  /** True where a gap may hide a holder, so that nothing may be called free. */
  readonly unsure: boolean;
  /** True where the ports stay leased until this process is told to end. */
  readonly held: boolean;
  readonly gaps: readonly Gap[];
}
