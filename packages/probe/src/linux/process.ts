// Reads what /proc tells about one process and joins it into an owner.
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Owner } from '@portolan/core';
import {
  parseBootTime,
  parseCgroupFile,
  parseCmdline,
  parseProcStat,
  readCgroupPath,
} from '../parse/linux-proc-pid.ts';
import { socketInode } from './fd-walk.ts';

/** Ticks a second in /proc/PID/stat (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Longest command line that is kept, in bytes: more than any sane one, less than a terminal can drown in. */
const CMDLINE_LIMIT = 1 << 16;

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
  read(pid: number, proof: { fd: number; inode: number } | null, inferred: boolean): Owner | null {
    const folder = `${this.#procRoot}/${pid}`;
    const stat = parseProcStat(this.#text(`${folder}/stat`) ?? '');
    if (stat === null) return null;
    if (proof !== null && socketInode(this.#link(`${folder}/fd/${proof.fd}`) ?? '') !== proof.inode)
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
    return new Date((this.#bootTime + ticks / TICKS_PER_SECOND) * 1000).toISOString();
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
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
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
