// `nft -j list ruleset` (man libnftables-json(5)) to redirects: nat chains and tproxy, with their sets and maps.
import { isPort, type PortRange, type Transport } from '@portolan/core';
import type { BaseChain, Branch, Rule, Table, Target, Verdict } from './linux-nat.ts';
import { ANY, intersect, type Match, otherPorts, otherTransports, transportOf } from './linux-nat-match.ts';
import { addressRange, type Network, parseAddress, parseNetwork, prefixOf } from './network.ts';

/** A table whose rules were written by iptables-nft and can only be read with its own tool. */
export interface XtTable {
  readonly family: 'ipv4' | 'ipv6';
  readonly name: string;
}

/** What a ruleset says, or where its text is broken. */
export type NftRuleset =
  | {
      readonly ok: true;
      /** Tables that may send packets elsewhere, or keep them from being sent. */
      readonly tables: readonly Table[];
      /** Places that could not be read. */
      readonly unread: readonly string[];
      readonly xt: readonly XtTable[];
      /** True where a table's flags are no flags, so that it was left out: whether it is dormant is not told. */
      readonly garbled: boolean;
    }
  | { readonly ok: false; readonly place: string };

/** Most alternatives one rule may fan out into, such as the elements of its maps. */
const BRANCH_LIMIT = 200_000;
/** Deepest nesting of one value that is followed. */
const VALUE_DEPTH = 8;

type Json = unknown;
type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads what may be asked of the kernel; never throws, whatever the text. `dormant`: the dormant tables by family and
 * name, from `dormantTables`, where an earlier reading said that it needs them.
 */
export function parseNftRuleset(text: string, dormant: ReadonlySet<string> | null = null): NftRuleset {
  let parsed: Json;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // The engine's message names the position, and after it a piece of the text that is of no use here.
    const at = /position \d+/.exec(error instanceof Error ? error.message : '')?.[0];
    return { ok: false, place: at ?? `position ${text.length}` };
  }
  const list = objectOf(parsed)?.['nftables'];
  if (!Array.isArray(list)) return { ok: false, place: 'nftables' };
  const { tables, unread, garbled } = collect(list, dormant);
  // Rules are read only where some chain could send packets elsewhere.
  const able = tables.filter((table) => table.bases.length > 0);
  const xt: XtTable[] = [];
  for (const { name, family } of able.filter((table) => table.xt)) {
    // iptables knows no table of both families.
    if (family === null) unread.push(`table ${name}`);
    else xt.push({ family, name });
  }
  return { ok: true, tables: able.filter((table) => !table.xt).map(buildTable), unread, xt, garbled };
}

/** A table as the list tells it. */
interface RawTable {
  readonly name: string;
  readonly family: 'ipv4' | 'ipv6' | null;
  readonly chains: Map<string, RawRule[]>;
  readonly bases: BaseChain[];
  /** Sets and maps by name, with their elements. */
  readonly sets: Map<string, readonly Json[]>;
  /** Written by iptables-nft. */
  xt: boolean;
}

interface RawRule {
  readonly exprs: readonly Json[];
  readonly comment: string | null;
  readonly place: string;
}

const FAMILIES: Readonly<Record<string, 'ipv4' | 'ipv6' | null>> = { ip: 'ipv4', ip6: 'ipv6', inet: null };

