// How full the ephemeral range is: in all, for each destination, by kind and by process, and when it runs out.
import type {
  Destination,
  EphemeralInput,
  EphemeralRate,
  EphemeralReport,
  EphemeralRow,
  EphemeralSample,
  EphemeralUser,
  KindCount,
  TransportUse,
  UdpCount,
} from '../model/ephemeral.ts';
import type { PortRange } from '../model/port.ts';
import type { Gap, Snapshot, Socket } from '../model/socket.ts';
import { unmapped } from './bind-rules.ts';
import { portCount, withoutRanges } from './port-set.ts';
import { holderKind } from './use.ts';

/** Destinations and processes that are told one by one. */
const TOLD = 10;

/** Linux keeps TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN, include/net/tcp.h). */
export const TIME_WAIT_SECONDS = 60;

/** Programs that ask other name servers. Names of executables in Debian. */
const RESOLVERS: ReadonlySet<string> = new Set([
  'unbound',
  'dnsmasq',
  'named',
  'systemd-resolved',
  'systemd-resolve',
  'pdns_recursor',
  'kresd',
  'knot-resolver',
]);
/** DNS, and DNS over TLS and QUIC (RFC 1035 s4.2, RFC 7858 s3.1, RFC 9250 s4.1). */
const DNS_PORTS: ReadonlySet<number> = new Set([53, 853]);

/** Adds everything up. */
export function ephemeralOf(input: EphemeralInput): EphemeralReport {
  const { limits, settings, snapshot, first, second } = input;
  const range = limits.ephemeral;
  const reserved = limits.reserved ?? [];
  const choosable = range === null ? [] : withoutRanges([range], reserved);
  const available = range === null ? null : portCount(choosable);
  const mine = snapshot.sockets.filter((socket) => socket.namespace === null);
  const within = memberOf(choosable);
  const used = mine.filter(({ local }) => within(local.port));
  const tcp = used.filter(({ transport }) => transport === 'tcp');
  const udp = used.filter(({ transport }) => transport === 'udp');
  const serving = listeningPorts(tcp);
  const rate = first === null || second === null ? null : rateOf(first, second);
  const all = destinationsOf(tcp, serving, available ?? 0, settings.twReuse, first, second);
  const counted = second?.rows.filter(({ noPort }) => noPort !== null) ?? [];
  return {
    platform: input.platform,
    namespace: settings.namespace,
    range,
    reserved: limits.reserved,
    unprivilegedFrom: limits.unprivilegedFrom,
    available,
    twReuse: settings.twReuse,
    tcp: { ...portsOf(tcp), ...kindsOf(tcp, serving) },
    udp: { ...portsOf(udp), ...udpKinds(udp, mine) },
    destinations: all.slice(0, TOLD),
    destinationCount: all.length,
    users: usersOf(used).slice(0, TOLD),
    rate,
    noPort: counted.length === 0 ? null : counted.filter(({ noPort }) => noPort === true).length,
    gaps: gapsOf(snapshot, second),
  };
}

/** What is told besides: the kernel lists no range of a single socket. */
function gapsOf({ gaps, platform }: Snapshot, second: EphemeralSample | null): Gap[] {
  if (platform !== 'linux') return [...gaps];
  const option: Gap = {
    code: 'port-range-option',
    values: {},
    remedy: null,
    coversUse: false,
    transports: [],
  };
  return second === null ? [...gaps] : [...gaps, option];
}

function memberOf(ranges: readonly PortRange[]): (port: number) => boolean {
  const bits = new Uint8Array(65_536);
  for (const [first, last] of ranges) bits.fill(1, first, last + 1);
  return (port) => bits[port] === 1;
}

/** Ports on which somebody listens: connections on them were accepted. */
function listeningPorts(sockets: readonly Socket[]): ReadonlySet<number> {
  return new Set(sockets.filter(({ state }) => state === 'LISTEN').map(({ local }) => local.port));
}

function portsOf(sockets: readonly Socket[]): TransportUse {
  const ports = new Set(sockets.map(({ local }) => local.port));
  let odd = 0;
  for (const port of ports) odd += port & 1;
  return { ports: ports.size, parity: { even: ports.size - odd, odd } };
}

function kindsOf(sockets: readonly Socket[], serving: ReadonlySet<number>): KindCount {
  const sets = {
    connected: new Set(),
    accepted: new Set(),
    timeWait: new Set(),
    closing: new Set(),
    bound: new Set(),
  };
  for (const socket of sockets) {
    const { port } = socket.local;
    const kind = holderKind(socket);
    if (socket.state === 'TIME_WAIT') sets.timeWait.add(port);
    else if (kind === 'closing') sets.closing.add(port);
    else if (kind === 'connection') (serving.has(port) ? sets.accepted : sets.connected).add(port);
    else sets.bound.add(port);
  }
  return {
    connected: sets.connected.size,
    accepted: sets.accepted.size,
    timeWait: sets.timeWait.size,
    closing: sets.closing.size,
    bound: sets.bound.size,
  };
}

