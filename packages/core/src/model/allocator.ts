// How a kernel chooses ephemeral ports, measured by asking it for many.
import type { PortRange } from './port.ts';

/** Ports that one way of asking was given, in order. */
export interface AllocatorDraws {
  /** One after the other, each given back at once, to one destination (connect) or for none (bind). */
  readonly single: readonly number[];
  /** To two destinations in turn: a, b, a, b …; empty for bind, which knows none. */
  readonly inTurn: readonly number[];
  /** Each kept while the next was asked for; empty where that was not tried. */
  readonly held: readonly number[];
}

/** Algorithms of RFC 6056 s3.3, `sequential` for the traditional counter (s2.2), `fixed` for one number. */
export type AllocatorKind = 1 | 2 | 3 | 4 | 5 | 'random' | 'sequential' | 'fixed' | 'unknown';

/** What was measured of one way. */
export interface AllocatorMeasure {
  readonly draws: number;
  readonly distinct: number;
  /** Share of even numbers, 0–1. */
  readonly even: number;
  /** Shannon entropy of the ports, and the most that so many draws can show, in bits. */
  readonly portBits: number;
  readonly portBitsLimit: number;
  /** Entropy of the steps from one port to the next, around the range, in bits. */
  readonly stepBits: number;
  /** Smallest and largest of nearly all steps (95 %), and the mean of those; null for fewer than two draws. */
  readonly steps: { readonly least: number; readonly most: number; readonly mean: number } | null;
  /** All steps are multiples of it: 2 where one parity is preferred. */
  readonly unit: number;
  /** Draws between two uses of one port, the shortest and the median; null where none came twice. */
  readonly reuse: { readonly least: number; readonly median: number } | null;
  /** Draws next to a port that was held, and how many would have been by chance; null where not tried. */
  readonly beside: { readonly seen: number; readonly expected: number } | null;
}

/** One way and what it resembles. */
export interface AllocatorFinding {
  readonly way: 'tcp-connect' | 'tcp-bind' | 'udp-bind';
  readonly kind: AllocatorKind;
  /** Steps are random rather than one by one, as algorithm 5 has it. */
  readonly randomSteps: boolean;
  /** Mean step to one destination while another is asked in turn, by that when it is asked alone; null where not tried. */
  readonly turnRatio: number | null;
  readonly measure: AllocatorMeasure;
}

/** The whole measurement. */
export interface AllocatorReport {
  readonly range: PortRange | null;
  readonly findings: readonly AllocatorFinding[];
  /** Milliseconds that it took. */
  readonly took: number;
}
