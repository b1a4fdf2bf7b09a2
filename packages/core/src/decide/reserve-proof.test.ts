// What a proof has shown: held ports prove nothing, luck is counted, and what the kernel gave is broken.
import { describe, expect, it } from 'vitest';
import type { PortRange } from '../model/port.ts';
import type { Choice, ExactTrial, RepeatedTrial, ReserveProof } from '../model/reserve.ts';
import { proofSum, repeatedTrial } from './reserve-proof.ts';

const RANGE: PortRange = [50_000, 50_099];
const CONNECT = { transport: 'tcp', call: 'connect' } as const;
const BIND = { transport: 'tcp', call: 'bind' } as const;

function exact(...trials: [before: Choice, after: Choice, free: boolean | null][]): ReserveProof {
  const made = trials.map(
    ([before, after, free]): ExactTrial => ({ ...BIND, port: 50_001, before, after, free }),
  );
  return { method: 'exact', reason: null, candidates: 1, exact: made, repeated: [] };
}

function repeated(...trials: RepeatedTrial[]): ReserveProof {
  return { method: 'repeated', reason: null, candidates: 1, exact: [], repeated: trials };
}

describe('an exact proof', () => {
  it('holds where the kernel gave the port before, or it could be bound on purpose', () => {
    expect(proofSum(exact(['given', 'refused', null]), 'reserve')).toMatchObject({
      proven: 1,
      right: 1,
      made: 1,
    });
    expect(proofSum(exact(['refused', 'refused', true]), 'reserve')).toMatchObject({ proven: 1 });
  });
  it('is open where somebody may hold the port, or nothing could be tried', () => {
    expect(proofSum(exact(['refused', 'refused', false]), 'reserve')).toMatchObject({
      proven: 0,
      open: [50_001],
    });
    expect(proofSum(exact(['untried', 'untried', null]), 'reserve')).toMatchObject({
      proven: 0,
      open: [50_001],
    });
    expect(proofSum(exact(['refused', 'refused', false]), 'unreserve')).toMatchObject({ open: [50_001] });
  });
  it('is broken by one choice that gave the port', () => {
    const proof = exact(['given', 'refused', true], ['given', 'given', null]);
    expect(proofSum(proof, 'reserve')).toMatchObject({ proven: 0, broken: [50_001], right: 1, made: 2 });
    expect(proofSum(exact(['refused', 'refused', true]), 'unreserve')).toMatchObject({ broken: [50_001] });
    expect(proofSum(exact(['refused', 'given', null]), 'unreserve')).toMatchObject({ proven: 1 });
  });
});

describe('a proof by repetition', () => {
  it('counts how often connect() walked past, by ports of its parity alone', () => {
    const walk = [50_000, 50_004, 50_010, 50_090, 50_002, 50_006];
    expect(repeatedTrial(CONNECT, 50_006, walk, RANGE)).toMatchObject({ chances: 2, hits: 1 });
    expect(repeatedTrial(CONNECT, 50_008, walk, RANGE)).toMatchObject({ chances: 1, hits: 0, luck: 7 / 9 });
    expect(repeatedTrial(CONNECT, 50_007, walk, RANGE)).toMatchObject({ chances: 0, luck: 1 });
  });
  it('counts draws of bind() for ports that it comes to', () => {
    const draws = Array.from({ length: 200 }, (_, i) => 50_001 + ((2 * i) % 40));
    expect(repeatedTrial(BIND, 50_041, draws, RANGE)).toMatchObject({ chances: 200, hits: 0 });
    expect(repeatedTrial(BIND, 50_041, draws, RANGE).luck).toBeLessThan(0.001);
    // The other parity, and the upper half.
    expect(repeatedTrial(BIND, 50_042, draws, RANGE).luck).toBe(1);
    expect(repeatedTrial(BIND, 50_099, draws, RANGE).luck).toBe(1);
  });
  it('is open while luck may explain it, and broken by a hit', () => {
    const few = repeatedTrial(BIND, 50_041, [50_001, 50_003], RANGE);
    expect(proofSum(repeated(few), 'reserve')).toMatchObject({ proven: 0, open: [50_041] });
    const many = repeatedTrial(
      BIND,
      50_041,
      Array.from({ length: 500 }, () => 50_001),
      RANGE,
    );
    expect(proofSum(repeated(few, many), 'reserve')).toMatchObject({ proven: 1, open: [] });
    expect(proofSum(repeated(few, many), 'reserve').luck).toBeLessThan(0.05);
    const hit = repeatedTrial(BIND, 50_041, [50_041], RANGE);
    expect(proofSum(repeated(many, hit), 'reserve')).toMatchObject({ proven: 0, broken: [50_041] });
    expect(proofSum(repeated(many, hit), 'unreserve')).toMatchObject({ proven: 1 });
    expect(proofSum(repeated(many), 'unreserve')).toMatchObject({ open: [50_041] });
  });
});
