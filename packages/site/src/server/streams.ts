// Answers that go on: a line when something changed, an empty one when not, until the reader goes away.
import type { ServerResponse } from 'node:http';

/** Most streams at once. */
const STREAMS = 16;

/** Between two looks, in milliseconds. */
const EVERY_MS = 1000;

/** A stream ends after so long, and who still reads opens another: what nobody reads is not kept up for ever. */
const LIFE_MS = 600_000;

/** Counts streams and feeds them. */
export class Streams {
  #open = 0;

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  get full(): boolean {
    return this.#open >= STREAMS;
  }

  /**
   * Bytes of a stream that `outgoing` sends. `line` gives what is to be said now; the same as before is not said again.
   * It ends with the answer, whoever closes it.
   */
  start(outgoing: ServerResponse, line: () => Promise<string>): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    const end = new AbortController();
    const { signal } = end;
    const stop = (): void => end.abort();
    this.#open++;
    signal.addEventListener('abort', () => this.#open--, { once: true });
    const life = setTimeout(stop, LIFE_MS);
    let timer: NodeJS.Timeout | undefined;
    // The answer's own end is what counts: a stream is not told of a reader who left before its first line.
    outgoing.once('close', stop);
    if (outgoing.closed || outgoing.destroyed) stop();
    return new ReadableStream<Uint8Array>({
      start(controller) {
        let last = '';
        const close = (): void => {
          clearTimeout(timer);
          clearTimeout(life);
          try {
            controller.close();
          } catch {
            // Closed already by the reader.
          }
        };
        if (signal.aborted) {
          close();
          return;
        }
        signal.addEventListener('abort', close, { once: true });
        const round = (): void => {
          // Who does not read is told the newest once he does, and nothing piles up.
          const told = (controller.desiredSize ?? 0) > 0 ? line() : Promise.resolve(null);
          told.then(
            (text) => {
              if (signal.aborted) return;
              if (text !== null) {
                controller.enqueue(encoder.encode(text === last ? '\n' : `${text}\n`));
                last = text;
              }
              timer = setTimeout(round, EVERY_MS);
            },
            () => stop(),
          );
        };
        round();
      },
      cancel: stop,
    });
  }
}
