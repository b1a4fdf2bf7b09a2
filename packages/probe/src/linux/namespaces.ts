// Other network namespaces: which there are, whose they are, and sockets opened inside them.
import { closeSync, fstatSync, openSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import type { NetNamespace } from '@portolan/core';
import type { Libc } from './native.ts';
import type { ProcessReader } from './process.ts';
import type { LinkReader } from './read-link.ts';

/** Where ip-netns(8) keeps its names. */
const NAMES = '/run/netns';
const CLONE_NEWNET = 0x4000_0000;

/** A network namespace other than ours. */
export interface Foreign {
  readonly namespace: NetNamespace;
  /** What setns(2) takes, /proc/PID/ns/net or a name's file; null where it may not be opened. */
  readonly path: string | null;
  /** Folder with its tables, /proc/PID/net; null where none of its processes shows. */
  readonly tables: string | null;
}

/** All that were found. */
export interface Namespaces {
  readonly foreign: readonly Foreign[];
  /** Processes whose namespace could not be told. */
  readonly hidden: number;
}

interface Found {
  inode: number | null;
  /** The process that stands for it, 0 for none; kernel threads stand in only as long as there is no other. */
  pid: number;
  thread: boolean;
  names: string[];
  path: string | null;
}

/**
 * Looks at the namespace of every process and at every name. Where the link may not be read, the inode of the process's
 * own /proc/PID/net/tcp still tells namespaces apart, and that anybody may see. `told` spares the look at processes of which
 * the kernel says that they are where others are that were looked at; where it says wrong of one of those, it is not believed.
 */
export function findNamespaces(
  procRoot: string,
  pids: readonly number[],
  processes: ProcessReader,
  read: LinkReader,
  told: ReadonlyMap<number, number> | null = null,
): Namespaces {
  const own = namespaceOf(`${procRoot}/self/ns/net`, read);
  const ownTable = tableOf(procRoot, 'self');
  const byInode = new Map<number, Found>();
  const byTable = new Map<number, Found>();
  let believed = told;
  let hidden = 0;
  for (const pid of pids) {
    const said = believed?.get(pid);
    if (said !== undefined && (said === own || byInode.get(said)?.thread === false)) continue;
    const path = `${procRoot}/${pid}/ns/net`;
    const inode = namespaceOf(path, read);
    if (inode === 'gone') continue;
    if (inode !== 'refused') {
      if (said !== undefined && said !== inode) believed = null;
      if (inode === own) continue;
      const found = byInode.get(inode);
      if (found === undefined)
        byInode.set(inode, { inode, pid, thread: isKernelThread(procRoot, pid), names: [], path });
      else if (found.thread && !isKernelThread(procRoot, pid)) {
        found.thread = false;
        found.pid = pid;
        found.path = path;
      }
      continue;
    }
    // Init is where those are that it started, unless they moved, and some sandboxes hide it from root as well.
    const table = tableOf(procRoot, String(pid));
    if (table === null) hidden += Number(pid !== 1);
    else if (table !== ownTable && !byTable.has(table))
      byTable.set(table, { inode: null, pid, thread: false, names: [], path: null });
  }
  // One whose link could be read for another of its processes is not a second one.
  for (const { pid } of byInode.values()) {
    const table = tableOf(procRoot, String(pid));
    if (table !== null) byTable.delete(table);
  }
  addNames(byInode, own);
  const foreign = [...byInode.values(), ...byTable.values()].map(
    (found): Foreign => ({
      namespace: {
        inode: found.inode,
        names: found.names,
        container: found.pid === 0 ? null : processes.container(found.pid),
        process: found.pid === 0 ? null : processes.ref(found.pid),
      },
      path: found.path,
      tables: found.pid === 0 ? null : `${procRoot}/${found.pid}/net`,
    }),
  );
  return { foreign, hidden };
}

/** Names of ip-netns(8), those without any process too. */
function addNames(byInode: Map<number, Found>, own: number | string): void {
  let names: string[];
  try {
    names = readdirSync(NAMES).toSorted();
  } catch {
    return;
  }
  for (const name of names) {
    const path = `${NAMES}/${name}`;
    const stat = statSync(path, { throwIfNoEntry: false });
    // A name that is left over from before a boot is a plain, empty file.
    if (stat === undefined || stat.ino === own || stat.dev !== namespaceDevice()) continue;
    const found = byInode.get(stat.ino);
    if (found === undefined)
      byInode.set(stat.ino, { inode: stat.ino, pid: 0, thread: false, names: [name], path });
    else found.names.push(name);
  }
}

/** Kernel threads have no executable; they are all in the machine's first network namespace. */
function isKernelThread(procRoot: string, pid: number): boolean {
  try {
    readlinkSync(`${procRoot}/${pid}/exe`);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Device number of the kernel's namespace files; null where our own cannot be seen. */
function namespaceDevice(): number | null {
  return statSync('/proc/self/ns/net', { throwIfNoEntry: false })?.dev ?? null;
}

/** Inode in a link `net:[4026531840]`; a process that has ended has none, of others it may not be readable. */
function namespaceOf(path: string, read: LinkReader): number | 'gone' | 'refused' {
  const link = read(path);
  if (typeof link === 'string') return link;
  const inode = /^net:\[(\d+)\]$/.exec(link.target)?.[1];
  return inode === undefined ? 'gone' : Number(inode);
}

function tableOf(procRoot: string, pid: string): number | null {
  try {
    return statSync(`${procRoot}/${pid}/net/tcp`).ino;
  } catch {
    return null;
  }
}

/**
 * Does something in another network namespace and comes back: null where entering is refused, or where the path leads to
 * another one by now, as that of a process does whose number has been used again. `work` must be
 * synchronous and must not start anything else, for only this thread has moved. A socket that it opens stays where it
 * was opened.
 */
export function inNamespace<T>(libc: Libc, path: string, inode: number | null, work: () => T): T | null {
  const there = openQuietly(path);
  if (there === null) return null;
  const here = fstatSync(there).ino === inode ? openQuietly('/proc/thread-self/ns/net') : null;
  if (here === null) {
    closeSync(there);
    return null;
  }
  try {
    if (libc.setns(there, CLONE_NEWNET) !== 0) return null;
    try {
      return work();
    } finally {
      // Everything after this would be about the wrong host.
      if (libc.setns(here, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(there);
    closeSync(here);
  }
}

function openQuietly(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
