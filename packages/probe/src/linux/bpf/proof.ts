// Proves the kernel's list on sockets of our own. What the program reads is found by offsets; were they wrong, it would
// run and tell nonsense, or half. So the list has to have two sockets that nobody else can know: as they are, and once.
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { parseProcStat } from '../../parse/linux-proc-pid.ts';
import type { Libc } from '../native.ts';
import { readText } from '../read-text.ts';
import { type Own, RECORD_WORDS } from './programs.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const NANOSECONDS_PER_TICK = 10_000_000;
/** Which word of a record is the process. */
const PROCESS = 3;

/** Open sockets without a port, which no table lists and nobody can reach; `close` must be called. */
export interface Proof {
  readonly own: Own;
  /** The list without them; null where it does not have them as they are. */
  without(words: Uint32Array): Uint32Array | null;
  /** Has our own table of descriptors room for so many? */
  hasRoom(room: number): boolean;
  close(): void;
}

/** Null where such sockets cannot be made. */
export function openProof(libc: Libc): Proof | null {
  const families = new Map<number, number>();
  // Of the same mode and the same credentials as they are.
  const other = openOther();
  const close = (): void => {
    if (other !== null) closeSync(other);
    for (const fd of families.keys()) libc.close(fd);
    families.clear();
  };
  const open = (family: number, type: number): boolean => {
    const fd = libc.socket(family, type | SOCK_CLOEXEC, 0);
    if (fd >= 0) families.set(fd, family);
    return fd >= 0;
  };
  // As unlike as can be, for what is the same of one of them by chance.
  const stream = SOCK_STREAM | SOCK_NONBLOCK;
  if (other !== null && open(AF_INET, SOCK_DGRAM) && (open(AF_INET6, stream) || open(AF_INET, stream))) {
    const [socket = -1] = families.keys();
    const rooms = new Set([tableRoom()]);
    return {
      own: { pid: process.pid, socket, other },
      without: (words) => without(words, families),
      hasRoom(room) {
        // It grows when descriptors are opened, and a thread may do that meanwhile.
        rooms.add(tableRoom());
        return rooms.has(room);
      },
      close,
    };
  }
  close();
  return null;
}

function openOther(): number | null {
  try {
    return openSync('/dev/null', 'r+');
  } catch {
    return null;
  }
}

function without(words: Uint32Array, families: ReadonlyMap<number, number>): Uint32Array | null {
  const namespace = statSync('/proc/self/ns/net', { throwIfNoEntry: false })?.ino;
  const startTicks = parseProcStat(readText('/proc/self/stat', 4096)?.text ?? '')?.startTicks;
  const found = new Map<number, number>();
  const unasked: number[] = [];
  for (const at of ownRecords(words)) {
    if ((words[at + 7] ?? 0) >>> 16 !== 0) continue;
    unasked.push(at);
    const fd = words[at + 5] ?? -1;
    const family = families.get(fd);
    // Whoever uses this as a library may have sockets without a port as well.
    if (family === undefined) continue;
    const startNs = (words[at + 1] ?? 0) * 2 ** 32 + (words[at] ?? 0);
    const known =
      !found.has(fd) &&
      words[at + 2] === fstatSync(fd).ino &&
      words[at + 4] === process.pid &&
      words[at + 6] === namespace &&
      words[at + 7] === family &&
      Math.floor(startNs / NANOSECONDS_PER_TICK) === startTicks;
    if (!known) return null;
    found.set(fd, at);
  }
  return found.size === families.size ? cut(words, unasked) : null;
}

/** Where the records of our own process begin. The list may be of tens of thousands, and `indexOf` is quick. */
function* ownRecords(words: Uint32Array): Generator<number> {
  for (let at = words.indexOf(process.pid); at >= 0; at = words.indexOf(process.pid, at + 1)) {
    if (at % RECORD_WORDS === PROCESS) yield at - PROCESS;
  }
}

/** The words less these records. */
function cut(words: Uint32Array, records: readonly number[]): Uint32Array {
  let end = words.length;
  for (const at of records.toReversed()) {
    words.copyWithin(at, at + RECORD_WORDS, end);
    end -= RECORD_WORDS;
  }
  return words.subarray(0, end);
}

/** FDSize of /proc/self/status (man proc_pid_status(5)): the room of the table, not how many are open. */
function tableRoom(): number | null {
  const size = /^FDSize:\s+(\d+)/m.exec(readText('/proc/self/status', 1 << 14)?.text ?? '')?.[1];
  return size === undefined ? null : Number(size);
}
