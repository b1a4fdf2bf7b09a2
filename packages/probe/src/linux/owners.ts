// Joins sockets with the processes that have them open, says which are the kernel's own, infers by cgroup the rest.
import { readlinkSync, statSync } from 'node:fs';
import type { Gap, Owner, Socket } from '@portolan/core';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { CgroupTree } from './cgroups.ts';
import { type FdWalk, listPids } from './fd-walk.ts';
import type { ProcessReader } from './process.ts';

/** Inode of the first pid namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO): from here all processes show. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Most processes named for one socket by its cgroup alone. */
const CANDIDATE_LIMIT = 16;

/** Everything the join needs. */
export interface OwnerJoin {
  readonly procRoot: string;
  readonly walk: FdWalk;
  readonly processes: ProcessReader;
  readonly userName: (uid: number) => string | null;
  /** Reads the rows again, to tell a socket that has gone meanwhile from one that nobody owns. */
  readonly reread: () => readonly LinuxSocketRow[];
  /** Sockets that belong to a kernel tunnel: `udp/4789`. */
  readonly kernelPorts: ReadonlySet<string>;
  /** The command that would show more, with the rights for it. */
  readonly remedy: string | null;
}

/** Sockets with their owners, and what stayed unknown about them. */
export function joinOwners(
  rows: readonly LinuxSocketRow[],
  join: OwnerJoin,
): { sockets: Socket[]; gaps: Gap[] } {
  const gaps: Gap[] = [];
  const wanted = new Set<number>();
  for (const row of rows) if (row.inode !== 0) wanted.add(row.inode);
  const found = new FoundOwners(join.processes);
  let refused: readonly number[] = [];
  let processesVisible = true;
  let current = rows;
  if (wanted.size > 0) {
    try {
      refused = found.collect(join.walk, listPids(join.procRoot), wanted);
    } catch (error) {
      processesVisible = false;
      gaps.push({
        code: 'processes-unreadable',
        values: { path: join.procRoot, reason: (error as NodeJS.ErrnoException).code ?? 'EIO' },
        remedy: join.remedy,
        coversUse: false,
        transports: [],
      });
    }
    const missing = found.missing(wanted);
    if (processesVisible && missing.size > 0 && missing.size < RECHECK_LIMIT) {
      // Between the two looks a socket may have closed, been handed over, or its process replaced.
      const still = new Set<number>();
      for (const row of join.reread()) still.add(row.inode);
      const alive = new Set([...missing].filter((inode) => still.has(inode)));
      current = rows.filter((row) => row.inode === 0 || !missing.has(row.inode) || alive.has(row.inode));
      if (alive.size > 0) found.collect(join.walk, listPids(join.procRoot), alive);
    }
  }

  const hidden = hidesProcesses(join.procRoot);
  const elsewhere = !isInitialPidNamespace(join.procRoot);
  const complete = processesVisible && refused.length === 0 && !hidden;
  const cgroups = new CgroupTree();
  const refusedPids = new Set(refused);
  const candidates = new Map<bigint, readonly Owner[]>();
  let ownerless = 0;
  const sockets = current.map((row): Socket => {
    const { cgroupId } = row;
    const owners = row.inode === 0 ? [] : found.owners(row.inode);
    const tunnel = join.kernelPorts.size > 0 && join.kernelPorts.has(`${row.transport}/${row.local.port}`);
    const unowned =
      owners.length === 0 && (row.inode !== 0 || row.state === 'LISTEN' || row.state === 'UNCONN');
    const kernel = unowned && (tunnel || (complete && !elsewhere));
    let inferred: readonly Owner[] = [];
    if (unowned && !kernel) {
      ownerless++;
      if (cgroupId !== null && !complete) {
        inferred = candidates.get(cgroupId) ?? inferOwners(cgroupId, cgroups, refusedPids, join.processes);
        candidates.set(cgroupId, inferred);
      }
    }
    // Named one by one: a spread here took an eighth of the time of listing 45,000 sockets.
    return {
      transport: row.transport,
      family: row.family,
      local: row.local,
      peer: row.peer,
      state: row.state,
      inode: row.inode,
      uid: row.uid,
      freeInMs: row.freeInMs,
      ipv6Only: row.ipv6Only,
      user: row.uid === null ? null : (join.userName(row.uid) ?? null),
      owners: owners.length > 0 ? owners : inferred,
      ownersComplete: complete || row.inode === 0,
      kernel,
    };
  });
  if (ownerless > 0 && processesVisible) {
    if (!complete) {
      gaps.push({
        code: 'owners-hidden',
        values: { sockets: ownerless, processes: refused.length },
        remedy: join.remedy,
        coversUse: false,
        transports: [],
      });
    } else {
      gaps.push({
        code: 'owner-elsewhere',
        values: { sockets: ownerless },
        remedy: null,
        coversUse: false,
        transports: [],
      });
    }
  }
  return { sockets, gaps };
}

