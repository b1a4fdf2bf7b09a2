// The contract every operating system's probe keeps: what may be asked, what comes back.
import type { PortRange, Snapshot, Transport, WatchEvent, WatchState } from '@portolan/core';

/** What to look for. */
export interface ProbeRequest {
  /** Local ports to look at; null for all. */
  readonly ports: PortRange | null;
  /** Transports to look at. */
  readonly transports: readonly Transport[];
  /** Where /proc is, or a recorded copy of one. Default `/proc`. */
  readonly procRoot?: string;
  /** What is known besides of the machine that a copy in `procRoot` is of. */
  readonly recorded?: RecordedHost;
  /** Read the ranges and reservations of this namespace? Default true; else they are null, without a gap. */
  readonly limits?: boolean;
  /** May native code be used? Default true; false reads /proc only. */
  readonly ffi?: boolean;
  /** May the kernel be asked through BPF where the rights allow? Default true. */
  readonly bpf?: boolean;
  /** Look into other network namespaces too? Default true. */
  readonly namespaces?: boolean;
  /** Folder for what is worth keeping between runs; null or absent for none. */
  readonly cacheDir?: string | null;
  /** Program of the thread that helps to walk many descriptors; absent for one thread alone. */
  readonly walkWorker?: string;
  /** Count the ports in use within the ephemeral range (costs a dump of all connections). */
  readonly countEphemeral?: boolean;
  /** Where the service listens that the count is for; null or absent for all addresses of both families. */
  readonly serviceAddress?: string | null;
  /** Look through the descriptors of single threads even where owners were found? Default false. */
  readonly threads?: boolean;
  /** How a shell calls the program that asks, for remedies; default `portolan`. */
  readonly call?: () => string;
  readonly signal?: AbortSignal;
}

/** A machine of which there is more than a copy of its /proc. */
export interface RecordedHost {
  /** Text of its /etc/passwd. */
  readonly passwd: string;
  /** Was it looked at as root? */
  readonly root: boolean;
  /** In which its kernel prints addresses. */
  readonly byteOrder: 'LE' | 'BE';
  /** True outside user namespaces: every uid is itself. */
  readonly allUsersMapped: boolean;
}

/** What a backend can show; each is false unless it says otherwise. */
export interface BackendCapabilities {
  /** Sees TCP sockets that are bound and neither listen nor connect. */
  readonly bound: boolean;
  /** Sees TIME_WAIT with the time left. */
  readonly timeWait: boolean;
  /** Joins sockets with processes. */
  readonly owners: boolean;
  /** Can name the unit or container of a socket whose process it may not look into. */
  readonly inferredOwners: boolean;
}

/** One operating system's probe. `look` never throws for what it cannot see: that becomes a gap. */
export interface Backend {
  readonly capabilities: BackendCapabilities;
  look(request: ProbeRequest): Promise<Snapshot>;
}

/** No capability at all: the base that backends spread and add to. */
export const NO_CAPABILITIES: BackendCapabilities = {
  bound: false,
  timeWait: false,
  owners: false,
  inferredOwners: false,
};

/** What to watch. */
export interface WatchRequest {
  /** Local ports to watch; null for all. */
  readonly ports: PortRange | null;
  readonly transports: readonly Transport[];
  /** Every holder, connections and closing sockets included; else only those that listen or are bound. */
  readonly all: boolean;
  /** Read the ranges and reservations of this namespace? Default true; else they are null, without a gap. */
  readonly limits?: boolean;
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
  /** Milliseconds between polls; null, the default, for as often as the cost allows. */
  readonly intervalMs?: number | null;
  /** How a shell calls the program that asks, for remedies; default `portolan`. */
  readonly call?: () => string;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/**
 * A watch that has begun: changes from now on, in the order in which they were found. It ends when the signal says
 * so, when the loop over it is left, or when it is closed; then nothing of it is left in the kernel.
 */
export interface Watch extends AsyncIterable<WatchEvent> {
  state(): WatchState;
  close(): void;
}
