// What asking the kernel for ports has shown about a reservation, and how sure that is.
import type { PortRange } from '../model/port.ts';
import type { ChoiceWay, RepeatedTrial, ReserveAction, ReserveProof } from '../model/reserve.ts';

import { upperHalf } from './forecast.ts';

/** Linux moves on by even steps of up to 16 from one connect(2) to the next (RFC 6056 s3.3.4 with a random step). */
const LONGEST_STEP = 16;
/** Share of the passes in which connect(2) takes a given port: one step in nine, and the step before in the parity. */
const HIT_SHARE = 2 / 9;

/**
 * How often a port could have come among the choices of one way. bind(2) of TCP and all of UDP are draws from the range;
 * connect(2) of TCP walks through it, so that what counts is how often it walked past.
 */
export function repeatedTrial(
  way: ChoiceWay,
  port: number,
  draws: readonly number[],
  [first, last]: PortRange,
): RepeatedTrial {
  const hits = draws.filter((drawn) => drawn === port).length;
  if (way.transport === 'tcp' && way.call === 'connect') {
    const preferred = ((port ^ first) & 1) === 0;
    const passes = preferred
      ? draws.filter((drawn, at) => {
          const before = draws[at - 1];
          return before !== undefined && before < port && drawn >= port && drawn - before <= LONGEST_STEP;
        }).length
      : 0;
    return { ...way, port, draws: draws.length, hits, chances: passes, luck: (1 - HIT_SHARE) ** passes };
  }
  // bind(2) of TCP prefers the ports that connect(2) does not, and with SO_REUSEADDR, as servers set it, those of the
  // lower half.
  const range: PortRange = [first, last];
  const tcp = way.transport === 'tcp';
  const half = Math.min(upperHalf(range), last + 1);
  const reachable = !tcp || (((port ^ first) & 1) === 1 && port < half);
  const size = tcp ? Math.floor((half - first) / 2) : last - first + 1;
  const chances = reachable ? draws.length : 0;
  return {
    ...way,
    port,
    draws: draws.length,
    hits,
    chances,
    luck: size < 1 ? 1 : (1 - 1 / size) ** chances,
  };
}

/** The sum of a proof. */
export interface ProofSum {
  /** Ports for which every way that was tried went as it should, and which no holder explains. */
  readonly proven: number;
  /** Ports for which one way went otherwise. */
  readonly broken: readonly number[];
  /** Ports that could not be judged, since somebody holds them or they could not be asked for. */
  readonly open: readonly number[];
  /** Ports that were asked for. */
  readonly asked: number;
  /** Choices that went as they should, and all that were made. */
  readonly right: number;
  readonly made: number;
  /** The largest chance that luck alone explains it, 0–1; 0 for an exact proof. */
  readonly luck: number;
}

/** Adds a proof up. After `reserve` the kernel must not give the port, after `unreserve` it must. */
export function proofSum(proof: ReserveProof, action: ReserveAction): ProofSum {
  const wanted = action === 'reserve' ? 'refused' : 'given';
  const ports = [...new Set([...proof.exact, ...proof.repeated].map(({ port }) => port))];
  const broken: number[] = [];
  const open: number[] = [];
  let luck = 0;
  for (const port of ports) {
    const exact = proof.exact.filter((trial) => trial.port === port && trial.after !== 'untried');
    const repeated = proof.repeated.filter((trial) => trial.port === port);
    if (proof.method === 'exact') {
      const wrong = exact.filter(({ after }) => after !== wanted);
      // What holds the port keeps it from being given as well as a reservation does.
      const held = exact.some(
        ({ before, free }) => action === 'reserve' && before !== 'given' && free !== true,
      );
      const taken = action === 'unreserve' && wrong.some(({ free }) => free === false);
      if (exact.length === 0 || held || taken) open.push(port);
      else if (wrong.length > 0) broken.push(port);
      continue;
    }
    const hits = repeated.some((trial) => trial.hits > 0);
    const least = Math.min(1, ...repeated.map((trial) => trial.luck));
    if (action === 'unreserve') {
      if (!hits) open.push(port);
    } else if (hits) broken.push(port);
    else if (least > LUCK_LIMIT) open.push(port);
    else luck = Math.max(luck, least);
  }
  const tried = proof.exact.filter(({ after }) => after !== 'untried');
  const right =
    proof.method === 'exact'
      ? tried.filter(({ after }) => after === wanted).length
      : proof.repeated.reduce(
          (sum, { draws, hits }) => sum + (action === 'reserve' ? draws - hits : hits),
          0,
        );
  const made =
    proof.method === 'exact' ? tried.length : proof.repeated.reduce((sum, { draws }) => sum + draws, 0);
  return {
    proven: ports.length - broken.length - open.length,
    broken,
    open,
    asked: ports.length,
    right,
    made,
    luck,
  };
}

/** Above this chance of mere luck nothing is called proven. */
const LUCK_LIMIT = 0.05;
