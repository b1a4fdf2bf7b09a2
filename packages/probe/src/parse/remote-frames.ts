// The answer of another machine, as it comes: text between marks that only we know, taken apart into named pieces.

/** One piece: what stands between its mark and the next. */
export interface Frame {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A mark is the boundary, a blank, and a name of these characters, alone on a line. */
const NAME = /^[\w./-]{1,64}$/;
const NAME_BYTES = 65;
const LINE_FEED = 0x0a;

/**
 * Takes bytes and gives whole frames. The boundary is random and chosen here for one conversation, so that neither a
 * banner nor what a process calls itself can look like a mark. What stands before the first mark is passed over.
 */
export class FrameReader {
  readonly #mark: Buffer;
  readonly #most: number;
  /** What belongs to the frame at hand, and how much of it was searched. */
  #held: Buffer = Buffer.allocUnsafe(1 << 16);
  #length = 0;
  #searched = 0;
  #name: string | null = null;
  #total = 0;

  /** `most`: bytes that are taken in all. */
  constructor(boundary: string, most: number) {
    this.#mark = Buffer.from(`\n${boundary} `, 'latin1');
    this.#most = most;
  }

  /** True once more came than is taken; nothing is read from then on. */
  get overflowed(): boolean {
    return this.#total > this.#most;
  }

  /** The frames that these bytes complete. A frame is complete when the next begins. */
  feed(bytes: Buffer): Frame[] {
    this.#total += bytes.length;
    if (this.overflowed) return [];
    this.#append(bytes);
    const frames: Frame[] = [];
    for (;;) {
      const at = this.#held.subarray(0, this.#length).indexOf(this.#mark, this.#searched);
      if (at < 0) {
        // Before the first mark nothing is kept but what may be the beginning of one.
        this.#searched = Math.max(0, this.#length - this.#mark.length + 1);
        if (this.#name === null) this.#drop(this.#searched);
        return frames;
      }
      const from = at + this.#mark.length;
      const end = this.#held.subarray(0, this.#length).indexOf(LINE_FEED, from);
      if (end < 0 && this.#length - from < NAME_BYTES) {
        this.#searched = at;
        return frames;
      }
      const name = this.#held.toString('latin1', from, end < 0 ? this.#length : end);
      if (end < 0 || !NAME.test(name)) {
        // Not written by the script: no mark, and so part of the frame.
        this.#searched = from;
        continue;
      }
      if (this.#name !== null)
        frames.push({ name: this.#name, bytes: Buffer.from(this.#held.subarray(0, at)) });
      this.#name = name;
      this.#drop(end + 1);
    }
  }

  #append(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length);
    this.#length = needed;
  }

  #drop(count: number): void {
    this.#held.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#searched = 0;
  }
}
