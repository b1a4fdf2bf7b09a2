// Source ports of resolvers, played: random, narrow, few, in order, fixed, with a hole, and in any disorder.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResolverGrade, ResolverInput } from '../model/resolver.ts';
import { resolverReport } from './resolver.ts';

/** Random numbers that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function input(
  ports: readonly number[],
  ids: (index: number) => number = (index) => (index * 40_503) & 0xffff,
): ResolverInput {
  return {
    zone: { name: 'z.example', authority: { address: '127.0.0.1', port: 5300 } },
    asked: null,
    sent: 0,
    answered: 0,
    queries: ports.map((port, index) => ({
      transport: 'udp',
      from: { address: '127.0.0.1', port },
      id: ids(index),
    })),
    malformed: 0,
    ephemeral: [32_768, 60_999],
    reserved: [[40_000, 40_000]],
  };
}

const draw = (seed: number, count: number, first: number, last: number): number[] => {
  const next = random(seed);
  return Array.from({ length: count }, () => first + Math.floor(next() * (last - first + 1)));
};

describe('source ports', () => {
  const cases: [string, ResolverGrade, (seed: number, count: number) => number[]][] = [
    ['of all unprivileged numbers', 'random', (seed, count) => draw(seed, count, 1024, 65_535)],
    ['of the ephemeral range', 'random', (seed, count) => draw(seed, count, 32_768, 60_999)],
    ['of four thousand', 'narrow', (seed, count) => draw(seed, count, 40_000, 43_999)],
    ['of sixty-four', 'few', (seed, count) => draw(seed, count, 40_000, 40_063)],
    ['of two', 'few', (seed, count) => draw(seed, count, 40_000, 40_001)],
    ['that count up', 'sequential', (_seed, count) => Array.from({ length: count }, (_, i) => 40_000 + i)],
    [
      'that count down by two',
      'sequential',
      (_seed, count) => Array.from({ length: count }, (_, i) => 60_000 - 2 * i),
    ],
    ['that never change', 'fixed', (_seed, count) => Array.from({ length: count }, () => 53)],
  ];
  it.each(cases)('%s are %s', (_name, grade, make) => {
    for (const count of [200, 400, 1500]) {
      for (let seed = 1; seed <= 25; seed++) {
        expect(resolverReport(input(make(seed, count))).grade, `seed ${seed}, ${count} queries`).toBe(grade);
      }
    }
  });

  it('that overtake each other by a few are in order all the same', () => {
    const ports = Array.from({ length: 200 }, (_, i) => 40_000 + (i ^ 1));
    expect(resolverReport(input(ports)).grade).toBe('sequential');
  });

  it('too few to judge are not judged', () => {
    for (const ports of [[], [1], draw(3, 19, 1024, 65_535)]) {
      expect(resolverReport(input(ports)).grade).toBe('unknown');
    }
    expect(resolverReport(input([]))).toMatchObject({ spread: null, pool: null, bits: null, seenBits: 0 });
  });

  it('left out between others are told, and chance is not', () => {
    const low = draw(1, 200, 1024, 9999);
    const high = draw(2, 200, 50_000, 65_535);
    const [hole] = resolverReport(input(low.flatMap((port, i) => [port, high[i] ?? 0]))).avoided;
    expect(hole?.[0]).toBeGreaterThan(9800);
    expect(hole?.[0]).toBeLessThanOrEqual(10_000);
    expect(hole?.[1]).toBeGreaterThanOrEqual(49_999);
    let told = 0;
    for (let seed = 1; seed <= 200; seed++) {
      told += resolverReport(input(draw(seed, 400, 1024, 65_535))).avoided.length;
    }
    expect(told).toBeLessThan(10);
  });

  it('outside what the host hands out, or reserved, are counted', () => {
    const { outsideEphemeral, onReserved } = resolverReport(input([40_000, 40_000, 1024, 33_000]));
    expect({ outsideEphemeral, onReserved }).toEqual({ outsideEphemeral: 1, onReserved: 2 });
  });

  it('do not hide that IDs count or stand still', () => {
    const ports = draw(1, 100, 1024, 65_535);
    const order = (ids: (index: number) => number): string => resolverReport(input(ports, ids)).ids.order;
    expect([order((i) => i), order(() => 7), order((i) => (i * 40_503) & 0xffff)]).toEqual([
      'sequential',
      'fixed',
      'none',
    ]);
  });

  it('of any kind give sane numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 300 }), (ports) => {
        const { pool, bits, distinct, seenBits, seenBitsLimit } = resolverReport(input(ports));
        expect(seenBits).toBeLessThanOrEqual(seenBitsLimit + 1e-9);
        if (pool === null || bits === null) return;
        expect(pool).toBeGreaterThanOrEqual(Math.min(distinct, 65_536));
        expect(bits).toBeLessThanOrEqual(16);
      }),
    );
  });
});

describe('the lines of the set-up', () => {
  it('name zone, address and port for each resolver', () => {
    const { setup } = resolverReport(input([]));
    expect(
      Object.fromEntries(setup.map(({ resolver, lines }) => [resolver, lines.join('\n')])),
    ).toMatchObject({
      unbound: expect.stringContaining('stub-addr: 127.0.0.1@5300') as string,
      dnsmasq: 'server=/z.example/127.0.0.1#5300',
      BIND: expect.stringContaining('forwarders { 127.0.0.1 port 5300; }') as string,
      'systemd-resolved': expect.stringContaining('DNS=127.0.0.1:5300\nDomains=~z.example') as string,
    });
  });
});
