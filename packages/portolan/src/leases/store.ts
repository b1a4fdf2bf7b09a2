// Leases as files: one a port, made whole or not at all, changed only under the folder's lock.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type DamagedLease,
  formatLease,
  type Gap,
  type Lease,
  type LeasePlace,
  PortolanError,
  parseLease,
  type StoredLease,
} from '@portolan/core';
import { codeOf, type LeaseFolder } from './folder.ts';

const LEASE_FILE = /^portolan-lease-([1-9]\d{0,4})$/;
const FILE = 'portolan-lease-';

/** Files that are being written; whoever has the lock may clear away those he finds. */
const UNFINISHED = /^portolan-lease\.[0-9a-f]{16}$/;

/** A path of 4,096 bytes may need six characters a byte as JSON. */
const TEXT_LIMIT = 1 << 15;

/** A lock is held for milliseconds; many processes may wait for it. */
const LOCK_WAIT = 60_000;

/** Everything that was found. */
export interface LeaseList {
  readonly leases: readonly StoredLease[];
  readonly damaged: readonly DamagedLease[];
}

/** What may be done under the lock. */
export interface LeaseWriter {
  /** What lies there, as this writer leaves it; read once. */
  found(): LeaseList;
  /** False where the port has a file already. */
  create(lease: Lease): boolean;
  /** Puts another lease in the place of one. Throws LEASES where its file is somebody else's. */
  replace(lease: Lease): void;
  /** Nothing where there is none. Throws LEASES where its file is somebody else's. */
  remove(port: number): void;
}

/** Locks a folder against every other process; see the probe. */
export type LockFolder = (
  folder: string,
  options: { readonly waitMs: number; readonly signal?: AbortSignal },
) => Promise<{ release(): void }>;

/** The leases of one folder. */
export class LeaseStore {
  readonly place: LeasePlace;
  readonly gaps: readonly Gap[];
  readonly #folder: string;
  readonly #lock: LockFolder;

  constructor({ folder, shared, gaps }: LeaseFolder, lock: LockFolder) {
    this.place = { folder, shared };
    this.gaps = gaps;
    this.#folder = folder;
    this.#lock = lock;
  }

  /** What lies there now, by port. Needs no lock: every file is whole. */
  list(): LeaseList {
    const leases: StoredLease[] = [];
    const damaged: DamagedLease[] = [];
    for (const port of this.#ports()) {
      const found = this.#read(port);
      if (found === null) continue;
      if ('why' in found) damaged.push(found);
      else leases.push(found);
    }
    return { leases, damaged };
  }

