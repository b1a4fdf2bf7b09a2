// Reads what /proc tells about one process and joins it into an owner.
import { readlinkSync, statSync } from 'node:fs';
import type { Owner } from '@portolan/core';
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

/** A descriptor through which a process was found to have a socket. */
export interface Proof {
  /** Link below the process's folder, `fd/7` or `task/12/fd/7`. */
  readonly link: string;
  readonly inode: number;
}

/** Reads processes of one /proc; boot time and user names are read once. */
export class ProcessReader {
  readonly #procRoot: string;
  readonly #userName: (uid: number) => string | null;
  #bootTime: number | null | undefined;

  constructor(procRoot: string, userName: (uid: number) => string | null) {
    this.#procRoot = procRoot;
    this.#userName = userName;
  }

  /**
   * The process `pid`, or null where it is gone. With `proof`, the descriptor through which it was found is
   * read again AFTER its start time: only then does this pid at this start time hold that socket.
   */
  read(pid: number, proof: Proof | null, inferred: boolean): Owner | null {
    const folder = `${this.#procRoot}/${pid}`;
    const stat = parseProcStat(this.#text(`${folder}/stat`) ?? '');
    if (stat === null) return null;
    if (proof !== null && socketInode(this.#link(`${folder}/${proof.link}`) ?? '') !== proof.inode)
      return null;
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
      inferred,
    };
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
