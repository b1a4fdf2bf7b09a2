// Addresses and ports as tools print them: brackets, zones, wildcards, service names, `127.0.0.1.80`.
import type { Endpoint, Transport } from '@portolan/core';
import type { Out } from './row.ts';

/** An endpoint as it was printed. */
export interface Printed {
  /** `*` for any. */
  readonly host: string;
  /** null for `*`. */
  readonly port: number | null;
  readonly device: string | null;
}

/** Why an endpoint cannot be read. */
type NoPort = 'port' | 'port-name';

/**
 * Names of /etc/services (Debian's netbase 6.4) that the registry gives to several ports, spells otherwise or lacks, and
 * those that are met every day: `name port`, for any transport.
 */
const NAMES: ReadonlyMap<string, number> = new Map(
  'ftp 21 ssh 22 telnet 23 smtp 25 domain 53 bootps 67 bootpc 68 tftp 69 http 80 kerberos 88 pop3 110 sunrpc 111 ntp 123 epmap 135 netbios-ns 137 netbios-dgm 138 netbios-ssn 139 imap2 143 imap 143 snmp 161 snmp-trap 162 bgp 179 ldap 389 https 443 microsoft-ds 445 submissions 465 isakmp 500 syslog 514 printer 515 dhcpv6-client 546 dhcpv6-server 547 submission 587 ipp 631 ldaps 636 rsync 873 imaps 993 pop3s 995 socks 1080 openvpn 1194 ms-sql-s 1433 mqtt 1883 nfs 2049 mysql 3306 ms-wbt-server 3389 ipsec-nat-t 4500 mdns 5353 postgresql 5432 amqp 5672 x11 6000 redis 6379 http-alt 8080 webcache 8080'
    .split(/ (?=\D)/)
    .map((pair) => pair.split(' '))
    .map(([name = '', port]) => [name, Number(port)]),
);

/** The port digits stand for; null beyond 65535. */
export function portNumber(digits: string): number | null {
  const value = digits.length > 9 ? Number.NaN : Number(digits);
  return value <= 65_535 ? value : null;
}

/**
 * Reads `host:port`, or `host.port` where `separator` says so. Null for what is no endpoint at all.
 */
function readEndpoint(
  text: string,
  separator: ':' | '.',
  transport: Transport,
  out: Out,
): Printed | NoPort | null {
  const at = text.lastIndexOf(separator);
  if (at < 1) return null;
  const place = /^\[?([^[\]%]+)\]?(?:%([^[\]%\s]{1,64}))?\]?$/.exec(text.slice(0, at));
  const host = place?.[1];
  if (host === undefined) return null;
  const end = text.slice(at + 1);
  if (host !== '*' && !isIp(host) && !/^[\p{L}\p{N}_.:-]{1,255}$/u.test(host)) return null;
  const device = place?.[2] ?? null;
  if (end === '*') return { host: host.toLowerCase(), port: null, device };
  const port = /^\d+$/.test(end) ? portNumber(end) : undefined;
  if (port === null) return 'port';
  if (port !== undefined) return { host: host.toLowerCase(), port, device };
  if (!/^[a-z\d][\w.+/-]{0,60}$/i.test(end) || (separator === '.' && !/[a-z]/i.test(end))) return null;
  const named = NAMES.get(end.toLowerCase()) ?? out.portOf(end, transport);
  return named === null ? 'port-name' : { host: host.toLowerCase(), port: named, device };
}

/** A row while it is read. */
export interface Line {
  readonly text: string;
  readonly number: number;
  readonly separator: ':' | '.';
}

/**
 * Reads the two ends of a row. Null where they are none; `told` where one has a port that is none, which is told. Without a
 * peer its text is `*` and the separator.
 */
export function readEnds(
  [localText, peerText]: readonly [string, string],
  transport: Transport,
  { text, number, separator }: Line,
  out: Out,
): { readonly local: Printed; readonly peer: Printed } | 'told' | null {
  const local = readEndpoint(localText, separator, transport, out);
  const peer = readEndpoint(peerText, separator, transport, out);
  if (local === null || peer === null) return null;
  if (typeof local !== 'string' && typeof peer !== 'string') return { local, peer };
  out.unknown(number, text, typeof local === 'string' ? local : (peer as NoPort));
  return 'told';
}

/** The family an address has; null for `*` and names. */
export function familyOf(host: string): 'ipv4' | 'ipv6' | null {
  return isIpv4(host) ? 'ipv4' : isIpv6(host) ? 'ipv6' : null;
}

/** True for nobody in particular, as listeners have for a peer. */
export function isAny({ host, port }: Printed): boolean {
  return port === null || (port === 0 && (host === '*' || host === '0.0.0.0' || host === '::'));
}

/** The endpoint in the model's words; a name that is no address is kept and counted. */
export function placed(printed: Printed, family: 'ipv4' | 'ipv6', out: Out): Endpoint {
  const { host } = printed;
  const port = printed.port ?? 0;
  if (host === '*') return { address: family === 'ipv6' ? '::' : '0.0.0.0', port };
  // Of IPv6, localhost may be ::1 or the IPv4 one.
  if (host === 'localhost' && family === 'ipv4') return { address: '127.0.0.1', port };
  // An IPv6 socket that serves IPv4: the kernel calls that address ::ffff:a.b.c.d (RFC 4291 s2.5.5.2).
  if (isIpv4(host)) return { address: family === 'ipv6' ? `::ffff:${host}` : host, port };
  if (isIpv6(host)) return { address: host, port };
  out.shown.named++;
  return { address: host === 'localhost' || host === 'ip6-localhost' ? '::1' : host, port };
}

function isIp(host: string): boolean {
  return isIpv4(host) || isIpv6(host);
}

function isIpv4(host: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host);
  return match?.slice(1).every((part) => Number(part) < 256) === true;
}

/** RFC 4291 s2.2: eight groups, one run of them as `::`, the last two perhaps dotted. */
function isIpv6(host: string): boolean {
  if (!host.includes(':') || host.length > 45) return false;
  const sides = host.split('::');
  if (sides.length > 2) return false;
  let groups = 0;
  for (const [index, side] of sides.entries()) {
    const parts = side === '' ? [] : side.split(':');
    for (const [nth, part] of parts.entries()) {
      if (/^[\da-f]{1,4}$/i.test(part)) groups++;
      else if (isIpv4(part) && index === sides.length - 1 && nth === parts.length - 1) groups += 2;
      else return false;
    }
  }
  return sides.length === 2 ? groups < 8 : groups === 8;
}
