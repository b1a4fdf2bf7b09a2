// How many outgoing TCP connections this network namespace has opened, and since when.
import { statSync } from 'node:fs';
import type { Opened } from '@portolan/core';
import { parseProcStat } from '../parse/linux-proc-pid.ts';
import { parseActiveOpens, parseUptime } from '../parse/linux-snmp.ts';
import { readText } from './read-text.ts';

/** /proc/net/snmp is some kilobytes long. */
const LIMIT = 1 << 16;

/** Ticks a second in /proc/PID/stat (USER_HZ). */
const TICKS_PER_SECOND = 100;

/**
 * Connections since process 1 was started, where its network namespace is ours: then that is as old as it. Null for
 * other namespaces, whose age nothing tells.
 */
export function readOpened(procRoot: string): Opened | null {
  if (!sharesWithInit(procRoot)) return null;
  const count = parseActiveOpens(readText(`${procRoot}/net/snmp`, LIMIT)?.text ?? '');
  const uptime = parseUptime(readText(`${procRoot}/uptime`, LIMIT)?.text ?? '');
  const init = parseProcStat(readText(`${procRoot}/1/stat`, LIMIT)?.text ?? '');
  if (count === null || uptime === null || init === null) return null;
  const seconds = uptime - init.startTicks / TICKS_PER_SECOND;
  return seconds > 0 ? { count, seconds } : null;
}

/** The inode of a process's table stands for its namespace, and anybody may see it. */
function sharesWithInit(procRoot: string): boolean {
  try {
    return statSync(`${procRoot}/1/net/tcp`).ino === statSync(`${procRoot}/self/net/tcp`).ino;
  } catch {
    return false;
  }
}
