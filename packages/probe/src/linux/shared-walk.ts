// One walk over all processes shared with a second thread, by memory alone: the main thread never leaves its own work.
import type { FdWalk, WalkResult } from './fd-walk.ts';

/** Words at the head of the shared memory. */
const STATE = 0;
const NEXT = 1;
const RECORDS = 2;
const REFUSED = 3;
const FULL = 4;
const HEADER_WORDS = 8;

const HELD = 0;
const OPEN = 1;
const WALKING = 2;
const CANCELLED = 3;
const DONE = 4;

/** A record is an inode, a process and a descriptor. */
const RECORD_WORDS = 3;
/** Records that find room; more sockets than that are walked by one thread. */
const RECORD_ROOM = 1 << 18;
/** Longest wait for the other thread's last process. */
const PATIENCE_MS = 30_000;

/** Memory that both threads see: the head, the processes, those that refused, the records. */
export interface SharedWalk {
  readonly memory: SharedArrayBuffer;
  readonly count: number;
}

interface Parts {
  readonly head: Int32Array;
  readonly pids: Int32Array;
  readonly refused: Int32Array;
  readonly records: Uint32Array;
}

function partsOf({ memory, count }: SharedWalk): Parts {
  const words = (from: number, length: number): [number, number] => [from * 4, length];
  return {
    head: new Int32Array(memory, 0, HEADER_WORDS),
    pids: new Int32Array(memory, ...words(HEADER_WORDS, count)),
    refused: new Int32Array(memory, ...words(HEADER_WORDS + count, count)),
    records: new Uint32Array(memory, ...words(HEADER_WORDS + 2 * count, RECORD_ROOM * RECORD_WORDS)),
  };
}

/** Takes processes off the common list, one at a time, until there are none. */
function* claimed({ head, pids }: Parts): Generator<number> {
  for (;;) {
    const index = Atomics.add(head, NEXT, 1);
    const pid = pids[index];
    if (pid === undefined) return;
    yield pid;
  }
}

/** What the second thread does, in its entirety. */
export function walkShare(shared: SharedWalk, walk: FdWalk): void {
  const parts = partsOf(shared);
  const { head, refused, records } = parts;
  Atomics.wait(head, STATE, HELD, PATIENCE_MS);
  if (Atomics.compareExchange(head, STATE, OPEN, WALKING) !== OPEN) return;
  let count = 0;
  const result = walk(claimed(parts), { has: () => true }, (inode, pid, link) => {
    if (count >= RECORD_ROOM || typeof link !== 'number') {
      head[FULL] = 1;
      return;
    }
    const at = count * RECORD_WORDS;
    records[at] = inode;
    records[at + 1] = pid;
    records[at + 2] = link;
    count++;
  });
  refused.set(result.refused);
  head[REFUSED] = result.refused.length;
  head[RECORDS] = count;
  Atomics.store(head, STATE, DONE);
  Atomics.notify(head, STATE);
}

/**
 * Starts the second thread for these processes and gives the walk that shares with it, once; what comes after that is
 * walked alone. `alone` does this thread's part. The thread takes 20 ms to start, which is spent on `before`, what must be
 * done before any process is walked, and on reading tables.
 */
export function sharedWalk(file: string, pids: readonly number[], alone: FdWalk, before: () => void): FdWalk {
  const count = pids.length;
  const bytes = (HEADER_WORDS + 2 * count + RECORD_ROOM * RECORD_WORDS) * 4;
  const shared: SharedWalk = { memory: new SharedArrayBuffer(bytes), count };
  const parts = partsOf(shared);
  parts.pids.set(pids);
  // Loaded here, for most answers need no second thread.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const worker = new Worker(file, { workerData: shared });
  // It must not keep the program alive, and what becomes of it is read from the memory.
  worker.unref();
  worker.on('error', () => undefined);
  before();
  Atomics.store(parts.head, STATE, OPEN);
  Atomics.notify(parts.head, STATE);
  let used = false;
  return (asked, wanted, onHit) => {
    if (used) return alone(asked, wanted, onHit);
    used = true;
    const own = alone(claimed(parts), wanted, onHit);
    const other = takeOver(parts, wanted, onHit);
    // A thread that went astray has taken processes with it: all are walked again.
    return other === null ? alone(asked, wanted, onHit) : { refused: [...own.refused, ...other.refused] };
  };
}

/** Waits for the second thread, unless it has not begun, and takes what it found; null where it did not finish. */
function takeOver(
  { head, refused, records }: Parts,
  wanted: { has(inode: number): boolean },
  onHit: Parameters<FdWalk>[2],
): WalkResult | null {
  const state = Atomics.compareExchange(head, STATE, OPEN, CANCELLED);
  if (state === OPEN) return { refused: [] };
  if (state === WALKING) Atomics.wait(head, STATE, WALKING, PATIENCE_MS);
  if (Atomics.load(head, STATE) !== DONE || head[FULL] === 1) return null;
  for (let at = 0; at < (head[RECORDS] ?? 0) * RECORD_WORDS; at += RECORD_WORDS) {
    const inode = records[at] ?? 0;
    if (wanted.has(inode)) onHit(inode, records[at + 1] ?? 0, records[at + 2] ?? 0);
  }
  return { refused: [...refused.subarray(0, head[REFUSED] ?? 0)] };
}
