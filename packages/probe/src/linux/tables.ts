// Reads the socket tables of this network namespace: sock_diag where it can be had, /proc/net where not.
import { existsSync } from 'node:fs';
import { endianness } from 'node:os';
import { type Gap, inRange, type PortRange, type Transport } from '@portolan/core';
import { ALL_STATES, type DumpRequest } from '../parse/linux-inet-diag.ts';
import { parseProcNet } from '../parse/linux-proc-net.ts';
import type { DiagTransport, LinuxSocketRow } from '../parse/linux-row.ts';
import { readTable, readText } from './read-text.ts';
import type { SockDiag } from './sock-diag.ts';

/** Rows, how they were read, and what could not be. */
export interface Tables {
  readonly rows: readonly LinuxSocketRow[];
  readonly via: 'sock_diag' | 'procfs';
  readonly gaps: readonly Gap[];
}

/** TCP_LISTEN alone. */
const LISTENING = 1 << 10;
const FAMILIES = ['ipv4', 'ipv6'] as const;
/** The kernel knows some dozens of protocols, a line each. */
const PROTOCOLS_LIMIT = 1 << 16;
const SCANNED = ['tcp', 'udp'] as const;

/** Linux lists bound, inactive TCP sockets since 6.8 (commit 91051f003948, "tcp: Dump bound-only sockets"). */
const BOUND_SINCE: readonly [major: number, minor: number] = [6, 8];

/** All sockets of the asked transports whose local port lies in `ports`. */
export function readTables(
  procRoot: string,
  diag: SockDiag | null,
  release: string | null,
  ports: PortRange | null,
  transports: readonly Transport[],
  boundRemedy: string | null,
  byteOrder: 'LE' | 'BE' = endianness(),
): Tables {
  const rows: LinuxSocketRow[] = [];
  const gaps: Gap[] = [];
  let byFile = false;
  let tcpByFile = false;
  for (const transport of SCANNED) {
    if (!transports.includes(transport)) continue;
    if (diag !== null && transport === 'tcp' && dumpInto(rows, diag, 'both', transport, ports)) continue;
    for (const family of FAMILIES) {
      if (diag !== null && dumpInto(rows, diag, family, transport, ports)) continue;
      // A kernel without IPv6 has no such table; nothing can hide in one that does not exist.
      if (family === 'ipv6' && hasNoIpv6(procRoot, transport)) continue;
      byFile = true;
      if (transport === 'tcp') tcpByFile = true;
      const gap = readFile(`${procRoot}/net`, transport, family, ports, rows, byteOrder);
      if (gap !== null) gaps.push(gap);
    }
  }
  if (transports.includes('sctp') && kernelHas(procRoot, 'sctp')) {
    // Its module for sock_diag may be missing, and without native code nothing is asked.
    const read =
      diag !== null && FAMILIES.every((family) => dumpInto(rows, diag, family, 'sctp', ports, ALL_STATES));
    if (!read) gaps.push(unreadable('sctp', 'not-read'));
  }
  if (transports.includes('dccp') && kernelHas(procRoot, 'dccp')) gaps.push(unreadable('dccp', 'not-read'));
  if (transports.includes('tcp') && (tcpByFile || !listsBound(release))) {
    gaps.push({
      code: release === null || listsBound(release) ? 'bound-invisible' : 'bound-unlisted',
      values: { release: release ?? '?' },
      remedy: boundRemedy,
      coversUse: true,
      transports: ['tcp'],
    });
  }
  const marked = diag === null ? rows : markMultipath(rows, diag, procRoot, ports);
  return { rows: marked, via: byFile ? 'procfs' : 'sock_diag', gaps };
}

/**
 * What `readTables` asks first of sock_diag, where that is about one port's TCP sockets and so is answered at once; null for any
 * other question.
 */
export function firstOfOnePort(
  ports: PortRange | null,
  transports: readonly Transport[],
): DumpRequest | null {
  if (ports === null || ports[0] !== ports[1] || !transports.includes('tcp')) return null;
  return { family: 'both', transport: 'tcp', states: ALL_STATES, ports };
}

/** The line of /proc/net/protocols for Multipath TCP: name, size, sockets of this namespace. */
const MULTIPATH_IN_USE = /^MPTCP(v6)?\s+\d+\s+[1-9]/m;