function udpKinds(udp: readonly Socket[], all: readonly Socket[]): UdpCount {
  const resolvers = resolverPids(all);
  let query = 0;
  let connected = 0;
  for (const socket of udp) {
    if (isQuerySocket(socket, resolvers)) query++;
    else if (socket.peer !== null) connected++;
  }
  return { open: udp.length - query - connected, connected, query };
}

/** Processes that serve DNS or are known to ask it. */
export function resolverPids(sockets: readonly Socket[]): ReadonlySet<number> {
  const pids = new Set<number>();
  for (const { local, state, peer, owners } of sockets) {
    const serves = DNS_PORTS.has(local.port) && peer === null && (state === 'LISTEN' || state === 'UNCONN');
    for (const { pid, name } of owners) if (serves || RESOLVERS.has(name)) pids.add(pid);
  }
  return pids;
}

/**
 * A UDP socket that waits for the answer to a query: it talks to a DNS port, or a resolver has it on another port than
 * its services. It takes a port for as long as the answer takes (RFC 5452 s9.2).
 */
export function isQuerySocket(
  { transport, local, peer, owners }: Socket,
  resolvers: ReadonlySet<number>,
): boolean {
  if (transport !== 'udp' || DNS_PORTS.has(local.port)) return false;
  if (peer !== null && DNS_PORTS.has(peer.port)) return true;
  return owners.some(({ pid }) => resolvers.has(pid));
}

function usersOf(sockets: readonly Socket[]): EphemeralUser[] {
  const found = new Map<string, { user: Omit<EphemeralUser, 'ports'>; ports: Set<string> }>();
  for (const socket of sockets) {
    const [owner] = socket.owners;
    const user: Omit<EphemeralUser, 'ports'> =
      owner !== undefined
        ? { pid: owner.pid, name: owner.name, user: owner.user, kind: 'process' }
        : {
            pid: null,
            name: null,
            user: socket.user,
            kind: socket.inode === 0 ? 'closing' : 'unknown',
          };
    const key = `${user.kind} ${user.pid ?? user.user ?? ''}`;
    const entry = found.get(key) ?? { user, ports: new Set() };
    entry.ports.add(`${socket.transport} ${socket.local.port}`);
    found.set(key, entry);
  }
  return [...found.values()]
    .map(({ user, ports }) => ({ ...user, ports: ports.size }))
    .toSorted((a, b) => b.ports - a.ports || (a.pid ?? 0) - (b.pid ?? 0));
}

function rateOf(first: EphemeralSample, second: EphemeralSample): EphemeralRate {
  const seconds = Math.max(0.001, (second.at - first.at) / 1000);
  const before = new Set(first.rows.map(keyOf));
  const seen = second.rows.filter(
    (row) => row.state !== 'LISTEN' && row.state !== 'BOUND' && !before.has(keyOf(row)),
  ).length;
  const opened =
    first.activeOpens === null || second.activeOpens === null
      ? null
      : Math.max(0, second.activeOpens - first.activeOpens);
  // Connections that came and went between the looks are in the counter alone.
  return { seconds, opened, seen, perSecond: Math.max(opened ?? 0, seen) / seconds };
}

function keyOf({ transport, local, peer }: EphemeralRow): string {
  return `${transport} ${local.address} ${local.port} ${peer?.address ?? ''} ${peer?.port ?? ''}`;
}

/** One destination while it is counted. */
interface Counting {
  readonly local: string;
  readonly peer: { readonly address: string; readonly port: number };
  readonly sockets: Socket[];
}

function destinationsOf(
  tcp: readonly Socket[],
  serving: ReadonlySet<number>,
  available: number,
  twReuse: number | null,
  first: EphemeralSample | null,
  second: EphemeralSample | null,
): Destination[] {
  const found = new Map<string, Counting>();
  for (const socket of tcp) {
    const { local, peer } = socket;
    if (peer === null || socket.state === 'LISTEN' || serving.has(local.port)) continue;
    const key = tupleKey(socket);
    const counting = found.get(key) ?? {
      local: unmapped(local.address),
      peer: { ...peer, address: unmapped(peer.address) },
      sockets: [],
    };
    counting.sockets.push(socket);
    found.set(key, counting);
  }
  const rates = first === null || second === null ? null : ratesBy(first, second);
  return [...found]
    .map(([key, counting]) =>
      destinationOf(counting, available, twReuse, rates?.get(key) ?? null, rates !== null),
    )
    .toSorted((a, b) => b.blocking - a.blocking || b.ports - a.ports || a.peer.port - b.peer.port);
}

/** IPv4 through an IPv6 socket has the same four-tuples as through any other. */
function tupleKey({ local, peer }: Pick<Socket, 'local' | 'peer'>): string {
  return `${unmapped(local.address)} ${unmapped(peer?.address ?? '')} ${peer?.port ?? ''}`;
}

interface DestinationRate {
  readonly opensPerSecond: number;
  readonly growthPerSecond: number;
}

