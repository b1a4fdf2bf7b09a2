// Joins sockets with the processes that have them open; names the kernel's own; infers by cgroup where it must.
import { readlinkSync, statSync } from 'node:fs';
import type { Gap, GapCode, Owner, Socket } from '@portolan/core';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { CgroupTree } from './cgroups.ts';
import { type FdWalk, listPids } from './fd-walk.ts';
import type { ProcessReader, Proof } from './process.ts';

/** Inode of the first pid namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO): from here all processes show. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Most processes named for one socket by its cgroup alone. */
const CANDIDATE_LIMIT = 16;

/** Everything the join needs. */
export interface OwnerJoin {
  readonly procRoot: string;
  readonly walk: FdWalk;
  /** Looks through the descriptors of single threads, for those that share none with their process. */
  readonly threadWalk: FdWalk;
  readonly processes: ProcessReader;
  readonly userName: (uid: number) => string | null;
  /** Reads the rows again, to tell a socket that has gone meanwhile from one that nobody owns. */
  readonly reread: () => readonly LinuxSocketRow[];
  /** Ports on which the kernel itself listens for a tunnel interface that is up: `udp/4789`. */
  readonly kernelPorts: ReadonlySet<string>;
  /** The command that would show more, with the rights for it. */
  readonly remedy: string | null;
}

/** More unowned sockets than this mean missing rights and no race: looking again would find nothing new. */
const RECHECK_LIMIT = 4096;

/** Sockets with their owners, and what stayed unknown about them. */
export function joinOwners(
  rows: readonly LinuxSocketRow[],
  join: OwnerJoin,
): { sockets: Socket[]; gaps: Gap[] } {
  const wanted = new Set<number>();
  for (const row of rows) if (row.inode !== 0) wanted.add(row.inode);
  const found = new FoundOwners(join.processes);
  const search = wanted.size === 0 ? { refused: [], error: null } : searchProcesses(join, wanted, found);
  let current = rows;
  if (search.error === null && found.missing(wanted).size > 0) {
    current = lookAgain(rows, wanted, search.refused, join, found);
  }

  const hidden = hidesProcesses(join.procRoot);
  const complete = search.error === null && search.refused.length === 0 && !hidden;
  const inferred = new InferredOwners(new Set(search.refused), join.processes);
  let ownerless = 0;
  const sockets = current.map((row): Socket => {
    const owners = row.inode === 0 ? NOBODY : found.owners(row.inode);
    const unowned = owners.length === 0 && row.inode !== 0;
    // Said only where something else shows it: that no process was found proves little, for a descriptor may be
    // on its way between processes or in an io_uring.
    const kernel = unowned && isTunnel(row, join.kernelPorts);
    const unseen = unowned && !kernel;
    if (unseen) ownerless++;
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
      owners: unseen && !complete && row.cgroupId !== null ? inferred.of(row.cgroupId) : owners,
      ownersComplete: complete || row.inode === 0,
      kernel,
    };
  });
  const gap = ownerGap(join, { ownerless, hidden, ...search });
  return { sockets, gaps: gap === null ? [] : [gap] };
}

const NOBODY: readonly Owner[] = [];

/** What a walk over all processes could not do. */
interface Search {
  readonly refused: readonly number[];
  /** Why /proc itself could not be listed, or null. */
  readonly error: string | null;
}

