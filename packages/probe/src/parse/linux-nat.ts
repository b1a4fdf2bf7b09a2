// Chains of packet filter rules, whatever tool told them, followed from the hooks to what sends a port elsewhere.
import {
  PORT_MAX,
  PORT_MIN,
  type PortRange,
  type Redirect,
  TRANSPORTS,
  type Transport,
} from '@portolan/core';
import { formatNetwork, intersectNetworks, isWhole, type Network, withinNetwork } from './network.ts';

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

/** Where packets go; a null address is this host, a null port the same port. */
export type Target = Redirect['target'];

/** What happens to the packets that match. `end` leaves the hook's chain for good. */
export type Verdict =
  | { readonly do: 'jump' | 'goto'; readonly chain: string }
  | { readonly do: 'return' | 'end' | 'unread' }
  | { readonly do: 'send'; readonly target: Target };

/** Packets that match go this way; others on to the next branch. */
export interface Branch {
  readonly match: Match;
  readonly verdict: Verdict;
}

export interface Rule {
  readonly branches: readonly Branch[];
  readonly comment: string | null;
  /** Where the rule stands, for people. */
  readonly place: string;
}

/** A chain that the kernel itself calls. */
export interface BaseChain {
  readonly chain: string;
  readonly hook: 'prerouting' | 'output';
  /** The lowest is called first. */
  readonly priority: number;
}

export interface Table {
  readonly by: Redirect['by'];
  readonly name: string;
  readonly family: 'ipv4' | 'ipv6' | null;
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  readonly bases: readonly BaseChain[];
}

/** Ports and transports that are asked about; null for all ports. */
export interface Wanted {
  readonly ports: PortRange | null;
  readonly transports: readonly Transport[];
}

/** What was found, and the places of rules that could not be followed (never dropped silently). */
export interface Walked {
  readonly redirects: readonly Redirect[];
  readonly unread: readonly string[];
}

/** Most rules looked at: rules of 10,000 Kubernetes Services are 200,000; hostile ones may fan out without end. */
const STEP_LIMIT = 2_000_000;
/** Most redirects told. */
const REDIRECT_LIMIT = 20_000;
/** The kernel allows 16 jumps (NFT_JUMP_STACK_SIZE, include/net/netfilter/nf_tables.h); iptables has no fixed limit. */
const DEPTH_LIMIT = 64;
const EVERY_PORT: readonly PortRange[] = [[PORT_MIN, PORT_MAX]];
/** Most places told. */
const PLACE_LIMIT = 50;

/**
 * Packets that no later rule gets. They are found by port and address: a cluster's rules take thousands of both, and
 * each is compared with all before it.
 */
class Gone {
  readonly #wide: Match[] = [];
  readonly #byPort = new Map<number, Match[]>();
  readonly #byPlace = new Map<string, Match[]>();
  /** For a single address: those with several ports, and those with any. */
  readonly #wideByAddress = new Map<string, Match[]>();
  readonly #byAddress = new Map<string, Match[]>();

