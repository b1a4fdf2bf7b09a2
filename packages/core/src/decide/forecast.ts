// When the kernel's automatic choice will take a port: how full its part of the ephemeral range is, and how fast ports
// of that part are taken. The rules of the choice were measured on Linux 6.18 and are checked by `npm run forecast`.
import { durationMessage } from '../model/duration.ts';
import { type Forecast, type ListenerForecast, RESTART_SECONDS } from '../model/forecast.ts';
import { type Message, say } from '../model/message.ts';
import { inRange, type PortRange, type Transport } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import type {
  CellUse,
  Endpoint,
  EphemeralUse,
  HostLimits,
  Opened,
  Snapshot,
  TcpCells,
} from '../model/socket.ts';
import { unmapped } from './bind-rules.ts';

/** How long a closed connection keeps its port (TCP_TIMEWAIT_LEN, include/net/tcp.h). */
const TIME_WAIT_SECONDS = 60;

/**
 * The parts of the range between which Linux tells TCP ports apart (net/ipv4/inet_hashtables.c,
 * inet_connection_sock.c): connect() takes numbers of the parity of the range's first one, bind() to port 0 the others,
 * and only when there are none left the rest. With SO_REUSEADDR, which nearly all servers set, bind() to port 0 takes
 * the lower half first.
 */
export type Cell = keyof TcpCells;

/** First port of the range's upper half; past the end where the range is too small to be halved. */
export function upperHalf([first, last]: PortRange): number {
  const length = last + 1 - first;
  return length < 4 ? last + 1 : first + ((length >> 2) << 1);
}

/** The cell that a TCP port of the range lies in. */
export function cellOf(port: number, range: PortRange): Cell {
  if (((port ^ range[0]) & 1) === 0) return 'connect';
  return port < upperHalf(range) ? 'bindLower' : 'bindUpper';
}

/** A socket as far as it counts. */
export interface CountedSocket {
  readonly local: { readonly address: string; readonly port: number };
  readonly state: string;
}

/**
 * Ports in use by cell, less the reserved ones. `address` is where the service listens: sockets of other addresses do
 * not keep the port from it; null stands for all addresses of both families.
 */
export function countTcp(
  sockets: Iterable<CountedSocket>,
  range: PortRange,
  reserved: readonly PortRange[],
  address: string | null,
): TcpCells {
  const used = { connect: 0, bindLower: 0, bindUpper: 0 };
  const waiting = { ...used };
  for (const [port, closing] of portsInUse(sockets, range, reserved, address)) {
    const cell = cellOf(port, range);
    used[cell]++;
    if (closing) waiting[cell]++;
  }
  const [first, last] = range;
  const half = upperHalf(range);
  const use = (cell: Cell, from: number, to: number, like: number): CellUse => ({
    total: everySecond(from, to, like, reserved),
    used: used[cell],
    waiting: waiting[cell],
  });
  return {
    connect: use('connect', first, last, first),
    bindLower: use('bindLower', first, half - 1, first + 1),
    bindUpper: use('bindUpper', half, last, first + 1),
  };
}

/** How many of `from` to `to` have the parity of `like`, less the reserved ones; reserved runs do not overlap. */
function everySecond(from: number, to: number, like: number, reserved: readonly PortRange[]): number {
  const count = (a: number, b: number): number => {
    const start = ((a ^ like) & 1) === 0 ? a : a + 1;
    return start > b ? 0 : ((b - start) >> 1) + 1;
  };
  return reserved.reduce((left, [a, b]) => left - count(Math.max(a, from), Math.min(b, to)), count(from, to));
}

/** The same for UDP, whose ports are drawn from the whole range at random (net/ipv4/udp.c, udp_lib_get_port). */
export function countUdp(
  sockets: Iterable<CountedSocket>,
  range: PortRange,
  reserved: readonly PortRange[],
  address: string | null,
): CellUse {
  const total = [range[0], range[0] + 1].reduce(
    (sum, like) => sum + everySecond(range[0], range[1], like, reserved),
    0,
  );
  return { total, used: portsInUse(sockets, range, reserved, address).size, waiting: 0 };
}

/** Distinct ports, each with whether nothing but TIME_WAIT is on it. */
function portsInUse(
  sockets: Iterable<CountedSocket>,
  range: PortRange,
  reserved: readonly PortRange[],
  address: string | null,
): Map<number, boolean> {
  const ports = new Map<number, boolean>();
  for (const { local, state } of sockets) {
    if (!inRange(local.port, range) || !overlaps(local.address, address)) continue;
    const closing = state === 'TIME_WAIT';
    ports.set(local.port, closing && (ports.get(local.port) ?? true));
  }
  for (const port of ports.keys()) if (reserved.some((part) => inRange(port, part))) ports.delete(port);
  return ports;
}

const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Does a socket on `bound` keep its port from a service on `asked`? Families apart, the same address or one of all. */
function overlaps(bound: string, asked: string | null): boolean {
  const own = unmapped(bound);
  const wanted = asked === null ? null : unmapped(asked);
  if (wanted === null || own === wanted || wanted === '::' || own === '::') return true;
  if (own.includes(':') !== wanted.includes(':')) return false;
  return ANY.has(own) || ANY.has(wanted);
}

