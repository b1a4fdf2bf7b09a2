// Options and answers of picking and leasing in the library; types alone, so that importers need none of Node's.
/// <reference lib="esnext.disposable" preserve="true" />
import type { PickRule, Transport } from '@portolan/core';

/** What every call takes. */
interface Common {
  /** Folder of the project; default the working directory. The git worktree around it is meant, where there is one. */
  readonly project?: string;
  /** Rules to lift by name; see `portolan pick --help`. */
  readonly allow?: readonly PickRule[];
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
  readonly signal?: AbortSignal;
}

/** Which ports are wanted. */
export interface PickOptions extends Common {
  /** 1 to 1000; default 1. */
  readonly count?: number;
  /** As near to this port (1–65535) as can be. */
  readonly near?: number;
  /** The same ports each time for this name of the project. */
  readonly name?: string;
  /** Default tcp and udp. */
  readonly transports?: readonly ('tcp' | 'udp')[];
  /** Ports that are not wanted. */
  readonly exclude?: Iterable<number>;
}

/** What a new lease should be. */
export interface LeaseOptions extends Common {
  /** Default tcp. */
  readonly transport?: 'tcp' | 'udp';
  /** A new lease as near to this port (1–65535) as can be. */
  readonly near?: number;
}

/** A lease that this process has. It ends with `release`; without it the port stays the name's. */
export interface Leased {
  readonly name: string;
  readonly project: string;
  /** 1–65535. */
  readonly port: number;
  readonly transport: Transport;
  /** False where the name had the port already. */
  readonly fresh: boolean;
  /** Gives the port back, unless another process has taken the lease over since or had it before. */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** As the package get-port has them. */
export interface GetPortOptions {
  /** Ports to try first, in order, whosever they are. */
  readonly port?: number | Iterable<number>;
  /** Ports that are not wanted. */
  readonly exclude?: Iterable<number>;
  /** Address, or a name of one, to try the bind on; default every address of both families. */
  readonly host?: string;
  /** Keep the port from others that pick until this process ends; default for half a minute. */
  readonly reserve?: boolean;
  readonly signal?: AbortSignal;
}
