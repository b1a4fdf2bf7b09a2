// A lock on a folder, kept by the kernel (flock(2)): it ends with its process, however that ends, so that no lock is ever
// left behind. The folder itself is locked and no file in it, because nobody else can put another in its place.
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { loadFlock } from './native.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Between two attempts, milliseconds: short at first, for the lock is held for some milliseconds; longer where many wait,
 * whose attempts would keep the holder from its work.
 */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 64;

/** Who has waited so long, milliseconds, asks more often than those who came later, and so comes before them. */
const LONG_WAIT = 5000;
const OLD_PAUSE = 4;

/** A lock that is held. */
export interface FolderLock {
  release(): void;
}

/** Throws an error with the code of what went wrong; see the door of this package. */
export async function lockFolder(
  folder: string,
  { ffi, waitMs, signal }: { readonly ffi: boolean; readonly waitMs: number; readonly signal?: AbortSignal },
): Promise<FolderLock> {
  signal?.throwIfAborted();
  const flock = ffi ? loadFlock() : null;
  return flock === null ? lockByTool(folder, waitMs, signal) : lockNatively(folder, flock, waitMs, signal);
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Asked again and again instead of waited for: a wait in the kernel could not be ended. */
async function lockNatively(
  folder: string,
  flock: (fd: number, operation: number) => number,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<FolderLock> {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  const began = performance.now();
  try {
    for (
      let pause = FIRST_PAUSE;
      flock(fd, LOCK_EX | LOCK_NB) !== 0;
      pause = Math.min(LONGEST_PAUSE, pause * 2)
    ) {
      const waited = performance.now() - began;
      if (waited > waitMs) throw failure('ETIMEDOUT', `the lock of ${folder} is held by another`);
      // Not in step with the others that wait.
      const wait = (waited > LONG_WAIT ? OLD_PAUSE : pause) * (0.5 + Math.random());
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
      });
      signal?.throwIfAborted();
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}

/** By flock(1) of util-linux, whose child holds the lock until our end of its input is closed, by us or by our end. */
function lockByTool(folder: string, waitMs: number, signal: AbortSignal | undefined): Promise<FolderLock> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [folder, 'sh', '-c', 'echo; exec cat >/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const stop = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      child.stdin.destroy();
      child.stdout.destroy();
    };
    const fail = (error: unknown): void => {
      stop();
      child.kill('SIGKILL');
      reject(error instanceof Error ? error : failure('ECANCELED', String(error)));
    };
    const abort = (): void => fail(signal?.reason);
    const timer = setTimeout(
      () => fail(failure('ETIMEDOUT', `the lock of ${folder} is held by another`)),
      waitMs,
    );
    signal?.addEventListener('abort', abort, { once: true });
    child.once('error', () => fail(failure('ENOSYS', 'neither native code nor flock(1) is there')));
    child.once('exit', () => fail(failure('EIO', 'flock(1) ended')));
    child.stdin.on('error', () => undefined);
    child.stdout.once('data', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      child.removeAllListeners('exit');
      child.unref();
      resolve({ release: stop });
    });
  });
}