function collect(
  list: readonly Json[],
  told: ReadonlySet<string> | null,
): { tables: RawTable[]; unread: string[]; garbled: boolean } {
  const tables = new Map<string, RawTable>();
  const dormant = new Set<string>(told);
  const garbled = new Set<string>();
  const unread: string[] = [];
  for (const [index, entry] of list.entries()) {
    const object = objectOf(entry);
    const found = Object.entries(object ?? {})[0];
    const body = objectOf(found?.[1]);
    if (found === undefined || body === null) {
      unread.push(`entry ${index}`);
      continue;
    }
    const [kind] = found;
    const { family, table, name } = body;
    if (kind === 'table') {
      const flags = flagsOf(body['flags']);
      if (flags === null) garbled.add(`${String(family)} ${String(name)}`);
      else if (flags.includes('dormant')) dormant.add(`${String(family)} ${String(name)}`);
    }
    if (!['chain', 'rule', 'set', 'map'].includes(kind)) continue;
    if (typeof family !== 'string' || !Object.hasOwn(FAMILIES, family)) continue;
    const chain = kind === 'rule' ? body['chain'] : name;
    if (typeof table !== 'string' || typeof chain !== 'string') {
      unread.push(`entry ${index}`);
      continue;
    }
    const key = `${family} ${table}`;
    let raw = tables.get(key);
    if (raw === undefined) {
      raw = {
        name: table,
        family: FAMILIES[family] ?? null,
        chains: new Map(),
        bases: [],
        sets: new Map(),
        xt: false,
      };
      tables.set(key, raw);
    }
    if (kind === 'set' || kind === 'map') {
      raw.sets.set(chain, arrayOf(body['elem']) ?? []);
      continue;
    }
    const rules = raw.chains.get(chain) ?? [];
    raw.chains.set(chain, rules);
    if (kind === 'chain') addBase(raw, chain, body);
    else addRule(raw, rules, chain, body);
  }
  for (const key of dormant) tables.delete(key);
  if (told === null) {
    for (const key of garbled) {
      const table = tables.get(key);
      tables.delete(key);
      if (table !== undefined && table.bases.length > 0) unread.push(`table ${table.name}`);
    }
  }
  return { tables: [...tables.values()], unread, garbled: told === null && garbled.size > 0 };
}

/** TABLE_F_DORMANT, TABLE_F_OWNER, TABLE_F_PERSIST (linux/netfilter/nf_tables.h) as nft names them. */
const TABLE_FLAGS: ReadonlySet<Json> = new Set(['dormant', 'owner', 'persist']);

/** A table's flags; null where they are none, for nft 1.0.6 prints memory that it has freed. */
function flagsOf(flags: Json): readonly Json[] | null {
  if (flags === undefined) return [];
  const all: readonly Json[] = arrayOf(flags) ?? [flags];
  return all.every((flag) => TABLE_FLAGS.has(flag)) ? all : null;
}

/**
 * The dormant tables by family and name, from `nft -t list ruleset` (man nft(8)): the kernel calls no chain of them.
 */
