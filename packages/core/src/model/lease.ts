// A port promised to a name of a project, who holds it, and how such a promise is kept as text.
import type { Transport } from './port.ts';

/**
 * What names a process for good on this machine: its pid, its start in ticks after boot (field 22 of /proc/PID/stat,
 * 1/100 s), the boot, and the pid namespace that numbers it. No wall clock is part of it, so that a clock that is set
 * changes nothing.
 */
export interface ProcessMark {
  readonly pid: number;
  /** null where the system does not tell it. */
  readonly startTicks: number | null;
  /** /proc/sys/kernel/random/boot_id; null where the system has none. */
  readonly bootId: string | null;
  /** Inode of the pid namespace; null where the system has none. */
  readonly pidNamespace: number | null;
}

/** `unknown`: of another pid namespace, or hidden from us, so that its end cannot be seen. */
export type MarkState = 'alive' | 'gone' | 'unknown';

/** A port that is promised. */
export interface Lease {
  /** null: held by a process for a while and for no name. */
  readonly name: string | null;
  /** Folder of the project, resolved. */
  readonly project: string;
  /** `DEVICE:INODE` of that folder, by which a project that was moved is known again; null where it has none. */
  readonly place: string | null;
  /** 1–65535. The number is promised whatever the transport. */
  readonly port: number;
  readonly transport: Transport;
  readonly holder: ProcessMark;
  /** ISO 8601 in UTC, for people; nothing is decided by it. */
  readonly madeAt: string;
}

/** A lease as it lies in the folder. */
export interface StoredLease extends Lease {
  /** User who owns the file, as the kernel says. */
  readonly uid: number;
}

/** A file in a lease's place that is none; its port is left alone until somebody removes it. */
export interface DamagedLease {
  readonly port: number;
  readonly uid: number | null;
  /** `unreadable`, `not-a-file`, `cut` (empty or not JSON), `shape`, `other-port` or `check` (its text was changed). */
  readonly why: 'unreadable' | 'not-a-file' | 'cut' | 'shape' | 'other-port' | 'check';
}

/** A lease and how things stand with it. */
export interface LeaseView {
  readonly lease: StoredLease;
  readonly user: string | null;
  readonly state: MarkState;
  /** When the holder started, ISO 8601 in UTC; null where it is gone or was not told. */
  readonly startedAt: string | null;
  /** Is somebody on the port? null: could not be looked at. */
  readonly inUse: boolean | null;
}

/** Where leases lie. */
export interface LeasePlace {
  readonly folder: string;
  /** False: only this user's leases are in it. */
  readonly shared: boolean;
}
