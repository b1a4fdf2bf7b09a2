// Picking: ten thousand random machines never see a rule broken that is claimed; counts add up; orders are what they say.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Claim, EphemeralDefault } from '../model/claim.ts';
import { LIFTABLE, PICK_RULES, type PickRule } from '../model/pick.ts';
import type { PortRange } from '../model/port.ts';
import type { Gap, HostLimits, Snapshot } from '../model/socket.ts';
import { translator } from '../text/catalog.ts';
import {
  countRefusals,
  currentDefaults,
  heldPorts,
  inOrder,
  isUnsure,
  nearVerdict,
  offers,
  type PickFacts,
  type PickOrder,
  pickedPort,
  pickGaps,
  ruleAgainst,
} from './pick.ts';

const lang = translator('en');

function claim(ports: PortRange, more: Partial<Claim> = {}): Claim {
  return {
    id: `c-${ports.join('-')}`,
    ports,
    transports: ['tcp'],
    service: 'service',
    product: 'Product',
    vendor: null,
    authority: 'default',
    note: null,
    source: 's',
    confidence: 'verified',
    ...more,
  };
}

const NO_LIMITS: HostLimits = { ephemeral: null, reserved: null, unprivilegedFrom: null };

function factsOf(over: Partial<PickFacts> & { readonly claims?: readonly Claim[] } = {}): PickFacts {
  const { claims = [], ...rest } = over;
  return {
    transports: ['tcp'],
    limits: NO_LIMITS,
    defaults: [],
    blocked: new Set(),
    claimsOf: (port) => claims.filter(({ ports }) => ports[0] <= port && port <= ports[1]),
    leased: new Set(),
    held: new Set(),
    excluded: new Set(),
    lifted: new Set(),
    ...rest,
  };
}

const port = fc.integer({ min: 0, max: 65_535 });
// Most numbers near each other, so that rules meet on the same ones.
const some = fc.oneof(port, fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 49_100, max: 49_200 }));
const range: fc.Arbitrary<PortRange> = fc
  .tuple(some, fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 150, max: 60_000 })))
  .map(([first, size]) => [first, Math.min(65_535, first + size)]);
const numbers = fc.array(some, { maxLength: 30 }).map((list) => new Set(list));

const machine = fc.record({
  ephemeral: fc.option(range),
  reserved: fc.option(fc.array(range, { maxLength: 4 })),
  unprivilegedFrom: fc.option(fc.oneof(fc.constantFrom(0, 1024, 80), port)),
  defaults: fc.array(
    fc.record({ os: fc.constantFrom('A', 'B', 'C'), versions: fc.constantFrom('all', 'XP'), range }),
    { maxLength: 3 },
  ),
  blocked: numbers,
  claims: fc.array(fc.tuple(range, fc.boolean()), { maxLength: 12 }),
  leased: numbers,
  held: numbers,
  excluded: numbers,
  lifted: fc.subarray([...LIFTABLE], { maxLength: 3 }),
});

const order: fc.Arbitrary<PickOrder> = fc.oneof(
  port.map((near): PickOrder => ({ kind: 'near', port: near })),
  fc
    .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff }))
    .map((seed): PickOrder => ({ kind: 'walk', seed })),
);

function within(number: number, [first, last]: PortRange): boolean {
  return number >= first && number <= last;
}

function factsFrom(made: typeof machine extends fc.Arbitrary<infer T> ? T : never): PickFacts {
  const defaults = made.defaults.map(
    ({ os, versions, range: only }): EphemeralDefault => ({
      os,
      versions,
      transports: ['tcp'],
      ranges: [only],
      source: 's',
    }),
  );
  const claims = made.claims.map(([ports, registry]) =>
    claim(ports, registry ? { authority: 'registry', product: null } : {}),
  );
  const { ephemeral, reserved, unprivilegedFrom, blocked, leased, held, excluded } = made;
  return factsOf({
    limits: { ephemeral, reserved, unprivilegedFrom },
    defaults: currentDefaults(defaults),
    claims,
    blocked,
    leased,
    held,
    excluded,
    lifted: new Set<PickRule>(made.lifted),
  });
}

