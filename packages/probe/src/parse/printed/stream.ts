// Output that is not made of lines (XML, JSON): taken as it comes, wherever lines break.
import type { Out, PrintedFormat } from './row.ts';

/** A document while it is read. */
export interface Stream {
  /**
   * Takes text of one line, a line feed included. Returns how much of it belongs to the document, less than all where that
   * ended, or -1 where it cannot be any more of it.
   */
  take(text: string, line: number): number;
  /** Has it ended with the last character that was taken? */
  readonly ended: boolean;
  /** No more comes; `line` is the last. */
  end(line: number): void;
}

/** Where a document puts what it tells: rows go to the runs of their tools. */
export interface StreamOut {
  section(format: PrintedFormat): Out;
  unknown: Out['unknown'];
  /** The one form that is wanted; null for whichever it is. */
  readonly only: PrintedFormat | null;
}

/** How a document is known by its first line. */
export interface StreamRecogniser {
  readonly formats: readonly PrintedFormat[];
  readonly begins: RegExp;
  open(out: StreamOut): Stream;
}
