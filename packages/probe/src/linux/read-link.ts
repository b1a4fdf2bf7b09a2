// Targets of symbolic links, by bare system call where that is to be had: a third of the time of Node's own function.
import { readlinkSync } from 'node:fs';
import { type Libc, nativeBuffer } from './native.ts';

/** The link's target; `refused` where it may not be read, `gone` for all other reasons. */
export type LinkReader = (path: string) => { readonly target: string } | 'gone' | 'refused';

const AT_FDCWD = -100;
const EPERM = 1;
const EACCES = 13;
const PATH_BYTES = 4096;
const TARGET_BYTES = 256;

/** A reader for short targets, such as those of /proc/PID/ns. */
export function linkReader(libc: Libc | null): LinkReader {
  return libc === null ? byFiles : bySyscalls(libc);
}

const byFiles: LinkReader = (path) => {
  try {
    return { target: readlinkSync(path) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM' ? 'refused' : 'gone';
  }
};

function bySyscalls(libc: Libc): LinkReader {
  const path = nativeBuffer(PATH_BYTES);
  const target = nativeBuffer(TARGET_BYTES);
  const pathAddress = libc.address(path);
  const targetAddress = libc.address(target);
  return (name) => {
    path.write(`${name}\0`, 'utf8');
    const length = libc.readlinkat(AT_FDCWD, pathAddress, targetAddress, TARGET_BYTES);
    if (length >= 0) return { target: target.toString('utf8', 0, length) };
    const errno = libc.errno();
    return errno === EACCES || errno === EPERM ? 'refused' : 'gone';
  };
}
