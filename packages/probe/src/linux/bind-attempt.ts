// Tries binds in a child process with our own rights: whatever happens to us, its sockets end with it.
import { type ChildProcess, spawn } from 'node:child_process';
import type { BindResult, BindTrial, BindWish } from '@portolan/core';

/** A child that is ready to try; `close` must be called. */
export interface BindTrials {
  /** Tries one bind and gives what came of it. Throws only the reason of the signal. */
  try(wish: BindWish): Promise<BindTrial>;
  close(): void;
}

/** How the child is started. */
export interface BindTrialOptions {
  /** File of the child's program. */
  readonly child: string;
  /** May native code be used? Without it some options cannot be set. */
  readonly ffi: boolean;
  readonly signal?: AbortSignal;
}

/** A bind takes microseconds; what takes this long will not come. Milliseconds. */
const DEADLINE = 10_000;

/** Longest answer. */
const ANSWER_LIMIT = 4096;

/** What of the environment changes how programs are loaded, and so what bind(2) does (authbind preloads one). */
const KEPT = ['LD_LIBRARY_PATH', 'LD_PRELOAD'];

/** Starts the child at once, so that it is ready when the first look is done. */
export function openBindTrials({ child: file, ffi, signal }: BindTrialOptions): BindTrials {
  signal?.throwIfAborted();
  const env: NodeJS.ProcessEnv = {};
  for (const name of KEPT) if (process.env[name] !== undefined) env[name] = process.env[name];
  const child: ChildProcess = spawn(process.execPath, [file, ffi ? 'native' : 'plain'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env,
  });
  let failure: string | null = null;
  let waiting: ((trial: BindTrial) => void) | null = null;
  let text = '';
  const settle = (trial: BindTrial): void => {
    waiting?.(trial);
    waiting = null;
  };
  const end = (): void => {
    // One that could not be started for want of descriptors has no pid, and Node would signal 0: our whole group.
    if (child.pid !== undefined) child.kill('SIGKILL');
  };
  const fail = (reason: string): void => {
    failure ??= reason;
    settle({ kind: 'untried', reason: failure });
    end();
  };
  child.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
  child.once('close', (code, ended) => fail(ended === null ? `exit ${code}` : ended));
  child.stdin?.on('error', () => fail('EPIPE'));
  child.stdout?.on('data', (part: Buffer) => {
    text += part.toString('utf8');
    if (text.length > ANSWER_LIMIT) return fail('EMSGSIZE');
    const line = text.indexOf('\n');
    if (line < 0) return;
    const result = readResult(text.slice(0, line));
    text = text.slice(line + 1);
    if (result === null) fail('EBADMSG');
    else settle({ kind: 'tried', result });
  });
  return {
    try(wish) {
      signal?.throwIfAborted();
      if (failure !== null) return Promise.resolve({ kind: 'untried', reason: failure });
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail('ETIMEDOUT'), DEADLINE);
        const abort = (): void => {
          fail('ECANCELED');
        };
        signal?.addEventListener('abort', abort, { once: true });
        waiting = (trial) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          if (signal?.aborted === true) reject(signal.reason as Error);
          else resolve(trial);
        };
        child.stdin?.write(`${JSON.stringify(wish)}\n`);
      });
    },
    close() {
      child.removeAllListeners('close');
      child.stdin?.destroy();
      child.stdout?.destroy();
      end();
      child.unref();
    },
  };
}

const STEPS: readonly unknown[] = ['socket', 'option', 'bind', 'listen', null];

function readResult(line: string): BindResult | null {
  try {
    const { ok, errno, step, exact } = JSON.parse(line) as Record<string, unknown>;
    if (typeof ok !== 'boolean' || typeof exact !== 'boolean' || !STEPS.includes(step)) return null;
    if (errno !== null && typeof errno !== 'string') return null;
    return { ok, errno, step: step as BindResult['step'], exact };
  } catch {
    return null;
  }
}
