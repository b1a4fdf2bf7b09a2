// Signals to a process that is held by a pidfd and was checked through it, so that no other process can be hit.
import { closeSync, existsSync } from 'node:fs';
import type { Grip, GripFailure } from '../actions.ts';
import { parsePidfdInfo, parseProcStat } from '../parse/linux-proc-pid.ts';
import { filesWalk, threadWalk } from './fd-walk.ts';
import { type Libc, nativeBuffer } from './native.ts';
import { ProcessReader } from './process.ts';
import { readText } from './read-text.ts';

/** System calls with the same number on every architecture (include/uapi/asm-generic/unistd.h). */
const PIDFD_SEND_SIGNAL = 424;
const PIDFD_OPEN = 434;

/** Numbers of signal(7) that are the same on every architecture. */
const SIGNALS = { SIGTERM: 15, SIGKILL: 9 } as const;

const EPERM = 1;
const ESRCH = 3;
const POLLIN = 1;
const TEXT_LIMIT = 1 << 16;
const PROC = '/proc';

/**
 * Grips process `pid` if it started at `startedAt` (ISO 8601, as the probe told it) and has one of these sockets
 * open. Pids are those of the /proc that is read: the kernel's own word in the pidfd's fdinfo (man pidfd_open(2),
 * proc(5)) says that both mean the same process, whatever pid namespace we run in.
 */
export function gripProcess(
  libc: Libc,
  pid: number,
  startedAt: string | null,
  inodes: readonly number[],
): Grip | GripFailure {
  const fd = libc.syscall5(PIDFD_OPEN, pid, 0, 0, 0, 0);
  // One that /proc still shows is in a pid namespace that we are not in, or cannot be held at all.
  if (fd < 0) return libc.errno() === ESRCH && !existsSync(`${PROC}/${pid}/stat`) ? 'gone' : 'unsupported';
  if (startedAt === null) {
    closeSync(fd);
    return 'unsupported';
  }
  const close = (): void => closeSync(fd);
  const named = pidOf(fd);
  if (named === null || named !== pid) {
    close();
    return named === null ? 'unsupported' : named < 0 ? 'gone' : 'changed';
  }
  const ticks = ticksOf(pid);
  const started = new ProcessReader(PROC, () => null).ref(pid)?.startedAt ?? null;
  const isPid = (): boolean => pidOf(fd) === pid;
  const isIt = (): boolean => ticks !== null && ticksOf(pid) === ticks && isPid();
  // What is read between two looks at the pidfd was read of its process: no pid passes on while it has one.
  const has = (wanted: readonly number[]): boolean => isIt() && hasSocket(pid, wanted) && isPid();
  const gone = (): boolean => hasEnded(libc, fd);
  if (started !== startedAt || !has(inodes)) {
    const ended = gone();
    close();
    return ended ? 'gone' : 'changed';
  }
  return {
    pid,
    gone,
    has,
    signal(name, wanted) {
      if (gone()) return 'gone';
      if (!has(wanted)) return gone() ? 'gone' : 'changed';
      if (libc.syscall5(PIDFD_SEND_SIGNAL, fd, SIGNALS[name], 0, 0, 0) >= 0) return 'sent';
      const errno = libc.errno();
      return errno === ESRCH ? 'gone' : errno === EPERM ? 'denied' : 'failed';
    },
    close,
  };
}

/** The pid that this /proc has for the pidfd's process: -1 once it has ended, null where the kernel does not say. */
function pidOf(fd: number): number | null {
  return parsePidfdInfo(readText(`${PROC}/self/fdinfo/${fd}`, TEXT_LIMIT)?.text ?? '');
}

function ticksOf(pid: number): number | null {
  return parseProcStat(readText(`${PROC}/${pid}/stat`, TEXT_LIMIT)?.text ?? '')?.startTicks ?? null;
}

/** Looks through the descriptors of the process, then of its threads, which may have their own. */
function hasSocket(pid: number, inodes: readonly number[]): boolean {
  const wanted = new Set(inodes.filter((inode) => inode !== 0));
  let found = false;
  const hit = (): void => {
    found = true;
  };
  filesWalk(PROC)([pid], wanted, hit);
  if (!found) threadWalk(PROC, null)([pid], wanted, hit);
  return found;
}

/** A pidfd can be read from once its process has ended (man pidfd_open(2)). */
function hasEnded(libc: Libc, fd: number): boolean {
  // struct pollfd: fd, events, revents
  const wanted = nativeBuffer(8);
  wanted.writeInt32LE(fd, 0);
  wanted.writeInt16LE(POLLIN, 4);
  return libc.poll(libc.address(wanted), 1, 0) > 0;
}
