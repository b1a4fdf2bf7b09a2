// The Windows probe: tables, owners, ranges and HTTP.sys, joined into a snapshot.
import { release as osRelease } from 'node:os';
import type { Gap, Owner, Snapshot, Socket } from '@portolan/core';
import { type Backend, NO_CAPABILITIES, type ProbeRequest } from '../backend.ts';
import { type HttpQueue, parseHttpQueues } from '../parse/win32-netsh.ts';
import { parseTasks, type Task } from '../parse/win32-services.ts';
import type { WindowsRow } from '../parse/win32-tables.ts';
import { loadWindows, type WindowsApi } from './native.ts';
import { readBound, readByPowerShell } from './powershell.ts';
import { ownerOf, Processes, SYSTEM_PID } from './processes.ts';
import { readRanges } from './ranges.ts';
import { runTool, type ToolRunner } from './run-tool.ts';
import { readTables, type TableRow } from './tables.ts';
import { readMirrored, wslGap } from './wsl.ts';

/** Where the probe asks: the native calls, and the programs that it runs. */
export interface WindowsParts {
  /** null: there is no native code. */
  readonly api: () => WindowsApi | null;
  readonly run: ToolRunner;
  /** Does WSL share this host's ports, as far as its settings tell? */
  readonly mirrored: () => boolean;
  readonly release: () => string;
}

/** The backend of this machine. */
export const win32Backend: Backend = windowsBackend({
  api: loadWindows,
  run: runTool,
  mirrored: readMirrored,
  release: osRelease,
});

/** A backend on these parts. */
export function windowsBackend(parts: WindowsParts): Backend {
  return {
    capabilities: { ...NO_CAPABILITIES, owners: true },
    async look(request: ProbeRequest): Promise<Snapshot> {
      request.signal?.throwIfAborted();
      const api = request.ffi === false ? null : parts.api();
      const [ranges, seen] = await Promise.all([
        readRanges(parts.run, request.transports, request.limits !== false),
        api === null ? byPowerShell(parts, request) : byTables(parts, api, request),
      ]);
      request.signal?.throwIfAborted();
      return {
        platform: 'win32',
        release: parts.release(),
        takenAt: new Date().toISOString(),
        via: seen.via,
        limits: ranges.limits,
        ephemeralUse: null,
        sockets: seen.sockets,
        redirects: [],
        exclusions: ranges.exclusions.filter(
          ({ ports: [first, last] }) =>
            request.ports === null || (first <= request.ports[1] && last >= request.ports[0]),
        ),
        gaps: [...seen.gaps, ...ranges.gaps],
      };
    },
  };
}

interface Seen {
  readonly via: Snapshot['via'];
  readonly sockets: readonly Socket[];
  readonly gaps: readonly Gap[];
}

async function byTables(parts: WindowsParts, api: WindowsApi, request: ProbeRequest): Promise<Seen> {
  const { rows, gaps } = readTables(api, request.ports, request.transports);
  const found: Gap[] = [...gaps];
  const processes = new Processes(api);
  const services = new Map<TableRow, string>();
  let missing = false;
  for (const entry of rows) {
    const { pid } = entry.row;
    if (pid === 0 || pid === SYSTEM_PID) continue;
    const { exe } = processes.facts(pid);
    if (exe === null) missing = true;
    else if (/\\svchost\.exe$/i.test(exe)) {
      const module = entry.module();
      if (module === null) missing = true;
      else services.set(entry, module);
    }
  }
  const tasks = missing ? await readTasks(parts.run) : new Map<number, Task>();
  const http = await readHttp(parts.run, rows, found);
  const owner = (pid: number, service: string | null, inferred = false): Owner | null =>
    ownerOf(pid, processes.facts(pid), tasks.get(pid), service, inferred);
  const sockets: Socket[] = rows.map((entry) => {
    const { row } = entry;
    const own = startedBefore(row, processes) ? owner(row.pid, services.get(entry) ?? null) : null;
    const behind = row.pid === SYSTEM_PID && row.transport === 'tcp' ? behindHttp(http, row) : [];
    const owners = [...behind.map((pid) => owner(pid, null, true)), own].filter((who) => who !== null);
    return socketOf(row, owners);
  });
  const ownerless = sockets.filter(({ owners, inode }) => owners.length === 0 && inode !== 0).length;
  if (ownerless > 0) {
    found.push({
      code: 'owner-untold',
      values: { sockets: ownerless },
      remedy: 'netstat -abno',
      coversUse: false,
      transports: [],
    });
  }
  if (request.transports.includes('tcp')) {
    // PowerShell takes a second: it is asked where a port was asked for that nobody was found on.
    const ask = request.ports !== null && !sockets.some(({ transport }) => transport === 'tcp');
    const bound = ask && request.ports !== null ? await readBound(parts.run, request.ports) : null;
    if (bound === null) found.push(boundGap(request));
    else {
      for (const socket of bound) {
        const owners = socket.owners.map(({ pid }) => owner(pid, null)).filter((who) => who !== null);
        sockets.push({ ...socket, owners, moreOwners: owners.length === 0 });
      }
    }
  }
  const names = sockets.flatMap(({ owners }) => owners.map(({ name }) => name));
  const wsl = wslGap([...names, ...[...tasks.values()].map(({ image }) => image)], parts.mirrored);
  return { via: 'iphlpapi', sockets, gaps: wsl === null ? found : [...found, wsl] };
}

