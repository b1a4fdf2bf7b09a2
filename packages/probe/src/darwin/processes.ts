// Processes of macOS: which there are, which sockets each has open, and what is known of one.
import type { Owner, ProcessRef } from '@portolan/core';
import {
  applicationOf,
  BSD_INFO_SIZE,
  BSD_SHORT_INFO_SIZE,
  type DarwinProcess,
  FD_INFO_SIZE,
  parseBsdInfo,
  parsePidList,
  parsePidPath,
  parseProcessArguments,
  parseShortBsdInfo,
  parseSocketFd,
  parseSocketFds,
  parseWorkingFolder,
  SOCKET_FD_INFO_SIZE,
  type SocketFd,
  VNODE_PATH_INFO_SIZE,
} from '../parse/darwin-libproc.ts';
import type { DarwinCalls } from './native.ts';

/** Flavors of proc_pidinfo and proc_pidfdinfo (bsd/sys/proc_info.h). */
const PROC_PIDLISTFDS = 1;
const PROC_PIDTBSDINFO = 3;
const PROC_PIDVNODEPATHINFO = 9;
const PROC_PIDT_SHORTBSDINFO = 13;
const PROC_PIDFDSOCKETINFO = 3;
/** PROC_PIDPATHINFO_MAXSIZE */
const PATH_BYTES = 4096;
/** kern.argmax of macOS. */
const ARGUMENTS_BYTES = 1 << 20;

const EPERM = 1;
const ESRCH = 3;
const EBADF = 9;
const EOPNOTSUPP = 102;

/** No Mac has so many processes, nor a process so many descriptors; what says so is not believed. */
const MOST_BYTES = 1 << 26;
/** Longest launch chain that is followed. */
const CHAIN_LIMIT = 32;

