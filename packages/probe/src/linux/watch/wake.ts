// Waits for the kernel's messages without a timer: poll(2) on a thread of its own, which can always be woken.
import { closeSync, writeSync } from 'node:fs';
import { type Libc, nativeBuffer, type WatchCalls } from '../native.ts';

/** EFD_CLOEXEC | EFD_NONBLOCK. */
const EVENTFD_FLAGS = 0o2000000 | 0o4000;
const POLLIN = 1;
/** sizeof(struct pollfd). */
const POLLFD = 8;
/** However it ends, the waiting thread is back after this time, so that the process can end. */
const LONGEST_WAIT_MS = 10_000;

/** Waits for descriptors to have something to read. */
export interface Wake {
  /** Calls back once when there is something, or when the longest wait is over. */
  arm(): void;
  /** Wakes the thread, waits for nothing, and calls back no more. */
  stop(): void;
}

/** A wake for these descriptors, or null where the kernel gives no eventfd. */
export function openWake(
  libc: Libc,
  calls: WatchCalls,
  fds: readonly number[],
  onReady: () => void,
): Wake | null {
  const stopFd = calls.eventfd(0, EVENTFD_FLAGS);
  if (stopFd < 0) return null;
  const all = [stopFd, ...fds];
  const list = nativeBuffer(all.length * POLLFD);
  for (const [index, fd] of all.entries()) {
    list.writeInt32LE(fd, index * POLLFD);
    list.writeInt16LE(POLLIN, index * POLLFD + 4);
  }
  let stopped = false;
  let waiting = false;
  const release = (): void => {
    if (stopped && !waiting) closeSync(stopFd);
  };
  return {
    arm() {
      if (stopped || waiting) return;
      waiting = true;
      calls.pollAsync(libc.address(list), all.length, LONGEST_WAIT_MS, () => {
        waiting = false;
        release();
        if (!stopped) onReady();
      });
    },
    stop() {
      if (stopped) return;
      stopped = true;
      const one = Buffer.alloc(8);
      one[0] = 1;
      if (waiting) writeSync(stopFd, one);
      release();
    },
  };
}
