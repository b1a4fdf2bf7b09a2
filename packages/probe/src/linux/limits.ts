// Reads the ranges and reservations of this network namespace from /proc/sys/net/ipv4.
import type { Gap, HostLimits } from '@portolan/core';
import { parsePortRangeSysctl, parseReservedPorts } from '../parse/linux-limits.ts';
import { readText } from './read-text.ts';

/** A list of every second port takes 200 kB; the kernel gives a list in one read or cut short. */
const LIST_LIMIT = 1 << 19;

/** The limits, and a gap for those that could not be read. */
export function readLimits(procRoot: string): { limits: HostLimits; gaps: Gap[] } {
  const read = (name: string): string | null => {
    const found = readText(`${procRoot}/sys/net/ipv4/${name}`, LIST_LIMIT);
    return found === null || found.cut ? null : found.text;
  };
  const range = read('ip_local_port_range');
  const reserved = read('ip_local_reserved_ports');
  const start = read('ip_unprivileged_port_start');
  const limits: HostLimits = {
    ephemeral: range === null ? null : parsePortRangeSysctl(range),
    reserved: reserved === null ? null : parseReservedPorts(reserved),
    unprivilegedFrom: start !== null && /^\d+\s*$/.test(start) ? Number(start) : null,
  };
  const missing = [
    ...(limits.ephemeral === null ? ['ip_local_port_range'] : []),
    ...(limits.reserved === null ? ['ip_local_reserved_ports'] : []),
    ...(limits.unprivilegedFrom === null ? ['ip_unprivileged_port_start'] : []),
  ];
  if (missing.length === 0) return { limits, gaps: [] };
  return {
    limits,
    gaps: [
      {
        code: 'limits-unreadable',
        values: { names: missing.join(', ') },
        remedy: `sysctl ${missing.map((name) => `net.ipv4.${name}`).join(' ')}`,
        coversUse: false,
        transports: [],
      },
    ],
  };
}