/** A pid whose process began after the socket was bound is another's by now. */
function startedBefore({ pid, createdAt }: WindowsRow, processes: Processes): boolean {
  if (pid === 0) return false;
  if (pid === SYSTEM_PID || createdAt === null) return true;
  const { started } = processes.facts(pid);
  return started === null || started <= createdAt;
}

async function readTasks(run: ToolRunner): Promise<Map<number, Task>> {
  const result = await run('tasklist', ['/svc', '/fo', 'csv', '/nh']);
  return result.ok ? parseTasks(result.text) : new Map();
}

/** Listeners of the kernel that no web server is behind: SMB over TCP (445) and over NetBIOS (139). */
const FILE_SHARING: ReadonlySet<number> = new Set([139, 445]);

/** The request queues of HTTP.sys, where the kernel itself listens. */
async function readHttp(run: ToolRunner, rows: readonly TableRow[], gaps: Gap[]): Promise<HttpQueue[]> {
  const asked = rows.some(
    ({ row }) =>
      row.transport === 'tcp' &&
      row.state === 'LISTEN' &&
      row.pid === SYSTEM_PID &&
      !FILE_SHARING.has(row.local.port),
  );
  if (!asked) return [];
  const command = ['http', 'show', 'servicestate', 'view=requestq'];
  const result = await run('netsh', command);
  if (result.ok) return parseHttpQueues(result.text);
  gaps.push({
    code: 'http-sys',
    values: { reason: result.reason },
    remedy: `netsh ${command.join(' ')}`,
    coversUse: false,
    transports: ['tcp'],
  });
  return [];
}

/** Processes that take requests for URLs of this port. */
function behindHttp(queues: readonly HttpQueue[], { local }: WindowsRow): number[] {
  const serving = queues.filter(({ urls }) => urls.some(({ port }) => port === local.port));
  return [...new Set(serving.flatMap(({ pids }) => pids))];
}

/** FILETIME ticks to a number that is exact and tells sockets apart. */
const TICKS_KEPT = 100n;

function socketOf(row: WindowsRow, owners: readonly Owner[]): Socket {
  const { pid, createdAt } = row;
  // Where a listener's pid is not told somebody has it all the same.
  const ownerless = pid === 0 && row.state !== 'LISTEN' && row.state !== 'UNCONN';
  return {
    transport: row.transport,
    family: row.family,
    local: row.local,
    peer: row.peer,
    state: row.state,
    // Windows has no inodes: when it was bound stands for the socket, below zero as it is no kernel's number.
    inode: ownerless ? 0 : createdAt === null ? -(pid + 1) : -Number(createdAt / TICKS_KEPT),
    uid: null,
    user: null,
    freeInMs: null,
    ipv6Only: null,
    owners,
    // The table names who bound it; who else inherited the handle is told nowhere.
    ownersComplete: false,
    moreOwners: false,
    kernel: false,
    namespace: null,
    device: row.scope === null ? null : String(row.scope),
    mptcp: false,
    activation: null,
    publishes: null,
  };
}

function boundGap({ ports }: ProbeRequest): Gap {
  const one = ports !== null && ports[0] === ports[1] ? ` -LocalPort ${ports[0]}` : '';
  return {
    code: 'bound-untold',
    values: {},
    remedy: `powershell -Command "Get-NetTCPConnection -State Bound${one}"`,
    coversUse: true,
    transports: ['tcp'],
  };
}

async function byPowerShell(parts: WindowsParts, request: ProbeRequest): Promise<Seen> {
  const read = await readByPowerShell(parts.run, request.ports, request.transports);
  if ('reason' in read) {
    const gaps = (['tcp', 'udp'] as const)
      .filter((transport) => request.transports.includes(transport))
      .map((transport): Gap => {
        const cmdlet = transport === 'tcp' ? 'Get-NetTCPConnection' : 'Get-NetUDPEndpoint';
        return {
          code: 'sockets-unreadable',
          values: { transport, file: cmdlet, reason: read.reason },
          remedy: `netstat -ano -p ${transport}`,
          coversUse: true,
          transports: [transport],
        };
      });
    return { via: 'none', sockets: [], gaps };
  }
  const wsl = wslGap(read.names, parts.mirrored);
  return { via: 'powershell', sockets: read.sockets, gaps: wsl === null ? [] : [wsl] };
}