function searchProcesses(join: OwnerJoin, wanted: ReadonlySet<number>, found: FoundOwners): Search {
  try {
    return { refused: found.collect(join.walk, listPids(join.procRoot), wanted), error: null };
  } catch (error) {
    return { refused: [], error: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

/**
 * Between the two looks a socket may have closed, been handed over, or its process replaced. Rows that have gone
 * are dropped; for the others processes are walked once more, and then the threads that keep descriptors of their
 * own (unshare(CLONE_FILES)) or whose first thread has ended.
 */
function lookAgain(
  rows: readonly LinuxSocketRow[],
  wanted: ReadonlySet<number>,
  refused: readonly number[],
  join: OwnerJoin,
  found: FoundOwners,
): readonly LinuxSocketRow[] {
  const missing = found.missing(wanted);
  const still = new Set<number>();
  for (const row of join.reread()) still.add(row.inode);
  const alive = new Set([...missing].filter((inode) => still.has(inode)));
  const current = rows.filter((row) => row.inode === 0 || !missing.has(row.inode) || alive.has(row.inode));
  if (alive.size === 0 || alive.size > RECHECK_LIMIT) return current;
  // Processes that refuse do so again, and theirs are most likely the sockets that are missing.
  const closed = new Set(refused);
  const pids = listPids(join.procRoot).filter((pid) => !closed.has(pid));
  found.collect(join.walk, pids, alive);
  const left = found.missing(alive);
  if (left.size > 0) found.collect(join.threadWalk, pids, left);
  return current;
}

/** A tunnel's socket is the kernel's: bound to all addresses, owned by root. */
function isTunnel(row: LinuxSocketRow, kernelPorts: ReadonlySet<string>): boolean {
  return (
    kernelPorts.size > 0 &&
    row.uid === 0 &&
    (row.local.address === '0.0.0.0' || row.local.address === '::') &&
    kernelPorts.has(`${row.transport}/${row.local.port}`)
  );
}

function ownerGap(
  join: OwnerJoin,
  { ownerless, hidden, refused, error }: Search & { readonly ownerless: number; readonly hidden: boolean },
): Gap | null {
  const gap = (code: GapCode, values: Gap['values'], remedy: string | null): Gap => ({
    code,
    values,
    remedy,
    coversUse: false,
    transports: [],
  });
  if (error !== null) return gap('processes-unreadable', { path: join.procRoot, reason: error }, join.remedy);
  if (ownerless === 0) return null;
  if (refused.length > 0) {
    return gap('owners-hidden', { sockets: ownerless, processes: refused.length }, join.remedy);
  }
  if (hidden) return gap('processes-hidden', { sockets: ownerless }, join.remedy);
  const code = isInitialPidNamespace(join.procRoot) ? 'owner-not-found' : 'owner-elsewhere';
  return gap(code, { sockets: ownerless }, null);
}

/** Descriptors of one process that are tried as proof before it is given up as gone. */
const PROOFS = 16;

/** Owners found so far, by inode. */
class FoundOwners {
  readonly #processes: ProcessReader;
  readonly #byInode = new Map<number, Owner[]>();
  readonly #byPid = new Map<number, Owner>();

  constructor(processes: ProcessReader) {
    this.#processes = processes;
  }

  /** Walks `pids` for `wanted`; returns the processes that may not be looked into. */
  collect(walk: FdWalk, pids: readonly number[], wanted: ReadonlySet<number>): readonly number[] {
    const hits = new Map<number, { proofs: Proof[]; inodes: Set<number> }>();
    const { refused } = walk(pids, wanted, (inode, pid, link) => {
      let hit = hits.get(pid);
      if (hit === undefined) {
        hit = { proofs: [], inodes: new Set() };
        hits.set(pid, hit);
      }
      if (hit.proofs.length < PROOFS) hit.proofs.push({ link, inode });
      hit.inodes.add(inode);
    });
    for (const [pid, { proofs, inodes }] of hits) {
      const owner = this.#prove(pid, proofs);
      if (owner === null) continue;
      for (const inode of inodes) {
        const owners = this.#byInode.get(inode);
        if (owners === undefined) this.#byInode.set(inode, [owner]);
        else if (!owners.includes(owner)) owners.push(owner);
      }
    }
    return refused;
  }

  /**
   * The process, if one of the descriptors it was found by is still there: then the pid has not passed to another
   * in between, and what was seen of the others was seen of this process.
   */
  #prove(pid: number, proofs: readonly Proof[]): Owner | null {
    for (const proof of proofs) {
      const owner = this.#processes.read(pid, proof, false);
      if (owner === null) continue;
      const known = this.#byPid.get(pid);
      if (known !== undefined && known.startedAt === owner.startedAt) return known;
      this.#byPid.set(pid, owner);
      return owner;
    }
    return null;
  }

  /** Those of `wanted` that nobody was found for. */
  missing(wanted: ReadonlySet<number>): Set<number> {
    const missing = new Set<number>();
    for (const inode of wanted) if (!this.#byInode.has(inode)) missing.add(inode);
    return missing;
  }

  /** Owners of an inode, by ascending pid. */
  owners(inode: number): readonly Owner[] {
    const owners = this.#byInode.get(inode) ?? NOBODY;
    return owners.length < 2 ? owners : owners.toSorted((a, b) => a.pid - b.pid);
  }
}

/** Owners by the socket's cgroup, for sockets whose process may not be looked into. */
class InferredOwners {
  readonly #refused: ReadonlySet<number>;
  readonly #processes: ProcessReader;
  readonly #cgroups = new CgroupTree();
  readonly #known = new Map<bigint, readonly Owner[]>();

  constructor(refused: ReadonlySet<number>, processes: ProcessReader) {
    this.#refused = refused;
    this.#processes = processes;
  }

  of(cgroupId: bigint): readonly Owner[] {
    const known = this.#known.get(cgroupId);
    if (known !== undefined) return known;
    // Processes that could be looked into do not have the socket; only the others may.
    const pids = (this.#cgroups.find(cgroupId)?.pids ?? []).filter((pid) => this.#refused.has(pid));
    const owners = pids
      .slice(0, CANDIDATE_LIMIT)
      .map((pid) => this.#processes.read(pid, null, true))
      .filter((owner) => owner !== null);
    this.#known.set(cgroupId, owners);
    return owners;
  }
}

/** hidepid=2 leaves other users' processes out of /proc altogether (man proc(5)); pid 1 is always another's. */
function hidesProcesses(procRoot: string): boolean {
  try {
    return statSync(`${procRoot}/1`, { throwIfNoEntry: false }) === undefined;
  } catch {
    return true;
  }
}

function isInitialPidNamespace(procRoot: string): boolean {
  try {
    return readlinkSync(`${procRoot}/self/ns/pid`) === INITIAL_PID_NAMESPACE;
  } catch {
    return false;
  }
}
