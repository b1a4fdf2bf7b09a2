// What would be stopped so that a port becomes free, what is left alone and why, and what came of it.
import type { Transport } from './port.ts';
import type { Holder, Use } from './report.ts';
import type { Container, Endpoint, Owner } from './socket.ts';

/** Who must be asked to stop a process so that it stays stopped, as the manager itself confirmed it. */
export type Manager =
  /** Nobody: the process is signalled. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'units';
      /** Units in the order in which they are stopped: a socket unit before its service. */
      readonly units: readonly string[];
      readonly scope: UnitScope;
    }
  /** `engine`: path of the engine's socket. */
  | { readonly kind: 'container'; readonly container: Container; readonly engine: string }
  /** There is one, and it cannot be asked from here; `command` would ask it. */
  | {
      readonly kind: 'unreachable';
      readonly reason: 'container' | 'proxy' | 'activation';
      readonly command: string | null;
    };

/** Which systemd has a unit: the system's, or that of the user who runs Portolan. */
export type UnitScope = 'system' | 'user';

/** Managers by what they manage; what is not in here has none. */
export interface Managers {
  /** By pid. */
  readonly processes: ReadonlyMap<number, Manager>;
  /** By the socket unit's name. */
  readonly activations: ReadonlyMap<string, Manager>;
  /** By the container's id. */
  readonly publishers: ReadonlyMap<string, Manager>;
}

/** The program that asks: it never stops itself nor what it runs in. */
export interface Asker {
  /** Its pid and those of its ancestors, nearest first. */
  readonly pids: readonly number[];
  readonly unit: string | null;
  readonly container: Container | null;
}

export type KillHow = 'process' | 'unit' | 'container';

/** A port that would be given up as well. */
export interface Elsewhere {
  readonly transport: Transport;
  readonly local: Endpoint;
}

/** One thing that would be stopped: processes that share sockets, a unit, or a container. */
export interface KillTarget {
  readonly how: KillHow;
  readonly units: readonly string[];
  /** null unless `how` is `unit`. */
  readonly scope: UnitScope | null;
  readonly container: Container | null;
  /** Path of the container engine's socket. */
  readonly engine: string | null;
  /** Processes that have the sockets; those that are signalled where `how` is `process`, launchers first. */
  readonly owners: readonly Owner[];
  /** Listeners and bound sockets on the port. */
  readonly holders: readonly Holder[];
  /** Its own connections on the port, which go with it. */
  readonly connections: readonly Holder[];
  /** Other ports it listens on or has bound. */
  readonly elsewhere: readonly Elsewhere[];
  /** Connections it has on other ports. */
  readonly elsewhereConnections: number;
}

/** Why a holder is left alone; the sentence is `kill.refused.<reason>`. */
export type RefusalReason =
  | 'connection'
  | 'init'
  | 'self'
  | 'ancestor'
  | 'inferred'
  | 'hidden'
  | 'namespace'
  | 'kernel'
  | 'closing'
  | 'redirect'
  | 'queued'
  | 'datagram'
  | 'container'
  | 'proxy'
  | 'activation';

/** A holder that is left alone. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly holder: Holder;
  /** The owner that is the reason, where it is one. */
  readonly owner: Owner | null;
  /** A command for the user to decide on, or null. */
  readonly command: string | null;
}

/** What would be done to a port's holders. */
export interface KillPlan {
  readonly targets: readonly KillTarget[];
  readonly refusals: readonly Refusal[];
}

/**
 * `ended`: stopped and gone. `released`: still runs and has let go of the port. `remains`: was told to stop and
 * still has the port. `gone`: had ended before it was told. `changed`: is no longer what the plan showed, so it was
 * not touched. `denied`: no permission. `failed`: could not be told.
 */
export type KillResult = 'ended' | 'released' | 'remains' | 'gone' | 'changed' | 'denied' | 'failed';

/** What came of one process, unit set or container. */
export interface KillOutcome {
  readonly how: KillHow;
  /** The process, where `how` is `process`. */
  readonly owner: Owner | null;
  readonly units: readonly string[];
  readonly container: Container | null;
  /** Signals that were sent, in order; empty for units and containers, whose managers choose. */
  readonly signals: readonly ('SIGTERM' | 'SIGKILL')[];
  readonly result: KillResult;
  /** What the system or the manager said, where it went wrong. */
  readonly detail: string | null;
  /** A command that would do it, or null. */
  readonly command: string | null;
}

/**
 * The port afterwards. `free`: nobody has it. `closing`: only sockets without a process are left. `taken`: by a
 * process that was not in the plan's targets. `held`: by what was there before. `unknown`: nobody was seen, and
 * not all could be looked at.
 */
export type KillEnd = 'free' | 'closing' | 'taken' | 'held' | 'unknown';

/** All of it, for the page and the JSON. */
export interface KillReport {
  readonly port: number;
  readonly transports: readonly Transport[];
  readonly plan: KillPlan;
  /** True where nothing was done. */
  readonly dryRun: boolean;
  /** Seconds to wait between the signals. */
  readonly waitSeconds: number;
  /** May SIGKILL follow? */
  readonly force: boolean;
  readonly outcome: readonly KillOutcome[];
  /** null where nothing was done. */
  readonly end: KillEnd | null;
  /** Holders and gaps as they are now. */
  readonly use: Use;
}
