// Which ports have a socket in this network namespace, as fast as can be told: for completions, where a late answer is none.
import { release as osRelease } from 'node:os';
import type { PortInUse, PortRange } from '@portolan/core';
import { ALL_STATES, SERVING_STATES } from '../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { loadLibc } from './native.ts';
import { openSockDiag, type SockDiag } from './sock-diag.ts';
import { readTables } from './tables.ts';

/** What is asked. */
export interface InUseRequest {
  /** Runs of ports that are wanted. */
  readonly ports: readonly PortRange[];
  /** Only what listens or is bound? Connections are many where a host is busy. */
  readonly serving: boolean;
  readonly ffi: boolean;
  /** Is it too late for more? Asked again and again; what has been found by then is the answer. */
  readonly isLate: () => boolean;
}

/** The time has come. */
class Late extends Error {}

/** What comes and goes. */
const OTHER_STATES = ALL_STATES & ~SERVING_STATES;

/** Between two looks at the clock, rows. */
const ROWS_A_LOOK = 256;

/** Ports in use, each once a transport, those that somebody serves first; fewer where there was no time for all. */
export function findPortsInUse(request: InUseRequest): PortInUse[] {
  const found = new Map<string, PortInUse>();
  let rows = 0;
  const keep = ({ local, transport, state, peer }: LinuxSocketRow): void => {
    rows++;
    if (rows % ROWS_A_LOOK === 0 && request.isLate()) throw new Late();
    if (!request.ports.some(([first, last]) => local.port >= first && local.port <= last)) return;
    const serving = peer === null && state !== 'TIME_WAIT';
    if (request.serving && !serving) return;
    const key = `${transport} ${local.port}`;
    if (found.get(key)?.serving !== true)
      found.set(key, { port: local.port, transport: transport === 'udp' ? 'udp' : 'tcp', serving });
  };
  const libc = request.ffi ? loadLibc() : null;
  const diag = libc === null ? null : openSockDiag(libc);
  try {
    if (diag === null || !dumpInto(diag, request, keep)) {
      for (const row of readTables('/proc', null, osRelease(), null, ['tcp', 'udp'], null).rows) keep(row);
    }
  } catch (error) {
    if (!(error instanceof Late)) throw error;
  } finally {
    diag?.close();
  }
  return [...found.values()].toSorted(
    (a, b) =>
      Number(b.serving) - Number(a.serving) || a.port - b.port || (a.transport < b.transport ? -1 : 1),
  );
}

/** Listeners first: if time runs out, it is they who are told. False where the kernel does not answer. */
function dumpInto(diag: SockDiag, request: InUseRequest, keep: (row: LinuxSocketRow) => void): boolean {
  for (const states of request.serving ? [SERVING_STATES] : [SERVING_STATES, OTHER_STATES]) {
    if (states === OTHER_STATES && request.isLate()) return true;
    for (const ports of request.ports) {
      for (const transport of ['tcp', 'udp'] as const) {
        for (const family of ['ipv4', 'ipv6'] as const) {
          const failure = diag.dump({ family, transport, states, ports }, keep);
          if (failure !== null && family === 'ipv4') return false;
        }
      }
    }
  }
  return true;
}
