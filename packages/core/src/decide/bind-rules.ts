// The kernel's rules for who keeps whom from binding (Linux net/ipv4/inet_connection_sock.c inet_csk_bind_conflict,
// inet_rcv_saddr_equal; net/ipv4/udp.c udp_lib_lport_inuse), as far as they can be known from outside.
import type { Holder } from '../model/report.ts';
import type { BindWish } from '../model/why.ts';

/** Does a holder keep a bind from succeeding? `possible`: its own socket options decide, and the kernel hides them. */
export type Conflict = 'none' | 'possible' | 'certain';

/** The IPv4 address inside `::ffff:a.b.c.d` (RFC 4291 s2.5.5.2), else null. */
export function mappedIpv4(address: string): string | null {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? null;
}

/** The address as IPv4 writes it where it is one; an IPv6 socket that carries IPv4, as all of Java's, maps it. */
export function unmapped(address: string): string {
  // Most addresses are told apart by their first characters, and hosts have tens of thousands of them.
  return address.startsWith('::f') ? (mappedIpv4(address) ?? address) : address;
}

/** Addresses a socket takes, by family: null for none, `*` for all. */
interface Reach {
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  /** False where it is not known whether an IPv6 wildcard takes IPv4 as well. */
  readonly sure: boolean;
}

function reachOf(address: string, v6only: boolean | null): Reach {
  const mapped = mappedIpv4(address);
  if (mapped !== null) return { ipv4: mapped === '0.0.0.0' ? '*' : mapped, ipv6: null, sure: true };
  if (address === '::') return { ipv4: v6only === true ? null : '*', ipv6: '*', sure: v6only !== null };
  if (address.includes(':')) return { ipv4: null, ipv6: address, sure: true };
  return { ipv4: address === '0.0.0.0' ? '*' : address, ipv6: null, sure: true };
}

function meet(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && (a === '*' || b === '*' || a === b);
}

/** Which family both want; `sure` is false where that hangs on an IPV6_V6ONLY that was not told. */
export function overlap(wish: BindWish, holder: Holder): { ipv4: boolean; ipv6: boolean; sure: boolean } {
  const wanted = reachOf(wish.address, wish.v6only);
  const held = reachOf(holder.local.address, holder.ipv6Only);
  const ipv4 = meet(wanted.ipv4, held.ipv4);
  const ipv6 = meet(wanted.ipv6, held.ipv6);
  return { ipv4, ipv6, sure: ipv6 || held.sure };
}

/** States of a request that has no socket of its own yet: the listener holds the port for it. */
const REQUESTS: ReadonlySet<string> = new Set(['NEW_SYN_RECV', 'SYN_RECV']);

/** What `holder` means for `wish` when the binder's effective user is `uid` (null: not known). */
export function conflictOf(wish: BindWish, holder: Holder, uid: number | null): Conflict {
  if (holder.namespace !== null || holder.redirect !== null || holder.kind === 'excluded') return 'none';
  if (holder.transport !== wish.transport || holder.local.port !== wish.port) return 'none';
  if (REQUESTS.has(holder.state) && holder.inode === 0) return 'none';
  const { ipv4, ipv6, sure } = overlap(wish, holder);
  if (!ipv4 && !ipv6) return 'none';
  if (holder.device !== null && wish.scope !== 0 && !sameDevice(wish, holder.device)) return 'none';
  const addr = wish.reuse === 'addr' || wish.reuse === 'both';
  const port = wish.reuse === 'port' || wish.reuse === 'both';
  // With SO_REUSEADDR on both sides only a TCP listener stands in the way, and among UDP sockets nobody.
  if (addr && (holder.transport === 'udp' || holder.state !== 'LISTEN')) return 'possible';
  // With SO_REUSEPORT on both sides the user must be the same; TIME_WAIT has none and passes.
  if (port && (holder.uid === null || uid === null || holder.uid === uid)) return 'possible';
  return sure ? 'certain' : 'possible';
}

function sameDevice({ zone, scope }: BindWish, device: string): boolean {
  return device === zone || device === String(scope);
}

/** What tells one hold from another between two looks: sockets by inode, connections by their two ends. */
export function holderKey({ kind, transport, local, peer, inode }: Holder): string {
  const ends = `${transport} ${local.address} ${local.port} ${peer?.address ?? ''} ${peer?.port ?? ''}`;
  return kind === 'connection' || kind === 'closing' ? ends : `${ends} ${inode}`;
}
