// How a place in a file is written: as compilers do, so that editors can jump to it.
import type { Place } from '../model/audit.ts';

/** `compose.yaml:5:9`. */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}