export function dormantTables(text: string): ReadonlySet<string> {
  const dormant = new Set<string>();
  let table: string | null = null;
  for (const line of text.split('\n')) {
    const head = /^table (\S+) (\S+) \{/.exec(line);
    if (head !== null) table = `${head[1]} ${head[2]}`;
    // Flags of sets stand deeper.
    const flags = /^\tflags (.*)$/.exec(line)?.[1];
    if (table !== null && flags?.split(/[ ,]+/).includes('dormant') === true) dormant.add(table);
  }
  return dormant;
}

/** NF_IP_PRI_NAT_DST (linux/netfilter_ipv4.h): what comes later keeps no packet from the usual nat chain. */
const NAT_PRIORITY = -100;

/**
 * Chains of type nat send packets elsewhere, and so does tproxy in those of type filter in prerouting. Others may keep
 * packets from chains that come later.
 */
function addBase(raw: RawTable, chain: string, { type, hook, prio, policy }: JsonObject): void {
  if (hook !== 'prerouting' && hook !== 'output') return;
  const priority = typeof prio === 'number' ? prio : 0;
  const nat = type === 'nat';
  // Type route is that of mangle's output.
  if (!nat && type !== 'filter' && type !== 'route') return;
  if (!nat && hook === 'output' && priority > NAT_PRIORITY) return;
  raw.bases.push({ chain, type: nat ? 'nat' : 'filter', drops: policy === 'drop', hook, priority });
}

function addRule(raw: RawTable, rules: RawRule[], chain: string, body: JsonObject): void {
  const exprs = arrayOf(body['expr']) ?? [];
  const handle = typeof body['handle'] === 'number' ? body['handle'] : '?';
  const comment = typeof body['comment'] === 'string' ? body['comment'] : null;
  rules.push({ exprs, comment, place: `table ${raw.name}, chain ${chain}, handle ${handle}` });
  if (exprs.some((expr) => isXt(expr, raw.name))) raw.xt = true;
}

/** Anything of iptables in its nat table hides what the rule means; elsewhere only its TPROXY matters. */
function isXt(expr: Json, table: string): boolean {
  const object = objectOf(expr);
  if (object === null || !('xt' in object)) return false;
  return table === 'nat' || objectOf(object['xt'])?.['name'] === 'TPROXY';
}

function buildTable(raw: RawTable): Table {
  const reader = new RuleReader(raw);
  const chains = new Map<string, readonly Rule[]>();
  for (const [name, rules] of raw.chains)
    chains.set(
      name,
      rules.map((rule) => reader.rule(rule)),
    );
  return { by: 'nftables', name: raw.name, family: raw.family, chains, bases: raw.bases };
}

/** Something a rule can look at in a packet. */
type Field =
  | { readonly kind: 'port'; readonly transports: readonly Transport[] | null }
  | { readonly kind: 'protocol'; readonly family: 'ipv4' | 'ipv6' | null }
  | { readonly kind: 'address'; readonly family: 'ipv4' | 'ipv6' | null }
  | { readonly kind: 'family' }
  | { readonly kind: 'local' }
  /** A number that shares packets out among several targets. */
  | { readonly kind: 'share' }
  /** Looks at the port in a way that is not followed. */
  | { readonly kind: 'unread' }
  /** Anything that says nothing about port and address. */
  | { readonly kind: 'other' };

const OTHER: Match = { ...ANY, exact: false };
const UNREAD: Match = { ...ANY, exact: false, unread: true };

/** Statements that leave the packet as it is and the rule's matches as they are. */
const NEUTRAL: ReadonlySet<string> = new Set(['counter', 'log', 'mangle', 'set', 'map', 'last']);

class RuleReader {
  readonly #table: RawTable;

  constructor(table: RawTable) {
    this.#table = table;
  }

  rule({ exprs, comment, place }: RawRule): Rule {
    const branches: Branch[] = [];
    let matches: readonly Match[] = [ANY];
    for (const expr of exprs) {
      const [kind, body] = Object.entries(objectOf(expr) ?? {})[0] ?? ['', null];
      if (NEUTRAL.has(kind)) continue;
      if (kind === 'match') {
        matches = meet(matches, this.#match(objectOf(body) ?? {}));
        continue;
      }
      const found = this.#statement(kind, body);
      if (found === null) {
        // Not known: whatever it is, it may hold packets back, as a limit does.
        matches = meet(matches, [OTHER]);
        continue;
      }
      for (const branch of found) {
        for (const match of meet(matches, [branch.match])) branches.push({ match, verdict: branch.verdict });
        if (branches.length > BRANCH_LIMIT) return { branches: [TOO_MANY], comment, place };
      }
    }
    return { branches, comment, place };
  }

  /** The ways packets go from this statement, or null for one that is no verdict. */
  #statement(kind: string, body: Json): Branch[] | null {
    const one = (verdict: Verdict): Branch[] => [{ match: ANY, verdict }];
    switch (kind) {
      case 'vmap':
        return this.#verdictMap(objectOf(body) ?? {});
      case 'dnat':
        return this.#send(objectOf(body) ?? {});
      case 'redirect':
        return this.#send({ port: objectOf(body)?.['port'] });
      case 'tproxy':
        return this.#send(objectOf(body) ?? {});
      case 'notrack':
        return one({ do: 'untrack' });
      case 'xt':
        // Of iptables-nft: CT may say that packets are not tracked, among other things; its options are not told.
        return objectOf(body)?.['name'] === 'CT' ? [{ match: OTHER, verdict: { do: 'untrack' } }] : null;
      default: {
        const verdict = verdictOf(kind, body);
        return verdict === null ? null : one(verdict);
      }
    }
  }

  #verdictMap({ key, data }: JsonObject): Branch[] {
    const pairs = this.#elements(data);
    if (pairs === null) return [{ match: UNREAD, verdict: { do: 'unread' } }];
    const branches: Branch[] = [];
    const shared = this.#isShare(key);
    for (const pair of pairs) {
      const [value, action] = arrayOf(pair) ?? [];
      const [kind, body] = Object.entries(objectOf(action) ?? {})[0] ?? ['', null];
      const verdict = kind === 'continue' ? null : (verdictOf(kind, body) ?? { do: 'unread' as const });
      if (verdict === null) continue;
      // Packets are shared out among the targets: the first stands for all.
      if (shared) return [{ match: ANY, verdict }];
      for (const match of this.#equal(key, value)) branches.push({ match, verdict });
    }
    return branches;
  }

  #send({ addr, port, family }: JsonObject): Branch[] {
    const branches: Branch[] = [];
    const told = familyOf(family);
    const addresses = this.#values(addr);
    const ports = this.#values(port);
    if (addresses === null || ports === null) return [{ match: ANY, verdict: { do: 'unread' } }];
    for (const address of addresses) {
      for (const number of ports) {
        const match = intersect(address.match, number.match);
        if (match === null) continue;
        const target = targetOf(address.value, number.value);
        const to =
          told ?? (target?.address?.includes(':') === true ? 'ipv6' : target?.address ? 'ipv4' : null);
        // A packet keeps its family on the way to its target.
        const same = intersect(match, { ...ANY, family: to });
        if (same === null) continue;
        branches.push({ match: same, verdict: target === null ? { do: 'unread' } : { do: 'send', target } });
        if (branches.length > BRANCH_LIMIT) return [TOO_MANY];
      }
    }
    return branches;
  }

  /** A target's value, or one for each element of the map that chooses it; undefined for none; null if unreadable. */
  #values(value: Json): { match: Match; value: Json }[] | null {
    const map = objectOf(objectOf(value)?.['map']);
    if (map === null) return [{ match: ANY, value }];
    const pairs = this.#elements(map['data']);
    if (pairs === null) return null;
    const shared = this.#isShare(map['key']);
    const found: { match: Match; value: Json }[] = [];
    for (const pair of pairs) {
      const [key, chosen] = arrayOf(pair) ?? [];
      if (chosen === undefined) return null;
      if (shared) return [{ match: ANY, value: chosen }];
      for (const match of this.#equal(map['key'], key)) found.push({ match, value: chosen });
    }
    return found;
  }

  /** Elements of a set or map, written in place or kept under a name; null where there is none. */
  #elements(value: Json): readonly Json[] | null {
    if (typeof value === 'string') {
      return value.startsWith('@') ? (this.#table.sets.get(value.slice(1)) ?? null) : null;
    }
    return arrayOf(objectOf(value)?.['set']);
  }

  #isShare(key: Json): boolean {
    return this.#field(key).kind === 'share';
  }

  #match({ op, left, right }: JsonObject): readonly Match[] {
    const operator = typeof op === 'string' ? op : '==';
    if (operator === '==' || operator === 'in') return this.#equal(left, right);
    return [this.#compare(this.#field(left), operator, right)];
  }

  /** Packets of which this expression has this value, or one of these values. */
  #equal(left: Json, right: Json): readonly Match[] {
    const parts = arrayOf(objectOf(left)?.['concat']);
    if (parts === null) return [this.#among(this.#field(left), this.#flat(right))];
    const values = this.#flat(right);
    if (values === null) return [this.#onPort(parts) ? UNREAD : OTHER];
    const fields = parts.map((part) => this.#field(part));
    return values.flatMap((value) => {
      if (value === '*') return [ANY];
      const tuple = arrayOf(objectOf(value)?.['concat']);
      let met: Match | null = ANY;
      for (const [index, field] of fields.entries()) {
        if (met === null) break;
        const part = tuple?.[index];
        met = intersect(met, this.#among(field, part === undefined ? null : [part]));
      }
      return met === null ? [] : [met];
    });
  }

  #onPort(parts: readonly Json[]): boolean {
    return parts.some((part) => ['port', 'unread'].includes(this.#field(part).kind));
  }

  /** Single values; null where a set is not known. */
  #flat(right: Json, depth = 0): readonly Json[] | null {
    if (depth > VALUE_DEPTH) return null;
    const object = objectOf(right);
    const inner = objectOf(object?.['elem']);
    if (inner !== null) return this.#flat(inner['val'], depth + 1);
    if (object !== null && 'set' in object) {
      const elements = arrayOf(object['set']) ?? [object['set']];
      return this.#flatAll(elements, depth);
    }
    if (typeof right === 'string' && right.startsWith('@')) {
      const elements = this.#table.sets.get(right.slice(1));
      return elements === undefined ? null : this.#flatAll(elements, depth);
    }
    return [right];
  }

  #flatAll(elements: readonly Json[], depth: number): readonly Json[] | null {
    const all: Json[] = [];
    for (const element of elements) {
      const flat = this.#flat(element, depth + 1);
      if (flat === null) return null;
      for (const value of flat) all.push(value);
    }
    return all;
  }

  /** Packets whose field has one of these values. */
  #among(field: Field, values: readonly Json[] | null): Match {
    if (values?.includes('*') === true) return ANY;
    switch (field.kind) {
      case 'port': {
        const ports = values === null ? null : allOf(values, portsOf);
        return ports === null ? UNREAD : { ...ANY, transports: field.transports, ports };
      }
      case 'protocol': {
        if (values === null) return OTHER;
        const names = values.map((value) => transportOf(String(value))).filter((name) => name !== null);
        return { ...ANY, family: field.family, transports: names };
      }
      case 'address': {
        const networks = values === null ? null : allOf(values, networkOf);
        return networks === null
          ? { ...OTHER, family: field.family }
          : { ...ANY, family: field.family, networks };
      }
      case 'family': {
        const families = new Set(values?.map(familyOf));
        const [only] = families;
        return only === undefined || only === null || families.size > 1 ? OTHER : { ...ANY, family: only };
      }
      case 'local':
        if (values === null) return OTHER;
        return values.includes('local') || values.includes(2) ? ANY : NEVER;
      case 'share':
        return ANY;
      case 'unread':
        return UNREAD;
      case 'other':
        return OTHER;
    }
  }

  /** Packets whose field is not this, or less or more than this. */
  #compare(field: Field, operator: string, right: Json): Match {
    const values = this.#flat(right);
    if (field.kind === 'port') {
      const ports = values === null ? null : comparePorts(operator, allOf(values, portsOf));
      return ports === null ? UNREAD : { ...ANY, transports: field.transports, ports };
    }
    if (field.kind === 'unread') return UNREAD;
    if (operator !== '!=' || values === null) return OTHER;
    if (field.kind === 'protocol') {
      const names = values.map((value) => transportOf(String(value))).filter((name) => name !== null);
      return { ...ANY, family: field.family, transports: otherTransports(names) };
    }
    if (field.kind === 'local') return values.includes('local') || values.includes(2) ? NEVER : ANY;
    if (field.kind === 'address') return { ...OTHER, family: field.family };
    return OTHER;
  }

  #field(expr: Json): Field {
    const object = objectOf(expr);
    const [kind, value] = Object.entries(object ?? {})[0] ?? ['', null];
    const body = objectOf(value);
    switch (kind) {
      case 'payload':
        return body === null ? { kind: 'other' } : payloadField(body);
      case 'meta':
        if (body?.['key'] === 'l4proto') return { kind: 'protocol', family: null };
        if (body?.['key'] === 'nfproto' || body?.['key'] === 'protocol') return { kind: 'family' };
        return { kind: 'other' };
      case 'ct':
        return body === null ? { kind: 'other' } : conntrackField(body);
      case 'fib': {
        const flags = body?.['flags'];
        const daddr = Array.isArray(flags) ? flags.includes('daddr') : flags === 'daddr';
        return body?.['result'] === 'type' && daddr ? { kind: 'local' } : { kind: 'other' };
      }
      case 'numgen':
      case 'jhash':
      case 'symhash':
        return { kind: 'share' };
      case '&':
      case '|':
      case '^':
      case '<<':
      case '>>': {
        const operands = arrayOf(value) ?? [];
        const port = operands.some((operand) => payloadKind(operand) === 'port');
        return { kind: port ? 'unread' : 'other' };
      }
      default:
        return { kind: 'other' };
    }
  }
}

