// What names a process for good, and whether it still runs: pid, start in ticks after boot, boot, pid namespace.
import { readlinkSync } from 'node:fs';
import type { MarkState, ProcessMark } from '@portolan/core';
import { isEndedStat, parseBootTime, parseProcStat } from '../parse/linux-proc-pid.ts';
import { readText } from './read-text.ts';
import { userNames } from './users.ts';

/** Ticks a second in /proc/PID/stat (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** A stat line is some 300 bytes; /proc/stat is longer on machines of many cores. */
const TEXT_LIMIT = 1 << 20;

/** Marks as this process makes and judges them. */
export interface ProcessMarks {
  /** The mark of a process that runs now; null where there is none of that pid. */
  of(pid: number): ProcessMark | null;
  state(mark: ProcessMark): MarkState;
  /** When it started, ISO 8601 in UTC; null where that is not told. */
  startedAt(mark: ProcessMark): string | null;
  /** Name of a user of this host; null for one without. */
  user(uid: number): string | null;
}

/** On a system without /proc only the pid is known, and a pid that is in use again counts as alive. */
export function processMarks(): ProcessMarks {
  const bootId = textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
  const pidNamespace = ownNamespace();
  let bootTime: number | null | undefined;
  return {
    of(pid) {
      const stat = parseProcStat(textOf(`/proc/${pid}/stat`) ?? '');
      if (stat === null && signalled(pid) === 'gone') return null;
      return { pid, startTicks: stat?.startTicks ?? null, bootId, pidNamespace };
    },
    state(mark) {
      if (mark.bootId !== null && bootId !== null && mark.bootId !== bootId) return 'gone';
      if (mark.pidNamespace !== pidNamespace) return 'unknown';
      const text = textOf(`/proc/${mark.pid}/stat`);
      const stat = parseProcStat(text ?? '');
      if (text === null || stat === null) {
        // Hidden (hidepid) is not gone.
        const found = signalled(mark.pid);
        return found === 'there' && mark.startTicks !== null
          ? 'unknown'
          : found === 'gone'
            ? 'gone'
            : 'alive';
      }
      if (isEndedStat(text)) return 'gone';
      return mark.startTicks === null || stat.startTicks === mark.startTicks ? 'alive' : 'gone';
    },
    startedAt({ startTicks }) {
      if (startTicks === null) return null;
      bootTime ??= parseBootTime(textOf('/proc/stat') ?? '');
      if (bootTime === null) return null;
      const date = new Date((bootTime + startTicks / TICKS_PER_SECOND) * 1000);
      return Number.isNaN(date.getTime()) ? null : date.toISOString();
    },
    user: userNames(true),
  };
}

/** kill(2) with signal 0: EPERM is somebody else's process. */
function signalled(pid: number): 'there' | 'gone' {
  try {
    process.kill(pid, 0);
    return 'there';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'there';
  }
}

function ownNamespace(): number | null {
  try {
    const inode = /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid'))?.[1];
    return inode === undefined ? null : Number(inode);
  } catch {
    return null;
  }
}

function textOf(path: string): string | null {
  return readText(path, TEXT_LIMIT)?.text ?? null;
}