  add(match: Match): void {
    const [run, ...more] = match.ports ?? EVERY_PORT;
    if (run === undefined) return;
    const [port, last] = run;
    const single = more.length === 0 && port === last;
    const only = match.networks?.length === 1 ? match.networks[0] : undefined;
    if (only === undefined || only.first !== only.last) {
      if (single) addTo(this.#byPort, port, match);
      else this.#wide.push(match);
      return;
    }
    addTo(this.#byAddress, addressOf(only), match);
    if (single) addTo(this.#byPlace, placeOf(port, only), match);
    else addTo(this.#wideByAddress, addressOf(only), match);
  }

  /** Those that may have some of these ports, for this address or network, or for all addresses; in lists. */
  near(ports: readonly PortRange[], network: Network | null): readonly (readonly Match[])[] {
    // Only the very address can hold one address, and none can hold more.
    const at = network === null ? null : addressOf(network);
    if (!ports.every(([first, last]) => first === last)) {
      const all = [this.#wide, ...this.#byPort.values()];
      return at === null ? all : [...all, this.#byAddress.get(at) ?? []];
    }
    const lists = [this.#wide, ...ports.map(([port]) => this.#byPort.get(port) ?? [])];
    if (network !== null && at !== null) {
      lists.push(this.#wideByAddress.get(at) ?? []);
      for (const [port] of ports) lists.push(this.#byPlace.get(placeOf(port, network)) ?? []);
    }
    return lists;
  }
}

function addTo<Key>(map: Map<Key, Match[]>, key: Key, match: Match): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [match]);
  else list.push(match);
}

function addressOf({ family, first }: Network): string {
  return `${family} ${first}`;
}

function placeOf(port: number, network: Network): string {
  return `${port} ${addressOf(network)}`;
}

/** What a chain and those it was called from have let go. */
interface Frame {
  readonly gone: Gone;
  readonly caller: Frame | null;
}

/** Follows the rules of all tables in the kernel's order. */
export function walkTables(tables: readonly Table[], wanted: Wanted): Walked {
  const walk = new Walk(wanted);
  const bases = tables.flatMap((table) => table.bases.map((base) => ({ table, base })));
  for (const hook of ['prerouting', 'output'] as const) {
    const here = bases.filter(({ base }) => base.hook === hook);
    walk.enterHook();
    for (const { table, base } of here.toSorted((a, b) => a.base.priority - b.base.priority)) {
      walk.enter(table, base);
    }
  }
  return walk.result();
}

class Walk {
  readonly #wanted: Wanted;
  readonly #redirects = new Map<string, Redirect>();
  readonly #unread = new Set<string>();
  #steps = 0;
  /** What this hook has sent elsewhere: the first rule of all chains decides. */
  #sent: Gone = new Gone();

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  result(): Walked {
    return { redirects: [...this.#redirects.values()], unread: [...this.#unread] };
  }

  enterHook(): void {
    this.#sent = new Gone();
  }

  enter(table: Table, base: BaseChain): void {
    const outer: Frame = { gone: this.#sent, caller: null };
    const whole: Frame = { gone: new Gone(), caller: outer };
    this.#chain({ table, base, whole }, base.chain, ANY, { gone: new Gone(), caller: whole }, [], []);
  }

  #chain(
    at: { table: Table; base: BaseChain; whole: Frame },
    name: string,
    match: Match,
    frame: Frame,
    path: readonly string[],
    comments: readonly string[],
  ): void {
    const rules = at.table.chains.get(name);
    const here = [...path, name];
    if (rules === undefined || path.includes(name) || path.length > DEPTH_LIMIT) {
      this.#miss(`table ${at.table.name}, chain ${name}`);
      return;
    }
    for (const rule of rules) {
      for (const branch of rule.branches) {
        if (++this.#steps > STEP_LIMIT) {
          this.#miss(`table ${at.table.name}`);
          return;
        }
        const both = intersect(match, branch.match);
        if (both === null || !this.#isWanted(both)) continue;
        const { verdict } = branch;
        const told = rule.comment === null ? comments : [rule.comment, ...comments];
        switch (verdict.do) {
          case 'jump':
          case 'goto':
            this.#chain(at, verdict.chain, both, { gone: new Gone(), caller: frame }, here, told);
            // From a chain that was gone to, packets return to the caller of this one.
            if (verdict.do === 'goto') this.#let(frame.gone, both, frame);
            break;
          case 'return':
            this.#let(frame.gone, both, frame);
            break;
          case 'end':
            this.#let(at.whole.gone, both, frame);
            break;
          case 'unread':
            this.#miss(rule.place);
            break;
          case 'send':
            if (both.unread) this.#miss(rule.place);
            else {
              this.#send(at, both, verdict.target, frame, here, told);
              this.#let(this.#sent, both, frame);
            }
            break;
        }
      }
    }
  }

  /** Later rules do not get these packets, as far as this one got them. */
  #let(gone: Gone, match: Match, frame: Frame): void {
    if (!match.exact) return;
    for (const transport of this.#wanted.transports) {
      if (match.transports !== null && !match.transports.includes(transport)) continue;
      for (const network of match.networks ?? [null]) {
        const ports = this.#left(match.ports ?? EVERY_PORT, transport, match.family, network, frame);
        const networks = network === null ? null : [network];
        if (ports.length > 0) gone.add({ ...match, transports: [transport], networks, ports });
      }
    }
  }

  #isWanted({ ports, transports }: Match): boolean {
    const asked = this.#wanted.ports;
    if (transports !== null && !transports.some((one) => this.#wanted.transports.includes(one))) return false;
    return ports === null || asked === null || ports.some((run) => overlap(run, asked));
  }

  #send(
    { table, base }: { table: Table; base: BaseChain },
    match: Match,
    target: Target,
    frame: Frame,
    path: readonly string[],
    comments: readonly string[],
  ): void {
    const { maker, name, publishes } = makerOf(table.name, path, comments, target);
    const chain = path.at(-1) ?? base.chain;
    for (const transport of this.#wanted.transports) {
      if (match.transports !== null && !match.transports.includes(transport)) continue;
      for (const network of match.networks ?? [null]) {
        const family = match.family ?? network?.family ?? table.family;
        const runs = this.#left(match.ports ?? EVERY_PORT, transport, family, network, frame);
        const addresses = network === null || isWhole(network) ? [null] : formatNetwork(network);
        for (const address of addresses) {
          for (const ports of runs) {
            this.#add({
              transport,
              family,
              address,
              ports,
              target,
              hooks: [base.hook],
              by: table.by,
              table: table.name,
              chain,
              maker,
              name,
              publishes,
              ...(match.exact || maker !== null ? {} : { partial: true as const }),
            });
          }
        }
      }
    }
  }

  /** The wanted runs of ports that no earlier rule has taken. */
  #left(
    ports: readonly PortRange[],
    transport: Transport,
    family: Redirect['family'],
    network: Network | null,
    frame: Frame,
  ): PortRange[] {
    const asked = this.#wanted.ports;
    const wanted = (run: PortRange): boolean => asked === null || overlap(run, asked);
    let runs = ports.filter(wanted);
    for (let at: Frame | null = frame; at !== null && runs.length > 0; at = at.caller) {
      for (const list of at.gone.near(runs, network)) {
        for (const gone of list) {
          if (!meets(runs, gone.ports) || !covers(gone, transport, family, network)) continue;
          runs = gone.ports === null ? [] : subtract(runs, gone.ports).filter(wanted);
        }
      }
    }
    return runs;
  }

  #add(redirect: Redirect): void {
    // Of a Service's endpoints the first stands for all.
    const { transport, family, address, ports, target, maker, table, name } = redirect;
    const where = maker === 'kubernetes' ? name : target;
    const key = JSON.stringify([transport, family, address, ports, maker, table, where]);
    const known = this.#redirects.get(key);
    if (known === undefined) {
      if (this.#redirects.size >= REDIRECT_LIMIT) this.#miss(`table ${table}`);
      else this.#redirects.set(key, redirect);
      return;
    }
    const hooks = [...new Set([...known.hooks, ...redirect.hooks])];
    const { partial, ...whole } = known;
    // One rule without conditions is enough.
    if (partial === true && redirect.partial !== true) this.#redirects.set(key, { ...whole, hooks });
    else if (hooks.length > known.hooks.length) this.#redirects.set(key, { ...known, hooks });
  }

  #miss(place: string): void {
    if (this.#unread.size < PLACE_LIMIT) this.#unread.add(place);
  }
}

function covers(
  { transports, family, networks }: Match,
  transport: Transport,
  ofFamily: Redirect['family'],
  network: Network | null,
): boolean {
  if (transports !== null && !transports.includes(transport)) return false;
  if (family !== null && family !== ofFamily) return false;
  return networks === null || (network !== null && networks.some((outer) => withinNetwork(network, outer)));
}

function overlap(a: PortRange, b: PortRange): boolean {
  return a[0] <= b[1] && a[1] >= b[0];
}

/** Have the two a port in common? Said at once, for most rules before are about other ports. */
function meets(runs: readonly PortRange[], others: readonly PortRange[] | null): boolean {
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
function subtract(runs: readonly PortRange[], without: readonly PortRange[]): PortRange[] {
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

/** Who wrote the rule, what it calls it and what it stands for. */
function makerOf(
  table: string,
  path: readonly string[],
  comments: readonly string[],
  target: Target,
): Pick<Redirect, 'maker' | 'name' | 'publishes'> {
  const maker = makerName(table, path);
  switch (maker) {
    case 'kubernetes':
      return { maker, name: serviceName(path, comments), publishes: null };
    case 'podman': {
      // `dnat name: NETWORK id: CONTAINER` (netavark, src/firewall/varktables/types.rs).
      const id = comments
        .map((text) => /\bid: "?([0-9a-f]{64})\b/.exec(text)?.[1])
        .find((one) => one !== undefined);
      if (id === undefined || target.port === null) return { maker, name: null, publishes: null };
      return {
        maker,
        name: null,
        publishes: { container: { runtime: 'podman', id, name: null }, port: target.port },
      };
    }
    case 'cni': {
      // `dnat name: "NETWORK" id: "CONTAINER"` (containernetworking/plugins, plugins/meta/portmap).
      const name = comments
        .map((text) => /\bname: "([^"]*)"/.exec(text)?.[1])
        .find((one) => one !== undefined);
      return { maker, name: name ?? null, publishes: null };
    }
    case 'docker':
      return { maker, name: null, publishes: null };
    case null:
      return { maker, name: comments[0] ?? null, publishes: null };
  }
}

function makerName(table: string, path: readonly string[]): Redirect['maker'] {
  if (table === 'kube-proxy' || path.some((chain) => chain.startsWith('KUBE-'))) return 'kubernetes';
  if (table === 'docker-bridges' || path.includes('DOCKER')) return 'docker';
  if (table === 'netavark' || path.some((chain) => chain.startsWith('NETAVARK-'))) return 'podman';
  if (table === 'cni_hostport' || path.some((chain) => chain.startsWith('CNI-'))) return 'cni';
  return null;
}

/**
 * `namespace/service:port`, from the comment of a rule (kube-proxy's iptables mode) or from the chains' names
 * (`service-HASH-namespace/service/protocol/port`, its nftables mode).
 */
function serviceName(path: readonly string[], comments: readonly string[]): string | null {
  for (const chain of path) {
    const match = /^(?:service|external)-[A-Z0-9]+-([^/]+)\/([^/]+)\/[a-z]+\/(.*)$/.exec(chain);
    if (match !== null) return `${match[1]}/${match[2]}${match[3] === '' ? '' : `:${match[3]}`}`;
  }
  for (const comment of comments) {
    const match = /^([a-z0-9-]+\/[a-z0-9.-]+(?::[a-z0-9-]+)?)(?= |$)/.exec(comment);
    if (match?.[1] !== undefined) return match[1];
  }
  return null;
}
