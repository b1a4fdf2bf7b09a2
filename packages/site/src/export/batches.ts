// Files on their way to the thread that writes them: many in one piece of memory, which goes there and comes back.
import { Worker } from 'node:worker_threads';
import type { Written } from './folder.ts';

/** Files in one piece of memory. */
export interface Batch {
  readonly memory: ArrayBuffer;
  readonly files: readonly { readonly path: string; readonly from: number; readonly to: number }[];
}

/** What the thread says when it is through with a batch. */
export interface Done extends Written {
  readonly memory: ArrayBuffer;
  readonly failed: { readonly message: string; readonly code: string | null } | null;
}

/** Bytes of a batch: some 150 pages. More of them are no faster. */
const SIZE = 1 << 21;

/** Batches at once: one is filled while one is written, and one waits. */
const MOST = 3;

/** Most bytes of UTF-8 that a unit of a string takes. */
const BYTES = 3;

/** Hands files to a thread, and waits where it is behind. */
export class Batches implements Written {
  readonly #worker: Worker;
  readonly #free: ArrayBuffer[];
  #memory: Buffer = Buffer.alloc(0);
  #files: Batch['files'][number][] = [];
  #at = 0;
  #under = 0;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  written = 0;
  unchanged = 0;
  /** Bytes of all files so far. */
  bytes = 0;

  /** `program` is the file of the thread, `folder` what it writes into. */
  constructor(program: string, folder: string) {
    this.#free = Array.from({ length: MOST }, () => new ArrayBuffer(SIZE));
    this.#worker = new Worker(program, { workerData: folder });
    this.#worker.on('message', (done: Done) => this.#back(done));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that writes has ended')));
  }

  /** Hands a file over; a promise where that has to wait. Throws, or rejects with, what went wrong with one before. */
  put(path: string, content: string | Uint8Array): Promise<void> | null {
    if (this.#failure !== null) throw this.#failure;
    const most = typeof content === 'string' ? content.length * BYTES : content.length;
    if (this.#at + most <= this.#memory.length) {
      this.#add(path, content);
      return null;
    }
    return this.#next(most).then(() => this.#add(path, content));
  }

  /** Waits until everything is written, and ends the thread. */
  async end(): Promise<void> {
    this.#send();
    while (this.#under > 0) await this.#change();
    if (this.#failure !== null) throw this.#failure;
    await this.drop();
  }

  /** Ends the thread after the file that it is at, whatever is left. */
  async drop(): Promise<void> {
    this.#worker.removeAllListeners();
    await this.#worker.terminate();
  }

  #add(path: string, content: string | Uint8Array): void {
    const from = this.#at;
    if (typeof content === 'string') this.#at += this.#memory.write(content, from);
    else {
      this.#memory.set(content, from);
      this.#at += content.length;
    }
    this.#files.push({ path, from, to: this.#at });
    this.bytes += this.#at - from;
  }

  /** Sends what there is and takes memory for `most` bytes more, once some has come back. */
  async #next(most: number): Promise<void> {
    this.#send();
    while (this.#free.length === 0) await this.#change();
    const free = this.#free.pop() ?? new ArrayBuffer(SIZE);
    // What is larger than a batch gets memory of its own, which takes the place of a usual one.
    this.#memory = Buffer.from(most > free.byteLength ? new ArrayBuffer(most) : free);
  }

  #send(): void {
    const memory = this.#memory.buffer as ArrayBuffer;
    const files = this.#files;
    this.#memory = Buffer.alloc(0);
    this.#files = [];
    this.#at = 0;
    if (files.length === 0) {
      if (memory.byteLength >= SIZE) this.#free.push(memory);
      return;
    }
    this.#under++;
    this.#worker.postMessage({ memory, files } satisfies Batch, [memory]);
  }

  #back({ memory, written, unchanged, failed }: Done): void {
    this.#under--;
    this.#free.push(memory);
    this.written = written;
    this.unchanged = unchanged;
    if (failed !== null) this.#failure ??= Object.assign(new Error(failed.message), { code: failed.code });
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#under = 0;
    this.#wake?.();
  }

  /** Waits until the thread has something to tell. */
  async #change(): Promise<void> {
    await new Promise<void>((done) => {
      this.#wake = done;
    });
    this.#wake = null;
    if (this.#failure !== null) throw this.#failure;
  }
}