/** By destination: sockets that came, and by how many there are more that some process has. */
function ratesBy(first: EphemeralSample, second: EphemeralSample): Map<string, DestinationRate> {
  const seconds = Math.max(0.001, (second.at - first.at) / 1000);
  const before = new Set(first.rows.map(keyOf));
  const counts = new Map<string, { came: number; growth: number }>();
  const count = (row: EphemeralRow, came: number, growth: number): void => {
    const key = tupleKey(row);
    const entry = counts.get(key) ?? { came: 0, growth: 0 };
    entry.came += came;
    entry.growth += growth;
    counts.set(key, entry);
  };
  const isLive = ({ state }: EphemeralRow): boolean => state !== 'TIME_WAIT';
  for (const row of second.rows) {
    if (row.transport === 'tcp' && row.peer !== null)
      count(row, before.has(keyOf(row)) ? 0 : 1, isLive(row) ? 1 : 0);
  }
  for (const row of first.rows) {
    if (row.transport === 'tcp' && row.peer !== null && isLive(row)) count(row, 0, -1);
  }
  return new Map(
    [...counts].map(([key, { came, growth }]) => [
      key,
      // A few that came by chance are no trend: as a Poisson count, they vary by their root.
      {
        opensPerSecond: came / seconds,
        growthPerSecond: growth > 2 * Math.sqrt(came) ? growth / seconds : 0,
      },
    ]),
  );
}

function destinationOf(
  { local, peer, sockets }: Counting,
  available: number,
  twReuse: number | null,
  rate: DestinationRate | null,
  rated: boolean,
): Destination {
  const waiting = sockets.filter(({ state }) => state === 'TIME_WAIT');
  const ports = new Set(sockets.map((socket) => socket.local.port)).size;
  // Where it may be taken over after a second, TIME_WAIT keeps nobody from connecting (tcp_twsk_unique).
  const reusable = twReuse === 1 || (twReuse === 2 && isLoopback(local) && isLoopback(peer.address));
  const blocking = reusable ? ports - waiting.length : ports;
  const { seconds, settlesAt } = exhaustion({
    inUse: blocking,
    capacity: available,
    opensPerSecond: rate?.opensPerSecond ?? 0,
    growthPerSecond: rate?.growthPerSecond ?? 0,
    holdSeconds: reusable ? 1 : TIME_WAIT_SECONDS,
    expiries: reusable ? [] : waiting.map(({ freeInMs }) => (freeInMs ?? 0) / 1000),
  });
  return {
    local,
    peer,
    ports,
    timeWait: waiting.length,
    blocking,
    fill: available === 0 ? 1 : blocking / available,
    perSecond: rated ? (rate?.opensPerSecond ?? 0) : null,
    exhaustedIn: rated ? seconds : null,
    settlesAt: rated ? settlesAt : null,
    users: usersOf(sockets).slice(0, 3),
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

/** What the time until exhaustion depends on. */
export interface ExhaustionInput {
  readonly inUse: number;
  readonly capacity: number;
  /** Connections begun a second. */
  readonly opensPerSecond: number;
  /** By how many the connections that a process has grow a second. */
  readonly growthPerSecond: number;
  /** How long a port stays taken after its connection has ended. */
  readonly holdSeconds: number;
  /** Seconds until the ports in TIME_WAIT come free. */
  readonly expiries: readonly number[];
}

/**
 * When the last port is taken if it goes on like this. For the first `holdSeconds` none of the new ones comes back while
 * those that wait now do; after that it is growth alone that counts, for as many come back as are taken.
 */
export function exhaustion(input: ExhaustionInput): { seconds: number | null; settlesAt: number } {
  const { inUse, capacity, opensPerSecond, growthPerSecond, holdSeconds } = input;
  if (inUse >= capacity) return { seconds: 0, settlesAt: inUse };
  const expiries = input.expiries.toSorted((a, b) => a - b);
  const at = (seconds: number, gone: number): number => inUse + opensPerSecond * seconds - gone;
  let gone = 0;
  let since = 0;
  for (const next of [...expiries.filter((expiry) => expiry < holdSeconds), holdSeconds]) {
    if (at(next, gone) >= capacity && opensPerSecond > 0) {
      const seconds = (capacity - inUse + gone) / opensPerSecond;
      return { seconds: Math.max(since, seconds), settlesAt: capacity };
    }
    since = next;
    if (next < holdSeconds) gone++;
  }
  const settled = Math.max(0, at(holdSeconds, gone));
  if (growthPerSecond <= 0) return { seconds: null, settlesAt: Math.round(settled) };
  return {
    seconds: holdSeconds + (capacity - settled) / growthPerSecond,
    settlesAt: capacity,
  };
}

/** The destination that runs out first; null where none does. */
export function soonest(destinations: readonly Destination[]): Destination | null {
  return destinations.reduce<Destination | null>((best, one) => {
    if (one.exhaustedIn === null) return best;
    return best?.exhaustedIn == null || one.exhaustedIn < best.exhaustedIn ? one : best;
  }, null);
}
