// The contract of a host's reserved ports: what is read before a change, how it is changed, and how it is proven.
import type { ChoiceWay, PortRange, ReserveAction, ReserveProof, ReserveState } from '@portolan/core';

/** A write that the system refused: errno by name and the file. */
export interface Refused {
  readonly code: string;
  readonly path: string;
}

/** A file that is written beside its place and moved there at the end, so that nobody ever sees half of it. */
export interface StagedFile {
  /** Moves it into place; null where that went well. */
  commit(): Refused | null;
  /** Takes back what was written beside. */
  abort(): void;
}

/** The running list and the boot files of one network namespace. Nothing here throws for what the system refuses. */
export interface Reservations {
  read(): ReserveState;
  /**
   * Keeps other runs out until `release`; waits for one that works for a few seconds. Refused with the pid of the one
   * that holds it, or with the error. `files`: the drop-in is to be changed as well.
   */
  lock(asked: {
    readonly files: boolean;
  }): Promise<{ release(): void } | { readonly refused: Refused; readonly pid: number | null }>;
  /** Adds entries to the running list; those of others stay, whenever they come. */
  addToList(ports: readonly PortRange[]): Refused | null;
  /** Puts exactly these entries into the running list, in the moment after `read` gave it. */
  setList(ports: readonly PortRange[]): Refused | null;
  /** The running list as it is now; null where it cannot be read. */
  list(): readonly PortRange[] | null;
  /** Writes the drop-in's next text beside it; null text takes the file away. */
  stageDropIn(text: string | null): StagedFile | Refused;
  /** Takes away what a run that was ended has left beside the drop-in, once it is of no use. */
  dropUnfinished(): void;
  /** Removes so many folders, from the drop-in's own upwards, as far as nobody has put anything into them. */
  dropFolders(count: number): void;
  /** Text of the drop-in as it is now; null where it is not there or cannot be read. */
  dropInText(): string | null;
}

/** How a proof is made. */
export interface ProofRequest {
  readonly action: ReserveAction;
  readonly ports: readonly PortRange[];
  readonly ephemeral: PortRange | null;
  readonly ffi: boolean;
}

/** Asks the kernel for ports before and after a change, on loopback alone. */
export interface Prover {
  before(): Promise<void>;
  after(): Promise<ReserveProof>;
  close(): void;
}

/** Ways in which the kernel chooses a port, in the order they are told. */
export const CHOICE_WAYS: readonly ChoiceWay[] = [
  { transport: 'tcp', call: 'bind' },
  { transport: 'tcp', call: 'connect' },
  { transport: 'udp', call: 'bind' },
  { transport: 'udp', call: 'connect' },
];
