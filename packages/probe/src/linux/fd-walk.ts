// Who has which socket open: a walk over /proc/PID/fd, by plain files or by bare system calls.
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { type Libc, nativeBuffer } from './native.ts';

/**
 * Called for every wanted inode found: which process, and the descriptor, or for one of a single thread the link below
 * the process's folder, `task/12/fd/7`.
 */
export type OnHit = (inode: number, pid: number, link: number | string) => void;

/** What a walk could not do. */
export interface WalkResult {
  /** Processes whose descriptors may not be looked at. */
  readonly refused: readonly number[];
  /** True where the walk ended before it had looked at everything. */
  readonly bounded?: boolean;
}

/** Looks through the descriptors of `pids` for the inodes in `wanted`. */
export type FdWalk = (
  pids: Iterable<number>,
  wanted: Pick<ReadonlySet<number>, 'has'>,
  onHit: OnHit,
) => WalkResult;

/** Process ids under a /proc, ascending. Throws where the folder cannot be read. */
export function listPids(procRoot: string): number[] {
  const pids: number[] = [];
  for (const name of readdirSync(procRoot)) {
    const first = name.charCodeAt(0);
    if (first >= 0x31 && first <= 0x39) pids.push(Number(name));
  }
  return pids;
}

/** Error codes of a process that is simply gone. */
function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR';
}

/** Inode of a descriptor's link `socket:[12345]`; 0 for any other kind. */
export function socketInode(link: string): number {
  return link.startsWith('socket:[') ? Number(link.slice(8, -1)) : 0;
}

/** The walk with Node's own file functions. */
export function filesWalk(procRoot: string): FdWalk {
  return (pids, wanted, onHit) => {
    const refused: number[] = [];
    for (const pid of pids) {
      const seen = readDescriptors(`${procRoot}/${pid}/fd`, (name, inode) => {
        if (inode !== 0 && wanted.has(inode)) onHit(inode, pid, Number(name));
      });
      if (!seen && isThere(procRoot, pid)) refused.push(pid);
    }
    return { refused };
  };
}

/** A link of a process that has ended since its folder was opened is refused even to root (proc_fd_access_allowed). */
function isThere(procRoot: string, pid: number): boolean {
  return existsSync(`${procRoot}/${pid}`);
}

/** Most descriptors of threads that are looked through: about a second's worth. */
const THREAD_DESCRIPTORS = 100_000;

/**
 * The walk over single threads, for sockets that no process as a whole has open. `shares` tells that a thread has
 * its process's descriptors and need not be looked at; null where it cannot tell.
 */
export function threadWalk(
  procRoot: string,
  shares: ((pid: number, thread: number) => boolean | null) | null,
): FdWalk {
  return (pids, wanted, onHit) => {
    const refused: number[] = [];
    let left = THREAD_DESCRIPTORS;
    for (const pid of pids) {
      let threads: string[];
      try {
        threads = readdirSync(`${procRoot}/${pid}/task`);
      } catch {
        continue;
      }
      for (const thread of threads) {
        if (Number(thread) === pid || shares?.(pid, Number(thread)) === true) continue;
        if (left <= 0) return { refused, bounded: true };
        const seen = readDescriptors(`${procRoot}/${pid}/task/${thread}/fd`, (name, inode) => {
          left--;
          if (wanted.has(inode)) onHit(inode, pid, `task/${thread}/fd/${name}`);
        });
        if (!seen && !refused.includes(pid) && isThere(procRoot, pid)) refused.push(pid);
      }
    }
    return { refused };
  };
}

/** kcmp(2) by architecture; null where we do not know it. */
const KCMP: Readonly<Record<string, number>> = { x64: 312, arm64: 272, riscv64: 272, loong64: 272 };
const KCMP_FILES = 2;

/** Asks the kernel whether a thread shares its process's descriptors (man kcmp(2)). */
export function sharesDescriptors(libc: Libc): ((pid: number, thread: number) => boolean | null) | null {
  const kcmp = KCMP[process.arch];
  if (kcmp === undefined) return null;
  return (pid, thread) => {
    const order = libc.syscall5(kcmp, pid, thread, KCMP_FILES, 0, 0);
    return order < 0 ? null : order === 0;
  };
}

