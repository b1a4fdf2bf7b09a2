// Work that stops at reads which take the kernel milliseconds: done at once, or while another thread waits for each of them.
import type { Libc } from '../native.ts';

/** A read(2) that is to be made. `memory` is what `address` lies in, so that it stays until it is made. */
export interface Reading {
  readonly fd: number;
  readonly address: number;
  readonly length: number;
  readonly memory: Buffer;
}

/** Gives a reading, gets what read(2) returned, and ends with a result. */
export type Steps<T> = Generator<Reading, T, number>;

/** Makes the reads as they come. */
export function atOnce<T>(libc: Libc, steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) {
    const { fd, address, length } = step.value;
    step = steps.next(libc.read(fd, address, length));
  }
  return step.value;
}

/** Work that has been done as far as its first read. */
export interface Prepared<T> {
  /**
   * Makes that read and those after it by another thread; what stands between them is done by this one, when it has nothing
   * else to do.
   */
  beside(): Promise<T>;
  /** Lets go of what the work holds, where it is not wanted; nothing once it went on. */
  drop(): void;
}

/** Does the work as far as its first read. */
export function prepare<T>(libc: Libc, steps: Steps<T>): Prepared<T> {
  let step = steps.next();
  let begun = false;
  return {
    async beside() {
      begun = true;
      while (step.done !== true) {
        const { fd, address, length } = step.value;
        step = steps.next(await libc.readBeside(fd, address, length));
      }
      return step.value;
    },
    drop() {
      if (!begun && step.done !== true) steps.return(undefined as never);
    },
  };
}
