// Reads and writes the reserved ports of this network namespace; its drop-in is drop-in-file.ts's.
import { accessSync, closeSync, constants, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatRanges, joinRanges, type PortRange, type ReserveState } from '@portolan/core';
import { parseReservedPorts } from '../parse/linux-limits.ts';
import type { Refused, Reservations } from '../reservations.ts';
import { DropInFile } from './drop-in-file.ts';
import { readLimits } from './limits.ts';
import { ownNamespace } from './own-namespace.ts';
import { readText } from './read-text.ts';
import { type Lock, takeLock } from './run-lock.ts';
import { readBootFiles } from './sysctl-files.ts';

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
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
}

/** The reserved ports of this network namespace. */
export function linuxReservations({
  configRoot,
  procRoot = LIVE_PROC,
  ffi = true,
}: ReservationOptions): Reservations {
  const list = `${procRoot}/${LIST}`;
  const file = new DropInFile(configRoot);
  const readList = (): PortRange[] | null => {
    const found = readText(list, TEXT_LIMIT);
    return found === null || found.cut ? null : parseReservedPorts(found.text);
  };
  return {
    read(): ReserveState {
      return {
        platform: 'linux',
        list: readList(),
        ephemeral: readLimits(procRoot).limits.ephemeral,
        namespace: ownNamespace(procRoot, process.env),
        bootId: readText(`${procRoot}/sys/kernel/random/boot_id`, 4096)?.text.trim() ?? '',
        files: readBootFiles(configRoot),
        dropIn: file.path,
        dropInText: file.text(),
        dropInProblem: file.problem(),
        unfinishedText: file.unfinished(),
        foldersMissing: file.foldersMissing(),
      };
    },
    async lock({ files }) {
      const inode = ownNamespace(procRoot, process.env).inode ?? 0;
      // One for the list of this namespace, one for the drop-in, which namespaces may share; always in this order.
      const first = join(lockFolder(), `portolan-reserved-ports-${inode}.lock`);
      const waiting = { waitMs: LOCK_WAIT_MS, ffi };
      const one = await takeLock(first, waiting);
      if (one.kind !== 'held') return refusedLock(one, first);
      // Where the folder may not be written the drop-in will not be either, and that is told there.
      const second = files && file.makeFolder() ? file.lockPath() : null;
      const other = second === null ? null : await takeLock(second, waiting);
      if (other?.kind === 'busy') {
        one.release();
        return refusedLock(other, second ?? '');
      }
      if (other?.kind === 'held') file.sweep();
      return {
        release() {
          if (other?.kind === 'held') other.release();
          file.dropOwnFolder();
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
    stageDropIn: (text) => (text === null ? file.stageRemoval() : file.stageText(text)),
    dropUnfinished: () => file.dropUnfinished(),
    dropFolders: (count) => file.dropFolders(count),
    dropInText: () => file.text(),
  };
}

function refusedLock(
  lock: Exclude<Lock, { kind: 'held' }>,
  path: string,
): { refused: Refused; pid: number | null } {
  if (lock.kind === 'busy') return { refused: { code: 'EBUSY', path }, pid: lock.pid };
  return { refused: { code: lock.code, path }, pid: null };
}

/** Where only those may write who may write the list; the others have their own lists, in namespaces of their own. */
function lockFolder(): string {
  const found = ['/run', '/run/lock'].find((folder) => {
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ?? tmpdir();
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

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}
