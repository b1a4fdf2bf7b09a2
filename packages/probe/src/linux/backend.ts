// The Linux probe: tables, limits and owners of the current network namespace, joined into a snapshot.
import { release as osRelease } from 'node:os';
import {
  countTcp,
  countUdp,
  type EphemeralUse,
  type Gap,
  type HostLimits,
  inRange,
  type PortRange,
  type Snapshot,
} from '@portolan/core';
import type { Backend, ProbeRequest } from '../backend.ts';
import { ALL_STATES } from '../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { Elsewhere } from './elsewhere.ts';
import { type FdWalk, filesWalk, listPids, sharesDescriptors, syscallWalk, threadWalk } from './fd-walk.ts';
import { finish } from './finish.ts';
import { KernelsWord, mayAskKernel } from './kernels-word.ts';
import { readLimits } from './limits.ts';
import { readDeviceNames, readTunnelPorts, vrfGaps } from './links.ts';
import { findNamespaces, type Namespaces } from './namespaces.ts';
import { type Libc, loadLibc } from './native.ts';
import { OpenDescriptors } from './open-descriptors.ts';
import { readOpened } from './opened.ts';
import { joinOwners, type TablePart } from './owners.ts';
import { ProcessReader } from './process.ts';
import { linkReader } from './read-link.ts';
import { readText } from './read-text.ts';
import { RestingProcesses } from './resting.ts';
import { sharedWalk } from './shared-walk.ts';
import { openSockDiag, type SockDiag } from './sock-diag.ts';
import { firstOfOnePort, listsBound, readTables, type Tables } from './tables.ts';
import { allUsersMapped, mappedUsers, userNames } from './users.ts';

const LIVE_PROC = '/proc';

const NOT_ASKED: { limits: HostLimits; gaps: Gap[] } = {
  limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
  gaps: [],
};

/** The backend for Linux, live or from a recorded /proc. */
export const linuxBackend: Backend = {
  capabilities: { bound: true, timeWait: true, owners: true, inferredOwners: true },
  async look(request: ProbeRequest): Promise<Snapshot> {
    request.signal?.throwIfAborted();
    const snapshot = await look(request);
    // Engines and systemd here know nothing of a recorded host.
    const live = (request.procRoot ?? LIVE_PROC) === LIVE_PROC;
    return live ? await finish(snapshot, request) : snapshot;
  },
};

