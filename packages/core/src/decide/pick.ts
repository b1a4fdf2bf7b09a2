// Which ports are worth offering: facts, limits, holders and leases in; numbers, reasons and counts of refusals out.
import type { Claim, EphemeralDefault } from '../model/claim.ts';
import { listed, type Message, say } from '../model/message.ts';
import {
  type NearVerdict,
  PICK_RULES,
  type PickedPort,
  type PickReason,
  type PickRule,
  type RuleCount,
} from '../model/pick.ts';
import { inRange, PORT_MAX, type PortRange, type Transport } from '../model/port.ts';
import type { Gap, HostLimits, Snapshot } from '../model/socket.ts';
import { claimName, isWide, narrowestFirst } from './claims.ts';

/** Lowest number that can be offered: 0 asks the system to choose. */
export const PICK_MIN = 1;

/** What the rules are asked with. */
export interface PickFacts {
  readonly transports: readonly Transport[];
  readonly limits: HostLimits;
  /** Those of current systems; see `currentDefaults`. */
  readonly defaults: readonly EphemeralDefault[];
  /** Numbers that browsers refuse. */
  readonly blocked: ReadonlySet<number>;
  claimsOf(port: number): readonly Claim[];
  readonly leased: ReadonlySet<number>;
  /** Ports that somebody has here on a transport asked for. */
  readonly held: ReadonlySet<number>;
  readonly excluded: ReadonlySet<number>;
  readonly lifted: ReadonlySet<PickRule>;
}

/** In which order numbers are tried. */
export type PickOrder =
  | { readonly kind: 'near'; readonly port: number }
  /** A walk over all numbers that two 32-bit words fix: the same words, the same walk. */
  | { readonly kind: 'walk'; readonly seed: readonly [number, number] };

/** Default ranges of systems that are in use today: nobody carries a service to Windows XP. */
export function currentDefaults(defaults: readonly EphemeralDefault[]): EphemeralDefault[] {
  return defaults.filter(({ versions }) => !/XP|2003/.test(versions));
}

/** Claims that name the number itself or a run of few: the registry's entries and products. */
export function narrowClaims(claims: readonly Claim[]): Claim[] {
  return narrowestFirst(claims.filter((claim) => !isWide(claim)));
}

/** Ports that a snapshot shows as held in this namespace, rules that redirect included. */
export function heldPorts(snapshot: Snapshot, transports: readonly Transport[]): Set<number> {
  const held = new Set<number>();
  for (const { namespace, transport, local } of snapshot.sockets) {
    if (namespace === null && transports.includes(transport)) held.add(local.port);
  }
  for (const { transport, ports } of snapshot.redirects) {
    if (!transports.includes(transport)) continue;
    for (let port = ports[0]; port <= ports[1]; port++) held.add(port);
  }
  for (const { transport, ports } of snapshot.exclusions ?? []) {
    if (!transports.includes(transport)) continue;
    for (let port = ports[0]; port <= ports[1]; port++) held.add(port);
  }
  return held;
}

/** True where a gap may hide a holder of these transports. */
export function isUnsure(snapshot: Snapshot, transports: readonly Transport[]): boolean {
  return snapshot.gaps.some(
    (gap) =>
      gap.coversUse &&
      (gap.transports.length === 0 || gap.transports.some((transport) => transports.includes(transport))),
  );
}

/** Gaps that matter to who picks: whose a socket is does not, nor what other namespaces have. */
export function pickGaps(gaps: readonly Gap[]): Gap[] {
  return gaps.filter(
    ({ code, coversUse }) =>
      coversUse || !/^(owner|process|thread|namespace|container|activation)/.test(code),
  );
}

/** The first rule that refuses a number (1–65535), or null. */
export function ruleAgainst(port: number, facts: PickFacts): PickRule | null {
  return PICK_RULES.find((rule) => !facts.lifted.has(rule) && applies(rule, port, facts)) ?? null;
}

