// Xsan and StorNext: what was found of a deployment, and the window of ports that its fsports file sets.
import type { Place } from './audit.ts';
import type { Message } from './message.ts';
import type { PortRange } from './port.ts';
import type { ProcessRef } from './socket.ts';

/** A number of an fsports file and where it stands. */
export interface FsportsValue {
  readonly value: number;
  readonly place: Place;
}

/** Why a line of an fsports file cannot be used. */
export type FsportsFaultKind = 'not-a-port' | 'unknown-word' | 'twice' | 'missing' | 'backwards';

/** A line that cannot be used; `word` is the keyword or the text that stands there. */
export interface FsportsFault {
  readonly kind: FsportsFaultKind;
  readonly word: string;
  readonly value: string;
  readonly place: Place;
}

/** An fsports file as read (macOS man page fsports(4)): MinPort and MaxPort are required, AltPmap is not. */
export interface Fsports {
  readonly min: FsportsValue | null;
  readonly max: FsportsValue | null;
  readonly altPmap: FsportsValue | null;
  readonly faults: readonly FsportsFault[];
}

/** What there is of Xsan. */
export interface XsanFound {
  /** Folder that was read, as it is shown; null where none is there. */
  readonly folder: string | null;
  /** Folders that were looked for. */
  readonly looked: readonly string[];
  /** Null where there is no such file. */
  readonly fsports: (Fsports & { readonly file: string; readonly text: string }) | null;
  /** Coordinators that fsnameservers lists; null where there is no such file. */
  readonly nameservers: readonly string[] | null;
  readonly nameserversFile: string | null;
  /** Processes called fsm or fsmpm; null where not all processes could be looked at and none was seen. */
  readonly processes: readonly ProcessRef[] | null;
}

/** A window that nothing speaks against. */
export interface XsanProposal {
  readonly window: PortRange;
  /** Systems in whose default range it lies all the same, because there is no window outside all of them. */
  readonly within: readonly string[];
  /** Lines of the fsports file. */
  readonly lines: readonly string[];
}

/** What is said of Xsan. */
export interface XsanDecision {
  readonly found: XsanFound;
  /** True where anything of Xsan was found. */
  readonly present: boolean;
  /** Window in force; null without fsports or where it cannot be read. */
  readonly window: PortRange | null;
  /** Null where no window is free. */
  readonly proposal: XsanProposal | null;
  /** False where this host's range, its reservations or its holders were not all seen. */
  readonly checked: boolean;
  /** What can be said besides findings, in order. */
  readonly notes: readonly Message[];
}
