// Judges the source ports of a DNS resolver: pool, order, ports left out (RFC 5452 s9.2), and points it at the test zone.
import { inRange, type PortRange } from '../model/port.ts';
import type {
  ResolverGrade,
  ResolverInput,
  ResolverReport,
  ResolverSetup,
  TestZone,
} from '../model/resolver.ts';
import { entropy } from './allocator.ts';
import { joinRanges } from './port-set.ts';

/** Fewer queries show nothing. */
const LEAST_QUERIES = 20;
/** Bits from which on ports count as random, and below which they are few. */
const RANDOM_BITS = 14;
const FEW_BITS = 10;
/** So many queries apart numbers have moved on one way even where a few have overtaken each other. */
const LAG = 8;
/** Steps up to this, nearly always, are an order. */
const ORDERED_STEP = 8;
const ORDERED = 0.8;
/** Repetitions that chance alone may make before they say anything about the pool. */
const CHANCE_REPEATS = 6;
const HIGHEST = 65_535;
/** Runs that are told. */
const AVOIDED_TOLD = 8;

/** The judgement. */
export function resolverReport(input: ResolverInput): ResolverReport {
  const { zone, queries, ephemeral, reserved } = input;
  const udp = queries.filter(({ transport }) => transport === 'udp');
  const ports = udp.map(({ from }) => from.port);
  const sorted = [...new Set(ports)].toSorted((a, b) => a - b);
  const spread: PortRange | null = sorted.length === 0 ? null : [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  const pool = ports.length < 2 ? null : poolOf(ports, sorted);
  const bits = pool === null ? null : Math.log2(pool);
  const ids = udp.map(({ id }) => id);
  return {
    zone,
    asked: input.asked,
    sent: input.sent,
    answered: input.answered,
    udp: udp.length,
    tcp: queries.length - udp.length,
    malformed: input.malformed,
    sources: [...new Set(queries.map(({ from }) => from.address))].toSorted(),
    grade: gradeOf(ports, sorted.length, bits),
    distinct: sorted.length,
    spread,
    seenBits: entropy(ports),
    seenBitsLimit: ports.length === 0 ? 0 : Math.log2(ports.length),
    pool,
    bits,
    avoided: avoidedOf(sorted),
    outsideEphemeral: ephemeral === null ? null : ports.filter((port) => !inRange(port, ephemeral)).length,
    onReserved:
      reserved === null
        ? null
        : ports.filter((port) => reserved.some((range) => inRange(port, range))).length,
    ids: { distinct: new Set(ids).size, order: orderOf(ids) },
    setup: resolverSetup(zone),
  };
}

function gradeOf(ports: readonly number[], distinct: number, bits: number | null): ResolverGrade {
  if (ports.length < LEAST_QUERIES || bits === null) return 'unknown';
  if (distinct === 1) return 'fixed';
  if (orderOf(ports) === 'sequential') return 'sequential';
  if (bits >= RANDOM_BITS) return 'random';
  return bits >= FEW_BITS ? 'narrow' : 'few';
}

/** Do the numbers go one way by small steps? */
function orderOf(numbers: readonly number[]): 'none' | 'sequential' | 'fixed' {
  if (numbers.length < LEAST_QUERIES) return 'none';
  if (new Set(numbers).size === 1) return 'fixed';
  const ways = numbers.slice(LAG).map((number, index) => number - (numbers[index] ?? number));
  const share = (sign: 1 | -1): number =>
    ways.filter((way) => way * sign > 0 && way * sign <= LAG * ORDERED_STEP).length / ways.length;
  return Math.max(share(1), share(-1)) >= ORDERED ? 'sequential' : 'none';
}

/** The size of the pool: no more than the spread allows, and than the repetitions do. */
function poolOf(ports: readonly number[], sorted: readonly number[]): number {
  const count = ports.length;
  const width = (sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + 1;
  const bySpread = Math.min(HIGHEST + 1, Math.max(1, Math.round((width * (count + 1)) / (count - 1))));
  const repeats = count - sorted.length;
  if (sorted.length === 1) return 1;
  if (repeats < CHANCE_REPEATS) return bySpread;
  // The largest pool in which so many repetitions are still likely.
  const wanted = Math.min(count - 1, sorted.length + 2 * Math.sqrt(repeats));
  let [low, high] = [sorted.length, HIGHEST + 1];
  for (let step = 0; step < 40 && high - low > 1; step++) {
    const middle = Math.floor((low + high) / 2);
    if (middle * (1 - (1 - 1 / middle) ** count) < wanted) low = middle;
    else high = middle;
  }
  return Math.min(bySpread, low);
}

/** Gaps that are longer than the longest one of a random choice would be, one time in a hundred or so. */
function avoidedOf(sorted: readonly number[]): PortRange[] {
  if (sorted.length < LEAST_QUERIES) return [];
  const width = (sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + 1;
  const longest = (width / sorted.length) * (Math.log(sorted.length) + 5);
  const gaps = sorted.slice(1).flatMap((port, index): PortRange[] => {
    const before = sorted[index] ?? port;
    return port - before > Math.max(longest, 16) ? [[before + 1, port - 1]] : [];
  });
  return joinRanges(gaps).slice(0, AVOIDED_TOLD);
}

/** Lines for the resolvers that are in use most (unbound.conf(5), dnsmasq(8), BIND's ARM, resolved.conf(5)). */
export function resolverSetup({ name, authority }: TestZone): ResolverSetup[] {
  const { address, port } = authority;
  const bracketed = address.includes(':') ? `[${address}]` : address;
  return [
    {
      resolver: 'unbound',
      lines: [
        'server:',
        '  do-not-query-localhost: no',
        `  domain-insecure: "${name}"`,
        'stub-zone:',
        `  name: "${name}"`,
        `  stub-addr: ${address}@${port}`,
      ],
    },
    { resolver: 'dnsmasq', lines: [`server=/${name}/${address}#${port}`] },
    {
      resolver: 'BIND',
      lines: [
        `options { validate-except { "${name}"; }; };`,
        `zone "${name}" { type forward; forward only; forwarders { ${address} port ${port}; }; };`,
      ],
    },
    {
      resolver: 'systemd-resolved',
      lines: ['[Resolve]', `DNS=${bracketed}:${port}`, `Domains=~${name}`, 'DNSSEC=no'],
    },
  ];
}