  /** Does the work while no other process changes leases; the lock ends with us, however we end. */
  async locked<T>(work: (writer: LeaseWriter) => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    let lock: { release(): void };
    try {
      lock = await this.#lock(this.#folder, {
        waitMs: LOCK_WAIT,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#lockFailure(error);
    }
    try {
      this.#sweep();
      let list: LeaseList | null = null;
      // Nobody else changes anything now, so what was read holds until we change it.
      const changed = <R>(result: R): R => {
        list = null;
        return result;
      };
      return await work({
        found: () => (list ??= this.list()),
        create: (lease) => changed(this.#write(lease, 'create')),
        replace: (lease) => void changed(this.#write(lease, 'replace')),
        remove: (port) => changed(this.#remove(port)),
      });
    } finally {
      lock.release();
    }
  }

  #ports(): number[] {
    return this.#names()
      .map((name) => Number(LEASE_FILE.exec(name)?.[1] ?? 0))
      .filter((port) => port > 0 && port <= 65_535)
      .toSorted((a, b) => a - b);
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (cause) {
      throw new PortolanError('LEASES', `${this.#folder} could not be read (${codeOf(cause)}).`, { cause });
    }
  }

  #path(port: number): string {
    return join(this.#folder, `${FILE}${port}`);
  }

  /** Links are not followed and nothing is waited for: what lies there may have been put there by anybody. */
  #read(port: number): StoredLease | DamagedLease | null {
    let fd: number;
    try {
      fd = openSync(this.#path(port), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return null;
      const kind = code === 'ELOOP' || code === 'ENXIO' || code === 'ENODEV';
      return { port, uid: null, why: kind ? 'not-a-file' : 'unreadable' };
    }
    try {
      const stat = fstatSync(fd);
      const damaged = (why: DamagedLease['why']): DamagedLease => ({ port, uid: stat.uid, why });
      if (!stat.isFile()) return damaged('not-a-file');
      if (stat.size > TEXT_LIMIT) return damaged('shape');
      const bytes = Buffer.alloc(stat.size);
      const length = stat.size === 0 ? 0 : readSync(fd, bytes, 0, stat.size, 0);
      const lease = parseLease(bytes.toString('utf8', 0, length), port, checksum);
      return typeof lease === 'string' ? damaged(lease) : { ...lease, uid: stat.uid };
    } catch {
      return { port, uid: null, why: 'unreadable' };
    } finally {
      closeSync(fd);
    }
  }

  /** Written beside, made durable, then put in its place by one call: others see all of it or nothing. */
  #write(lease: Lease, how: 'create' | 'replace'): boolean {
    const unfinished = join(this.#folder, `portolan-lease.${randomBytes(8).toString('hex')}`);
    const path = this.#path(lease.port);
    try {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const fd = openSync(unfinished, flags, 0o644);
      try {
        // Whatever the umask: a lease that others cannot read says nothing to them.
        fchmodSync(fd, 0o644);
        const bytes = Buffer.from(formatLease(lease, checksum), 'utf8');
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      if (how === 'replace') {
        renameSync(unfinished, path);
        return true;
      }
      try {
        // Unlike rename, link never takes the place of what is there.
        linkSync(unfinished, path);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      }
      return true;
    } catch (error) {
      throw this.#writeFailure(error, lease.port);
    } finally {
      try {
        unlinkSync(unfinished);
      } catch {
        // Renamed, or never made; what is left behind is swept by the next.
      }
    }
  }

  #remove(port: number): void {
    try {
      unlinkSync(this.#path(port));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw this.#writeFailure(error, port);
    }
  }

  /** Clears away what processes that were killed left half written; those of other users are theirs to clear. */
  #sweep(): void {
    for (const name of this.#names()) {
      if (!UNFINISHED.test(name)) continue;
      try {
        unlinkSync(join(this.#folder, name));
      } catch {
        // Another user's.
      }
    }
  }

  #writeFailure(cause: unknown, port: number): PortolanError {
    const code = codeOf(cause);
    const folder = this.#folder;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      return new PortolanError(
        'LEASES',
        `There is no room left in ${folder} (${code}); nothing was leased.`,
        {
          hint: 'Leases that were there are as they were. Make room, or name another folder by PORTOLAN_LEASE_DIR.',
          cause,
        },
      );
    }
    if (code === 'EPERM' || code === 'EACCES') {
      return new PortolanError(
        'LEASES',
        `The lease of ${port} may not be changed by you (${code} in ${folder}).`,
        {
          hint: 'It belongs to another user, or the folder may not be written to.',
          cause,
        },
      );
    }
    return new PortolanError('LEASES', `The lease of ${port} could not be written to ${folder} (${code}).`, {
      hint: 'PORTOLAN_LEASE_DIR names another folder; every process must mean the same.',
      cause,
    });
  }

  #lockFailure(cause: unknown): PortolanError {
    const code = codeOf(cause);
    if (code === 'ETIMEDOUT') {
      return new PortolanError(
        'LEASES',
        `The lock of ${this.#folder} could not be had for ${LOCK_WAIT / 1000} seconds: one process held it, or many in turn.`,
        { hint: `fuser -v ${this.#folder} or lslocks shows which.`, cause },
      );
    }
    if (code === 'ENOSYS') {
      return new PortolanError('LEASES', 'The folder of the leases cannot be locked here.', {
        hint: 'It takes native code (koffi; do not pass --no-ffi) or flock(1) of util-linux.',
        cause,
      });
    }
    return new PortolanError('LEASES', `${this.#folder} could not be locked (${code}).`, { cause });
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
