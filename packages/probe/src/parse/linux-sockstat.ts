// /proc/net/sockstat and sockstat6: counters that say whether it is worth reading the socket tables again.

/** The counters of each transport, as text to be compared with itself. */
export interface SocketCounters {
  /** TCP sockets that listen or are connected, that nobody has, that wait to be let go, and that exist at all. */
  readonly tcp: string;
  readonly udp: string;
}

/** Reads both files' text; lines that are not there count for nothing. */
export function parseSockstat(ipv4: string, ipv6: string): SocketCounters {
  const line = (text: string, name: string): string =>
    new RegExp(`^${name}: (.*?)(?: mem \\d+)?$`, 'm').exec(text)?.[1] ?? '';
  return {
    tcp: `${line(ipv4, 'TCP')} ${line(ipv6, 'TCP6')}`,
    udp: `${line(ipv4, 'UDP')} ${line(ipv6, 'UDP6')}`,
  };
}