test('over 10,000 random machines no offered port breaks a rule it claims', { timeout: 300_000 }, () => {
  let offered = 0;
  fc.assert(
    fc.property(machine, order, (made, how) => {
      const facts = factsFrom(made);
      const lifted = (rule: PickRule): boolean => facts.lifted.has(rule);
      const near = how.kind === 'near' ? how.port : null;
      for (const found of take(offers(how, facts), 5)) {
        offered++;
        const { reasons } = pickedPort(found, facts, { near, name: null });
        const says = (id: string): boolean => reasons.some((reason) => reason.id === id);
        // Each fact is looked up in what the machine was made from, by other means than the rules'.
        expect(found).toBeGreaterThanOrEqual(lifted('system-ports') ? 1 : 1024);
        expect(found).toBeLessThanOrEqual(lifted('dynamic-ports') ? 65_535 : 49_151);
        expect(made.held.has(found) || made.leased.has(found) || made.excluded.has(found)).toBe(false);
        expect(made.unprivilegedFrom !== null && found < made.unprivilegedFrom).toBe(false);
        expect(says('free') && says('not-leased')).toBe(true);
        const broken = {
          'outside-range': made.ephemeral !== null && within(found, made.ephemeral),
          'outside-others': made.defaults.some(
            (entry) => entry.versions !== 'XP' && within(found, entry.range),
          ),
          'not-reserved': (made.reserved ?? []).some((one) => within(found, one)),
          'not-blocked': made.blocked.has(found),
          'not-claimed': made.claims.some(([ports]) => ports[1] - ports[0] + 1 < 200 && within(found, ports)),
        };
        const rules = {
          'outside-range': 'ephemeral-here',
          'outside-others': 'ephemeral-elsewhere',
          'not-reserved': 'reserved',
          'not-blocked': 'browser-blocked',
          'not-claimed': 'claimed',
        } as const;
        for (const [id, isBroken] of Object.entries(broken) as [keyof typeof broken, boolean][]) {
          if (says(id)) expect(isBroken, `${found} says ${id}`).toBe(false);
          if (isBroken) expect(lifted(rules[id]), `${found} breaks ${id}`).toBe(true);
        }
        for (const { text } of reasons) expect(lang.say(text)).not.toBe('');
      }
    }),
    { numRuns: 10_000 },
  );
  expect(offered).toBeGreaterThan(10_000);
});

test('refusals and what is left add up to 65,535, and an unknown range is not claimed to be kept clear of', () => {
  fc.assert(
    fc.property(machine, (made) => {
      const facts = factsFrom(made);
      const { refused, left } = countRefusals(facts, 0);
      expect(refused.reduce((sum, { count }) => sum + count, left)).toBe(65_535);
      expect(refused.map(({ rule }) => PICK_RULES.indexOf(rule))).toEqual(
        refused.map(({ rule }) => PICK_RULES.indexOf(rule)).toSorted((a, b) => a - b),
      );
      const [first] = take(offers({ kind: 'near', port: 5000 }, facts), 1);
      expect(first === undefined).toBe(left === 0);
      if (first === undefined || made.ephemeral !== null) return;
      const { reasons } = pickedPort(first, facts, { near: null, name: null });
      expect(reasons.some(({ id }) => id === 'outside-range')).toBe(false);
    }),
    { numRuns: 60 },
  );
});

function* take<T>(from: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const one of from) {
    if (count++ >= most) return;
    yield one;
  }
}