/** Rows of Multipath TCP (RFC 8684) marked as such; its list is only asked for where it has sockets. */
function markMultipath(
  rows: readonly LinuxSocketRow[],
  diag: SockDiag,
  procRoot: string,
  ports: PortRange | null,
): readonly LinuxSocketRow[] {
  if (!rows.some(({ transport }) => transport === 'tcp')) return rows;
  if (!MULTIPATH_IN_USE.test(readText(`${procRoot}/net/protocols`, PROTOCOLS_LIMIT)?.text ?? '')) return rows;
  const inodes = new Set<number>();
  for (const family of FAMILIES) {
    diag.dump({ family, transport: 'tcp', states: ALL_STATES, ports, multipath: true }, ({ inode }) => {
      if (inode !== 0) inodes.add(inode);
    });
  }
  return rows.map((row) => (inodes.has(row.inode) ? { ...row, mptcp: true } : row));
}

/** Adds the rows of a dump, all of them or none; false where it failed. */
function dumpInto(
  rows: LinuxSocketRow[],
  diag: SockDiag,
  family: DumpRequest['family'],
  transport: DiagTransport,
  ports: PortRange | null,
  states: number = ALL_STATES,
): boolean {
  const before = rows.length;
  const failure = diag.dump({ family, transport, states, ports }, (row) => {
    // The kernel does not filter its list of bound sockets by port.
    if (ports === null || inRange(row.local.port, ports)) rows.push(row);
  });
  if (failure !== null) rows.length = before;
  return failure === null;
}

/**
 * Rows of another namespace, to whose sock_diag `diag` leads; null where it failed for any of the tables. Where a single
 * port was asked for, of TCP `listeners` alone: every dump walks the tables of all namespaces, and what passes there
 * concerns nobody here.
 */
export function dumpElsewhere(
  diag: SockDiag,
  ports: PortRange | null,
  transports: readonly Transport[],
  listeners: boolean,
): readonly LinuxSocketRow[] | null {
  const rows: LinuxSocketRow[] = [];
  const states = listeners ? LISTENING : ALL_STATES;
  for (const transport of SCANNED) {
    if (!transports.includes(transport)) continue;
    if (transport === 'udp') {
      for (const family of FAMILIES) if (!dumpInto(rows, diag, family, transport, ports)) return null;
    } else if (!dumpInto(rows, diag, 'both', transport, ports, states)) return null;
  }
  return rows;
}

/** All rows of the tables in a folder such as /proc/PID/net; null where one could not be read. */
export function readFiles(
  folder: string,
  ports: PortRange | null,
  transports: readonly Transport[],
): readonly LinuxSocketRow[] | null {
  const rows: LinuxSocketRow[] = [];
  for (const transport of SCANNED) {
    if (!transports.includes(transport)) continue;
    for (const family of FAMILIES) {
      if (family === 'ipv6' && !existsSync(`${folder}/${transport}6`)) continue;
      if (readFile(folder, transport, family, ports, rows, endianness()) !== null) return null;
    }
  }
  return rows;
}

/** True where this kernel lists bound, inactive sockets when asked; unknown releases count as old. */
export function listsBound(release: string | null): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release ?? '');
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > BOUND_SINCE[0] || (major === BOUND_SINCE[0] && minor >= BOUND_SINCE[1]);
}

function hasNoIpv6(procRoot: string, transport: 'tcp' | 'udp'): boolean {
  return existsSync(`${procRoot}/net/${transport}`) && !existsSync(`${procRoot}/net/${transport}6`);
}

function readFile(
  folder: string,
  transport: 'tcp' | 'udp',
  family: 'ipv4' | 'ipv6',
  ports: PortRange | null,
  rows: LinuxSocketRow[],
  byteOrder: 'LE' | 'BE',
): Gap | null {
  const name = family === 'ipv4' ? transport : `${transport}6`;
  let text: string;
  try {
    text = readTable(`${folder}/${name}`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    return unreadable(transport, code, `${folder}/${name}`);
  }
  const table = parseProcNet(text, transport, byteOrder);
  for (const row of table.rows) if (ports === null || inRange(row.local.port, ports)) rows.push(row);
  if (table.unreadable.length === 0) return null;
  return unreadable(transport, 'EBADMSG', `${folder}/${name}`);
}

function unreadable(transport: Transport, reason: string, file = `/proc/net/${transport}`): Gap {
  const flag = { tcp: 't', udp: 'u', sctp: 'S', dccp: 'd' }[transport];
  return {
    code: 'sockets-unreadable',
    values: { transport, reason, file },
    remedy: `sudo ss -${flag}anp`,
    coversUse: true,
    transports: [transport],
  };
}

/** Does the running kernel have this transport at all? /proc/net/protocols lists what is loaded. */
function kernelHas(procRoot: string, transport: 'sctp' | 'dccp'): boolean {
  try {
    return new RegExp(`^${transport}(v6)?\\s`, 'im').test(readTable(`${procRoot}/net/protocols`));
  } catch {
    return true;
  }
}
