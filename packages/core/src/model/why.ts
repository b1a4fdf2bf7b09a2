// Whether a port can be bound: the bind that is wanted, what came of trying it, and every cause that explains it.
import type { Message } from './message.ts';
import type { Holder, Remedy, Risk, Severity } from './report.ts';
import type { Gap } from './socket.ts';

/** Socket options set before bind: SO_REUSEADDR, SO_REUSEPORT, both or none (man socket(7)). */
export type Reuse = 'addr' | 'port' | 'both' | 'none';

/** Every choice of `--reuse`. */
export const REUSES: readonly Reuse[] = ['addr', 'port', 'both', 'none'];

/** One exact bind. */
export interface BindWish {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  readonly family: 'ipv4' | 'ipv6';
  /** Address in text form without its zone. */
  readonly address: string;
  /** Zone of a link-local address as it was written (RFC 4007 s11); null for none. */
  readonly zone: string | null;
  /** Index of that interface for sin6_scope_id (man ipv6(7)); 0 for none. */
  readonly scope: number;
  /** IPV6_V6ONLY (RFC 3493 s5.3); null for IPv4. */
  readonly v6only: boolean | null;
  readonly reuse: Reuse;
  /**
   * TCP only: does listen(2) follow? Not with SO_REUSEPORT: for a moment it would take connections away from those
   * that share the port, and its conflicts are those of bind.
   */
  readonly listen: boolean;
}

/** The system call that failed; `option` is setsockopt(2). */
export type BindStep = 'socket' | 'option' | 'bind' | 'listen';

/** What a bind came to. */
export interface BindResult {
  readonly ok: boolean;
  /** Name of the error, `EADDRINUSE`; null where it went well. */
  readonly errno: string | null;
  /** Call that gave it; null where it went well or where that is not known. */
  readonly step: BindStep | null;
  /** True where exactly the options asked for were set; without native code some cannot be. */
  readonly exact: boolean;
}

/** A bind that was tried, or why it was not. */
export type BindTrial =
  | { readonly kind: 'tried'; readonly result: BindResult }
  | { readonly kind: 'untried'; readonly reason: string };

/** An address of this host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Interface that has it. */
  readonly device: string;
  /** False while duplicate address detection runs or has failed (RFC 4862 s5.4). */
  readonly usable: boolean;
  /** Number of that interface; null where it was not told. */
  readonly index: number | null;
}

/** What a bind depends on besides sockets. Null: could not be read. */
export interface BindHost {
  readonly addresses: readonly HostAddress[];
  /** False where the kernel has no IPv6 at all. */
  readonly ipv6: boolean;
  /** Interfaces on which IPv6 is switched off (net.ipv6.conf.*.disable_ipv6), `all` for every one. */
  readonly ipv6Disabled: readonly string[];
  /** Effective user. */
  readonly uid: number | null;
  /** CAP_NET_BIND_SERVICE is effective (man capabilities(7)). */
  readonly mayBindLow: boolean | null;
  /** True in a user namespace, where capabilities may not reach the network namespace. */
  readonly userNamespace: boolean;
  /** Security modules, in the order of /sys/kernel/security/lsm. */
  readonly modules: readonly string[] | null;
  /** Label or profile we run under; null for none. */
  readonly confinedBy: string | null;
  /** True where a seccomp filter is on us (man seccomp(2)). */
  readonly seccomp: boolean | null;
}

/** Why a bind failed. */
export type CauseKind =
  | 'listener'
  | 'bound'
  | 'kernel'
  | 'connection'
  | 'closing'
  | 'excluded'
  | 'dual-stack'
  | 'privileged'
  | 'address-not-here'
  | 'family-unsupported'
  | 'security-module'
  | 'exhausted'
  | 'unseen'
  | 'other';

/** One reason, with those who are it and ways out. */
export interface Cause {
  readonly kind: CauseKind;
  readonly text: Message;
  readonly holders: readonly Holder[];
  readonly remedies: readonly Remedy[];
}

/** Things that are no reason for a failure and still matter to whoever wants the port. */
export type NoteKind =
  | 'redirect'
  | 'shared'
  | 'reuse-needed'
  | 'beside'
  | 'namespace'
  | 'reserved'
  | 'any-port';

export interface WhyNote {
  readonly kind: NoteKind;
  readonly severity: Severity;
  readonly text: Message;
  readonly holders: readonly Holder[];
}

/** The whole answer of `why`. */
export interface WhyDecision {
  readonly wish: BindWish;
  /** True where address and options are those of a usual server and not what somebody asked for. */
  readonly usual: boolean;
  /** Null: it could not be tried, or not exactly. */
  readonly bindable: boolean | null;
  /** What the last trial gave; null where there was none. */
  readonly result: BindResult | null;
  readonly causes: readonly Cause[];
  readonly notes: readonly WhyNote[];
  /** What speaks against relying on the port although it can be bound. */
  readonly risks: readonly Risk[];
  /** Who came or went between look and bind; null where the picture held still. */
  readonly changed: { readonly came: readonly Holder[]; readonly gone: readonly Holder[] } | null;
  readonly gaps: readonly Gap[];
}
