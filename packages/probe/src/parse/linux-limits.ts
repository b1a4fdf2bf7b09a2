// Text of /proc/sys/net/ipv4/ip_local_*, /proc/sys/fs/file-nr and /etc/passwd to numbers and names.
import { isPort, type PortRange, parseRanges } from '@portolan/core';

/** `ip_local_port_range`: two integers (Documentation/networking/ip-sysctl.rst). Null where malformed. */
export function parsePortRangeSysctl(text: string): PortRange | null {
  const match = /^\s*(\d+)\s+(\d+)\s*$/.exec(text);
  if (match === null) return null;
  const range: PortRange = [Number(match[1]), Number(match[2])];
  return isPort(range[0]) && isPort(range[1]) && range[0] <= range[1] ? range : null;
}

/** `ip_local_reserved_ports`: comma separated ports and ranges, empty for none. Null where malformed. */
export function parseReservedPorts(text: string): PortRange[] | null {
  return parseRanges(text);
}

/** `file-nr`: files that are open on the whole machine (Documentation/admin-guide/sysctl/fs.rst). Null where malformed. */
export function parseOpenFiles(text: string): number | null {
  const match = /^(\d+)\s+\d+\s+\d+\s*$/.exec(text);
  return match === null ? null : Number(match[1]);
}

/** `net/sockstat`: sockets of a network namespace that programs have (sockstat_seq_show of the kernel); 0 where malformed. */
export function parseSocketsUsed(text: string): number {
  return Number(/^sockets: used (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** User names by uid (man passwd(5)); the first line for a uid wins, as in getpwuid(3). */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    const name = fields[0];
    const uid = Number(fields[2]);
    if (name === undefined || name === '' || fields.length < 4 || !Number.isInteger(uid)) continue;
    if (!names.has(uid)) names.set(uid, name);
  }
  return names;
}
