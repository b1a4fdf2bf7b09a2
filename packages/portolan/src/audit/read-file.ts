// Reads configuration files: bounded, never from what could block, and within a root that stands for another system.
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { belowRoot } from '@portolan/core';

/** What came of reading a file. */
export type FileText =
  | { readonly ok: true; readonly text: string; readonly size: number; readonly read: number }
  | { readonly ok: false; readonly reason: string; readonly missing: boolean };

/** Most bytes that are read of a file whose lines stand alone, such as .env: none that is real has as many. */
export const LINES_LIMIT: number = 1 << 20;

/** Most bytes of a file that is only understood whole, such as YAML. */
export const WHOLE_LIMIT: number = 1 << 23;

/** Bytes at the start that are looked through for a zero byte, which no text has. */
const BINARY_BYTES = 8192;

/** Reads up to `limit` bytes of a regular file as UTF-8; a longer one ends at its last whole line. */
export function readFileText(path: string, limit: number): FileText {
  let fd: number;
  try {
    // A pipe by the name of .env would keep a plain open waiting for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return { ok: false, reason: code, missing: code === 'ENOENT' || code === 'ENOTDIR' };
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return { ok: false, reason: 'it is a folder', missing: false };
    if (!stat.isFile()) return { ok: false, reason: 'it is no regular file', missing: false };
    const bytes = Buffer.allocUnsafe(Math.min(limit, Math.max(stat.size, BINARY_BYTES)));
    let length = 0;
    while (length < bytes.length) {
      const got = readSync(fd, bytes, length, bytes.length - length, null);
      if (got === 0) break;
      length += got;
    }
    if (bytes.subarray(0, Math.min(length, BINARY_BYTES)).includes(0)) {
      return { ok: false, reason: 'it is a binary file', missing: false };
    }
    const cut = length < stat.size;
    const end = cut ? bytes.lastIndexOf(0x0a, length - 1) + 1 || length : length;
    return { ok: true, text: bytes.toString('utf8', 0, end), size: Math.max(stat.size, length), read: end };
  } catch (error) {
    return { ok: false, reason: (error as NodeJS.ErrnoException).code ?? 'unknown error', missing: false };
  } finally {
    closeSync(fd);
  }
}

/**
 * The real path of a file of a system whose root is `root`: absolute links point below that root, and nothing leads out
 * of it. Null for a loop of links. Below / the kernel finds it itself.
 */
export function underRoot(root: string, path: string): string | null {
  if (root === '/') return normalize(path);
  const found = belowRoot(path, (at) => {
    try {
      return readlinkSync(join(root, at));
    } catch {
      return null;
    }
  });
  return found === null ? null : join(root, found);
}