const NEVER: Match = { ...ANY, transports: [] };
const TOO_MANY: Branch = { match: UNREAD, verdict: { do: 'unread' } };

function meet(some: readonly Match[], others: readonly Match[]): readonly Match[] {
  if (some.length * others.length > BRANCH_LIMIT) return [UNREAD];
  return some.flatMap((one) => others.map((other) => intersect(one, other)).filter((met) => met !== null));
}

function verdictOf(kind: string, body: Json): Verdict | null {
  switch (kind) {
    case 'jump':
    case 'goto': {
      const chain = objectOf(body)?.['target'];
      return typeof chain === 'string' ? { do: kind, chain } : { do: 'unread' };
    }
    case 'return':
      return { do: 'return' };
    case 'accept':
    case 'queue':
      return { do: 'end' };
    case 'drop':
    case 'reject':
      return { do: 'drop' };
    default:
      return null;
  }
}

function payloadKind(operand: Json): Field['kind'] {
  const body = objectOf(objectOf(operand)?.['payload']);
  return body === null ? 'other' : payloadField(body).kind;
}

function payloadField({ protocol, field, base, offset, len }: JsonObject): Field {
  if (base === 'th' && typeof offset === 'number' && typeof len === 'number') {
    // The destination port is bits 16 to 31 of all four transport headers.
    return { kind: offset < 32 && offset + len > 16 ? 'unread' : 'other' };
  }
  if (field === 'dport') {
    if (protocol === 'th') return { kind: 'port', transports: null };
    const transport = transportOf(String(protocol));
    return transport === null ? { kind: 'other' } : { kind: 'port', transports: [transport] };
  }
  if (protocol === 'ip' && field === 'protocol') return { kind: 'protocol', family: 'ipv4' };
  if (protocol === 'ip6' && field === 'nexthdr') return { kind: 'protocol', family: 'ipv6' };
  if (protocol === 'ip' && field === 'daddr') return { kind: 'address', family: 'ipv4' };
  if (protocol === 'ip6' && field === 'daddr') return { kind: 'address', family: 'ipv6' };
  return { kind: 'other' };
}

