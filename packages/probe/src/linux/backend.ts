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
import type { KernelFacts } from '../parse/linux-btf.ts';
import { ALL_STATES } from '../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { bpfDescriptors, type Descriptors } from './bpf/descriptors.ts';
import { freshFacts, kernelFacts } from './bpf/facts.ts';
import { Elsewhere } from './elsewhere.ts';
import { type FdWalk, filesWalk, listPids, sharesDescriptors, syscallWalk, threadWalk } from './fd-walk.ts';
import { finish } from './finish.ts';
import { readLimits } from './limits.ts';
import { readDeviceNames, readTunnelPorts, vrfGaps } from './links.ts';
import { findNamespaces } from './namespaces.ts';
import { type Libc, loadLibc } from './native.ts';
import { OpenDescriptors } from './open-descriptors.ts';
import { readOpened } from './opened.ts';
import { isInitialPidNamespace, joinOwners, type TablePart } from './owners.ts';
import { ProcessReader } from './process.ts';
import { linkReader } from './read-link.ts';
import { readText } from './read-text.ts';
import { RestingProcesses } from './resting.ts';
import { sharedWalk } from './shared-walk.ts';
import { openSockDiag, type SockDiag } from './sock-diag.ts';
import { listsBound, readTables, type Tables } from './tables.ts';
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
    const snapshot = look(request);
    // Engines and systemd here know nothing of a recorded host.
    const live = (request.procRoot ?? LIVE_PROC) === LIVE_PROC;
    return live ? await finish(snapshot, request) : snapshot;
  },
};

function look(request: ProbeRequest): Snapshot {
  const procRoot = request.procRoot ?? LIVE_PROC;
  const live = procRoot === LIVE_PROC;
  const libc = live && request.ffi !== false ? loadLibc() : null;
  const diag = libc === null ? null : openSockDiag(libc);
  try {
    const release = live
      ? osRelease()
      : (readText(`${procRoot}/sys/kernel/osrelease`, 4096)?.text.trim() ?? null);
    const { limits, gaps: limitGaps } = request.limits === false ? NOT_ASKED : readLimits(procRoot);
    const remedy = boundRemedy(request, live, release);
    const { recorded } = request;
    const userName = userNames(live, recorded?.passwd);
    const processes = new ProcessReader(procRoot, userName);
    const open = live ? new OpenDescriptors(procRoot) : null;
    const resting = new RestingProcesses(procRoot);
    const walk = walkFor(libc, procRoot, request, open, resting);
    const pids = live && request.namespaces !== false ? pidsOf(procRoot) : null;
    const around =
      pids !== null
        ? findNamespaces(procRoot, pids.list, processes, linkReader(libc))
        : { foreign: [], hidden: 0 };
    const read = (ports: PortRange | null): Tables =>
      readTables(procRoot, diag, release, ports, request.transports, remedy, recorded?.byteOrder);
    let tables = read(request.ports);
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
    const elsewhere = new Elsewhere(
      libc,
      request,
      () => findNamespaces(procRoot, pidsOf(procRoot).list, processes, linkReader(libc)).foreign,
    );
    const parts = [here, ...elsewhere.parts(around.foreign)];
    const { sockets, gaps: ownerGaps } = joinOwners(parts, {
      procRoot,
      walk,
      threadWalk: threadWalk(procRoot, libc === null ? null : sharesDescriptors(libc)),
      descriptors: (port, expected) =>
        libc === null || open === null ? null : kernelsList(libc, request, open, port, expected),
      resting,
      everyThread: request.threads === true,
      privileged: live ? process.geteuid?.() === 0 : (recorded?.root ?? true),
      processes,
      userName,
      isUser: mappedUsers(live, recorded?.allUsersMapped),
      kernelPorts: () => (libc === null ? new Set() : readTunnelPorts(libc)),
      remedy: ownersRemedy(request, live),
    });
    const foreignGaps = elsewhere.gaps(around.hidden, ownersRemedy(request, live));
    const gaps: Gap[] = [
      ...tables.gaps,
      ...limitGaps,
      ...ownerGaps,
      ...(pids === null || pids.failure === null || ownerGaps.some(({ code }) => code === UNREADABLE)
        ? []
        : [unreadable(procRoot, pids.failure, ownersRemedy(request, live))]),
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
    diag?.close();
  }
}

/** Processes, or none and why they cannot be listed. */
function pidsOf(procRoot: string): { list: number[]; failure: string | null } {
  try {
    return { list: listPids(procRoot), failure: null };
  } catch (error) {
    return { list: [], failure: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

const UNREADABLE = 'processes-unreadable';

/** Without processes neither owners nor other namespaces are found. */
function unreadable(path: string, reason: string, remedy: string | null): Gap {
  return { code: UNREADABLE, values: { path, reason }, remedy, coversUse: false, transports: [] };
}

/** Up to so many descriptors a walk takes no longer than asking the kernel, and leaves no trace in audit logs. */
const FEW_DESCRIPTORS = 2000;

let known: KernelFacts | null | undefined;

/**
 * The kernel's own list of descriptors, of those with a socket on `port` or of all that were asked for, where walking them
 * would take longer and the rights allow to ask for it.
 */
function kernelsList(
  libc: Libc,
  request: ProbeRequest,
  open: OpenDescriptors,
  port: number | null,
  sockets: number,
): Descriptors | null {
  const { ports, cacheDir } = request;
  if (!mayAskKernel(request) || !open.moreThan(FEW_DESCRIPTORS)) return null;
  // The running kernel stays the same as long as this process runs.
  known ??= kernelFacts(cacheDir ?? null);
  if (known === null) return null;
  const one = port ?? (ports !== null && ports[0] === ports[1] ? ports[0] : null);
  let found = bpfDescriptors(libc, known, one, sockets);
  if (found === 'unproven') {
    // What was kept of this kernel is wrong: it is read anew, and if that is no better the kernel is not asked again.
    known = freshFacts(cacheDir ?? null);
    found = known === null ? null : bpfDescriptors(libc, known, one, sockets);
  }
  if (found !== 'unproven') return found;
  known = null;
  return null;
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
      return sharedWalk(walkWorker, pidsOf(procRoot).list, alone, note);
  } catch {
    // No second thread to be had (a limit on threads or memory): one does it all.
  }
  note();
  return alone;
}

/** Root in the first pid namespace may ask the kernel, unless it was told not to. */
function mayAskKernel({ bpf, ffi }: ProbeRequest): boolean {
  return bpf !== false && ffi !== false && process.geteuid?.() === 0 && isInitialPidNamespace(LIVE_PROC);
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
