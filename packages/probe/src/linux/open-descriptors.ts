// How many descriptors the processes of a host have: whether walking them takes long, and which of them take long.
import { statSync } from 'node:fs';
import { parseOpenFiles, parseSocketsUsed } from '../parse/linux-limits.ts';
import { listPids } from './fd-walk.ts';
import { readText } from './read-text.ts';

/** Counts the descriptors of the processes under a /proc, as far as that is needed. */
export class OpenDescriptors {
  readonly #procRoot: string;
  readonly #counts = new Map<number, number>();
  #pids: readonly number[] | undefined;
  #waiting: number[] | undefined;
  #total = 0;
  #openFiles: number | null | undefined;
  #sockets: number | undefined;

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
  }

  /** True where there are more than `limit`, or where it cannot be told. */
  moreThan(limit: number): boolean {
    // A machine with few open files has few descriptors: those that a child got from its parent count once, but so do
    // the programs and libraries that each process has mapped.
    this.#openFiles ??= parseOpenFiles(readText(`${this.#procRoot}/sys/fs/file-nr`, 256)?.text ?? '');
    if (this.#openFiles !== null && this.#openFiles <= limit) return false;
    // The sockets of our own network namespace are told in one line; nearly all of them are somebody's descriptors.
    this.#sockets ??= parseSocketsUsed(readText(`${this.#procRoot}/net/sockstat`, 4096)?.text ?? '');
    return this.#sockets > limit || this.#count(limit);
  }

  /** The processes as they were listed first. Throws where that is refused. */
  pids(): readonly number[] {
    this.#pids ??= listPids(this.#procRoot);
    return this.#pids;
  }

  /** How many each process has; those that cannot be counted are left out. */
  byProcess(): ReadonlyMap<number, number> {
    this.#count(Number.POSITIVE_INFINITY);
    return this.#counts;
  }

  /** Counts until there are more than `limit`; the size of /proc/PID/fd is their number since 6.2 (f1f1f2569901). */
  #count(limit: number): boolean {
    if (this.#waiting === undefined) {
      // 0 also where the kernel does not count.
      if (this.#sizeOf('self') === 0) return true;
      try {
        this.#waiting = [...this.pids()];
      } catch {
        return true;
      }
    }
    while (this.#total <= limit) {
      const pid = this.#waiting.pop();
      if (pid === undefined) return false;
      const size = this.#sizeOf(pid);
      this.#total += size;
      if (size > 0) this.#counts.set(pid, size);
    }
    return true;
  }

  /** 0 for what has ended or refuses to be counted, which is not walked either. */
  #sizeOf(pid: number | 'self'): number {
    try {
      return statSync(`${this.#procRoot}/${pid}/fd`, { throwIfNoEntry: false })?.size ?? 0;
    } catch {
      return 0;
    }
  }
}