/** The first packet of a connection, the only one that nat sees, still has its original destination. */
function conntrackField({ key, dir }: JsonObject): Field {
  if (dir !== 'original') return { kind: 'other' };
  if (key === 'proto-dst') return { kind: 'port', transports: null };
  if (key === 'protocol') return { kind: 'protocol', family: null };
  if (key === 'ip daddr') return { kind: 'address', family: 'ipv4' };
  if (key === 'ip6 daddr') return { kind: 'address', family: 'ipv6' };
  if (key === 'daddr') return { kind: 'address', family: null };
  return { kind: 'other' };
}

function portsOf(value: Json): PortRange | null {
  const range = arrayOf(objectOf(value)?.['range']);
  const first = portOf(range === null ? value : range[0]);
  const last = portOf(range === null ? value : range[1]);
  return first === null || last === null || first > last ? null : [first, last];
}

function portOf(value: Json): number | null {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && isPort(number) ? number : null;
}

function comparePorts(operator: string, ports: readonly PortRange[] | null): PortRange[] | null {
  if (ports === null) return null;
  if (operator === '!=') return otherPorts(ports);
  const [run, ...more] = ports;
  if (run === undefined || more.length > 0) return null;
  const [number] = run;
  switch (operator) {
    case '<':
      return otherPorts([[number, 65_535]]);
    case '<=':
      return [[0, number]];
    case '>':
      return otherPorts([[0, number]]);
    case '>=':
      return [[number, 65_535]];
    default:
      return null;
  }
}

