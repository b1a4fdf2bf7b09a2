// From a socket's cgroup id to the cgroup's path and the processes in it, without any privilege.
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Where the v2 hierarchy is mounted: alone, or beside v1 (hybrid). */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/** Most folders that are looked at before giving up: hosts with more cgroups than this are not searched. */
const FOLDER_LIMIT = 20_000;

/** A cgroup and the processes in it. */
export interface CgroupMembers {
  /** Path below the mount, `/system.slice/nginx.service`. */
  readonly path: string;
  readonly pids: readonly number[];
}

/** Finds cgroups by id (the inode of their folder, INET_DIAG_CGROUP_ID), walking the tree once. */
export class CgroupTree {
  #paths: Map<number, string> | null = null;
  #root: string | null = null;

  /** The cgroup with this id; null for the root cgroup, an unknown one, and where there is no v2 hierarchy. */
  find(id: number): CgroupMembers | null {
    this.#paths ??= this.#scan();
    const path = this.#paths.get(id);
    if (path === undefined || path === '' || this.#root === null) return null;
    try {
      const text = readFileSync(`${this.#root}${path}/cgroup.procs`, 'latin1');
      const pids = text
        .split('\n')
        .filter((line) => line !== '')
        .map(Number)
        // 0 stands for a process of another pid namespace.
        .filter((pid) => pid > 0);
      return { path, pids };
    } catch {
      return { path, pids: [] };
    }
  }

  #scan(): Map<number, string> {
    const found = new Map<number, string>();
    this.#root = MOUNTS.find((mount) => isCgroup2(mount)) ?? null;
    if (this.#root === null) return found;
    const waiting = [''];
    for (let path = waiting.pop(); path !== undefined && found.size < FOLDER_LIMIT; path = waiting.pop()) {
      const folder = `${this.#root}${path}`;
      try {
        found.set(statSync(folder).ino, path);
        for (const entry of readdirSync(folder, { withFileTypes: true })) {
          if (entry.isDirectory()) waiting.push(`${path}/${entry.name}`);
        }
      } catch {
        // A cgroup that was removed while we looked.
      }
    }
    return found;
  }
}

function isCgroup2(mount: string): boolean {
  return statSync(`${mount}/cgroup.controllers`, { throwIfNoEntry: false }) !== undefined;
}
