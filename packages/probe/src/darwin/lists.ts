// The kernel's lists of all sockets, by sysctl, and how far they can be believed.
import type { HostLimits, PortRange } from '@portolan/core';
import { type PcbList, parsePcbList } from '../parse/darwin-pcblist.ts';
import { viewOf } from '../parse/darwin-row.ts';
import type { DarwinCalls } from './native.ts';
import { filled, ownBuffer } from './processes.ts';
import type { Proof } from './proof.ts';

/** Transports that XNU has; it knows neither SCTP nor DCCP. */
export const TRANSPORTS = ['tcp', 'udp'] as const;
export type DarwinTransport = (typeof TRANSPORTS)[number];

/**
 * A list and what it is worth: `complete`; `own`: without root, and nothing shows that it has other users' sockets; `cut`: it
 * breaks off; `unread`: there is none to be had; `silent`: it lacks a socket of our own.
 */
export interface JudgedList {
  readonly list: PcbList;
  readonly worth: 'complete' | 'own' | 'cut' | 'unread' | 'silent';
}

const NONE: PcbList = { rows: [], unbound: [], counted: null, whole: false };

/** Name of the sysctl. */
export function listName(transport: DarwinTransport): string {
  return `net.inet.${transport}.pcblist_n`;
}

/** Reads both lists: what one shows of other users says something of the other. */
export function readLists(
  calls: DarwinCalls,
  proof: Proof,
  euid: number,
): Readonly<Record<DarwinTransport, JudgedList>> {
  const tcp = readList(calls, 'tcp');
  const udp = readList(calls, 'udp');
  // macOS 27 gives root all sockets and everybody else their own alone. One of another user's shows that it does not here.
  const others = [tcp, udp].some((list) => [...list.rows, ...list.unbound].some(({ uid }) => uid !== euid));
  const judge = (transport: DarwinTransport, list: PcbList): JudgedList => {
    if (!list.whole) return { list, worth: list.counted === null ? 'unread' : 'cut' };
    if (!proof.holds(transport, list)) return { list, worth: 'silent' };
    return { list, worth: euid === 0 || others ? 'complete' : 'own' };
  };
  return { tcp: judge('tcp', tcp), udp: judge('udp', udp) };
}

/** One list, read anew where it outgrew the room that the kernel said it needs. */
export function readList(calls: DarwinCalls, transport: DarwinTransport): PcbList {
  const name = listName(transport);
  const needed = calls.sysctl(name, null);
  if (needed < 0) return NONE;
  const bytes = filled(needed + 4096, (out) => calls.sysctl(name, out));
  return bytes === null ? NONE : parsePcbList(bytes, transport);
}

/** The settings of automatic choice (bsd/netinet/in_pcb.c). */
export const RANGE_NAMES: readonly [string, string] = [
  'net.inet.ip.portrange.first',
  'net.inet.ip.portrange.last',
];

/** The range from two settings, which may stand in either order; null where either is no port. */
export function rangeOf(first: number | null, last: number | null): PortRange | null {
  if (first === null || last === null) return null;
  const valid = [first, last].every((port) => Number.isInteger(port) && port > 0 && port <= 65_535);
  return valid ? [Math.min(first, last), Math.max(first, last)] : null;
}

/** Limits of macOS: nothing can be reserved, and which ports need root depends on the address, not on the number alone. */
export function limitsOf(ephemeral: PortRange | null): HostLimits {
  return { ephemeral, reserved: [], unprivilegedFrom: null };
}

/** The range that this kernel chooses from. */
export function readRange(calls: DarwinCalls): PortRange | null {
  const [first, last] = RANGE_NAMES.map((name) => {
    const out = ownBuffer(4);
    return calls.sysctl(name, out) === 4 ? viewOf(out).getInt32(0, true) : null;
  });
  return rangeOf(first ?? null, last ?? null);
}
