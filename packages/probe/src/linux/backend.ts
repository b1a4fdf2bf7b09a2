// The Linux probe: tables, limits and owners of the current network namespace, joined into a snapshot.
import { release as osRelease } from 'node:os';
import {
  type EphemeralUse,
  type Gap,
  type HostLimits,
  inRange,
  type ParityCount,
  type Snapshot,
} from '@portolan/core';
import type { Backend, ProbeRequest } from '../backend.ts';
import { ALL_STATES } from '../parse/linux-inet-diag.ts';
import { parsePasswd } from '../parse/linux-limits.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { filesWalk, sharesDescriptors, syscallWalk, threadWalk } from './fd-walk.ts';
import { readLimits } from './limits.ts';
import { loadLibc } from './native.ts';
import { joinOwners } from './owners.ts';
import { ProcessReader } from './process.ts';
import { readText } from './read-text.ts';
import { openSockDiag, type SockDiag } from './sock-diag.ts';
import { countPorts, listsBound, readTables, type Tables } from './tables.ts';
import { readTunnelPorts } from './tunnels.ts';

const LIVE_PROC = '/proc';

/** TCP states other than LISTEN: what takes a port without listening on it. */
const NOT_LISTENING = ALL_STATES & ~(1 << 10);

/** The backend for Linux, live or from a recorded /proc. */
export const linuxBackend: Backend = {
  capabilities: { bound: true, timeWait: true, owners: true, inferredOwners: true },
  look(request: ProbeRequest): Promise<Snapshot> {
    request.signal?.throwIfAborted();
    return Promise.resolve(look(request));
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
    const { limits, gaps: limitGaps } = readLimits(procRoot);
    const remedy = boundRemedy(request, live, release);
    const read = (): Tables => readTables(procRoot, diag, release, request.ports, request.transports, remedy);
    let tables = read();
    const userName = userNames(live);
    let allMapped: boolean | undefined;
    const { sockets, gaps: ownerGaps } = joinOwners(tables.rows, {
      procRoot,
      walk: (libc === null ? null : syscallWalk(libc, procRoot)) ?? filesWalk(procRoot),
      threadWalk: threadWalk(procRoot, libc === null ? null : sharesDescriptors(libc)),
      privileged: !live || process.geteuid?.() === 0,
      processes: new ProcessReader(procRoot, userName),
      userName,
      isUser: (uid) => !live || uid !== OVERFLOW_UID || (allMapped ??= allUsersMapped()),
      // The gaps that count are those of the tables that are told.
      reread: () => {
        tables = read();
        return tables.rows;
      },
      kernelPorts: () => (libc === null ? new Set() : readTunnelPorts(libc)),
      remedy: ownersRemedy(request, live),
    });
    const gaps: Gap[] = [...tables.gaps, ...limitGaps, ...ownerGaps].map((gap) =>
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
      gaps,
    };
  } finally {
    diag?.close();
  }
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
  const counts: { tcp: ParityCount | null; udp: ParityCount | null } = { tcp: null, udp: null };
  for (const transport of ['tcp', 'udp'] as const) {
    if (!request.transports.includes(transport)) continue;
    const rows = allRows(transport, procRoot, diag, release);
    if (rows !== null) counts[transport] = countPorts(rows, range, limits.reserved);
  }
  return counts;
}

function allRows(
  transport: 'tcp' | 'udp',
  procRoot: string,
  diag: SockDiag | null,
  release: string | null,
): readonly LinuxSocketRow[] | null {
  if (diag === null) {
    const tables = readTables(procRoot, null, release, null, [transport], null);
    return tables.gaps.some((gap) => gap.code === 'sockets-unreadable') ? null : tables.rows;
  }
  const rows: LinuxSocketRow[] = [];
  const states = transport === 'tcp' ? NOT_LISTENING : ALL_STATES;
  for (const family of ['ipv4', 'ipv6'] as const) {
    if (diag.dump({ family, transport, states, ports: null }, (row) => rows.push(row)) !== null) return null;
  }
  return rows;
}

/** Largest /etc/passwd that is read. */
const PASSWD_LIMIT = 1 << 22;

/** Names of this host's users. A recorded /proc belongs to another host, whose users are not ours. */
function userNames(live: boolean): (uid: number) => string | null {
  let names: Map<number, string> | null = null;
  return (uid) => {
    if (!live) return null;
    names ??= parsePasswd(readText('/etc/passwd', PASSWD_LIMIT)?.text ?? '');
    return names.get(uid) ?? null;
  };
}

/**
 * Default of /proc/sys/kernel/overflowuid: in a user namespace it stands for everybody who is not mapped into it
 * (man user_namespaces(7)).
 */
const OVERFLOW_UID = 65_534;

/** True outside user namespaces: there every uid is itself. */
function allUsersMapped(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(readText('/proc/self/uid_map', 4096)?.text ?? '');
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
function ownersRemedy({ ports, call }: ProbeRequest, live: boolean): string | null {
  if (!live || (process.geteuid?.() === 0 && allUsersMapped())) return null;
  const what = ports !== null && ports[0] === ports[1] ? `who ${ports[0]}` : 'list';
  return `sudo ${call?.() ?? 'portolan'} ${what}`;
}
