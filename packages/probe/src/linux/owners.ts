// Joins sockets with the processes that have them open; names the kernel's own; infers by cgroup where it must.
import { readlinkSync, statSync } from 'node:fs';
import type { Gap, GapCode, NetNamespace, Owner, PortRange, Socket } from '@portolan/core';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import type { Descriptors } from './bpf/descriptors.ts';
import { RECORD_WORDS } from './bpf/programs.ts';
import { CgroupTree } from './cgroups.ts';
import { type FdWalk, listPids, type WalkResult } from './fd-walk.ts';
import type { ProcessReader, Proof } from './process.ts';
import type { RestingProcesses } from './resting.ts';

/** Inode of the first pid namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO): from here all processes show. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Most processes named for one socket by its cgroup alone. */
const CANDIDATE_LIMIT = 16;

/** Rows of one network namespace; null stands for ours. */
export interface TablePart {
  readonly namespace: NetNamespace | null;
  readonly rows: readonly LinuxSocketRow[];
  /** Reads the rows again, of these ports or of all that were asked for; null where that is refused now. */
  read(ports: PortRange | null): readonly LinuxSocketRow[] | null;
  /** True where every one of these sockets is surely there still; false where that takes reading the tables. */
  finds(rows: readonly LinuxSocketRow[]): boolean;
  /** Names of the namespace's interfaces by number; asked for only where a socket is bound to one. */
  devices(): ReadonlyMap<string, string>;
}

/** Everything the join needs. */
export interface OwnerJoin {
  readonly procRoot: string;
  readonly walk: FdWalk;
  /** Looks through the descriptors of single threads, for those that share none with their process. */
  readonly threadWalk: FdWalk;
  /**
   * The kernel's own list of descriptors of sockets, threads' included: of all that were asked for, or of one port; null
   * where it cannot be had. There are about so many sockets.
   */
  readonly descriptors: (port: number | null, sockets: number) => Descriptors | null;
  /** Processes that were noted before the first walk, where walking all of them twice takes long. */
  readonly resting: RestingProcesses;
  readonly processes: ProcessReader;
  readonly userName: (uid: number) => string | null;
  /** False for a uid that stands for users who are not mapped here. */
  readonly isUser: (uid: number) => boolean;
  /** Asks for the ports on which the kernel itself listens for a tunnel interface that is up: `udp/4789`. */
  readonly kernelPorts: () => ReadonlySet<string>;
  /** Look through single threads for sockets whose owners were found, too. */
  readonly everyThread: boolean;
  /** True where refusals are the exception: for root. */
  readonly privileged: boolean;
  /** The command that would show more, with the rights for it. */
  readonly remedy: string | null;
}

/** Looks at the tables and at the processes alternate at most so often; a busy host never holds quite still. */
const ROUNDS = 4;

/** Sockets with their owners, what stayed unknown about them, and the rows as they were read last. */
export function joinOwners(
  parts: readonly TablePart[],
  join: OwnerJoin,
): { sockets: Socket[]; gaps: Gap[]; parts: readonly TablePart[] } {
  const found = new FoundOwners(join.processes);
  const search = searchOwners(parts, join, found);
  const hidden = hidesProcesses(join.procRoot);
  const complete = search.error === null && search.refused.size === 0 && !search.bounded && !hidden;
  const inferred = new InferredOwners(search.refused, join.processes);
  let tunnels: ReadonlySet<string> | null = null;
  let ownerless = 0;
  let partly = 0;
  const toSocket = (row: LinuxSocketRow, namespace: NetNamespace | null, device: string | null): Socket => {
    const owners = row.inode === 0 ? NOBODY : found.owners(row.inode);
    const unowned = owners.length === 0 && row.inode !== 0;
    const uid = row.uid !== null && join.isUser(row.uid) ? row.uid : null;
    // Said only where something else shows it: that no process was found proves little, for a descriptor may be
    // on its way between processes or in an io_uring.
    const kernel =
      unowned &&
      namespace === null &&
      mayBeTunnel(row) &&
      (tunnels ??= join.kernelPorts()).has(`udp/${row.local.port}`);
    const unseen = unowned && !kernel;
    if (unseen) ownerless++;
    const user = uid === null ? null : join.userName(uid);
    // Whoever opened it may have it still: of the processes found none is that user's, and others refuse to be seen.
    const moreOwners =
      !complete &&
      !join.privileged &&
      owners.length > 0 &&
      user !== null &&
      owners.every((owner) => owner.user !== user);
    if (moreOwners) partly++;
    // Named one by one: a spread here took an eighth of the time of listing 45,000 sockets.
    return {
      transport: row.transport,
      family: row.family,
      local: row.local,
      peer: row.peer,
      state: row.state,
      inode: row.inode,
      uid,
      freeInMs: row.freeInMs,
      ipv6Only: row.ipv6Only,
      user,
      owners: unseen && !complete && row.cgroupId !== null ? inferred.of(row.cgroupId) : owners,
      ownersComplete: complete || row.inode === 0,
      moreOwners,
      kernel,
      namespace,
      device,
      mptcp: row.mptcp,
      activation: null,
      publishes: null,
    };
  };
  const sockets: Socket[] = [];
  for (const part of search.parts) {
    let devices: ReadonlyMap<string, string> | null = null;
    for (const row of part.rows) {
      const device =
        row.device === null ? null : ((devices ??= part.devices()).get(row.device) ?? row.device);
      sockets.push(toSocket(row, part.namespace, device));
    }
  }
  const gap = ownerGap(join, search, ownerless, partly, hidden);
  return { sockets, gaps: gap === null ? [] : [gap], parts: search.parts };
}

