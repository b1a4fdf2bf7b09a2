// Reads kernel files whole: bounded, in as few reads as can be, and never from anything that could block.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/** Text of a file; `cut` where it was longer than the limit. */
export interface Text {
  readonly text: string;
  readonly cut: boolean;
}

/** Everything here is synchronous, so one buffer serves all reads. */
let scratch = Buffer.allocUnsafe(0);

/** Largest socket table that is read of a recorded copy; 45,000 sockets take 7 MB. */
const TABLE_LIMIT = 1 << 28;

/** First size of the buffer: most of what is read is a line or two, and fresh memory costs time. */
const FIRST_BYTES = 1 << 14;

/**
 * Up to `limit` bytes of a regular file, as UTF-8 or a character a byte; null where it cannot be read. Some kernel files answer only the
 * first read() and cut their text to its size, so a file that fills the buffer is read anew with a larger one.
 */
export function readText(path: string, limit: number, encoding: 'utf8' | 'latin1' = 'utf8'): Text | null {
  try {
    for (let size = Math.min(limit, FIRST_BYTES); ; size = Math.min(limit, size * 8)) {
      const length = withFile(path, (fd) => fill(fd, size));
      if (length < size || size === limit)
        return { text: scratch.toString(encoding, 0, length), cut: length === limit };
    }
  } catch {
    return null;
  }
}

function fill(fd: number, size: number): number {
  if (scratch.length < size) scratch = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const got = readSync(fd, scratch, length, size - length, null);
    if (got === 0) break;
    length += got;
  }
  return length;
}

/** A socket table whole, as Latin-1. Throws what the system says, or EFBIG. */
export function readTable(path: string): string {
  return withFile(path, (fd, size) => {
    if (size > TABLE_LIMIT) throw Object.assign(new Error(`${path} is too large`), { code: 'EFBIG' });
    return readFileSync(fd, 'latin1');
  });
}

/** A recorded copy of /proc may hold pipes and devices, on which a plain open or read would wait for ever. */
function withFile<T>(path: string, use: (fd: number, size: number) => T): T {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw Object.assign(new Error(`${path} is no regular file`), { code: 'ENOTSUP' });
    return use(fd, stat.size);
  } finally {
    closeSync(fd);
  }
}
