// A lock file that the kernel locks (flock(2)): the lock ends with its process, however that ends, so that a file that
// was left behind locks nobody out. Its text tells by pid and start time who has it.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { loadFlock } from './native.ts';
import { processMarks } from './process-mark.ts';
import { readText } from './read-text.ts';

const TEXT_LIMIT = 4096;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** A lock that is held, or why there is none: who holds it, or the error. */
export type Lock =
  | { readonly kind: 'held'; release(): void }
  | { readonly kind: 'busy'; readonly pid: number | null }
  | { readonly kind: 'refused'; readonly code: string };

/** Takes the lock, waiting for whoever holds it up to `waitMs`. Without `ffi` flock(1) asks for it. */
export async function takeLock(
  path: string,
  { waitMs, ffi }: { readonly waitMs: number; readonly ffi: boolean },
): Promise<Lock> {
  const flock = (ffi ? loadFlock() : null) ?? flockByTool;
  const end = performance.now() + waitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    let fd: number;
    try {
      fd = openLock(path);
    } catch (error) {
      return { kind: 'refused', code: codeOf(error) };
    }
    const answer = flock(fd, LOCK_EX | LOCK_NB);
    if (answer === 0 && isAt(fd, path)) {
      tellWho(fd);
      // Taken away while it is still locked: who waits for this very file sees that it is no longer the one, and starts
      // again.
      return { kind: 'held', release: () => (rmSync(path, { force: true }), closeSync(fd)) };
    }
    closeSync(fd);
    if (answer === TOOL_MISSING) return { kind: 'refused', code: 'ENOSYS' };
    if (answer === 0) continue;
    if (performance.now() >= end) return { kind: 'busy', pid: holderOf(path) };
    const wait = pause * (0.5 + Math.random());
    await new Promise((resolve) => {
      setTimeout(resolve, wait);
    });
  }
}

/** One that is there is not asked to be made: the kernel refuses that for others' files in folders such as /tmp. */
function openLock(path: string): number {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  for (;;) {
    try {
      return openSync(path, flags);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    try {
      return openSync(path, flags | constants.O_CREAT | constants.O_EXCL, 0o644);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** Is it still the file that lies there? */
function isAt(fd: number, path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  const mine = fstatSync(fd);
  return stat !== undefined && stat.ino === mine.ino && stat.dev === mine.dev;
}

const TOOL_MISSING = -2;

/** flock(1) locks the descriptor that it is handed, which stays locked as ours. */
function flockByTool(fd: number): number {
  const { error, status } = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
  });
  return error !== undefined ? TOOL_MISSING : (status ?? 1);
}

/** For people and for the one that waits; a full disk takes nothing from the lock. */
function tellWho(fd: number): void {
  try {
    const mark = processMarks().of(process.pid);
    ftruncateSync(fd, 0);
    writeSync(fd, `${JSON.stringify({ pid: process.pid, startTicks: mark?.startTicks ?? null })}\n`, 0);
  } catch {
    // It is the kernel that locks.
  }
}

function holderOf(path: string): number | null {
  try {
    const { pid } = JSON.parse(readText(path, TEXT_LIMIT)?.text ?? '') as { pid?: unknown };
    return typeof pid === 'number' && Number.isSafeInteger(pid) ? pid : null;
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}