/** Lists of this many ranges are looked up in a table: machines have hundreds, and a walk asks for all numbers. */
const TABLE_FROM = 8;
const TABLES = new WeakMap<readonly PortRange[], Uint8Array>();

function isReserved(port: number, ranges: readonly PortRange[]): boolean {
  if (ranges.length < TABLE_FROM) return ranges.some((range) => inRange(port, range));
  let table = TABLES.get(ranges);
  if (table === undefined) {
    table = new Uint8Array(PORT_MAX + 1);
    for (const [first, last] of ranges) table.fill(1, first, last + 1);
    TABLES.set(ranges, table);
  }
  return table[port] === 1;
}

function applies(rule: PickRule, port: number, facts: PickFacts): boolean {
  const { limits } = facts;
  switch (rule) {
    case 'system-ports':
      return port < 1024;
    case 'dynamic-ports':
      return port >= 49_152;
    case 'excluded':
      return facts.excluded.has(port);
    case 'privileged':
      return limits.unprivilegedFrom !== null && port < limits.unprivilegedFrom;
    case 'reserved':
      return limits.reserved !== null && isReserved(port, limits.reserved);
    case 'ephemeral-here':
      return limits.ephemeral !== null && inRange(port, limits.ephemeral);
    case 'ephemeral-elsewhere':
      return facts.defaults.some((entry) => holds(entry, port));
    case 'browser-blocked':
      return facts.blocked.has(port);
    case 'claimed':
      return narrowClaims(facts.claimsOf(port)).length > 0;
    case 'leased':
      return facts.leased.has(port);
    case 'in-use':
      return facts.held.has(port);
    case 'unbindable':
      // Only a bind that was tried tells.
      return false;
  }
}

function holds({ ranges }: EphemeralDefault, port: number): boolean {
  return ranges.some((range) => inRange(port, range));
}

/** Systems whose default range has the number. */
function systemsOf(port: number, { defaults }: PickFacts): string[] {
  const found = defaults.filter((entry) => holds(entry, port));
  return [...new Set(found.map((entry) => entry.os))];
}

/** Every number from 1 to 65535 once, in the order in which they are tried. */
export function* inOrder(order: PickOrder): Generator<number> {
  if (order.kind === 'near') {
    for (let far = 0; far <= PORT_MAX; far++) {
      const [above, below] = [order.port + far, order.port - far];
      if (above >= PICK_MIN && above <= PORT_MAX) yield above;
      if (far > 0 && below >= PICK_MIN && below <= PORT_MAX) yield below;
    }
    return;
  }
  // An odd step meets each of 65,536 numbers once. What is taken in between never changes where the walk goes.
  const step = order.seed[1] | 1;
  for (let turn = 0, port = order.seed[0] & PORT_MAX; turn <= PORT_MAX; turn++) {
    if (port >= PICK_MIN) yield port;
    port = (port + step) & PORT_MAX;
  }
}

/** Numbers that no rule refuses, in order. */
export function* offers(order: PickOrder, facts: PickFacts): Generator<number> {
  for (const port of inOrder(order)) if (ruleAgainst(port, facts) === null) yield port;
}

