// What a watch tells: changes of holders as they happen, and how it watches.
import type { Holder } from './report.ts';

/** `changed`: the same socket with other owners, in another state, of another kind, or bound to another address. */
export type ChangeKind = 'opened' | 'closed' | 'changed';

/** One difference between two looks. */
export interface Change {
  readonly change: ChangeKind;
  /** As it is now; as it was last seen where it has closed. */
  readonly holder: Holder;
  /** As it was before; null where it has opened. */
  readonly before: Holder | null;
}

/** A change and when it happened. */
export interface WatchEvent {
  /** ISO 8601 in UTC: the kernel's own time where its trace told it, else when it was seen. */
  readonly at: string;
  readonly change: ChangeKind;
  readonly holder: Holder;
}

/** Why a watch has to do with less; each has its sentence in the message catalog. */
export type WatchNoticeCode =
  | 'trace-needs-root'
  | 'trace-not-mounted'
  | 'trace-absent'
  | 'trace-refused'
  | 'native-missing'
  | 'destroy-refused'
  | 'bound-invisible'
  | 'sockets-unreadable';

/** Something a watch does without. */
export interface WatchNotice {
  readonly code: WatchNoticeCode;
  /** Values for the sentence. */
  readonly values: Readonly<Record<string, string | number>>;
  /** The one command that would give it, or null where none would. */
  readonly remedy: string | null;
}

/** How a watch watches, and what it costs. */
export interface WatchState {
  /** True where the kernel's trace tells of TCP listeners, so that none is missed. */
  readonly trace: boolean;
  /** True where the kernel tells at once of sockets that die. */
  readonly destroy: boolean;
  /** Milliseconds within which sockets are seen to open that no message of the kernel tells of. */
  readonly intervalMs: number;
  /** Milliseconds within which TCP sockets are seen that are bound and do not listen; 0 where they are not. */
  readonly boundMs: number;
  /** Milliseconds within which it is seen that a socket has passed to another process. */
  readonly ownersMs: number;
  /** Share of one CPU that this process used in the last seconds; null where it is too early to say. */
  readonly cpuShare: number | null;
  /** Watched holders there are now. */
  readonly holders: number;
  /** Messages of the kernel that did not fit into its buffers, so that short-lived listeners may be missing. */
  readonly lost: number;
  /** Listeners that came and went so fast that it cannot be told whether they were in this network namespace. */
  readonly unplaced: number;
  readonly notices: readonly WatchNotice[];
}
