// A text and where things stand in it: offsets to lines and columns, and the result every parser gives.
import type { FixedPort, Place } from '@portolan/core';

/** What could not be read in a file that is otherwise read. */
export interface Fault {
  readonly kind: 'broken' | 'unresolved' | 'bomb' | 'cycle';
  readonly line: number;
  /** What is wrong, or the name that has no value. */
  readonly detail: string;
}

/** Ports that a file fixes, and what of it could not be read. */
export interface Parsed {
  readonly fixed: readonly FixedPort[];
  readonly faults: readonly Fault[];
}

/** Most ports that are taken of one file: no honest one names as many, and aliases may multiply to any number. */
export const FIXED_LIMIT = 20_000;

/** A text file, held by the path that is shown for it. */
export class TextFile {
  /** Path as it is shown. */
  readonly file: string;
  /** The text without a byte order mark, which editors do not count. */
  readonly text: string;
  /** Folder that groups the files of one project; null for files of the system. */
  readonly project: string | null;
  readonly #starts: readonly number[];

  constructor(file: string, text: string, project: string | null) {
    this.file = file;
    this.text = text.startsWith('\uFEFF') ? text.slice(1) : text;
    this.project = project;
    const starts = [0];
    for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1))
      starts.push(at + 1);
    this.#starts = starts;
  }

  /** Line, from 1, of an offset. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  /** Place of a piece of the text; one that runs over its line is cut there. */
  place(offset: number, length: number): Place {
    const line = this.lineAt(offset);
    const start = this.#starts[line - 1] ?? 0;
    const next = this.#starts[line] ?? this.text.length + 1;
    const column = offset - start + 1;
    const end = Math.min(offset + Math.max(1, length), next - 1);
    return { file: this.file, line, column, endColumn: Math.max(column + 1, end - start + 1) };
  }

  /** Lines without their ends, each with the offset it starts at. */
  lines(): { readonly text: string; readonly at: number }[] {
    return this.#starts.map((at, index) => {
      const end = this.#starts[index + 1] ?? this.text.length + 1;
      return { text: this.text.slice(at, end - 1).replace(/\r$/, ''), at };
    });
  }
}

/** The parts of a fixed port that most parsers leave as they are. */
export function fixedPort(
  file: Pick<TextFile, 'project'>,
  part: Pick<FixedPort, 'origin' | 'ports' | 'transport' | 'service' | 'place'> & Partial<FixedPort>,
): FixedPort {
  return {
    address: null,
    about: [],
    role: 'binds',
    project: file.project,
    variable: null,
    chosen: true,
    mayBindLow: null,
    enabled: null,
    sexagesimal: null,
    handedOut: false,
    holders: [],
    profile: null,
    ...part,
  };
}
