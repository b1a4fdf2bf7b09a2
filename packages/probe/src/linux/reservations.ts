// Reads and writes the reserved ports of this network namespace, and the drop-in that sets them at boot.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatRanges, joinRanges, type PortRange, type ReserveState } from '@portolan/core';
import { parseReservedPorts } from '../parse/linux-limits.ts';
import type { Refused, Reservations, StagedFile } from '../reservations.ts';
import { readLimits } from './limits.ts';
import { ownNamespace } from './own-namespace.ts';
import { readText } from './read-text.ts';
import { takeLock } from './run-lock.ts';
import { dropInPath, readBootFiles } from './sysctl-files.ts';

const LIVE_PROC = '/proc';
const LIST = 'sys/net/ipv4/ip_local_reserved_ports';
/** A list of every second port takes 200 kB. */
const TEXT_LIMIT = 1 << 20;
/** Another run takes milliseconds, and seconds where it proves much. */
const LOCK_WAIT_MS = 20_000;

/** Where to read and write. */
export interface ReservationOptions {
  /** Root of the boot files; `/` for this host's. */
  readonly configRoot: string;
  /** A recorded /proc in place of this host's: it can be read only. */
  readonly procRoot?: string;
}

/** The reserved ports of this network namespace. */
export function linuxReservations({ configRoot, procRoot = LIVE_PROC }: ReservationOptions): Reservations {
  const list = `${procRoot}/${LIST}`;
  const { folder, path } = dropInPath(configRoot);
  const readList = (): PortRange[] | null => {
    const found = readText(list, TEXT_LIMIT);
    return found === null || found.cut ? null : parseReservedPorts(found.text);
  };
  return {
    read(): ReserveState {
      const text = readText(path, TEXT_LIMIT);
      return {
        platform: 'linux',
        list: readList(),
        ephemeral: readLimits(procRoot).limits.ephemeral,
        namespace: ownNamespace(procRoot, process.env),
        bootId: readText(`${procRoot}/sys/kernel/random/boot_id`, 4096)?.text.trim() ?? '',
        files: readBootFiles(configRoot),
        dropIn: path,
        dropInText: text?.text ?? null,
        dropInProblem: text?.cut === true ? 'EFBIG' : text === null && existsSync(path) ? 'EACCES' : null,
        foldersMissing: missing(folder),
      };
    },
    async lock() {
      const inode = ownNamespace(procRoot, process.env).inode ?? 0;
      // One for the list of this namespace, one for the drop-in, which namespaces may share; always in this order.
      const [first, second] = [lockFolder(), folder].map((place, index) =>
        join(place, index === 0 ? `portolan-reserved-ports-${inode}.lock` : '.zz-portolan.lock'),
      );
      const one = await takeLock(first ?? '', LOCK_WAIT_MS);
      if (one.kind !== 'held') return refusedLock(one, first ?? '');
      // Where the folder may not be written the drop-in will not be either, and that is told there.
      const other = existsSync(folder) ? await takeLock(second ?? '', LOCK_WAIT_MS) : null;
      if (other?.kind === 'busy') {
        one.release();
        return refusedLock(other, second ?? '');
      }
      return {
        release() {
          if (other?.kind === 'held') other.release();
          one.release();
        },
      };
    },
    addToList(ports) {
      // Written from another place than the beginning, the kernel joins the entries to its list (bitmap_or in
      // proc_do_large_bitmap, kernel/sysctl.c) in place of replacing it: what others write meanwhile stays.
      return writeList(list, `${formatRanges(joinRanges(ports))}\n`, 1);
    },
    setList(ports) {
      // An empty list is a line without anything: nothing at all would not be written.
      return writeList(list, `${formatRanges(joinRanges(ports))}\n`, 0);
    },
    list: readList,
    stageDropIn: (text) => (text === null ? stageRemoval(path) : stageText(path, text)),
    dropFolders: (count) => removeFolders(folder, count),
    dropInText: () => readText(path, TEXT_LIMIT)?.text ?? null,
  };
}

function refusedLock(
  lock: { kind: 'busy'; pid: number | null } | { kind: 'refused'; code: string },
  path: string,
): { refused: Refused; pid: number | null } {
  if (lock.kind === 'busy') return { refused: { code: 'EBUSY', path }, pid: lock.pid };
  return { refused: { code: lock.code, path }, pid: null };
}

/** Everybody may write here, so that whoever may write the list may lock it. */
function lockFolder(): string {
  return existsSync('/run/lock') ? '/run/lock' : tmpdir();
}

/**
 * The kernel takes one page at a time and says how far it came, not cutting a number; the rest is joined to what it has.
 */
function writeList(path: string, text: string, position: number): Refused | null {
  const bytes = Buffer.from(text, 'latin1');
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    return { code: codeOf(error), path };
  }
  try {
    for (let at = 0; at < bytes.length; ) {
      const written = writeSync(fd, bytes, at, bytes.length - at, position + at);
      if (written === 0) return { code: 'EIO', path };
      at += written;
    }
    return null;
  } catch (error) {
    return { code: codeOf(error), path };
  } finally {
    closeSync(fd);
  }
}

/** Writes beside, to the disk, then moves: whoever reads sees the old file or the new one. */
function stageText(path: string, text: string): StagedFile | Refused {
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  const folder = dirname(path);
  const made = missing(folder);
  let fd = -1;
  const abort = (): void => {
    rmSync(beside, { force: true });
    removeFolders(folder, made);
  };
  try {
    mkdirSync(folder, { recursive: true });
    fd = openSync(beside, 'wx', 0o644);
    const bytes = Buffer.from(text, 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
    closeSync(fd);
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    abort();
    return { code: codeOf(error), path };
  }
  return {
    commit() {
      try {
        renameSync(beside, path);
        syncFolder(folder);
        return null;
      } catch (error) {
        abort();
        return { code: codeOf(error), path };
      }
    },
    abort,
  };
}

function stageRemoval(path: string): StagedFile {
  return {
    commit() {
      try {
        rmSync(path, { force: true });
        syncFolder(dirname(path));
        return null;
      } catch (error) {
        return { code: codeOf(error), path };
      }
    },
    abort: () => undefined,
  };
}

/** How many folders of a path are not there, from the last upwards. */
function missing(folder: string): number {
  let count = 0;
  for (let at = folder; !existsSync(at) && dirname(at) !== at; at = dirname(at)) count++;
  return count;
}

/** Only where nobody has put anything into them. */
function removeFolders(folder: string, count: number): void {
  let at = folder;
  try {
    for (let left = count; left > 0; left--, at = dirname(at)) rmdirSync(at);
  } catch {
    // Somebody uses it by now.
  }
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
