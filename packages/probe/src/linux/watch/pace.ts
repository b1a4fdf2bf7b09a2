// How often something may be done for its cost to stay below a share of one CPU.

/** Costs that are remembered; their mean is what counts. */
const REMEMBERED = 15;
/** The first runs are slow, as nothing is compiled yet: they slow down by so many times the least wait at most. */
const FIRST_RUNS = 5;
const FIRST_TIMES = 5;

/** What CPU time this process has used, all threads together, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A pace that follows the cost of what is done. */
export class Pace {
  readonly #share: number;
  readonly #least: number;
  readonly #most: number;
  readonly #costs: number[] = [];
  #runs = 0;

  /** `share` of one CPU that it may take; milliseconds it may at `least` and at `most` wait. */
  constructor(share: number, least: number, most: number) {
    this.#share = share;
    this.#least = least;
    this.#most = most;
  }

  /** Does it, and takes its cost into account. */
  run<T>(work: () => T): T {
    const before = cpuMs();
    const result = work();
    this.#costs[this.#runs++ % REMEMBERED] = cpuMs() - before;
    return result;
  }

  /** Milliseconds to wait now. */
  get waitMs(): number {
    const early = this.#runs < FIRST_RUNS;
    const sum = this.#costs.reduce((all, one) => all + one, 0);
    const cost = this.#runs === 0 ? 0 : early ? Math.min(...this.#costs) : sum / this.#costs.length;
    const most = early ? this.#least * FIRST_TIMES : this.#most;
    return Math.round(Math.min(most, Math.max(this.#least, cost / this.#share)));
  }
}

/** Seconds over which the CPU share is taken. */
const WINDOW_MS = 10_000;
/** Before so much time has passed a share says nothing. */
const EARLY_MS = 2000;

/** The share of one CPU that this process used of late. */
export class CpuShare {
  #older: { at: number; used: number };
  #newer: { at: number; used: number };

  constructor() {
    this.#older = { at: performance.now(), used: cpuMs() };
    this.#newer = this.#older;
  }

  /** 1 for a whole CPU; null where it is too early to say. */
  now(): number | null {
    const now = { at: performance.now(), used: cpuMs() };
    if (now.at - this.#newer.at >= WINDOW_MS) {
      this.#older = this.#newer;
      this.#newer = now;
    }
    const passed = now.at - this.#older.at;
    return passed < EARLY_MS ? null : (now.used - this.#older.used) / passed;
  }
}

/** Milliseconds of CPU time that may be used at once before it has to be saved for. */
const CREDIT_MS = 500;

/** What may be spent on looking at what has changed: at once for a few changes, in batches for a flood of them. */
export class Credit {
  readonly #share: number;
  #left = CREDIT_MS;
  #at = performance.now();

  /** `share` of one CPU that comes in. */
  constructor(share: number) {
    this.#share = share;
  }

  /** Does it at the cost of what is left. */
  spend(work: () => void): void {
    this.#refill();
    const before = cpuMs();
    work();
    this.#left -= cpuMs() - before;
  }

  /** Lets what was overspent be: who has waited long enough is served. */
  forgive(): void {
    this.#refill();
    this.#left = Math.max(this.#left, Number.EPSILON);
  }

  /** Milliseconds until there is something to spend. */
  get waitMs(): number {
    this.#refill();
    return this.#left > 0 ? 0 : Math.ceil(-this.#left / this.#share);
  }

  #refill(): void {
    const now = performance.now();
    this.#left = Math.min(CREDIT_MS, this.#left + (now - this.#at) * this.#share);
    this.#at = now;
  }
}
