// Chains of packet filter rules, whatever tool told them, followed from the hooks to what sends a port elsewhere.
import type { PortRange, Redirect, Transport } from '@portolan/core';
import { type Frame, newFrame, sparedOf } from './linux-nat-gone.ts';
import { makerOf } from './linux-nat-makers.ts';
import {
  ANY,
  covers,
  EVERY_PORT,
  intersect,
  type Match,
  meets,
  overlap,
  subtract,
} from './linux-nat-match.ts';
import { formatNetwork, intersectNetworks, isWhole, type Network } from './network.ts';

/** Where packets go; a null address is this host, a null port the same port. */
export type Target = Redirect['target'];

/**
 * What happens to the packets that match. `end` leaves the hook's chain for good, `drop` ends the packet; `untrack`
 * keeps connection tracking, and with it nat, from the packet, which goes on.
 */
export type Verdict =
  | { readonly do: 'jump' | 'goto'; readonly chain: string }
  | { readonly do: 'return' | 'end' | 'drop' | 'untrack' | 'unread' }
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
  /** Only chains of the type nat change addresses; of the others those in prerouting may know TPROXY. */
  readonly type: 'nat' | 'filter';
  /** Its policy drops what no rule takes. */
  readonly drops: boolean;
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

/** A redirect, and the addresses for which an earlier rule spares some of its packets. */
export interface Found {
  readonly redirect: Redirect;
  readonly spares: readonly Network[];
}

/** A rule that could not be followed. */
export interface Missed {
  readonly table: Table;
  readonly place: string;
}

/** What was found, and the places of rules that could not be followed (never dropped silently). */
export interface Walked {
  readonly found: readonly Found[];
  readonly missed: readonly Missed[];
}

/** Most rules looked at: rules of 10,000 Kubernetes Services are 200,000; hostile ones may fan out without end. */
const STEP_LIMIT = 2_000_000;
/** Most redirects told. */
const REDIRECT_LIMIT = 20_000;
/** The kernel allows 16 jumps (NFT_JUMP_STACK_SIZE, include/net/netfilter/nf_tables.h); iptables has no fixed limit. */
const DEPTH_LIMIT = 64;
/** Most places told. */
const PLACE_LIMIT = 50;
/** NF_IP_PRI_CONNTRACK (linux/netfilter_ipv4.h): from here on a packet is tracked, and `notrack` comes too late. */
const TRACKING = -200;

/** Follows the rules of all tables in the kernel's order. */
export function walkTables(tables: readonly Table[], wanted: Wanted): Walked {
  const walk = new Walk(wanted);
  const bases = tables.flatMap((table) => table.bases.map((base): Place => ({ table, base })));
  for (const hook of ['prerouting', 'output'] as const) {
    const here = bases.filter(({ base }) => base.hook === hook);
    if (!here.some(({ base }) => maySend(base))) continue;
    walk.enterHook();
    const priorities = new Set(here.map(({ base }) => base.priority));
    for (const priority of [...priorities].toSorted((a, b) => a - b)) {
      walk.enter(here.filter(({ base }) => base.priority === priority));
    }
  }
  return walk.result();
}

interface Place {
  readonly table: Table;
  readonly base: BaseChain;
}

/** Could a rule of this chain send packets elsewhere? */
function maySend({ type, hook }: BaseChain): boolean {
  return type === 'nat' || hook === 'prerouting';
}

/** A base chain that is being followed. */
interface At extends Place {
  /** What it takes from all chains that come later. */
  readonly own: Frame;
  /** What its rules take from the rest of it. */
  readonly whole: Frame;
}

/** What a hook does with the packets of a redirect. */
interface Part {
  /** All of them go this way. */
  whole: boolean;
  /** Some rule with further conditions sends them this way. */
  some: boolean;
  /** All but some for these addresses. */
  spares: readonly Network[] | null;
  /** A chain that may come before sends some of them elsewhere. */
  contested: boolean;
}