/** The descriptors of a folder, with 0 for those that are no sockets; false where it may not be looked at. */
function readDescriptors(folder: string, onLink: (name: string, inode: number) => void): boolean {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return isGone(error);
  }
  for (const name of names) {
    let link: string;
    try {
      link = readlinkSync(`${folder}/${name}`);
    } catch (error) {
      if (isGone(error)) continue;
      // A folder that can be listed and not read: one refusal speaks for all of it.
      return false;
    }
    onLink(name, socketInode(link));
  }
  return true;
}

const AT_FDCWD = -100;
/** O_RDONLY | O_DIRECTORY | O_CLOEXEC; O_DIRECTORY differs between the architectures. */
const OPEN_FOLDER = (process.arch === 'arm64' || process.arch === 'arm' ? 0o40000 : 0o200000) | 0o2000000;
const ENOENT = 2;
const ESRCH = 3;
/** getdents64 by architecture (asm/unistd.h); null where we do not know it. */
const GETDENTS64: Readonly<Record<string, number>> = {
  x64: 217,
  arm64: 61,
  riscv64: 61,
  loong64: 61,
  s390x: 220,
  ppc64: 202,
};
const NAMES_BYTES = 1 << 16;
const LINK_BYTES = 64;

/** The walk with bare system calls: about a third less time per descriptor. Null where it cannot be had. */
export function syscallWalk(libc: Libc, procRoot: string): FdWalk | null {
  const getdents64 = GETDENTS64[process.arch];
  if (getdents64 === undefined) return null;
  const names = nativeBuffer(NAMES_BYTES);
  const link = nativeBuffer(LINK_BYTES);
  const path = nativeBuffer(4096);
  const namesAddress = libc.address(names);
  const linkAddress = libc.address(link);
  const pathAddress = libc.address(path);
  return (pids, wanted, onHit) => {
    const refused: number[] = [];
    for (const pid of pids) {
      path.write(`${procRoot}/${pid}/fd\0`, 'utf8');
      const dir = libc.openat(AT_FDCWD, pathAddress, OPEN_FOLDER);
      if (dir < 0) {
        const errno = libc.errno();
        if (errno !== ENOENT && errno !== ESRCH) refused.push(pid);
        continue;
      }
      let refusedHere = false;
      for (;;) {
        const length = libc.syscall3(getdents64, dir, namesAddress, NAMES_BYTES);
        if (length < 0) {
          const errno = libc.errno();
          if (errno !== ENOENT && errno !== ESRCH) refusedHere = true;
        }
        if (length <= 0) break;
        // struct linux_dirent64: ino u64, off u64, reclen u16, type u8, name
        for (let at = 0; at < length; ) {
          const nameAt = at + 19;
          at += (names[at + 16] ?? 0) | ((names[at + 17] ?? 0) << 8);
          if (names[nameAt] === 0x2e) continue;
          const size = libc.readlinkat(dir, namesAddress + nameAt, linkAddress, LINK_BYTES);
          if (size < 0) {
            const errno = libc.errno();
            if (errno !== ENOENT && errno !== ESRCH) refusedHere = true;
            continue;
          }
          const inode = inodeOfLink(link, size);
          if (inode !== 0 && wanted.has(inode)) onHit(inode, pid, decimal(names, nameAt));
        }
      }
      if (refusedHere && isThere(procRoot, pid)) refused.push(pid);
      libc.close(dir);
    }
    return { refused };
  };
}

/** `socket:[12345]` in bytes to 12345; 0 for any other link. */
function inodeOfLink(link: Buffer, size: number): number {
  // "s", "t" of "socket" and the bracket: enough to tell it from "pipe:[", paths and "anon_inode:[".
  if (size < 10 || link[0] !== 0x73 || link[5] !== 0x74 || link[6] !== 0x3a || link[7] !== 0x5b) return 0;
  let inode = 0;
  for (let i = 8; i < size - 1; i++) inode = inode * 10 + (link[i] ?? 0x30) - 0x30;
  return inode;
}

function decimal(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; ; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}
