// Who a pid is on Windows: image path and start time through kernel32, names and services from tasklist where that is refused.
import { win32 } from 'node:path';
import type { Owner } from '@portolan/core';
import { readWide } from '../parse/win32-owner-module.ts';
import type { Task } from '../parse/win32-services.ts';
import { fileTimeToIso } from '../parse/win32-tables.ts';
import { nativeBuffer, type WindowsApi } from './native.ts';

/** PROCESS_QUERY_LIMITED_INFORMATION (winnt.h): given for processes of other users, too. */
const QUERY_LIMITED = 0x1000;
/** Longest path of Windows, in characters. */
const PATH_LIMIT = 32_768;

/** The kernel's own pid. */
export const SYSTEM_PID = 4;

/** What is known of a process. */
export interface ProcessFacts {
  /** FILETIME; null where it may not be asked. */
  readonly started: bigint | null;
  readonly exe: string | null;
}

/** Asks once for each process. */
export class Processes {
  readonly #api: WindowsApi;
  readonly #known = new Map<number, ProcessFacts>();

  constructor(api: WindowsApi) {
    this.#api = api;
  }

  facts(pid: number): ProcessFacts {
    let facts = this.#known.get(pid);
    if (facts === undefined) {
      facts = this.#ask(pid);
      this.#known.set(pid, facts);
    }
    return facts;
  }

  #ask(pid: number): ProcessFacts {
    const handle = this.#api.openProcess(QUERY_LIMITED, pid);
    if (handle === 0) return { started: null, exe: null };
    try {
      const name = nativeBuffer(2 * PATH_LIMIT);
      const size = nativeBuffer(4);
      size.writeUInt32LE(PATH_LIMIT);
      const named = this.#api.imageName(handle, name, size) !== 0;
      const times = nativeBuffer(32);
      const timed = this.#api.processTimes(handle, times) !== 0;
      return { started: timed ? times.readBigUInt64LE() : null, exe: named ? readWide(name, 0) : null };
    } finally {
      this.#api.closeHandle(handle);
    }
  }
}

/** The owner of these facts; null where nothing names the process: then it is gone. */
export function ownerOf(
  pid: number,
  { started, exe }: ProcessFacts,
  task: Task | undefined,
  service: string | null,
  inferred = false,
): Owner | null {
  const name = exe === null ? (task?.image ?? (pid === SYSTEM_PID ? 'System' : null)) : win32.basename(exe);
  if (name === null) return null;
  const services = service === null ? (task?.services ?? []) : [service];
  return {
    pid,
    startedAt: started === null ? null : fileTimeToIso(started),
    name,
    exe,
    argv: null,
    cwd: null,
    user: null,
    unit: services.length === 0 ? null : services.join(', '),
    container: null,
    launchedBy: [],
    inferred,
  };
}
