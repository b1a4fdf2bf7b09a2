// How often something may be done: a bucket of tokens that fills up again (a leaky bucket as a meter, ITU-T I.371).

/** Size of a bucket, and how fast it fills. */
export interface Rate {
  /** Most that may be done at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Counts what is done against a rate. */
export class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  /** `now` in milliseconds, of a clock that never goes back. */
  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** True where it may be done now, and then it counts as done. */
  take(now: number): boolean {
    const { burst, perSecond } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