/** Of a recorded host in one turn of the event loop: whoever recorded it may take it away after that. */
async function look(request: ProbeRequest): Promise<Snapshot> {
  const procRoot = request.procRoot ?? LIVE_PROC;
  const live = procRoot === LIVE_PROC;
  const libc = live && request.ffi !== false ? loadLibc() : null;
  const diag = libc === null ? null : openSockDiag(libc);
  const open = live ? new OpenDescriptors(procRoot) : null;
  const kernel = libc === null || open === null ? null : new KernelsWord(libc, request, open);
  try {
    const release = live
      ? osRelease()
      : (readText(`${procRoot}/sys/kernel/osrelease`, 4096)?.text.trim() ?? null);
    const { limits, gaps: limitGaps } = request.limits === false ? NOT_ASKED : readLimits(procRoot);
    const remedy = boundRemedy(request, live, release);
    const { recorded } = request;
    const userName = userNames(live, recorded?.passwd);
    const processes = new ProcessReader(procRoot, userName);
    const resting = new RestingProcesses(procRoot);
    const walk = walkFor(libc, procRoot, request, open, resting);
    const read = (ports: PortRange | null): Tables =>
      readTables(procRoot, diag, release, ports, request.transports, remedy, recorded?.byteOrder);
    // The list is begun right after our own tables were read: one that is older would lack sockets of theirs. The other
    // tables are read beside it.
    const readOurs = (): Tables => {
      const ours = read(request.ports);
      if (ours.rows.some(({ inode }) => inode !== 0)) kernel?.begin(ours.rows.length);
      return ours;
    };
    const around = lookAround(open, request, kernel, (pids, told) =>
      findNamespaces(procRoot, pids, processes, linkReader(libc), told),
    );
    const question = firstOfOnePort(request.ports, request.transports);
    let tables: Tables;
    let others: Around;
    if (diag !== null && question !== null && kernel?.asks === true) {
      // For one port the kernel goes through all of its tables, and what is done meanwhile does not depend on what it finds.
      const asked = diag.ask(question).then(readOurs);
      // It is waited for below, whatever comes in between.
      asked.catch(() => undefined);
      try {
        kernel.prepare(0);
        others = await inTurns(around);
      } finally {
        tables = await asked;
      }
    } else {
      tables = readOurs();
      others = inOneTurn(around);
    }
    const here: TablePart = {
      namespace: null,
      rows: tables.rows,
      read(ports) {
        const again = read(ports ?? request.ports);
        // The gaps that count are those of the tables that are told.
        if (ports === null) tables = again;
        return again.rows;
      },
      finds: (rows) => diag !== null && rows.every((row) => diag.finds(row)),
      devices: () => (libc === null ? new Map() : readDeviceNames(libc)),
    };
    const { namespaces, failure } = others;
    const elsewhere = new Elsewhere(
      libc,
      request,
      () =>
        findNamespaces(procRoot, pidsOf(() => listPids(procRoot)).list, processes, linkReader(libc)).foreign,
    );
    const parts = [here, ...elsewhere.parts(namespaces.foreign)];
    const begun = kernel?.begun() ?? null;
    if (begun !== null) await begun;
    const { sockets, gaps: ownerGaps } = joinOwners(parts, {
      procRoot,
      walk,
      threadWalk: threadWalk(procRoot, libc === null ? null : sharesDescriptors(libc)),
      descriptors: (port, expected) => kernel?.list(port, expected) ?? null,
      resting,
      everyThread: request.threads === true,
      privileged: live ? process.geteuid?.() === 0 : (recorded?.root ?? true),
      processes,
      userName,
      isUser: mappedUsers(live, recorded?.allUsersMapped),
      kernelPorts: () => (libc === null ? new Set() : readTunnelPorts(libc)),
      remedy: ownersRemedy(request, live),
    });
    const foreignGaps = elsewhere.gaps(namespaces.hidden, ownersRemedy(request, live));
    const gaps: Gap[] = [
      ...tables.gaps,
      ...limitGaps,
      ...ownerGaps,
      ...(failure === null || ownerGaps.some(({ code }) => code === UNREADABLE)
        ? []
        : [unreadable(procRoot, failure, ownersRemedy(request, live))]),
      ...foreignGaps,
      ...(live ? vrfGaps(libc) : []),
    ].map((gap) =>
      // A command run here shows this host and not the recorded one.
      live ? gap : { ...gap, remedy: null },
    );
    if (!live) {
      gaps.push({
        code: 'recorded-host',
        values: { path: procRoot },
        remedy: null,
        coversUse: false,
        transports: [],
      });
    }
    return {
      platform: 'linux',
      release,
      takenAt: new Date().toISOString(),
      via: tables.via,
      limits,
      ephemeralUse: countEphemeral(request, procRoot, diag, release, limits),
      sockets,
      redirects: [],
      gaps,
    };
  } finally {
    kernel?.close();
    diag?.close();
  }
}

/** The other network namespaces, and why processes cannot be listed, or null. */
interface Around {
  readonly namespaces: Namespaces;
  readonly failure: string | null;
}

/** Looks for them, in pieces of about a millisecond. */
function* lookAround(
  open: OpenDescriptors | null,
  { namespaces: wanted }: ProbeRequest,
  kernel: KernelsWord | null,
  find: (pids: readonly number[], told: ReadonlyMap<number, number> | null) => Namespaces,
): Generator<undefined, Around> {
  if (open === null || wanted === false) return { namespaces: { foreign: [], hidden: 0 }, failure: null };
  yield;
  const { list, failure } = pidsOf(() => open.pids());
  yield;
  const told = kernel?.namespaces(list.length) ?? null;
  yield;
  return { namespaces: find(list, told), failure };
}

function inOneTurn<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const piece = work.next();
    if (piece.done === true) return piece.value;
  }
}

