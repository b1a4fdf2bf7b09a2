// A lock file with the pid and start time of the process that holds it: a lock whose process has ended is no lock.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseProcStat } from '../parse/linux-proc-pid.ts';
import { readText } from './read-text.ts';

const TEXT_LIMIT = 4096;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly startTicks: number;
  /** Pid namespace in which `pid` means something. */
  readonly pids: string;
}

/** A lock that is held, or why there is none: who holds it, or the error. */
export type Lock =
  | { readonly kind: 'held'; release(): void }
  | { readonly kind: 'busy'; readonly pid: number | null }
  | { readonly kind: 'refused'; readonly code: string };

/** Takes the lock, waiting for whoever holds it up to `waitMs`. The folder is made if it is not there. */
export async function takeLock(path: string, waitMs: number): Promise<Lock> {
  const end = performance.now() + waitMs;
  const mine = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  let pause = FIRST_PAUSE_MS;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(mine, `${JSON.stringify(self())}\n`, { mode: 0o644, flag: 'wx' });
  } catch (error) {
    // A full disk takes the name and no text.
    if (codeOf(error) !== 'EEXIST') rmSync(mine, { force: true });
    return { kind: 'refused', code: codeOf(error) };
  }
  try {
    for (;;) {
      try {
        // A link is made or not: nobody ever sees a lock without its holder.
        linkSync(mine, path);
        return { kind: 'held', release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') return { kind: 'refused', code: codeOf(error) };
      }
      const holder = holderOf(path);
      if (holder !== null && hasEnded(holder) && takeAway(path, holder)) continue;
      if (performance.now() >= end) return { kind: 'busy', pid: holder?.pid ?? null };
      await new Promise((resolve) => {
        setTimeout(resolve, pause);
      });
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Removes the lock of a process that has ended, and only that: another run may have been quicker. False if not ours to. */
function takeAway(path: string, ended: Holder): boolean {
  const aside = `${path}.${process.pid}.ended`;
  try {
    renameSync(path, aside);
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
  const moved = holderOf(aside);
  if (moved !== null && (moved.pid !== ended.pid || moved.startTicks !== ended.startTicks)) {
    try {
      linkSync(aside, path);
    } catch {
      // A third one has it by now: it will find the list as it is and verify what it wrote.
    }
  }
  rmSync(aside, { force: true });
  return true;
}

function self(): Holder {
  return { pid: process.pid, startTicks: ticksOf(process.pid) ?? 0, pids: pidNamespace() };
}

function holderOf(path: string): Holder | null {
  try {
    const { pid, startTicks, pids } = JSON.parse(readText(path, TEXT_LIMIT)?.text ?? '') as Partial<Holder>;
    if (typeof pid !== 'number' || typeof startTicks !== 'number' || typeof pids !== 'string') return null;
    return { pid, startTicks, pids };
  } catch {
    return null;
  }
}

/** Of another pid namespace nothing can be told. */
function hasEnded({ pid, startTicks, pids }: Holder): boolean {
  return pids === pidNamespace() && ticksOf(pid) !== startTicks;
}

function ticksOf(pid: number): number | null {
  return parseProcStat(readText(`/proc/${pid}/stat`, TEXT_LIMIT)?.text ?? '')?.startTicks ?? null;
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}
