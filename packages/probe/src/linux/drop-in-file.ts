// Portolan's drop-in as a file: read and written to the byte, put into place whole, and beside it what a run that was
// ended in between has left.
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DROP_IN_NAME } from '@portolan/core';
import type { Refused, StagedFile } from '../reservations.ts';
import { readText } from './read-text.ts';
import { dropInPath } from './sysctl-files.ts';

/** A list of every second port takes 200 kB. */
const TEXT_LIMIT = 1 << 20;

/** The next text, whole and on the disk, from before the list is changed until it is moved into place. */
const NEXT = `${DROP_IN_NAME}.next`;

/** Halves of it, of runs that were ended while they wrote. */
const HALF = /^zz-portolan\.conf\.\d+\.[0-9a-f]{8}\.new$/;

const USUAL_MODE = 0o644;
const MODE_BITS = 0o7777;

/** The drop-in below a root. Nothing here throws for what the system refuses. */
export class DropInFile {
  /** As it is shown. */
  readonly path: string;
  readonly #folder: string | null;
  readonly #file: string;
  readonly #next: string;
  /** Folders that this run has made, from the drop-in's own upwards. */
  #made = 0;

  constructor(root: string) {
    const { path, real } = dropInPath(root);
    this.path = path;
    this.#folder = real;
    this.#file = join(real ?? dirname(path), DROP_IN_NAME);
    this.#next = join(real ?? dirname(path), NEXT);
  }

  /** Its text; null where it is not there or cannot be read. */
  text(): string | null {
    return this.#folder === null ? null : (readExactly(this.#file)?.text ?? null);
  }

  /** Why it must not be replaced; null where it may. A link is somebody's who keeps the file elsewhere. */
  problem(): string | null {
    if (this.#folder === null) return 'ELOOP';
    let stat: Stats | undefined;
    try {
      stat = lstatSync(this.#file, { throwIfNoEntry: false });
    } catch (error) {
      // A folder above it is none: nothing is there, and what is written will fail and say so.
      return codeOf(error) === 'ENOTDIR' ? null : codeOf(error);
    }
    if (stat === undefined) return null;
    if (stat.isSymbolicLink()) return 'ELOOP';
    if (!stat.isFile()) return stat.isDirectory() ? 'EISDIR' : 'ENOTSUP';
    const found = readExactly(this.#file);
    return found === null ? 'EACCES' : found.cut ? 'EFBIG' : null;
  }

  /** The text that a run had ready when it was ended; null where none was. */
  unfinished(): string | null {
    return this.#folder === null ? null : (readExactly(this.#next)?.text ?? null);
  }

  /** How many folders there were not before this run, from the drop-in's own upwards. */
  foldersMissing(): number {
    return this.#made + missing(this.#folder ?? dirname(this.#file));
  }

  lockPath(): string {
    return join(dirname(this.#file), '.zz-portolan.lock');
  }

  /** Makes its folder, so that all runs lock the same file there; false where that may not be. */
  makeFolder(): boolean {
    if (this.#folder === null) return false;
    const made = missing(this.#folder);
    try {
      mkdirSync(this.#folder, { recursive: true });
    } catch {
      return false;
    }
    this.#made += made;
    return true;
  }

  /** Under the lock: takes away what runs that were ended have left half written. */
  sweep(): void {
    try {
      for (const name of readdirSync(dirname(this.#file)))
        if (HALF.test(name)) rmSync(join(dirname(this.#file), name), { force: true });
    } catch {
      // It is in nobody's way.
    }
  }

  dropUnfinished(): void {
    try {
      rmSync(this.#next, { force: true });
    } catch {
      // It is looked up in the list before it is believed.
    }
  }

  /** Takes away the folders of this run, as far as nothing has come into them. */
  dropOwnFolder(): void {
    this.dropFolders(this.#made);
    this.#made = 0;
  }

  dropFolders(count: number): void {
    let at = dirname(this.#file);
    try {
      for (let left = count; left > 0; left--, at = dirname(at)) rmdirSync(at);
    } catch {
      // Somebody uses it.
    }
  }

  /** Written to the disk and left beside the drop-in under a name that the next run looks for, then moved. */
  stageText(text: string): StagedFile | Refused {
    const before = readExactly(this.#next);
    const old = readExactly(this.#file);
    const bytes = Buffer.from(text, old?.encoding ?? 'utf8');
    try {
      this.#putBeside(bytes, lstatSync(this.#file, { throwIfNoEntry: false }));
    } catch (error) {
      return this.#refused(error);
    }
    const abort = (): void => {
      try {
        // What an earlier run has left is still to be finished.
        if (before === null) rmSync(this.#next, { force: true });
        else this.#putBeside(Buffer.from(before.text, before.encoding), undefined);
      } catch {
        // Then it tells of more than was done, which is looked up in the list before it is believed.
      }
    };
    return {
      commit: () => {
        try {
          renameSync(this.#next, this.#file);
          syncFolder(dirname(this.#file));
          return null;
        } catch (error) {
          abort();
          return this.#refused(error);
        }
      },
      abort,
    };
  }

  stageRemoval(): StagedFile {
    return {
      commit: () => {
        try {
          rmSync(this.#file, { force: true });
          rmSync(this.#next, { force: true });
          syncFolder(dirname(this.#file));
          return null;
        } catch (error) {
          return this.#refused(error);
        }
      },
      abort: () => undefined,
    };
  }

  /** With the rights and the owner of the file whose place it takes. */
  #putBeside(bytes: Buffer, like: Stats | undefined): void {
    const half = `${this.#file}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
    try {
      // Where the lock could not make it, this says why.
      mkdirSync(dirname(this.#file), { recursive: true });
      const fd = openSync(half, 'wx', USUAL_MODE);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        // Whatever the umask is: others plan with it as well.
        fchmodSync(fd, (like?.mode ?? USUAL_MODE) & MODE_BITS);
        if (like !== undefined && (like.uid !== process.geteuid?.() || like.gid !== process.getegid?.()))
          fchownSync(fd, like.uid, like.gid);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(half, this.#next);
      syncFolder(dirname(this.#file));
    } catch (error) {
      rmSync(half, { force: true });
      throw error;
    }
  }

  #refused(error: unknown): Refused {
    return { code: codeOf(error), path: this.path };
  }
}

/** What a file holds, so that it can be written again to the byte: bytes that are no UTF-8 are taken one by one. */
function readExactly(
  path: string,
): { readonly text: string; readonly encoding: 'utf8' | 'latin1'; readonly cut: boolean } | null {
  const found = readText(path, TEXT_LIMIT, 'latin1');
  if (found === null) return null;
  const bytes = Buffer.from(found.text, 'latin1');
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  return { text: bytes.toString(encoding), encoding, cut: found.cut };
}

/** How many folders of a path are not there, from the last upwards. */
function missing(folder: string): number {
  let count = 0;
  for (let at = folder; !existsSync(at) && dirname(at) !== at; at = dirname(at)) count++;
  return count;
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}