interface Entry {
  readonly redirect: Redirect;
  readonly parts: Map<BaseChain['hook'], Part>;
}

/** What one base chain of a group sends. */
interface Sending {
  readonly base: BaseChain;
  readonly entry: Entry;
  readonly part: Part;
  readonly network: Network | null;
}

class Walk {
  readonly #wanted: Wanted;
  readonly #entries = new Map<string, Entry>();
  readonly #missed = new Map<string, Missed>();
  #steps = 0;
  /** What this hook has taken: the first rule of all chains decides. */
  #hook: Frame = newFrame(null);
  /** What it has kept from nat besides. */
  #tracked: Frame = newFrame(this.#hook);
  #group: Sending[] = [];

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  result(): Walked {
    const found = [...this.#entries.values()].map(({ redirect, parts }): Found => {
      const all = [...parts.values()];
      const partial = all.some((part) => part.contested || (!part.whole && part.spares === null));
      return {
        redirect: {
          ...redirect,
          hooks: [...parts.keys()],
          ...(partial && redirect.maker === null && { partial: true as const }),
        },
        spares: partial ? [] : all.flatMap((part) => (part.whole ? [] : (part.spares ?? []))),
      };
    });
    return { found, missed: [...this.#missed.values()] };
  }

  enterHook(): void {
    this.#hook = newFrame(null);
    this.#tracked = newFrame(this.#hook);
  }

  /**
   * Follows base chains of one priority. The kernel calls the one first that was registered last
   * (nf_hook_entries_grow, net/netfilter/core.c), which no list of rules tells: none of them takes anything from another.
   */
  enter(group: readonly Place[]): void {
    this.#group = [];
    const left: Frame[] = [];
    for (const { table, base } of group) {
      const own = newFrame(base.type === 'nat' ? this.#tracked : this.#hook);
      const whole = newFrame(own);
      const match = { ...ANY, family: table.family };
      this.#chain({ table, base, own, whole }, base.chain, match, newFrame(whole), [], []);
      // Which packets some rule has accepted before is not followed so far.
      if (base.drops) own.spared.push({ ...match, exact: false });
      left.push(own);
    }
    if (group.length > 1) this.#contest();
    for (const { gone, spared } of left) {
      this.#hook.gone.addAll(gone);
      for (const match of spared) this.#hook.spared.push(match);
    }
  }

  #chain(
    at: At,
    name: string,
    match: Match,
    frame: Frame,
    path: readonly string[],
    comments: readonly string[],
  ): void {
    const { table } = at;
    const rules = table.chains.get(name);
    const here = [...path, name];
    if (rules === undefined || path.includes(name) || path.length > DEPTH_LIMIT) {
      this.#miss(at, match, `table ${table.name}, chain ${name}`);
      return;
    }
    for (const rule of rules) {
      for (const branch of rule.branches) {
        if (++this.#steps > STEP_LIMIT) {
          this.#miss(at, match, `table ${table.name}`);
          return;
        }
        const both = intersect(match, branch.match);
        if (both === null || !this.#isWanted(both)) continue;
        const { verdict } = branch;
        const told = rule.comment === null ? comments : [rule.comment, ...comments];
        switch (verdict.do) {
          case 'jump':
          case 'goto':
            this.#chain(at, verdict.chain, both, newFrame(frame), here, told);
            // From a chain that was gone to, packets return to the caller of this one.
            if (verdict.do === 'goto') this.#take(frame, both, frame);
            break;
          case 'return':
            this.#spare(frame, both, frame);
            break;
          case 'end':
            this.#spare(at.whole, both, frame);
            break;
          case 'drop':
            this.#spare(at.own, both, frame);
            break;
          case 'untrack':
            if (at.base.priority < TRACKING) this.#spare(this.#tracked, both, frame);
            break;
          case 'unread':
            this.#miss(at, both, rule.place);
            break;
          case 'send':
            if (both.unread) this.#miss(at, both, rule.place);
            else if (maySend(at.base)) {
              this.#send(at, both, verdict.target, frame, here, told);
              this.#take(at.own, both, frame);
            }
            break;
        }
      }
    }
  }

  /** Later rules do not get these packets, and are not told of those that only some conditions keep from them. */
  #spare(to: Frame, match: Match, frame: Frame): void {
    if (!match.exact || match.networks !== null || match.family !== null) to.spared.push(match);
    this.#take(to, match, frame);
  }

  /** Later rules do not get these packets, as far as this one got them. */
  #take({ gone }: Frame, match: Match, frame: Frame): void {
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
    { table, base }: At,
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
        for (const ports of runs) {
          // Conditions of a known maker only keep its own traffic apart.
          const spared =
            maker === null && match.exact ? sparedOf(frame, [ports], transport, family, network) : null;
          this.#steps += spared?.compared ?? 0;
          for (const address of addresses) {
            const redirect: Redirect = {
              transport,
              family,
              address,
              ports,
              target,
              hooks: [],
              by: table.by,
              table: table.name,
              chain,
              maker,
              name,
              publishes,
            };
            const entry = this.#entry(redirect, table);
            if (entry === null) return;
            const part = partOf(entry, base.hook);
            if (!match.exact) part.some = true;
            else if (spared === null || (!spared.some && spared.networks.length === 0)) part.whole = true;
            // Those that were spared have been sent before, by the same rule with other conditions.
            else if (part.some) part.whole = true;
            else if (!spared.some) part.spares ??= spared.networks;
            this.#group.push({ base, entry, part, network });
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

  /** The one account of redirects that are told as one; null where there are too many. */
  #entry(redirect: Redirect, table: Table): Entry | null {
    // Of a Service's endpoints the first stands for all.
    const { transport, family, address, ports, target, maker, name } = redirect;
    const where = maker === 'kubernetes' ? name : target;
    const key = JSON.stringify([transport, family, address, ports, maker, table.name, where]);
    let entry = this.#entries.get(key);
    if (entry !== undefined) return entry;
    if (this.#entries.size >= REDIRECT_LIMIT) {
      this.#note(table, `table ${table.name}`);
      return null;
    }
    entry = { redirect, parts: new Map() };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Where chains of the same priority send the same packets to different places, which of them acts is not known. */
  #contest(): void {
    for (const one of this.#group) {
      if (one.entry.redirect.maker !== null || one.part.contested) continue;
      this.#steps += this.#group.length;
      if (this.#steps > STEP_LIMIT) one.part.contested = true;
      else one.part.contested = this.#group.some((other) => other.base !== one.base && differ(one, other));
    }
  }

  /** A chain that sends nothing anywhere is not told; what its rule may take is taken in part. */
  #miss(at: At, match: Match, place: string): void {
    if (maySend(at.base)) this.#note(at.table, place);
    else at.own.spared.push({ ...match, exact: false });
  }

  #note(table: Table, place: string): void {
    if (this.#missed.size < PLACE_LIMIT)
      this.#missed.set(`${table.by} ${table.family} ${place}`, { table, place });
  }
}

function partOf({ parts }: Entry, hook: BaseChain['hook']): Part {
  let part = parts.get(hook);
  if (part === undefined) {
    part = { whole: false, some: false, spares: null, contested: false };
    parts.set(hook, part);
  }
  return part;
}

/** Do these take some packet to different places? */
function differ(a: Sending, b: Sending): boolean {
  const [one, other] = [a.entry.redirect, b.entry.redirect];
  return (
    one.transport === other.transport &&
    (one.family === null || other.family === null || one.family === other.family) &&
    overlap(one.ports, other.ports) &&
    (a.network === null || b.network === null || intersectNetworks(a.network, b.network) !== null) &&
    (one.target.address !== other.target.address || one.target.port !== other.target.port)
  );
}
