// Bytes of GetExtendedTcpTable and GetExtendedUdpTable (iphlpapi), classes with owner modules, to rows.
import type { Endpoint, SocketState } from '@portolan/core';
import { formatIpv4, formatIpv6 } from './address.ts';

/** A row of one of the four tables. */
export interface WindowsRow {
  readonly transport: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  /** null for listeners, bound sockets and UDP. */
  readonly peer: Endpoint | null;
  readonly state: SocketState;
  /** Process that bound the socket; 0 where it belongs to none any more, 4 for the kernel. */
  readonly pid: number;
  /** When it was bound, in 100 ns since 1601 (FILETIME); null where the table has 0. */
  readonly createdAt: bigint | null;
  /** Interface index of an IPv6 scope; null for none. */
  readonly scope: number | null;
  /** Where the row begins in the table, for GetOwnerModuleFromTcpEntry and its kin; null where it came from elsewhere. */
  readonly offset: number | null;
}

/** Which table: address family and transport. */
export interface TableKind {
  readonly transport: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
}

/** Offsets in one row, in bytes. */
interface Layout {
  readonly size: number;
  readonly state: number | null;
  readonly address: number;
  readonly scope: number | null;
  readonly port: number;
  readonly peer: { readonly address: number; readonly port: number } | null;
  readonly pid: number;
  readonly created: number;
}

/** MIB_TCPROW_OWNER_MODULE, MIB_TCP6ROW_OWNER_MODULE (tcpmib.h), MIB_UDPROW_OWNER_MODULE, MIB_UDP6ROW_OWNER_MODULE (udpmib.h). */
const LAYOUTS: Readonly<Record<'tcp' | 'udp', Readonly<Record<'ipv4' | 'ipv6', Layout>>>> = {
  tcp: {
    ipv4: {
      size: 160,
      state: 0,
      address: 4,
      scope: null,
      port: 8,
      peer: { address: 12, port: 16 },
      pid: 20,
      created: 24,
    },
    ipv6: {
      size: 192,
      state: 48,
      address: 0,
      scope: 16,
      port: 20,
      peer: { address: 24, port: 44 },
      pid: 52,
      created: 56,
    },
  },
  udp: {
    ipv4: { size: 160, state: null, address: 0, scope: null, port: 4, peer: null, pid: 8, created: 16 },
    ipv6: { size: 176, state: null, address: 0, scope: 16, port: 20, peer: null, pid: 24, created: 32 },
  },
};

/** Rows are aligned to their 64-bit members, so that the count has four bytes of nothing behind it. */
const FIRST_ROW = 8;

/** MIB_TCP_STATE (tcpmib.h). 12, DELETE_TCB, is a connection whose block is about to go. */
const STATES: readonly (SocketState | undefined)[] = [
  undefined, 'CLOSE', 'LISTEN', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'CLOSING',
  'LAST_ACK', 'TIME_WAIT', 'CLOSE',
]; // biome-ignore format: one list reads better

/** Rows of a table, and whether it held more than could be read: cut short, or states that nobody knows. */
export interface TableReading {
  readonly rows: readonly WindowsRow[];
  readonly whole: boolean;
}

/** Reads a table of any length; never reads outside of it. */
export function parseOwnerTable(bytes: Uint8Array, kind: TableKind): TableReading {
  const layout = LAYOUTS[kind.transport][kind.family];
  if (bytes.length < 4) return { rows: [], whole: false };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  const room = Math.max(0, Math.floor((bytes.length - FIRST_ROW) / layout.size));
  const rows: WindowsRow[] = [];
  let whole = count <= room;
  for (let i = 0; i < Math.min(count, room); i++) {
    const row = readRow(bytes, view, FIRST_ROW + i * layout.size, kind, layout);
    if (row === null) whole = false;
    else rows.push(row);
  }
  return { rows, whole };
}

function readRow(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  { transport, family }: TableKind,
  layout: Layout,
): WindowsRow | null {
  const state = layout.state === null ? 'UNCONN' : STATES[view.getUint32(offset + layout.state, true)];
  if (state === undefined) return null;
  const address = (at: number): string =>
    family === 'ipv4' ? formatIpv4(bytes, offset + at) : formatIpv6(bytes, offset + at);
  // Network byte order in the first two bytes; the upper half of the number may hold anything.
  const port = (at: number): number => view.getUint16(offset + at, false);
  const created = view.getBigUint64(offset + layout.created, true);
  const hasPeer = layout.peer !== null && state !== 'LISTEN' && port(layout.peer.port) !== 0;
  return {
    transport,
    family,
    local: { address: address(layout.address), port: port(layout.port) },
    peer:
      hasPeer && layout.peer !== null
        ? { address: address(layout.peer.address), port: port(layout.peer.port) }
        : null,
    state,
    pid: view.getUint32(offset + layout.pid, true),
    createdAt: created === 0n ? null : created,
    scope: layout.scope === null ? null : scopeOf(view, offset + layout.scope),
    offset,
  };
}

/** Interface indexes are small numbers. */
const SCOPE_LIMIT = 0x1_0000;

/** The manual says network byte order, and programs that take it as it is are right as well: the smaller reading is meant. */
function scopeOf(view: DataView, at: number): number | null {
  const host = view.getUint32(at, true);
  if (host === 0) return null;
  const network = view.getUint32(at, false);
  return host >= SCOPE_LIMIT && network < SCOPE_LIMIT ? network : host;
}

/** Milliseconds between 1601 and 1970 (FILETIME and Unix time). */
const FILETIME_EPOCH_MS = 11_644_473_600_000n;

/** A FILETIME as ISO 8601 in UTC; null for 0 and for what no date can hold. */
export function fileTimeToIso(ticks: bigint): string | null {
  if (ticks <= 0n) return null;
  const date = new Date(Number(ticks / 10_000n - FILETIME_EPOCH_MS));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