function networkOf(value: Json): Network | null {
  if (typeof value === 'string') return parseNetwork(value);
  const prefix = objectOf(objectOf(value)?.['prefix']);
  if (prefix !== null) {
    const address = typeof prefix['addr'] === 'string' ? parseAddress(prefix['addr']) : null;
    return address === null ? null : prefixOf(address, Number(prefix['len']));
  }
  const [first, last] = arrayOf(objectOf(value)?.['range']) ?? [];
  return typeof first === 'string' && typeof last === 'string' ? addressRange(first, last) : null;
}

function familyOf(value: Json): 'ipv4' | 'ipv6' | null {
  if (value === 'ipv4' || value === 'ip' || value === 2) return 'ipv4';
  return value === 'ipv6' || value === 'ip6' || value === 10 ? 'ipv6' : null;
}

/** Where a dnat, redirect or tproxy sends packets; null where that is not said in a form known here. */
function targetOf(addr: Json, port: Json): Target | null {
  const tuple = arrayOf(objectOf(addr)?.['concat']);
  const [address, number] = tuple === null ? [addr, port] : [tuple[0], tuple[1] ?? port];
  const to = addressText(address);
  const at = number === undefined || number === null ? undefined : portsOf(number)?.[0];
  if (to === null || (at === undefined && number !== undefined && number !== null)) return null;
  return { address: to ?? null, port: at ?? null };
}

/** The first address of a target; undefined for none, null where it cannot be read. */
function addressText(value: Json): string | undefined | null {
  if (value === undefined || value === null) return undefined;
  const [first] = arrayOf(objectOf(value)?.['range']) ?? [];
  const prefix = objectOf(objectOf(value)?.['prefix']);
  const text = prefix === null ? (first ?? value) : prefix['addr'];
  if (typeof text !== 'string' || parseAddress(text) === null) return null;
  return prefix === null ? text : `${text}/${String(prefix['len'])}`;
}

function allOf<T>(values: readonly Json[], read: (value: Json) => T | null): T[] | null {
  const all = values.map(read);
  const good = all.filter((one) => one !== null);
  return good.length === all.length ? good : null;
}

function objectOf(value: Json): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

function arrayOf(value: Json): readonly Json[] | null {
  return Array.isArray(value) ? value : null;
}