describe('order', () => {
  test('every number once, whatever the order', () => {
    fc.assert(
      fc.property(order, (how) => {
        const seen = new Set(inOrder(how));
        expect(seen.size).toBe(65_535);
        expect(seen.has(0)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });
  test('near: never farther than the one before', () => {
    const found = [...inOrder({ kind: 'near', port: 3000 })];
    expect(found.slice(0, 5)).toEqual([3000, 3001, 2999, 3002, 2998]);
    const far = found.map((one) => Math.abs(one - 3000));
    expect(far.every((one, index) => index === 0 || one >= (far[index - 1] ?? 0))).toBe(true);
  });
  test('a walk does not change when numbers are taken: each goes to the next that is left', () => {
    const how: PickOrder = { kind: 'walk', seed: [0x12345678, 0x9abcdef0] };
    const [first, second] = take(offers(how, factsOf()), 2);
    expect([...take(offers(how, factsOf({ held: new Set([first ?? 0]) })), 1)]).toEqual([second]);
    const others = new Set([...inOrder({ kind: 'near', port: 30_000 })].slice(0, 9000));
    others.delete(first ?? 0);
    expect([...take(offers(how, factsOf({ held: others })), 1)]).toEqual([first]);
  });
});

describe('the number that was wished', () => {
  const say = (number: number, facts: PickFacts): string | null => {
    const { text } = nearVerdict(number, ruleAgainst(number, facts), facts);
    return text === null ? null : lang.say(text);
  };
  test('whose it is', () => {
    const vite = factsOf({ claims: [claim([5173, 5173], { product: 'Vite' })] });
    expect(say(5173, vite)).toBe('5173 is refused: it is Vite’s.');
    expect(say(5174, vite)).toBeNull();
    const several = factsOf({
      claims: ['A', 'B', 'C', 'D'].map((product) => claim([3000, 3000], { product })),
    });
    expect(say(3000, several)).toBe('3000 is refused: it is the port of A, B and 2 more.');
    const iana = factsOf({
      claims: [claim([6000, 6010], { authority: 'registry', product: null, service: 'x11' })],
    });
    expect(say(6003, iana)).toBe('6003 is refused: IANA assigns it to x11.');
    const reserve = factsOf({ claims: [claim([1024, 1024], { authority: 'registry', status: 'reserved' })] });
    expect(say(1024, reserve)).toBe('1024 is refused: IANA holds it in reserve.');
  });
  test('a claim on a whole range refuses nothing', () => {
    expect(say(5173, factsOf({ claims: [claim([5000, 5199])] }))).toBeNull();
    expect(say(5173, factsOf({ claims: [claim([5000, 5198])] }))).not.toBeNull();
  });
  test('every rule has its words', () => {
    const facts = factsOf({ limits: { ephemeral: [1, 2], reserved: [], unprivilegedFrom: 9 } });
    for (const rule of PICK_RULES) {
      const { text } = nearVerdict(5, rule, facts);
      expect(text === null ? '' : lang.say(text)).toMatch(/^5 is refused: /);
    }
  });
  test('System and Dynamic Ports, the range here, and old Windows', () => {
    const defaults: EphemeralDefault[] = [
      {
        os: 'Windows',
        versions: '2000, XP, Server 2003',
        transports: [],
        ranges: [[1025, 5000]],
        source: 's',
      },
      { os: 'FreeBSD', versions: 'current', transports: [], ranges: [[10_000, 65_535]], source: 's' },
    ];
    const facts = factsOf({
      defaults: currentDefaults(defaults),
      limits: { ephemeral: [9000, 9100], reserved: [], unprivilegedFrom: 1024 },
    });
    expect(ruleAgainst(80, facts)).toBe('system-ports');
    expect(ruleAgainst(50_000, facts)).toBe('dynamic-ports');
    expect(ruleAgainst(9050, facts)).toBe('ephemeral-here');
    expect(ruleAgainst(20_000, facts)).toBe('ephemeral-elsewhere');
    expect(ruleAgainst(3001, facts)).toBeNull();
  });
});

test('65,536 ports reserved: nothing is left, and one rule took all but the two outer ranges', () => {
  const facts = factsOf({
    limits: { ephemeral: [32_768, 60_999], reserved: [[0, 65_535]], unprivilegedFrom: 1024 },
  });
  expect([...offers({ kind: 'near', port: 3000 }, facts)]).toEqual([]);
  expect(countRefusals(facts, 0)).toEqual({
    refused: [
      { rule: 'system-ports', count: 1023 },
      { rule: 'dynamic-ports', count: 16_384 },
      { rule: 'reserved', count: 48_128 },
    ],
    left: 0,
  });
});

describe('a snapshot', () => {
  const gap = (code: Gap['code'], coversUse: boolean, transports: Gap['transports'] = []): Gap => ({
    code,
    values: {},
    remedy: null,
    coversUse,
    transports,
  });
  const snapshot = (over: Partial<Snapshot>): Snapshot => ({
    platform: 'linux',
    release: null,
    takenAt: '2026-01-01T00:00:00Z',
    via: 'sock_diag',
    limits: NO_LIMITS,
    ephemeralUse: null,
    sockets: [],
    redirects: [],
    gaps: [],
    ...over,
  });
  test('a gap over one transport leaves the other sure', () => {
    const seen = snapshot({ gaps: [gap('bound-invisible', true, ['tcp']), gap('owners-hidden', false)] });
    expect(isUnsure(seen, ['tcp'])).toBe(true);
    expect(isUnsure(seen, ['udp'])).toBe(false);
    expect(pickGaps(seen.gaps).map(({ code }) => code)).toEqual(['bound-invisible']);
  });
  test('rules that redirect hold all of their ports', () => {
    const seen = snapshot({
      redirects: [
        {
          transport: 'tcp',
          family: null,
          address: null,
          ports: [8000, 8002],
          target: { address: null, port: 80 },
          hooks: ['prerouting'],
          by: 'nftables',
          table: 't',
          chain: 'c',
          maker: null,
          name: null,
          publishes: null,
        },
      ],
    });
    expect([...heldPorts(seen, ['tcp'])]).toEqual([8000, 8001, 8002]);
    expect(heldPorts(seen, ['udp']).size).toBe(0);
  });
});