/** In turns of the event loop, between which what other threads have done is taken up. */
async function inTurns<T>(work: Generator<undefined, T>): Promise<T> {
  for (;;) {
    const piece = work.next();
    if (piece.done === true) return piece.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Processes, or none and why they cannot be listed. */
function pidsOf(list: () => readonly number[]): { list: readonly number[]; failure: string | null } {
  try {
    return { list: list(), failure: null };
  } catch (error) {
    return { list: [], failure: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

const UNREADABLE = 'processes-unreadable';

/** Without processes neither owners nor other namespaces are found. */
function unreadable(path: string, reason: string, remedy: string | null): Gap {
  return { code: UNREADABLE, values: { path, reason }, remedy, coversUse: false, transports: [] };
}

/** From so many descriptors on a second thread is there before the walk is over. */
const MANY_DESCRIPTORS = 20_000;

/** The walk over descriptors, shared with a second thread where that pays and the kernel's own list cannot be had. */
function walkFor(
  libc: Libc | null,
  procRoot: string,
  request: ProbeRequest,
  open: OpenDescriptors | null,
  resting: RestingProcesses,
): FdWalk {
  const alone = (libc === null ? null : syscallWalk(libc, procRoot)) ?? filesWalk(procRoot);
  const { walkWorker, ports } = request;
  if (open === null || mayAskKernel(request) || !open.moreThan(MANY_DESCRIPTORS)) return alone;
  const note = (): void => resting.note(open.byProcess());
  try {
    if (walkWorker !== undefined && ports === null)
      return sharedWalk(walkWorker, pidsOf(() => open.pids()).list, alone, note);
  } catch {
    // No second thread to be had (a limit on threads or memory): one does it all.
  }
  note();
  return alone;
}

/** Counts only where the asked port can be handed out at all: the dump of all connections is not free. */
function countEphemeral(
  request: ProbeRequest,
  procRoot: string,
  diag: SockDiag | null,
  release: string | null,
  limits: HostLimits,
): EphemeralUse | null {
  const range = limits.ephemeral;
  const { ports } = request;
  if (request.countEphemeral !== true || range === null || limits.reserved === null) return null;
  if (ports !== null && !inRange(ports[0], range) && !inRange(ports[1], range)) return null;
  const rowsOf = (transport: 'tcp' | 'udp'): readonly LinuxSocketRow[] | null =>
    request.transports.includes(transport) ? allRows(transport, procRoot, diag, release, request) : null;
  const [tcp, udp] = [rowsOf('tcp'), rowsOf('udp')];
  const address = request.serviceAddress ?? null;
  return {
    tcp: tcp === null ? null : countTcp(tcp, range, limits.reserved, address),
    udp: udp === null ? null : countUdp(udp, range, limits.reserved, address),
    opened: readOpened(procRoot),
  };
}

function allRows(
  transport: 'tcp' | 'udp',
  procRoot: string,
  diag: SockDiag | null,
  release: string | null,
  { recorded }: ProbeRequest,
): readonly LinuxSocketRow[] | null {
  if (diag === null) {
    const tables = readTables(procRoot, null, release, null, [transport], null, recorded?.byteOrder);
    return tables.gaps.some((gap) => gap.code === 'sockets-unreadable') ? null : tables.rows;
  }
  const rows: LinuxSocketRow[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    if (diag.dump({ family, transport, states: ALL_STATES, ports: null }, (row) => rows.push(row)) !== null)
      return null;
  }
  return rows;
}

/**
 * What shows bound, inactive sockets after all: this program with native code, newer ss, or the bind itself, which
 * asks nothing of the port for longer than that.
 */
function boundRemedy(
  { ports, ffi, call }: ProbeRequest,
  live: boolean,
  release: string | null,
): string | null {
  if (!live) return null;
  const port = ports !== null && ports[0] === ports[1] ? ports[0] : null;
  if (ffi === false && listsBound(release)) {
    return `${call?.() ?? 'portolan'} ${port === null ? 'list' : `who ${port}`}`;
  }
  if (port !== null) return `python3 -c 'import socket; socket.socket().bind(("", ${port}))'`;
  return listsBound(release) ? 'ss -tan --bound-inactive' : null;
}

/** Root sees every process, or nobody does. */
function ownersRemedy(request: ProbeRequest, live: boolean): string | null {
  if (!live || (process.geteuid?.() === 0 && allUsersMapped())) return null;
  return `sudo ${sameAgain(request)}`;
}

/** How a shell asks for the same again. */
function sameAgain({ ports, call }: ProbeRequest): string {
  const what = ports !== null && ports[0] === ports[1] ? `who ${ports[0]}` : 'list';
  return `${call?.() ?? 'portolan'} ${what}`;
}
