// What a command is: its words and flags as data, and a function that does it.

import type { Snapshot, Translator } from '@portolan/core';
import type { Facts } from '@portolan/facts';
import type { ProbeRequest, Watch, WatchRequest } from '@portolan/probe';
import type { Flag, Parsed } from './flags.ts';
import type { Io } from './io.ts';

/** A command as help, completions and the manual see it. */
export interface CommandSpec {
  readonly name: string;
  /** What follows `portolan`, for the usage line. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** What the exit codes mean. */
  readonly exits: string;
  /** True where it answers from what a tool printed (--snapshot); else it refuses. */
  readonly fromSnapshot?: true;
  /** True where a recorded host (--procfs-root) would be taken for one that is asked, and none is: it is refused. */
  readonly looksAtNoHost?: true;
}

/** What a running command is given. Facts and probe are opened only when asked for. */
export interface Context {
  readonly io: Io;
  readonly args: Parsed;
  readonly lang: Translator;
  readonly json: boolean;
  readonly color: boolean;
  readonly unicode: boolean;
  /** Folder of the shipped facts. */
  readonly shippedFacts: string;
  /** Program of the child process that tries binds. */
  readonly bindChild: string;
  readonly dataDir: string;
  readonly version: string;
  /** How a shell calls this program, for remedies. */
  readonly call: () => string;
  /** The host that is asked over ssh in the place of this one; null for this one. */
  readonly host: string | null;
  facts(whole: boolean): Promise<Facts>;
  look(
    request: Pick<
      ProbeRequest,
      'ports' | 'transports' | 'countEphemeral' | 'serviceAddress' | 'limits' | 'namespaces' | 'threads'
    >,
  ): Promise<Snapshot>;
  /** Begins a watch; null on a system that cannot be watched. Throws USAGE for a recorded /proc. */
  watch(request: Omit<WatchRequest, 'ffi' | 'call'>): Promise<Watch | null>;
}

/** Does the work and returns the exit code. */
export type Run = (context: Context) => Promise<number>;
