// What packets a rule takes: ports, transports and addresses, and what two rules have in common.
import {
  PORT_MAX,
  PORT_MIN,
  type PortRange,
  type Redirect,
  TRANSPORTS,
  type Transport,
} from '@portolan/core';
import { intersectNetworks, type Network, withinNetwork } from './network.ts';

/** What packets a rule takes, as far as ports and addresses go. Null stands for any. */
export interface Match {
  readonly transports: readonly Transport[] | null;
  readonly family: 'ipv4' | 'ipv6' | null;
  readonly ports: readonly PortRange[] | null;
  /** Destination addresses; null for any, or for any of this host. */
  readonly networks: readonly Network[] | null;
  /** False where the rule asks for more than this, such as an interface: then it leaves packets to later rules. */
  readonly exact: boolean;
  /** True where a condition on the port itself could not be read. */
  readonly unread: boolean;
}

/** Any packet. */
export const ANY: Match = {
  transports: null,
  family: null,
  ports: null,
  networks: null,
  exact: true,
  unread: false,
};

/** Every port there is. */
export const EVERY_PORT: readonly PortRange[] = [[PORT_MIN, PORT_MAX]];

/** Does it take all packets of this transport and family to this network? */
export function covers(
  { transports, family, networks }: Match,
  transport: Transport,
  ofFamily: Redirect['family'],
  network: Network | null,
): boolean {
  if (transports !== null && !transports.includes(transport)) return false;
  if (family !== null && family !== ofFamily) return false;
  return networks === null || (network !== null && networks.some((outer) => withinNetwork(network, outer)));
}

/** Have the two a port in common? */
export function overlap(a: PortRange, b: PortRange): boolean {
  return a[0] <= b[1] && a[1] >= b[0];
}

/** Have the two a port in common? Said at once, for most rules before are about other ports. */
export function meets(runs: readonly PortRange[], others: readonly PortRange[] | null): boolean {
  return others === null || others.some((other) => runs.some((run) => overlap(run, other)));
}

/** The packets that both take; null for none. */
export function intersect(a: Match, b: Match): Match | null {
  const family = a.family ?? b.family;
  if (b.family !== null && b.family !== family) return null;
  const transports = common(a.transports, b.transports, (one, other) => (one === other ? one : null));
  const ports = common(a.ports, b.ports, (one, other) =>
    overlap(one, other)
      ? ([Math.max(one[0], other[0]), Math.min(one[1], other[1])] satisfies PortRange)
      : null,
  );
  let networks = common(a.networks, b.networks, intersectNetworks);
  if (ports === undefined || networks === undefined || transports === undefined) {
    return { ...a, exact: false, unread: true };
  }
  if (networks !== null && family !== null) networks = networks.filter((one) => one.family === family);
  if (transports?.length === 0 || ports?.length === 0 || networks?.length === 0) return null;
  return { transports, family, ports, networks, exact: a.exact && b.exact, unread: a.unread || b.unread };
}

/** Most pairs that are compared: two sets of a thousand each. */
const PAIR_LIMIT = 1_000_000;

/** What two lists have in common, null for any; undefined where they are too long to be compared. */
function common<T>(
  a: readonly T[] | null,
  b: readonly T[] | null,
  meet: (a: T, b: T) => T | null,
): readonly T[] | null | undefined {
  if (a === null || b === null) return a ?? b;
  if (a.length * b.length > PAIR_LIMIT) return undefined;
  return a.flatMap((one) => b.map((other) => meet(one, other)).filter((met) => met !== null));
}

/** What is left of the runs without these ports. */
export function subtract(runs: readonly PortRange[], without: readonly PortRange[]): PortRange[] {
  let left = [...runs];
  for (const [first, last] of without) {
    left = left.flatMap((run) => {
      if (!overlap(run, [first, last])) return [run];
      const parts: PortRange[] = [];
      if (run[0] < first) parts.push([run[0], first - 1]);
      if (run[1] > last) parts.push([last + 1, run[1]]);
      return parts;
    });
  }
  return left;
}

/** All ports but these. */
export function otherPorts(runs: readonly PortRange[]): PortRange[] {
  return subtract([[PORT_MIN, PORT_MAX]], runs);
}

/** All transports but these. */
export function otherTransports(some: readonly Transport[]): Transport[] {
  return TRANSPORTS.filter((one) => !some.includes(one));
}

/** Protocol numbers of IANA's registry for the transports that have ports. */
const PROTOCOLS: Readonly<Record<string, Transport>> = {
  tcp: 'tcp',
  udp: 'udp',
  sctp: 'sctp',
  dccp: 'dccp',
  '6': 'tcp',
  '17': 'udp',
  '33': 'dccp',
  '132': 'sctp',
};

/** The transport of a protocol's name or number; null for protocols that are none of the four. */
export function transportOf(protocol: string): Transport | null {
  return Object.hasOwn(PROTOCOLS, protocol) ? (PROTOCOLS[protocol] ?? null) : null;
}