const NOBODY: readonly Owner[] = [];

/** Inodes as far as a walk needs to know them. */
type Wanted = Pick<ReadonlySet<number>, 'has' | 'size'>;

/** Where the search ended. */
interface Search {
  /** The tables as they were read last. */
  readonly parts: readonly TablePart[];
  readonly refused: ReadonlySet<number>;
  /** True where there were more descriptors of threads than are looked through. */
  readonly bounded: boolean;
  /** Why /proc itself could not be listed, or null. */
  readonly error: string | null;
}

/**
 * Tables and processes cannot be read at one moment: between the two a socket may close, open, change hands, or its
 * process be replaced. So they are read in turn until every socket of the last table has its owner or stays
 * without one. What the last table shows is what is said, and never less.
 */
function searchOwners(tables: readonly TablePart[], join: OwnerJoin, found: FoundOwners): Search {
  const refused = new Set<number>();
  let parts = tables;
  if (!parts.some(({ rows }) => rows.some(({ inode }) => inode !== 0)))
    return { parts, refused, bounded: false, error: null };
  const first = join.descriptors(null, countOf(parts));
  // A list that does not fit the tables, or of which no process is what it says, is not what we take it for.
  let listed = first !== null && fits(first, tables) && found.adopt(first) && found.knowsAny(tables);
  const asked = listed;
  // What is looked for, and of it what was not found.
  let wanted: Wanted = listed ? found.missing(parts) : found.want(parts);
  let missing: ReadonlySet<number> = new Set();
  let settled = false;
  try {
    for (let round = 1; wanted.size > 0; round++) {
      if (!listed) {
        const pids = listPids(join.procRoot).filter((pid) => !refused.has(pid));
        const walk = (some: readonly number[]): void => {
          for (const pid of found.collect(join.walk, some, wanted).refused) refused.add(pid);
        };
        // What was looked for in a process already, and cannot have come to it since, is not looked for again.
        const rested = new Set(settled ? pids.filter((pid) => join.resting.rested(pid)) : []);
        walk(pids.filter((pid) => !rested.has(pid)));
        // Unless somebody has it after all, for a process may share its descriptors with another that did run.
        if (rested.size > 0 && found.knows(missing)) walk([...rested]);
      }
      missing = round === 1 ? found.missing(parts) : found.unknown(missing);
      if (missing.size === 0) break;
      // A socket that has gone meanwhile is told from one that nobody owns by looking at its port again.
      const again = parts.map((part) => reread(part, missing));
      if (again.some((part, index) => part !== parts[index])) {
        parts = again;
        missing = found.missing(parts);
      }
      settled = [...missing].every((inode) => wanted.has(inode));
      if (round >= 2 && (settled || round >= ROUNDS)) break;
      if (missing.size > 0 && asked) {
        listed = found.adopt(join.descriptors(onlyPort(parts, missing), countOf(parts)));
        missing = found.unknown(missing);
      }
      wanted = missing;
    }
    // The kernel's list has the descriptors of threads already.
    const inThreads = join.everyThread ? inodesOf(parts) : missing;
    const bounded = inThreads.size > 0 && !listed && searchThreads(inThreads, refused, join, found);
    return { parts, refused, bounded, error: null };
  } catch (error) {
    return { parts, refused, bounded: false, error: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

/** Rows of the tables that are compared with the kernel's list. */
const COMPARED = 256;

/** Does the kernel's list have some of these sockets, and on the same ports? */
function fits({ words }: Descriptors, parts: readonly TablePart[]): boolean {
  const ports = new Map<number, number>();
  for (const { rows } of parts) {
    for (const { inode, local } of rows) {
      if (ports.size >= COMPARED) break;
      if (inode !== 0) ports.set(inode, local.port);
    }
  }
  let known = false;
  for (let at = 0; at < words.length; at += RECORD_WORDS) {
    const port = ports.get(words[at + 2] ?? 0);
    if (port === undefined) continue;
    if (port !== (words[at + 7] ?? 0) >>> 16) return false;
    known = true;
  }
  return known;
}

/** The port that all of these sockets have; null where they have several. */
function onlyPort(parts: readonly TablePart[], inodes: ReadonlySet<number>): number | null {
  const ports = new Set<number>();
  for (const { rows } of parts)
    for (const { inode, local } of rows) if (inodes.has(inode)) ports.add(local.port);
  const [port = null] = ports;
  return ports.size === 1 ? port : null;
}

/** More ports than this are read again by reading all. */
const PORTS_AGAIN = 16;

/** The part with fresh rows for the ports of those sockets, unless all of them are there still. */
function reread(part: TablePart, inodes: ReadonlySet<number>): TablePart {
  const asked = part.rows.filter(({ inode }) => inodes.has(inode));
  if (asked.length === 0 || (asked.length <= PORTS_AGAIN && part.finds(asked))) return part;
  const ports = new Set(asked.map(({ local }) => local.port));
  if (ports.size > PORTS_AGAIN) return { ...part, rows: part.read(null) ?? [] };
  const rows = part.rows.filter(({ local }) => !ports.has(local.port));
  for (const port of ports) rows.push(...(part.read([port, port]) ?? []));
  return { ...part, rows };
}

/**
 * Threads that keep descriptors of their own (unshare(CLONE_FILES)), and those whose first thread has ended. Without
 * rights the processes that refuse explain what is missing, and looking through one's own finds nothing more.
 */
function searchThreads(
  missing: ReadonlySet<number>,
  refused: Set<number>,
  join: OwnerJoin,
  found: FoundOwners,
): boolean {
  if (refused.size > 0 && !join.privileged && !join.everyThread) return false;
  const pids = listPids(join.procRoot).filter((pid) => !refused.has(pid));
  const walked = found.collect(join.threadWalk, pids, missing);
  for (const pid of walked.refused) refused.add(pid);
  return walked.bounded === true;
}

function countOf(parts: readonly TablePart[]): number {
  return parts.reduce((sum, { rows }) => sum + rows.length, 0);
}

function inodesOf(parts: readonly TablePart[]): Set<number> {
  return new Set(parts.flatMap(({ rows }) => rows.map(({ inode }) => inode).filter((inode) => inode !== 0)));
}

/** A tunnel's socket is the kernel's: UDP, bound to all addresses, owned by root. */
function mayBeTunnel({ transport, uid, local }: LinuxSocketRow): boolean {
  return transport === 'udp' && uid === 0 && (local.address === '0.0.0.0' || local.address === '::');
}

function ownerGap(
  join: OwnerJoin,
  search: Search,
  ownerless: number,
  partly: number,
  hidden: boolean,
): Gap | null {
  const gap = (code: GapCode, values: Gap['values'], remedy: string | null): Gap => ({
    code,
    values,
    remedy,
    coversUse: false,
    transports: [],
  });
  const { error, refused, bounded } = search;
  if (error !== null) return gap('processes-unreadable', { path: join.procRoot, reason: error }, join.remedy);
  if (ownerless === 0) return partly === 0 ? null : gap('owners-partly', { sockets: partly }, join.remedy);
  const sockets = ownerless;
  if (refused.size > 0) return gap('owners-hidden', { sockets, processes: refused.size }, join.remedy);
  if (hidden) return gap('processes-hidden', { sockets }, join.remedy);
  if (bounded) return gap('threads-not-searched', { sockets }, null);
  return gap(isInitialPidNamespace(join.procRoot) ? 'owner-not-found' : 'owner-elsewhere', { sockets }, null);
}

/** Descriptors of one process that are tried as proof before it is given up as gone. */
const PROOFS = 16;
const NANOSECONDS_PER_TICK = 10_000_000;

/** Owners found so far, by inode. */
class FoundOwners {
  readonly #processes: ProcessReader;
  readonly #byInode = new Map<number, readonly Owner[]>();
  readonly #byPid = new Map<number, Owner>();

  constructor(processes: ProcessReader) {
    this.#processes = processes;
  }

  /** Walks `pids` for `wanted`; returns what the walk could not do. */
  collect(walk: FdWalk, pids: readonly number[], wanted: Wanted): WalkResult {
    const hits = new Map<number, { proofs: Proof[]; inodes: number[] }>();
    let hit: { proofs: Proof[]; inodes: number[] } | undefined;
    let last = 0;
    const walked = walk(pids, wanted, (inode, pid, link) => {
      // Descriptors of one process come one after another.
      if (pid !== last) hit = hits.get(pid);
      last = pid;
      if (hit === undefined) {
        hit = { proofs: [], inodes: [] };
        hits.set(pid, hit);
      }
      if (hit.proofs.length < PROOFS)
        hit.proofs.push({ link: typeof link === 'number' ? `fd/${link}` : link, inode });
      hit.inodes.push(inode);
    });
    for (const [pid, { proofs, inodes }] of hits) {
      const owner = this.#prove(pid, proofs);
      if (owner !== null) this.#add(owner, inodes);
    }
    return walked;
  }

  /** Takes over the kernel's own list; false where there is none. */
  adopt(descriptors: Descriptors | null): boolean {
    if (descriptors === null) return false;
    const { words } = descriptors;
    for (let at = 0; at < words.length; ) {
      const [low = 0, high = 0] = [words[at], words[at + 1]];
      const pid = words[at + 3] ?? 0;
      const inodes: number[] = [];
      for (; at < words.length && words[at + 3] === pid; at += RECORD_WORDS) inodes.push(words[at + 2] ?? 0);
      const startTicks = Math.floor((high * 2 ** 32 + low) / NANOSECONDS_PER_TICK);
      const owner = this.#prove(pid, [{ startTicks }]);
      if (owner !== null) this.#add(owner, inodes);
    }
    return true;
  }

  /** One list serves all sockets that one process alone has. */
  #add(owner: Owner, inodes: readonly number[]): void {
    const alone: readonly Owner[] = [owner];
    for (const inode of inodes) {
      const owners = this.#byInode.get(inode);
      if (owners === undefined || owners.length === 0) this.#byInode.set(inode, alone);
      else if (!owners.includes(owner)) this.#byInode.set(inode, [...owners, owner]);
    }
  }

  /**
   * The process, if one of the proofs holds: then the pid has not passed to another in between, and what was seen of
   * its descriptors was seen of this process.
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

  /**
   * Makes room for the owners of these rows, and gives their inodes as they are now and will be: a set of its own would
   * take as long again to fill.
   */
  want(parts: readonly TablePart[]): Wanted {
    for (const { rows } of parts)
      for (const { inode } of rows)
        if (inode !== 0 && !this.#byInode.has(inode)) this.#byInode.set(inode, NOBODY);
    return this.#byInode;
  }

  /** True where somebody was found for any of these rows. */
  knowsAny(parts: readonly TablePart[]): boolean {
    return parts.some(({ rows }) => rows.some(({ inode }) => inode !== 0 && this.#isKnown(inode)));
  }

  /** True where somebody was found for any of these inodes. */
  knows(inodes: ReadonlySet<number>): boolean {
    return [...inodes].some((inode) => this.#isKnown(inode));
  }

  #isKnown(inode: number): boolean {
    return (this.#byInode.get(inode) ?? NOBODY).length > 0;
  }

  /** Those of these inodes that nobody was found for. */
  unknown(inodes: ReadonlySet<number>): Set<number> {
    return new Set([...inodes].filter((inode) => !this.#isKnown(inode)));
  }

  /** Inodes of these rows that nobody was found for. */
  missing(parts: readonly TablePart[]): Set<number> {
    const missing = new Set<number>();
    for (const { rows } of parts)
      for (const { inode } of rows) if (inode !== 0 && !this.#isKnown(inode)) missing.add(inode);
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
  readonly #known = new Map<number, readonly Owner[]>();

  constructor(refused: ReadonlySet<number>, processes: ProcessReader) {
    this.#refused = refused;
    this.#processes = processes;
  }

  of(cgroupId: number): readonly Owner[] {
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

/** True where all processes of the machine can show. */
export function isInitialPidNamespace(procRoot: string): boolean {
  try {
    return readlinkSync(`${procRoot}/self/ns/pid`) === INITIAL_PID_NAMESPACE;
  } catch {
    return false;
  }
}
