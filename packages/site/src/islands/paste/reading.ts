// Reads what was pasted a slice at a time, so that the page can be scrolled and typed into meanwhile.
import type { PrintedOptions, PrintedReading, PrintedRow } from '@portolan/probe/printed';
import { PrintedReader } from '@portolan/probe/printed';

/** Characters that are read between two looks at the clock. */
const PIECE = 1 << 14;
/** Milliseconds that are worked at once: less than a frame at 60 a second. */
const SLICE_MS = 12;
/** A line that may begin a document, JSON or XML. */
const DOCUMENT = /^\s*[[{<]/m;

/** What was understood. */
export interface Understood {
  readonly reading: PrintedReading;
  readonly rows: readonly PrintedRow[];
}

/** How it goes. */
export interface Course {
  /** The share of 1 that has been read. */
  progress(share: number): void;
  /** Is the result of no use any more? */
  stopped(): boolean;
  /** The one port that a service name stands for. */
  readonly portOf: NonNullable<PrintedOptions['portOf']>;
  /** Loads what reads documents, once something looks like one. */
  readonly documents: () => Promise<NonNullable<PrintedOptions['documents']>>;
}

/** Reads all of a text; null where it was stopped. */
export async function understand(text: string, course: Course): Promise<Understood | null> {
  const { portOf } = course;
  let documents: PrintedOptions['documents'];
  let reader = new PrintedReader({ portOf });
  let rows: PrintedRow[] = [];
  for (let at = 0; at < text.length; ) {
    const until = performance.now() + SLICE_MS;
    do {
      const piece = text.slice(at, at + PIECE);
      if (documents === undefined && DOCUMENT.test(piece)) {
        documents = await course.documents();
        reader = new PrintedReader({ portOf, documents });
        rows = [];
        at = 0;
        continue;
      }
      for (const row of reader.feed(piece)) rows.push(row);
      at += PIECE;
    } while (at < text.length && performance.now() < until);
    course.progress(Math.min(1, at / text.length));
    await new Promise((done) => setTimeout(done));
    if (course.stopped()) return null;
  }
  return { reading: reader.end(), rows };
}

/** The lines of a text that are asked for, in their order; `most` characters of each. */
export function linesOf(text: string, wanted: readonly number[], most: number): Map<number, string> {
  const lines = new Map<number, string>();
  let line = 1;
  let at = 0;
  for (const number of wanted) {
    for (; line < number; line++) {
      const end = text.indexOf('\n', at);
      if (end < 0) return lines;
      at = end + 1;
    }
    const end = text.indexOf('\n', at);
    const stop = end < 0 ? text.length : end;
    const shown = text.slice(at, Math.min(stop, at + most)).replace(/\r+$/, '');
    lines.set(number, stop - at > most ? `${shown}…` : shown);
  }
  return lines;
}
