// `portolan export --json`, version 1: what was written.

export interface ExportV1 {
  readonly format: 'portolan.export/1';
  /** The folder, or the file of a pack. */
  readonly target: string;
  readonly kind: 'files' | 'pack';
  /** How many files there are now: those written and those that were the same already. In a pack all are written. */
  readonly files: number;
  readonly written: number;
  readonly unchanged: number;
  /** Bytes of all files together; of a pack the bytes of its file. */
  readonly bytes: number;
  /** Tags, the one for readers without another first. */
  readonly languages: readonly string[];
  readonly scope: 'all' | 'claimed';
  /** Are reports as JSON among the files? */
  readonly data: boolean;
  /** Where the site will be found; null where that was not said. */
  readonly base: string | null;
}

/** What was written, for programs. */
export function exportJson(told: Omit<ExportV1, 'format'>): ExportV1 {
  return { format: 'portolan.export/1', ...told };
}
