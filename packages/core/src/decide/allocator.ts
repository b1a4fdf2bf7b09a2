// Which algorithm of RFC 6056 a sequence of ephemeral ports resembles, and the measures that say so.
import type {
  AllocatorDraws,
  AllocatorFinding,
  AllocatorKind,
  AllocatorMeasure,
} from '../model/allocator.ts';
import { type PortRange, rangeSize } from '../model/port.ts';

/** Steps up to this are small: RFC 6056 s3.3.5 proposes random increments of up to 500. */
const SMALL_STEP = 512;
/** Share of small steps from which on it is a walk through the range. */
const WALKS = 0.9;
/** Less entropy than this is one and the same step. */
const SAME_STEP_BITS = 0.2;
/** Fewer draws show nothing. */
const LEAST_DRAWS = 16;
/** Fewer draws beside held ports than this would tell algorithms 1 and 2 apart by luck alone. */
const LEAST_BESIDE = 50;

/** The finding for one way of asking. */
export function allocatorFinding(
  way: AllocatorFinding['way'],
  draws: AllocatorDraws,
  range: PortRange,
): AllocatorFinding {
  const measure = measureOf(draws, range);
  const { kind, turnRatio } = kindOf(draws, range, measure);
  const walks = kind === 3 || kind === 4 || kind === 5;
  return { way, kind, randomSteps: walks && measure.stepBits > SAME_STEP_BITS, turnRatio, measure };
}

function kindOf(
  { single, inTurn }: AllocatorDraws,
  range: PortRange,
  measure: AllocatorMeasure,
): { kind: AllocatorKind; turnRatio: number | null } {
  const none = (kind: AllocatorKind): { kind: AllocatorKind; turnRatio: null } => ({ kind, turnRatio: null });
  if (single.length < LEAST_DRAWS) return none('unknown');
  if (measure.distinct === 1) return none('fixed');
  const steps = stepsOf(single, range);
  if (shareSmall(steps) < WALKS) return none(randomKind(measure));
  const constant = measure.stepBits < SAME_STEP_BITS;
  if (inTurn.length < 2 * LEAST_DRAWS) return none(constant ? 'sequential' : 'unknown');
  const own = inTurn.filter((_, index) => index % 2 === 0);
  const turnRatio = meanStep(stepsOf(own, range)) / meanStep(steps);
  // One counter for everybody: both destinations are on the same walk.
  if (shareSmall(stepsOf(inTurn, range)) >= WALKS) return { kind: constant ? 'sequential' : 5, turnRatio };
  // Own offsets; a counter that the other destination moves as well, or one of its own.
  return { kind: turnRatio > 1.5 ? 3 : 4, turnRatio };
}

/** Algorithm 1 goes on to the next free port, so that ports beside taken ones come more often; 2 tries anew. */
function randomKind({ beside }: AllocatorMeasure): AllocatorKind {
  if (beside === null || beside.expected < LEAST_BESIDE) return 'random';
  return beside.seen > 1.5 * beside.expected ? 1 : 2;
}

function measureOf({ single, held }: AllocatorDraws, range: PortRange): AllocatorMeasure {
  const steps = stepsOf(single, range);
  const unit = steps.reduce((common, step) => divisor(common, step), 0) || 1;
  const even = single.filter((port) => (port & 1) === 0).length;
  const usual = steps.toSorted((a, b) => a - b).slice(0, Math.max(1, Math.ceil(steps.length * 0.95)));
  return {
    draws: single.length,
    distinct: new Set(single).size,
    even: single.length === 0 ? 0 : even / single.length,
    portBits: entropy(single),
    portBitsLimit: Math.log2(Math.max(1, Math.min(single.length, Math.ceil(rangeSize(range) / unit)))),
    stepBits: entropy(steps),
    steps:
      steps.length === 0
        ? null
        : {
            least: usual[0] ?? 0,
            most: usual.at(-1) ?? 0,
            mean: usual.reduce((a, b) => a + b, 0) / usual.length,
          },
    unit,
    reuse: reuseOf(single),
    beside: besideOf(held, range, unit),
  };
}

/** Steps around the range: from its end on to its beginning. */
function stepsOf(ports: readonly number[], range: PortRange): number[] {
  const size = rangeSize(range);
  return ports.slice(1).map((port, index) => (port - (ports[index] ?? port) + size) % size);
}

function shareSmall(steps: readonly number[]): number {
  return steps.filter((step) => step <= SMALL_STEP).length / Math.max(1, steps.length);
}

/** Mean of the small steps: the few others are ports that somebody else had, or the offset of a new hash. */
function meanStep(steps: readonly number[]): number {
  const small = steps.filter((step) => step <= SMALL_STEP);
  return small.reduce((a, b) => a + b, 0) / Math.max(1, small.length) || 1;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** Shannon entropy of what was seen, in bits. */
export function entropy(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / values.length) * Math.log2(count / values.length);
  return Math.abs(bits);
}

function reuseOf(ports: readonly number[]): AllocatorMeasure['reuse'] {
  const last = new Map<number, number>();
  const distances: number[] = [];
  ports.forEach((port, index) => {
    const before = last.get(port);
    if (before !== undefined) distances.push(index - before);
    last.set(port, index);
  });
  if (distances.length === 0) return null;
  distances.sort((a, b) => a - b);
  return { least: distances[0] ?? 0, median: distances[distances.length >> 1] ?? 0 };
}

/** Draws that came right after a held port, upwards or downwards, whichever is more. */
function besideOf(held: readonly number[], range: PortRange, unit: number): AllocatorMeasure['beside'] {
  if (held.length < LEAST_DRAWS) return null;
  const taken = new Set<number>();
  let above = 0;
  let below = 0;
  let expected = 0;
  const places = rangeSize(range) / unit;
  for (const port of held) {
    if (taken.has(port - unit)) above++;
    if (taken.has(port + unit)) below++;
    expected += taken.size / places;
    taken.add(port);
  }
  return { seen: Math.max(above, below), expected };
}
