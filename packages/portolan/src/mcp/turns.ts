// Takes turns: so many at once, so many that wait, and no more.
import { PortolanError } from '@portolan/core';

/** Work that waits for its turn, first come, first served. */
export class Turns {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** Does the work in its turn. Throws USAGE where too many wait, and the signal's reason where it aborts before the turn comes. */
  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#mostWaiting)
        throw new PortolanError('USAGE', `More than ${this.#mostWaiting} requests wait already.`, {
          hint: 'Wait for answers before asking more.',
        });
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else this.#running++;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      // The turn goes to the next who waits, or is given back.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
      if (this.#running === 0) for (const idle of this.#idle.splice(0)) idle();
    }
  }

  /** Resolves once nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
    });
  }
}
