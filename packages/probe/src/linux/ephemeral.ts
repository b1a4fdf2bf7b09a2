// Quick looks at the ephemeral range for a rate, and the settings that decide how long its ports are kept.
import { release as osRelease } from 'node:os';
import type { EphemeralRow, EphemeralSample, EphemeralSettings, PortRange } from '@portolan/core';
import { ALL_STATES } from '../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { parseActiveOpens } from '../parse/linux-snmp.ts';
import { loadLibc } from './native.ts';
import { ownNamespace } from './own-namespace.ts';
import { readText } from './read-text.ts';
import { openSockDiag } from './sock-diag.ts';
import { readTables } from './tables.ts';

const LIVE_PROC = '/proc';
const TEXT_LIMIT = 1 << 16;

/** Settings of this network namespace. */
export function readEphemeralSettings(procRoot: string = LIVE_PROC): EphemeralSettings {
  const text = readText(`${procRoot}/sys/net/ipv4/tcp_tw_reuse`, TEXT_LIMIT)?.text.trim() ?? '';
  return {
    twReuse: /^[012]$/.test(text) ? Number(text) : null,
    namespace: ownNamespace(procRoot, process.env),
  };
}

/** All sockets on these local ports, without owners; null where they could not be listed. */
export function sampleEphemeral(ports: PortRange, ffi: boolean): EphemeralSample | null {
  const opens = parseActiveOpens(readText(`${LIVE_PROC}/net/snmp`, TEXT_LIMIT)?.text ?? '');
  const at = performance.now();
  const rows = (ffi ? dumpRows(ports) : null) ?? fileRows(ports);
  return rows === null ? null : { at, rows, activeOpens: opens };
}

function dumpRows(ports: PortRange): EphemeralRow[] | null {
  const libc = loadLibc();
  const diag = libc === null ? null : openSockDiag(libc);
  if (diag === null) return null;
  const rows: EphemeralRow[] = [];
  const keep = (row: LinuxSocketRow): void => {
    // The kernel does not filter its list of bound sockets by port.
    if (row.local.port >= ports[0] && row.local.port <= ports[1]) rows.push(rowOf(row, row.noPort === true));
  };
  try {
    for (const transport of ['tcp', 'udp'] as const) {
      for (const family of ['ipv4', 'ipv6'] as const) {
        const failure = diag.dump({ family, transport, states: ALL_STATES, ports }, keep);
        if (failure !== null && family === 'ipv4') return null;
      }
    }
    return rows;
  } finally {
    diag.close();
  }
}

function fileRows(ports: PortRange): EphemeralRow[] | null {
  const tables = readTables(LIVE_PROC, null, osRelease(), ports, ['tcp', 'udp'], null);
  if (tables.gaps.some(({ code }) => code === 'sockets-unreadable')) return null;
  return tables.rows.map((row) => rowOf(row, null));
}

function rowOf(row: LinuxSocketRow, noPort: boolean | null): EphemeralRow {
  const { transport, local, peer, state, inode, freeInMs } = row;
  return { transport: transport === 'udp' ? 'udp' : 'tcp', local, peer, state, inode, freeInMs, noPort };
}