/** Buffer with an ArrayBuffer of its own, so that its address does not move. */
export function ownBuffer(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** Calls with ever larger buffers until one is not filled to its end; null where the call fails. */
export function filled(first: number, call: (out: Uint8Array) => number): Uint8Array | null {
  for (let size = first; size <= MOST_BYTES; size *= 2) {
    const out = ownBuffer(size);
    const got = call(out);
    if (got < 0) return null;
    if (got < size) return out.subarray(0, got);
  }
  return null;
}

/** All processes; null where they cannot be listed. */
export function listPids(calls: DarwinCalls): number[] | null {
  const bytes = filled(1 << 14, (out) => calls.listPids(out));
  return bytes === null || bytes.length === 0 ? null : parsePidList(bytes);
}

/** What a process's descriptors came to. */
export interface Walked {
  readonly refused: boolean;
  readonly sockets: readonly SocketFd[];
  /** Descriptors of which the kernel's answer could not be read. */
  readonly broken: number;
}

/** The sockets that a process has open. */
export function socketsOf(calls: DarwinCalls, pid: number): Walked {
  const needed = calls.pidInfo(pid, PROC_PIDLISTFDS, null);
  if (needed <= 0) return { refused: calls.errno() === EPERM, sockets: [], broken: 0 };
  // Room for those that are opened meanwhile.
  const first = Math.min(needed + 32 * FD_INFO_SIZE, MOST_BYTES);
  const bytes = filled(first, (out) => calls.pidInfo(pid, PROC_PIDLISTFDS, out));
  if (bytes === null || bytes.length === 0) {
    const errno = calls.errno();
    return { refused: errno !== 0 && errno !== ESRCH, sockets: [], broken: 0 };
  }
  const sockets: SocketFd[] = [];
  const blob = ownBuffer(SOCKET_FD_INFO_SIZE);
  let broken = 0;
  let refused = false;
  for (const fd of parseSocketFds(bytes)) {
    const got = calls.pidFdInfo(pid, fd, PROC_PIDFDSOCKETINFO, blob);
    if (got <= 0) {
      const errno = calls.errno();
      if (errno === EPERM) refused = true;
      // Closed meanwhile, or no socket of a protocol that tells anything.
      else if (errno !== EBADF && errno !== EOPNOTSUPP && errno !== ESRCH && errno !== 0) broken++;
      continue;
    }
    const found = parseSocketFd(blob.subarray(0, got));
    if (found.kind === 'short') broken++;
    else if (found.kind !== 'other') sockets.push(found);
  }
  return { refused, sockets, broken };
}

/** The socket behind a descriptor of this process. */
export function socketAt(calls: DarwinCalls, pid: number, fd: number): SocketFd {
  const blob = ownBuffer(SOCKET_FD_INFO_SIZE);
  const got = calls.pidFdInfo(pid, fd, PROC_PIDFDSOCKETINFO, blob);
  return parseSocketFd(blob.subarray(0, Math.max(0, got)));
}

/** Reads processes, each once. */
export class DarwinProcesses {
  readonly #calls: DarwinCalls;
  readonly #known = new Map<number, DarwinProcess | null>();
  readonly #users = new Map<number, string | null>();

  constructor(calls: DarwinCalls) {
    this.#calls = calls;
  }

  userName(uid: number): string | null {
    let name = this.#users.get(uid);
    if (name === undefined) {
      name = this.#calls.userName(uid);
      this.#users.set(uid, name);
    }
    return name;
  }

  /** The process as an owner; null where it is gone. */
  owner(pid: number, inferred: boolean): Owner | null {
    const process = this.#process(pid);
    const exe = this.#path(pid);
    if (process === null && exe === null) return null;
    const args = this.#arguments(pid);
    const label = process?.parent === 1 ? (args?.label ?? null) : null;
    return {
      pid,
      startedAt: startOf(process),
      name: nameOf(process, exe),
      exe,
      argv: args === null || args.argv.length === 0 ? null : args.argv,
      cwd: this.#folder(pid),
      user: process === null ? null : (this.userName(process.uid) ?? String(process.uid)),
      // Those that a job starts inherit its label: it is the job's own only right below launchd.
      unit: label,
      container: null,
      launchedBy: process === null ? [] : this.#chain(process.parent),
      inferred,
    };
  }

  #chain(parent: number): readonly ProcessRef[] {
    const chain: ProcessRef[] = [];
    const seen = new Set<number>();
    for (let pid = parent; pid > 1 && chain.length < CHAIN_LIMIT && !seen.has(pid); ) {
      seen.add(pid);
      const process = this.#process(pid);
      if (process === null) break;
      chain.push({ pid, startedAt: startOf(process), name: nameOf(process, this.#path(pid)) });
      pid = process.parent;
    }
    return chain;
  }

  #process(pid: number): DarwinProcess | null {
    let process = this.#known.get(pid);
    if (process === undefined) {
      const long = this.#info(pid, PROC_PIDTBSDINFO, BSD_INFO_SIZE);
      process = long === null ? null : parseBsdInfo(long);
      if (process === null) {
        const short = this.#info(pid, PROC_PIDT_SHORTBSDINFO, BSD_SHORT_INFO_SIZE);
        process = short === null ? null : parseShortBsdInfo(short);
      }
      // The answer is about another process than the one that was asked for: nothing is known.
      if (process !== null && process.pid !== pid) process = null;
      this.#known.set(pid, process);
    }
    return process;
  }

  #info(pid: number, flavor: number, size: number): Uint8Array | null {
    const out = ownBuffer(size);
    const got = this.#calls.pidInfo(pid, flavor, out);
    return got <= 0 ? null : out.subarray(0, got);
  }

  #path(pid: number): string | null {
    const out = ownBuffer(PATH_BYTES);
    const got = this.#calls.pidPath(pid, out);
    return got <= 0 ? null : parsePidPath(out.subarray(0, got));
  }

  #folder(pid: number): string | null {
    const bytes = this.#info(pid, PROC_PIDVNODEPATHINFO, VNODE_PATH_INFO_SIZE);
    return bytes === null ? null : parseWorkingFolder(bytes);
  }

  #arguments(pid: number): ReturnType<typeof parseProcessArguments> {
    const out = ownBuffer(ARGUMENTS_BYTES);
    const got = this.#calls.processArguments(pid, out);
    return got <= 0 ? null : parseProcessArguments(out.subarray(0, got));
  }
}

function startOf(process: DarwinProcess | null): string | null {
  if (process === null || process.startSeconds === null || process.startSeconds <= 0) return null;
  const date = new Date(process.startSeconds * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** An application's main program by the application's name: many are called alike inside theirs. */
function nameOf(process: DarwinProcess | null, exe: string | null): string {
  if (exe === null) return process?.name ?? '';
  return applicationOf(exe) ?? exe.slice(exe.lastIndexOf('/') + 1);
}