/** How many numbers each rule took of 1–65535, each counted for the first that refuses it; and how many are left. */
export function countRefusals(
  facts: PickFacts,
  unbindable: number,
): { readonly refused: readonly RuleCount[]; readonly left: number } {
  const counts = new Map<PickRule, number>();
  let left = 0;
  for (let port = PICK_MIN; port <= PORT_MAX; port++) {
    const rule = ruleAgainst(port, facts);
    if (rule === null) left++;
    else counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
  if (unbindable > 0) counts.set('unbindable', unbindable);
  return {
    refused: PICK_RULES.flatMap((rule) => {
      const count = counts.get(rule) ?? 0;
      return count === 0 ? [] : [{ rule, count }];
    }),
    left: left - unbindable,
  };
}

/** Most products that are named as a number's owners. */
const NAMES_SHOWN = 2;

/** Whose a number is or why it is refused, said of a number that was wished. */
export function refusalOf(port: number, rule: PickRule, facts: PickFacts): Message {
  switch (rule) {
    case 'claimed': {
      const claims = narrowClaims(facts.claimsOf(port));
      // A product is what people know a number by; the registry's name stands where there is none.
      const products = [
        ...new Set(
          claims
            .filter(({ authority, product }) => authority !== 'registry' && product !== null)
            .map(claimName),
        ),
      ];
      const registry = claims.filter(({ authority }) => authority === 'registry');
      const names = products.length > 0 ? products : [...new Set(claims.map(claimName))];
      if (products.length > 0) {
        return say('pick.refused.product', { port, names: listed(names, NAMES_SHOWN), count: names.length });
      }
      if (registry.every(({ status }) => status === 'reserved')) {
        return say('pick.refused.iana-reserved', { port });
      }
      return say('pick.refused.registry', { port, names: listed(names, NAMES_SHOWN) });
    }
    case 'ephemeral-here': {
      const [first, last] = facts.limits.ephemeral ?? [0, 0];
      return say('pick.refused.ephemeral-here', { port, first, last });
    }
    case 'ephemeral-elsewhere':
      return say('pick.refused.ephemeral-elsewhere', { port, names: { list: systemsOf(port, facts) } });
    case 'privileged':
      return say('pick.refused.privileged', { port, from: facts.limits.unprivilegedFrom ?? 1024 });
    case 'system-ports':
    case 'dynamic-ports':
    case 'excluded':
    case 'reserved':
    case 'browser-blocked':
    case 'leased':
    case 'in-use':
    case 'unbindable':
      return say(`pick.refused.${rule}`, { port });
  }
}

/** What is said of the number that was wished. */
export function nearVerdict(port: number, rule: PickRule | null, facts: PickFacts): NearVerdict {
  return { port, rule, text: rule === null ? null : refusalOf(port, rule, facts) };
}

/** What is known of an offered port beside the rules. */
export interface PickContext {
  readonly near: number | null;
  /** Name it is stable for; null where it was picked for none. */
  readonly name: string | null;
}

/** An offered port with what speaks for it: only rules that were asked and could be answered. */
export function pickedPort(port: number, facts: PickFacts, { near, name }: PickContext): PickedPort {
  const { limits, lifted, transports } = facts;
  const reasons: PickReason[] = [
    { id: 'free', text: say('pick.reason.free', { transports: { list: transports } }) },
  ];
  const add = (id: PickReason['id'], rule: PickRule, text: Message): void => {
    if (!lifted.has(rule)) reasons.push({ id, text });
  };
  if (limits.ephemeral !== null) {
    const [first, last] = limits.ephemeral;
    add('outside-range', 'ephemeral-here', say('pick.reason.outside-range', { first, last }));
  }
  const systems = [...new Set(facts.defaults.map(({ os }) => os))];
  if (systems.length > 0) {
    add(
      'outside-others',
      'ephemeral-elsewhere',
      say('pick.reason.outside-others', { names: { list: systems } }),
    );
  }
  if (limits.reserved !== null) add('not-reserved', 'reserved', say('pick.reason.not-reserved'));
  add('not-blocked', 'browser-blocked', say('pick.reason.not-blocked'));
  add('not-claimed', 'claimed', say('pick.reason.not-claimed'));
  reasons.push({ id: 'not-leased', text: say('pick.reason.not-leased') });
  if (near !== null) {
    reasons.push({
      id: 'near',
      text:
        near === port
          ? say('pick.reason.wished')
          : say('pick.reason.near', { near, count: Math.abs(near - port) }),
    });
  }
  if (name !== null) reasons.push({ id: 'stable', text: say('pick.reason.stable', { name }) });
  return { port, reasons };
}
