// Processes by the kernel's own name of them, whether they have sockets or not.
import { readdirSync } from 'node:fs';
import type { ProcessRef } from '@portolan/core';
import { ProcessReader } from './process.ts';
import { readText } from './read-text.ts';

/** Longest /proc/PID/comm: TASK_COMM_LEN and a newline (include/linux/sched.h). */
const COMM_BYTES = 64;

/** Every process whose name is one of these; null where the processes cannot be listed. */
export function namedProcesses(names: readonly string[], procRoot: string): ProcessRef[] | null {
  let pids: string[];
  try {
    pids = readdirSync(procRoot).filter((name) => /^\d+$/.test(name));
  } catch {
    return null;
  }
  const reader = new ProcessReader(procRoot, () => null);
  return pids.flatMap((pid): ProcessRef[] => {
    const name = readText(`${procRoot}/${pid}/comm`, COMM_BYTES)?.text.trim() ?? '';
    if (!names.includes(name)) return [];
    const owner = reader.read(Number(pid), null, false);
    return owner === null ? [] : [{ pid: owner.pid, startedAt: owner.startedAt, name }];
  });
}
