// The macOS probe: the kernel's lists and the processes' descriptors through native code, or what lsof and netstat print.
import { release as osRelease } from 'node:os';
import type { Gap, Snapshot } from '@portolan/core';
import { type Backend, NO_CAPABILITIES, type ProbeRequest } from '../backend.ts';
import type { DarwinSocketRow } from '../parse/darwin-row.ts';
import { joinSockets } from './join.ts';
import {
  type DarwinTransport,
  type JudgedList,
  limitsOf,
  listName,
  RANGE_NAMES,
  readLists,
  readRange,
  TRANSPORTS,
} from './lists.ts';
import { type Found, isAsked, othersHidden, type Remedies, sourceSilent, unreadable } from './look.ts';
import { type DarwinCalls, loadDarwin } from './native.ts';
import { DarwinProcesses } from './processes.ts';
import { openProof } from './proof.ts';
import { systemTools, type Tools } from './tools.ts';
import { lookPrinted } from './tools-look.ts';

/** The Mac that is looked at; tests hand in one of encoded bytes. */
export interface DarwinHost {
  /** null where there is no native code. */
  readonly calls: DarwinCalls | null;
  readonly tools: Tools;
  readonly pid: number;
  readonly euid: number;
  readonly release: string;
}

/** The backend for macOS. */
export const darwinBackend: Backend = {
  // A list shows TIME_WAIT, without the time that is left.
  capabilities: { ...NO_CAPABILITIES, bound: true, owners: true, inferredOwners: true },
  look: (request) =>
    lookDarwin(request, {
      calls: request.ffi === false ? null : loadDarwin(),
      tools: systemTools,
      pid: process.pid,
      euid: process.geteuid?.() ?? -1,
      release: osRelease(),
    }),
};

/** Looks at a Mac. */
export async function lookDarwin(request: ProbeRequest, host: DarwinHost): Promise<Snapshot> {
  request.signal?.throwIfAborted();
  const remedies = remediesOf(request, host.euid);
  const found =
    host.calls === null
      ? await lookPrinted(request, host, remedies)
      : lookNative(request, host.calls, host, remedies);
  return {
    platform: 'darwin',
    release: host.release,
    takenAt: new Date().toISOString(),
    via: host.calls === null ? 'printed' : 'libproc',
    limits: limitsOf(found.ephemeral),
    ephemeralUse: null,
    sockets: found.sockets,
    redirects: [],
    gaps: [
      ...found.gaps,
      ...(request.limits === false || found.ephemeral !== null ? [] : [limitsUnreadable()]),
    ],
  };
}

function remediesOf({ ports, call }: ProbeRequest, euid: number): Remedies {
  const port = ports !== null && ports[0] === ports[1] ? ports[0] : null;
  const what = port === null ? 'list' : `who ${port}`;
  return {
    sudo: euid === 0 ? null : `sudo ${call?.() ?? 'portolan'} ${what}`,
    tool: port === null ? 'sudo lsof -nP -i' : `sudo lsof -nP -i :${port}`,
  };
}

function lookNative(request: ProbeRequest, calls: DarwinCalls, host: DarwinHost, remedies: Remedies): Found {
  const proof = openProof(calls, host.pid);
  try {
    const lists = readLists(calls, proof, host.euid);
    const processes = new DarwinProcesses(calls);
    const joined = joinSockets(calls, lists, (row: DarwinSocketRow) => isAsked(request, row), processes);
    const gaps = TRANSPORTS.filter((transport) => request.transports.includes(transport))
      .map((transport) => listGap(transport, lists[transport], remedies))
      .filter((gap) => gap !== null);
    const transports = TRANSPORTS.filter((transport) => request.transports.includes(transport));
    if (joined.broken > 0 && transports.length > 0)
      gaps.push(unreadable(transports, 'EBADMSG', 'proc_pidfdinfo', remedies.tool));
    if (!joined.walked) {
      gaps.push({
        code: 'processes-unreadable',
        values: { path: 'proc_listpids', reason: 'EIO' },
        remedy: remedies.tool,
        // Where no list is to be had either, its gap says so.
        coversUse: false,
        transports: [],
      });
    }
    if (joined.ownerless > 0 && joined.walked) {
      const refused = joined.refused.size > 0;
      gaps.push({
        code: refused ? 'owners-hidden' : 'owner-undescribed',
        values: refused
          ? { sockets: joined.ownerless, processes: joined.refused.size }
          : { sockets: joined.ownerless },
        remedy: refused ? (remedies.sudo ?? remedies.tool) : null,
        coversUse: false,
        transports: [],
      });
    }
    return {
      sockets: joined.sockets,
      gaps,
      ephemeral: request.limits === false ? null : readRange(calls),
    };
  } finally {
    proof.close();
  }
}

/** What a list that is not complete keeps from us. */
function listGap(transport: DarwinTransport, { worth }: JudgedList, { sudo, tool }: Remedies): Gap | null {
  switch (worth) {
    case 'complete':
      return null;
    case 'own':
      return othersHidden([transport], sudo ?? tool);
    case 'cut':
      return unreadable([transport], 'EBADMSG', listName(transport), sudo ?? tool);
    case 'unread':
      return unreadable([transport], 'not-read', listName(transport), sudo ?? tool);
    case 'silent':
      return sourceSilent([transport], listName(transport), sudo ?? tool);
  }
}

function limitsUnreadable(): Gap {
  return {
    code: 'limits-unreadable',
    values: { names: RANGE_NAMES.join(', ') },
    remedy: `sysctl ${RANGE_NAMES.join(' ')}`,
    coversUse: false,
    transports: [],
  };
}