/** The forecast for a port of the range that is not reserved; null where its transport was not counted. */
export function forecastOf(
  port: number,
  transport: Transport,
  range: PortRange,
  use: EphemeralUse,
): Forecast | null {
  if (transport === 'udp') return use.udp === null ? null : udpForecast(use.udp);
  if (transport !== 'tcp' || use.tcp === null) return null;
  const cell = cellOf(port, range);
  const own = use.tcp[cell];
  if (own.total === 0) return null;
  const waiting = own.waiting / TIME_WAIT_SECONDS;
  const opened = cell === 'connect' && use.opened !== null ? use.opened.count / use.opened.seconds : 0;
  const rate = Math.max(waiting, opened);
  const half = upperHalf(range);
  const first = firstTaken(own, rate);
  return {
    chance: own.used / own.total,
    rate: rate === 0 ? null : rate,
    firstTakenSeconds: first,
    restartChance: first === null ? null : takenWithin(RESTART_SECONDS, first),
    basis: say('forecast.basis.tcp', {
      used: own.used,
      total: own.total,
      parity: say((port & 1) === 1 ? 'parity.odd' : 'parity.even'),
      from: cell === 'bindUpper' ? half : range[0],
      to: cell === 'bindLower' ? half - 1 : range[1],
      rate: rateMessage(own, rate, waiting, use.opened),
    }),
  };
}

function udpForecast(cell: CellUse): Forecast | null {
  if (cell.total === 0) return null;
  const chance = cell.used / cell.total;
  const basis = say('forecast.basis.udp', { used: cell.used, total: cell.total });
  // UDP has no TIME_WAIT, and the kernel counts no sockets that have been opened.
  const full = cell.used === cell.total;
  return { chance, rate: null, firstTakenSeconds: full ? 0 : null, restartChance: full ? 1 : null, basis };
}

/** Whoever takes a port takes a free one, and each of these is as likely as another. */
function firstTaken({ total, used }: CellUse, rate: number): number | null {
  if (used === total) return 0;
  return rate === 0 ? null : (total - used) / rate;
}

function rateMessage(cell: CellUse, rate: number, waiting: number, opened: Opened | null): Message {
  if (rate === 0) return say('forecast.rate.none');
  if (rate === waiting) return say('forecast.rate.waiting', { count: cell.waiting });
  const { count, seconds } = opened ?? { count: 0, seconds: 0 };
  return say('forecast.rate.opened', { count, time: durationMessage(seconds) });
}

/** Tells which holders there may be a forecast for: listeners whose ports the kernel hands out. */
export function isForetold({ ephemeral, reserved }: HostLimits): (holder: Holder) => boolean {
  if (ephemeral === null || reserved === null) return () => false;
  return ({ kind, transport, local, namespace }) =>
    inRange(local.port, ephemeral) &&
    kind === 'listener' &&
    transport === 'tcp' &&
    namespace === null &&
    !reserved.some((part) => inRange(local.port, part));
}

/**
 * Forecasts for the listeners among these holders whose ports lie in the ephemeral range, the likeliest to be taken
 * first. A UDP socket there is most often a client's and has none. The snapshot must have all sockets, or a count.
 */
export function listenerForecasts(snapshot: Snapshot, holders: Iterable<Holder>): ListenerForecast[] {
  const { ephemeral, reserved } = snapshot.limits;
  if (ephemeral === null || reserved === null) return [];
  const endpoints = new Map<string, Endpoint>();
  const foretold = isForetold(snapshot.limits);
  for (const holder of holders) {
    const { local } = holder;
    if (foretold(holder)) endpoints.set(`${local.address} ${local.port}`, local);
  }
  let near: readonly CountedSocket[] | null = null;
  const counted = new Map<string, EphemeralUse>();
  const useFor = (address: string): EphemeralUse => {
    const known = snapshot.ephemeralUse ?? counted.get(address);
    if (known !== undefined) return known;
    near ??= snapshot.sockets.filter(
      ({ local, transport, namespace }) =>
        inRange(local.port, ephemeral) && transport === 'tcp' && namespace === null,
    );
    const use = { tcp: countTcp(near, ephemeral, reserved, address), udp: null, opened: null };
    counted.set(address, use);
    return use;
  };
  return [...endpoints.values()]
    .flatMap((local): ListenerForecast[] => {
      const forecast = forecastOf(local.port, 'tcp', ephemeral, useFor(local.address));
      return forecast === null ? [] : [{ transport: 'tcp', local, forecast }];
    })
    .toSorted((a, b) => b.forecast.chance - a.forecast.chance || a.local.port - b.local.port);
}

/** Probability that a port which is free now is taken within so many seconds, `first` being the expected time. */
function takenWithin(seconds: number, first: number): number {
  return 1 - Math.exp(-seconds / first);
}
