// Lines of standard input up to a bound: a longer one is left out as a whole, so that it costs neither memory nor session.
import { Transform, type TransformCallback } from 'node:stream';

const NEWLINE = 0x0a;

/** Passes whole lines on, the last one too where no newline ends it; tells of each that is longer than `limit` bytes. */
export class BoundedLines extends Transform {
  readonly #limit: number;
  readonly #tooLong: () => void;
  #parts: Buffer[] = [];
  #length = 0;
  #dropping = false;

  constructor(limit: number, tooLong: () => void) {
    super();
    this.#limit = limit;
    this.#tooLong = tooLong;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.#take(chunk.subarray(from, at));
      this.#end();
      from = at + 1;
    }
    this.#take(chunk.subarray(from));
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#length > 0 || this.#dropping) this.#end();
    done();
  }

  #take(part: Buffer): void {
    if (this.#dropping) return;
    this.#length += part.length;
    if (this.#length > this.#limit) {
      this.#dropping = true;
      this.#parts = [];
    } else if (part.length > 0) this.#parts.push(part);
  }

  #end(): void {
    if (this.#dropping) this.#tooLong();
    else if (this.#length > 0) this.push(Buffer.concat([...this.#parts, Buffer.of(NEWLINE)]));
    this.#parts = [];
    this.#length = 0;
    this.#dropping = false;
  }
}
