// /proc/net/{tcp,tcp6,udp,udp6} text to socket rows (Documentation/networking/proc_net_tcp.rst).
import type { Endpoint } from '@portolan/core';
import { formatIpv4, formatIpv6 } from './address.ts';
import { type LinuxSocketRow, uidIsMeaningless } from './linux-row.ts';
import { linuxSocketState, TIMER_TIME_WAIT } from './linux-tcp-states.ts';

/** USER_HZ is 100 on every Linux architecture Node runs on: one tick of the timer columns is 10 ms. */
const MS_PER_TICK = 10;
/** `  sl: local rem st tx:rx tr:when retrnsmt uid timeout inode …`. */
const LINE =
  /^\s*\d+:\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+([0-9A-F]{2})\s+[0-9A-F]{8}:[0-9A-F]{8}\s+([0-9A-F]{2}):([0-9A-F]{1,8})\s+[0-9A-F]{8}\s+(\d+)\s+\d+\s+(\d+)/i;

/** Rows of one file, and the lines that could not be read (never dropped silently). */
export interface ProcNetTable {
  readonly rows: readonly LinuxSocketRow[];
  readonly unreadable: readonly string[];
}

/**
 * Parses one table. Addresses are printed as native-endian 32-bit words, so the byte order of the machine
 * that wrote the file matters.
 */
export function parseProcNet(
  text: string,
  transport: 'tcp' | 'udp',
  byteOrder: 'LE' | 'BE' = 'LE',
): ProcNetTable {
  const rows: LinuxSocketRow[] = [];
  const unreadable: string[] = [];
  const lines = text.split('\n');
  let headed = false;
  for (const line of lines) {
    if (line.trim() === '') continue;
    if (/^\s*sl\s/.test(line)) {
      headed = true;
      continue;
    }
    const match = LINE.exec(line);
    if (match === null) {
      unreadable.push(line);
      continue;
    }
    const [
      ,
      localHex = '',
      localPort = '',
      peerHex = '',
      peerPort = '',
      st = '',
      timer = '',
      when = '',
      uid = '',
      ino = '',
    ] = match;
    const family = localHex.length === 8 ? 'ipv4' : 'ipv6';
    const inode = Number(ino);
    const remote = Number.parseInt(peerPort, 16);
    const state = linuxSocketState(transport, Number.parseInt(st, 16), remote !== 0);
    const endpoint = (hex: string, port: number): Endpoint => ({ address: hexAddress(hex, byteOrder), port });
    rows.push({
      transport,
      family,
      local: endpoint(localHex, Number.parseInt(localPort, 16)),
      peer: remote === 0 ? null : endpoint(peerHex, remote),
      state,
      inode,
      uid: uidIsMeaningless(state, inode) ? null : Number(uid),
      freeInMs:
        state === 'TIME_WAIT' && Number.parseInt(timer, 16) === TIMER_TIME_WAIT
          ? Number.parseInt(when, 16) * MS_PER_TICK
          : null,
      ipv6Only: null,
      cgroupId: null,
      device: null,
      mptcp: false,
    });
  }
  // The kernel always writes the header: text without it is a damaged copy, and rows may be missing from it.
  if (!headed) unreadable.push('(no header line)');
  return { rows, unreadable };
}

function hexAddress(hex: string, byteOrder: 'LE' | 'BE'): string {
  const bytes = Buffer.from(hex, 'hex');
  if (byteOrder === 'LE') bytes.swap32();
  return bytes.length === 4 ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0);
}
