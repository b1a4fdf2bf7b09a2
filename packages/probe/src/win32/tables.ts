// Reads the tables of sockets through iphlpapi.
import type { Gap, PortRange, Transport } from '@portolan/core';
import { inRange } from '@portolan/core';
import { parseOwnerModule } from '../parse/win32-owner-module.ts';
import { parseOwnerTable, type TableKind, type WindowsRow } from '../parse/win32-tables.ts';
import { nativeBuffer, type WindowsApi } from './native.ts';

/** ws2def.h, ws2ipdef.h */
const FAMILIES = { ipv4: 2, ipv6: 23 } as const;
/** TCP_TABLE_OWNER_MODULE_ALL and UDP_TABLE_OWNER_MODULE (iprtrmib.h). */
const CLASSES = { tcp: 8, udp: 2 } as const;

const NO_ERROR = 0;
const ERROR_INSUFFICIENT_BUFFER = 122;
/** No IPv6 here: nothing can hide in a table that is not there. */
const ERROR_NOT_SUPPORTED = 50;
/** Tables grow between two calls; after so many there is something else wrong. */
const TRIES = 8;
const FIRST_SIZE = 1 << 16;
const SIZE_LIMIT = 1 << 28;
/** More than a service's name and the path of a library take. */
const MODULE_BYTES = 2048;
/** Longest row. */
const ROW_BYTES = 192;

/** A row, and the service whose socket it is where Windows names one. */
export interface TableRow {
  readonly row: WindowsRow;
  /** Asks Windows for the module that bound it: of a socket of svchost.exe the service's name; null where it does not say. */
  module(): string | null;
}

export interface Tables {
  readonly rows: readonly TableRow[];
  readonly gaps: readonly Gap[];
}

/** All sockets of TCP and UDP on these local ports. */
export function readTables(
  api: WindowsApi,
  ports: PortRange | null,
  transports: readonly Transport[],
): Tables {
  const rows: TableRow[] = [];
  const gaps: Gap[] = [];
  for (const transport of ['tcp', 'udp'] as const) {
    if (!transports.includes(transport)) continue;
    for (const family of ['ipv4', 'ipv6'] as const) {
      const read = fetchTable(api, { transport, family });
      if (typeof read === 'string') gaps.push(unreadable({ transport, family }, read));
      if (typeof read === 'string' || read === null) continue;
      const { rows: found, whole } = parseOwnerTable(read, { transport, family });
      if (!whole) gaps.push(unreadable({ transport, family }, 'EBADMSG'));
      for (const row of found) {
        if (ports !== null && !inRange(row.local.port, ports)) continue;
        // A socket without a port is bound to none.
        if (row.local.port !== 0) rows.push({ row, module: () => moduleOf(api, read, row) });
      }
    }
  }
  return { rows, gaps };
}

/** The table's bytes; null where there is none, or why it could not be read. */
function fetchTable(api: WindowsApi, { transport, family }: TableKind): Buffer | string | null {
  const size = nativeBuffer(4);
  let length = FIRST_SIZE;
  for (let i = 0; i < TRIES && length <= SIZE_LIMIT; i++) {
    const table = nativeBuffer(length);
    size.writeUInt32LE(length);
    const asked = [table, size, FAMILIES[family], CLASSES[transport]] as const;
    const code = transport === 'tcp' ? api.tcpTable(...asked) : api.udpTable(...asked);
    if (code === NO_ERROR) return table;
    if (code === ERROR_NOT_SUPPORTED && family === 'ipv6') return null;
    if (code !== ERROR_INSUFFICIENT_BUFFER) return `error ${code}`;
    // Room for those that come until the next call.
    length = Math.max(2 * length, size.readUInt32LE() + FIRST_SIZE);
  }
  return `error ${ERROR_INSUFFICIENT_BUFFER}`;
}

function unreadable({ transport, family }: TableKind, reason: string): Gap {
  const file = `GetExtended${transport === 'tcp' ? 'Tcp' : 'Udp'}Table (${family})`;
  return {
    code: 'sockets-unreadable',
    values: { transport, file, reason },
    remedy: `netstat -ano -p ${transport}${family === 'ipv6' ? 'v6' : ''}`,
    coversUse: true,
    transports: [transport],
  };
}

function moduleOf(api: WindowsApi, table: Buffer, { transport, family, offset }: WindowsRow): string | null {
  if (offset === null) return null;
  const row = nativeBuffer(ROW_BYTES);
  table.copy(row, 0, offset, offset + ROW_BYTES);
  const info = nativeBuffer(MODULE_BYTES);
  const size = nativeBuffer(4);
  size.writeUInt32LE(MODULE_BYTES);
  const code = api.ownerModule(transport, family === 'ipv6', row, info, size);
  return code === NO_ERROR ? parseOwnerModule(info, api.address(info)) : null;
}
