// The contract of what may be done to processes, units and containers: each act checks first and says how it went.
import type { Asker, Container, Holder, Managers, UnitScope } from '@portolan/core';

export type SignalName = 'SIGTERM' | 'SIGKILL';

/**
 * `sent`; `gone`: the process has ended; `changed`: it has none of the sockets any more, or is another than was
 * looked at; `denied`: EPERM; `failed`: the system refused for another reason.
 */
export type Sent = 'sent' | 'gone' | 'changed' | 'denied' | 'failed';

/** A process that cannot be mistaken for another as long as this is open; `close` must be called. */
export interface Grip {
  readonly pid: number;
  /** True once the process has ended, even where nobody has collected it yet. */
  gone(): boolean;
  /** Does this very process have one of these sockets open now? */
  has(inodes: readonly number[]): boolean;
  /** Sends the signal if it has one of these sockets open at this moment. */
  signal(name: SignalName, inodes: readonly number[]): Sent;
  close(): void;
}

/** Why there is no grip: `unsupported` where the system has no way to hold a process while it is checked. */
export type GripFailure = 'gone' | 'changed' | 'unsupported';

/** What a manager answered: null where it did as told, else why not. */
export type Told = string | null;

/** What can be done on one system. Nothing here throws for what the system refuses. */
export interface Actions {
  /** The running program and what it runs in. */
  asker(): Asker;
  /** Who must be asked to stop the owners of these holders of `port`, each confirmed by the manager itself. */
  managers(holders: readonly Holder[], port: number): Promise<Managers>;
  /** Grips the process that started at `startedAt` and has one of these sockets open. */
  grip(pid: number, startedAt: string | null, inodes: readonly number[]): Grip | GripFailure;
  /** Has systemd stop units, waiting up to `waitMs`. */
  stopUnits(units: readonly string[], scope: UnitScope, waitMs: number): Promise<Told>;
  /** Has systemd send SIGKILL to all processes of units. */
  killUnits(units: readonly string[], scope: UnitScope): Promise<Told>;
  /** Has the engine stop a container; the engine itself sends SIGKILL after `waitSeconds`. */
  stopContainer(container: Container, engine: string, waitSeconds: number): Promise<Told>;
}
