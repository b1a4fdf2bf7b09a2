// The five algorithms of RFC 6056 s3.3 and the counter of s2.2, played, and recognised.
import { describe, expect, it } from 'vitest';
import type { AllocatorDraws, AllocatorKind } from '../model/allocator.ts';
import type { PortRange } from '../model/port.ts';
import { allocatorFinding, entropy } from './allocator.ts';

const RANGE: PortRange = [32_768, 60_999];
const SIZE = RANGE[1] - RANGE[0] + 1;
const DRAWS = 2000;
const HELD = 2000;

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

/** Chooses a port for a destination, among those that are not taken. */
type Algorithm = (destination: number, taken: ReadonlySet<number>) => number;

/** The next port that is free, from an offset on, in steps. */
function nextFree(offset: number, taken: ReadonlySet<number>, step = 1): number {
  let at = offset;
  for (let count = 0; count < SIZE; count++, at += step) {
    const port = RANGE[0] + (((at % SIZE) + SIZE) % SIZE);
    if (!taken.has(port)) return port;
  }
  throw new Error('no port is left');
}

const ALGORITHMS: Readonly<Record<string, (next: () => number) => Algorithm>> = {
  // s3.3.1: a random offset, then on to the next free port.
  1: (next) => (_destination, taken) => nextFree(Math.floor(next() * SIZE), taken, -1),
  // s3.3.2: a random offset, and another one where that is taken.
  2: (next) => (_destination, taken) => {
    for (;;) {
      const port = RANGE[0] + Math.floor(next() * SIZE);
      if (!taken.has(port)) return port;
    }
  },
  // s3.3.3: an offset by hash, and one counter for all.
  3: () => {
    let counter = 0;
    return (destination, taken) => nextFree(destination * 9973 + counter++, taken);
  },
  // s3.3.4: an offset by hash, and a table of counters.
  4: () => {
    const counters = new Map<number, number>();
    return (destination, taken) => {
      const counter = counters.get(destination) ?? 0;
      counters.set(destination, counter + 1);
      return nextFree(destination * 9973 + counter, taken);
    };
  },
  // s3.3.5: one counter that grows by random steps.
  5: (next) => {
    let counter = 0;
    return (_destination, taken) => {
      counter += 1 + Math.floor(next() * 500);
      return nextFree(counter, taken);
    };
  },
  // s2.2: the counter of old.
  sequential: () => {
    let counter = 0;
    return (_destination, taken) => nextFree(counter++, taken);
  },
  fixed: () => () => 40_000,
};

function play(make: (next: () => number) => Algorithm, seed: number): AllocatorDraws {
  const none = new Set<number>();
  const one = make(random(seed));
  const single = Array.from({ length: DRAWS }, () => one(1, none));
  const two = make(random(seed + 1));
  const inTurn = Array.from({ length: DRAWS }, (_, index) => two(1 + (index % 2), none));
  const taken = new Set<number>();
  const three = make(random(seed + 2));
  const held = Array.from({ length: HELD }, () => {
    const port = three(1, taken);
    taken.add(port);
    return port;
  });
  return { single, inTurn, held };
}

describe('an allocator', () => {
  const expected: [string, AllocatorKind, boolean][] = [
    ['1', 1, false],
    ['2', 2, false],
    ['3', 3, false],
    ['4', 4, false],
    ['5', 5, true],
    ['sequential', 'sequential', false],
    ['fixed', 'fixed', false],
  ];
  it.each(expected)('that is %s is recognised', (name, kind, randomSteps) => {
    const make = ALGORITHMS[name];
    if (make === undefined) throw new Error(name);
    for (const seed of [1, 20, 300, 4000, 50_000]) {
      const finding = allocatorFinding('tcp-connect', play(make, seed), RANGE);
      expect({ kind: finding.kind, randomSteps: finding.randomSteps }, `seed ${seed}`).toEqual({
        kind,
        randomSteps,
      });
    }
  });

  it('with offsets by hash, own counters and random even steps is 4, as Linux has it', () => {
    const next = random(9);
    const counters = new Map<number, number>();
    const linux: Algorithm = (destination) => {
      const counter = counters.get(destination) ?? 0;
      counters.set(destination, counter + 2 * (1 + Math.floor(next() * 8)));
      return nextFree(2 * ((destination * 4987) % (SIZE / 2)) + counter, new Set());
    };
    const finding = allocatorFinding(
      'tcp-connect',
      play(() => linux, 1),
      RANGE,
    );
    expect(finding).toMatchObject({ kind: 4, randomSteps: true });
    expect(finding.measure).toMatchObject({ even: 1, unit: 2, steps: { least: 2, most: 16 } });
    expect(finding.measure.stepBits).toBeCloseTo(3, 1);
    expect(finding.measure.steps?.mean).toBeGreaterThan(8);
  });

  it('is not named where too little was seen, nor 1 or 2 where no port was held', () => {
    const make = ALGORITHMS['1'];
    if (make === undefined) throw new Error('1');
    const draws = play(make, 5);
    expect(allocatorFinding('udp-bind', { ...draws, held: [] }, RANGE).kind).toBe('random');
    const few = { single: draws.single.slice(0, 5), inTurn: [], held: [] };
    expect(allocatorFinding('udp-bind', few, RANGE).kind).toBe('unknown');
    const nothing = allocatorFinding('udp-bind', { single: [], inTurn: [], held: [] }, RANGE);
    expect(nothing.measure).toMatchObject({ draws: 0, portBits: 0, steps: null, reuse: null, beside: null });
  });
});

describe('measures', () => {
  it('entropy is that of Shannon', () => {
    expect(entropy([])).toBe(0);
    expect(entropy([7, 7, 7])).toBe(0);
    expect(entropy([1, 2, 3, 4])).toBeCloseTo(2);
    expect(entropy([1, 1, 2, 3])).toBeCloseTo(1.5);
  });
  it('reuse is counted in draws', () => {
    const single = [...Array.from({ length: 20 }, (_, i) => 33_000 + i), 33_000, 33_019, 33_001];
    const { measure } = allocatorFinding('tcp-bind', { single, inTurn: [], held: [] }, RANGE);
    expect(measure.reuse).toEqual({ least: 2, median: 20 });
  });
});