/** More unowned sockets than this mean missing rights, not a race; a second look would find nothing new. */
const RECHECK_LIMIT = 256;

/** Owners found so far, by inode; each process is read once. */
class FoundOwners {
  readonly #processes: ProcessReader;
  readonly #byInode = new Map<number, Owner[]>();
  readonly #byPid = new Map<number, Owner | null>();

  constructor(processes: ProcessReader) {
    this.#processes = processes;
  }

  /** Walks `pids` for `wanted`; returns the processes that may not be looked into. */
  collect(walk: FdWalk, pids: readonly number[], wanted: ReadonlySet<number>): readonly number[] {
    const hits = new Map<number, { fd: number; inodes: Set<number> }>();
    const { refused } = walk(pids, wanted, (inode, pid, fd) => {
      const hit = hits.get(pid);
      if (hit === undefined) hits.set(pid, { fd, inodes: new Set([inode]) });
      else hit.inodes.add(inode);
    });
    for (const [pid, hit] of hits) {
      const first = hit.inodes.values().next().value;
      if (first === undefined) continue;
      const owner = this.#byPid.get(pid) ?? this.#processes.read(pid, { fd: hit.fd, inode: first }, false);
      this.#byPid.set(pid, owner);
      if (owner === null) continue;
      for (const inode of hit.inodes) {
        const owners = this.#byInode.get(inode);
        if (owners === undefined) this.#byInode.set(inode, [owner]);
        else if (!owners.includes(owner)) owners.push(owner);
      }
    }
    return refused;
  }

  /** Those of `wanted` that nobody was found for. */
  missing(wanted: ReadonlySet<number>): Set<number> {
    return new Set([...wanted].filter((inode) => !this.#byInode.has(inode)));
  }

  /** Owners of an inode, by ascending pid. */
  owners(inode: number): readonly Owner[] {
    const owners = this.#byInode.get(inode) ?? [];
    return owners.length < 2 ? owners : owners.toSorted((a, b) => a.pid - b.pid);
  }
}

function inferOwners(
  id: bigint,
  cgroups: CgroupTree,
  refused: ReadonlySet<number>,
  processes: ProcessReader,
): readonly Owner[] {
  const members = cgroups.find(id);
  if (members === null) return [];
  // Processes that could be looked into do not have the socket; only the others may.
  const candidates = members.pids.filter((pid) => refused.has(pid)).slice(0, CANDIDATE_LIMIT);
  return candidates.map((pid) => processes.read(pid, null, true)).filter((owner) => owner !== null);
}

/** hidepid=2 leaves other users' processes out of /proc altogether (man proc(5)); pid 1 is always another's. */
function hidesProcesses(procRoot: string): boolean {
  return statSync(`${procRoot}/1`, { throwIfNoEntry: false }) === undefined;
}

function isInitialPidNamespace(procRoot: string): boolean {
  try {
    return readlinkSync(`${procRoot}/self/ns/pid`) === INITIAL_PID_NAMESPACE;
  } catch {
    return false;
  }
}
