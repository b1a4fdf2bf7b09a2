// The only door out: what commands may know of the terminal and the environment, and how they write.
import { fstatSync, write, writeSync } from 'node:fs';
import { PortolanError } from '@portolan/core';

/** Everything a command may use of the outside besides facts and probe. */
export interface Io {
  /** Writes to standard output: text, or what is UTF-8 already. */
  out(text: string | Uint8Array): void;
  /**
   * Begins to write bytes to standard output on another thread, which must stay as they are until that is done. Nothing else
   * may be written before then.
   */
  outBeside(bytes: Uint8Array): Promise<void>;
  /** Writes to standard error. */
  err(text: string): void;
  readonly env: NodeJS.ProcessEnv;
  readonly stdoutIsTerminal: boolean;
  /** Columns of the terminal; null where standard output is none. */
  readonly columns: number | null;
  /** Size of the terminal as it is now; null where standard output is none. */
  size(): { readonly columns: number; readonly rows: number } | null;
  /** Calls back when one of these signals comes, in place of what it does by itself; returns what ends that. */
  onSignal(names: readonly NodeJS.Signals[], handler: (name: NodeJS.Signals) => void): () => void;
  now(): Date;
}

/** Standard output was closed by the reader: that is how `| head` works, and no failure. */
export class OutputClosed extends Error {}

/** The Io of the running process. */
export function processIo(): Io {
  const terminal = isTerminal(1);
  return {
    out: (text) => writeAll(1, text),
    outBeside(bytes) {
      const written = writeBeside(1, bytes);
      // Whoever waits for it gets to know; if nobody does any more, something else has failed already.
      written.catch(() => undefined);
      return written;
    },
    err: (text) => {
      try {
        writeAll(2, text);
      } catch (error) {
        // Nobody can be told that nobody can be told.
        if (!(error instanceof OutputClosed || error instanceof PortolanError)) throw error;
      }
    },
    env: process.env,
    stdoutIsTerminal: terminal,
    // A terminal that does not know its size reports 0 columns.
    columns: terminal && process.stdout.columns > 0 ? process.stdout.columns : null,
    size() {
      const { columns, rows } = process.stdout;
      return terminal && columns > 0 && rows > 0 ? { columns, rows } : null;
    },
    onSignal(names, handler) {
      for (const name of names) process.on(name, handler);
      return () => {
        for (const name of names) process.removeListener(name, handler);
      };
    },
    now: () => new Date(),
  };
}

/** Linux: the major number of /dev/null and its like (Documentation/admin-guide/devices.txt). */
const MEMORY_DEVICES = 1;

/** A pipe, a file or /dev/null is told by its descriptor alone: loading node:tty to ask costs 2 ms. */
function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    if (process.platform === 'linux' && ((stat.rdev >>> 8) & 0xfff) === MEMORY_DEVICES) return false;
    return stat.isCharacterDevice() && process.stdout.isTTY;
  } catch {
    // Closed from the start.
    return false;
  }
}

/** Characters, of up to three bytes each, that are written through one buffer: fresh memory takes twice the time. */
const SHORT = 1 << 17;
let scratch: Buffer | null = null;

function utf8(text: string): Buffer {
  if (text.length > SHORT) return Buffer.from(text, 'utf8');
  scratch ??= Buffer.allocUnsafeSlow(SHORT * 3);
  return scratch.subarray(0, scratch.write(text, 'utf8'));
}

/** Writes in one go and in order; loading process.stdout for a pipe would cost 3 ms. */
function writeAll(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? utf8(text) : text;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      waitOrThrow(error);
    }
  }
}

async function writeBeside(fd: number, bytes: Uint8Array): Promise<void> {
  const begun = (at: number): Promise<number> =>
    new Promise((resolve, reject) => {
      write(fd, bytes, at, (error, length) => (error === null ? resolve(length) : reject(error)));
    });
  for (let at = 0; at < bytes.length; ) {
    try {
      at += await begun(at);
    } catch (error) {
      waitOrThrow(error);
    }
  }
}

/** After a write that failed: returns when it may be tried again, and throws where it may not. */
function waitOrThrow(error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EPIPE') throw new OutputClosed();
  if (code !== 'EAGAIN') {
    throw new PortolanError('OUTPUT', `The answer could not be written (${code ?? 'unknown error'}).`, {
      hint: 'What was written before this is cut short.',
      cause: error,
    });
  }
  // A pipe set to non-blocking by its other end is full: wait a moment without spinning.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}
