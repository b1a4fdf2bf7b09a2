// Reads what /proc tells about one process and joins it into an owner.
import { readlinkSync, statSync } from 'node:fs';
import type { Container, Owner, ProcessRef } from '@portolan/core';
import {
  parseBootTime,
  parseCgroupFile,
  parseCmdline,
  parseProcStat,
  readCgroupPath,
} from '../parse/linux-proc-pid.ts';
import { socketInode } from './fd-walk.ts';
import { readText } from './read-text.ts';

/** Ticks a second in /proc/PID/stat (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Most bytes that are read of one file about a process; command lines can be megabytes long. */
const TEXT_LIMIT = 1 << 18;

/** Longest command line that is kept, in bytes: more than any sane one, less than a terminal can drown in. */
const CMDLINE_LIMIT = 1 << 16;

/**
 * How a process was found to have a socket: a descriptor, as its link below the process's folder (`fd/7` or
 * `task/12/fd/7`), or the start of the process that the kernel's own list names, in ticks after boot.
 */
export type Proof = { readonly link: string; readonly inode: number } | { readonly startTicks: number };

/** Longest launch chain that is followed: deeper ones are loops of a forged copy. */
const CHAIN_LIMIT = 32;

interface Ancestor {
  readonly ref: ProcessRef;
  readonly parent: number;
}

/** Reads processes of one /proc; boot time and user names are read once. */
export class ProcessReader {
  readonly #procRoot: string;
  readonly #userName: (uid: number) => string | null;
  readonly #ancestors = new Map<number, Ancestor | null>();
  #bootTime: number | null | undefined;

  constructor(procRoot: string, userName: (uid: number) => string | null) {
    this.#procRoot = procRoot;
    this.#userName = userName;
  }

  /**
   * The process `pid`, or null where it is gone. With a descriptor as proof, that is read again AFTER the start time:
   * only then does this pid at this start time hold that socket. With a start time, it must be this process's.
   */
  read(pid: number, proof: Proof | null, inferred: boolean): Owner | null {
    const folder = `${this.#procRoot}/${pid}`;
    const stat = parseProcStat(this.#text(`${folder}/stat`) ?? '');
    if (stat === null) return null;
    if (proof !== null && !this.#holds(folder, stat.startTicks, proof)) return null;
    const exe = this.#link(`${folder}/exe`);
    const argv = parseCmdline((this.#text(`${folder}/cmdline`) ?? '').slice(0, CMDLINE_LIMIT));
    const cgroup = parseCgroupFile(this.#text(`${folder}/cgroup`) ?? '');
    const place = cgroup === null ? { unit: null, container: null } : readCgroupPath(cgroup);
    const again = parseProcStat(this.#text(`${folder}/stat`) ?? '');
    // The pid now names another process: what was read belongs to nobody in particular.
    if (again === null || again.startTicks !== stat.startTicks) return null;
    return {
      pid,
      startedAt: this.#startedAt(stat.startTicks),
      name: exe === null ? stat.comm : baseName(exe),
      exe,
      argv: argv.length === 0 ? null : argv,
      cwd: this.#link(`${folder}/cwd`),
      user: this.#user(folder),
      unit: place.unit,
      container: place.container,
      launchedBy: this.#chain(stat.parent),
      inferred,
    };
  }

  #holds(folder: string, startTicks: number, proof: Proof): boolean {
    if ('startTicks' in proof) return proof.startTicks === startTicks;
    return socketInode(this.#link(`${folder}/${proof.link}`) ?? '') === proof.inode;
  }

  /** Ancestors of a process, nearest first, without pid 1; each is read once. */
  #chain(parent: number): readonly ProcessRef[] {
    const chain: ProcessRef[] = [];
    for (let pid = parent; pid > 1 && chain.length < CHAIN_LIMIT; ) {
      let known = this.#ancestors.get(pid);
      if (known === undefined) {
        known = this.#ancestor(pid);
        this.#ancestors.set(pid, known);
      }
      if (known === null) break;
      chain.push(known.ref);
      pid = known.parent;
    }
    return chain;
  }

  #ancestor(pid: number): Ancestor | null {
    const folder = `${this.#procRoot}/${pid}`;
    const stat = parseProcStat(this.#text(`${folder}/stat`) ?? '');
    if (stat === null) return null;
    const exe = this.#link(`${folder}/exe`);
    const name = exe === null ? stat.comm : baseName(exe);
    return { ref: { pid, startedAt: this.#startedAt(stat.startTicks), name }, parent: stat.parent };
  }

  /** A process in a few words, or null where it is gone. */
  ref(pid: number): ProcessRef | null {
    return this.#ancestor(pid)?.ref ?? null;
  }

  /** The container whose cgroup a process is in, or null. */
  container(pid: number): Container | null {
    const cgroup = parseCgroupFile(this.#text(`${this.#procRoot}/${pid}/cgroup`) ?? '');
    return cgroup === null ? null : readCgroupPath(cgroup).container;
  }

  #startedAt(ticks: number): string | null {
    this.#bootTime ??= parseBootTime(this.#text(`${this.#procRoot}/stat`) ?? '');
    if (this.#bootTime === null) return null;
    const date = new Date((this.#bootTime + ticks / TICKS_PER_SECOND) * 1000);
    // A recorded copy may hold any number.
    return Number.isNaN(date.getTime()) ? null : date.toISOString();
  }

  #user(folder: string): string | null {
    try {
      // Owner of /proc/PID is the effective user, except for processes that are not dumpable: those show root.
      const status = this.#text(`${folder}/status`);
      const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status ?? '')?.[1];
      const value = uid === undefined ? statSync(folder).uid : Number(uid);
      return this.#userName(value) ?? String(value);
    } catch {
      return null;
    }
  }

  #text(path: string): string | null {
    return readText(path, TEXT_LIMIT)?.text ?? null;
  }

  #link(path: string): string | null {
    try {
      return readlinkSync(path);
    } catch {
      return null;
    }
  }
}

/** Last part of a path; the kernel appends " (deleted)" to an executable that was replaced or removed. */
function baseName(path: string): string {
  const clean = path.replace(/ \(deleted\)$/, '');
  return clean.slice(clean.lastIndexOf('/') + 1);
}
