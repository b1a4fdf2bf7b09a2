// The few libc calls the Linux probe needs. Declarations only; nothing is decided here.
import { type Foreign, type ForeignFunction, type ForeignType, loadForeign } from '../ffi/foreign.ts';

/** libc as plain functions: pointers are numbers, results are as in C (-1 and errno on failure). */
export interface Libc {
  /** socket(2) */
  socket(domain: number, type: number, protocol: number): number;
  /** send(2) */
  send(fd: number, bytes: number, length: number, flags: number): number;
  /** send(2) by another thread, in the network namespace that this one is in when it asks any for the first time. */
  sendBeside(fd: number, bytes: number, length: number, flags: number): Promise<number>;
  /** recv(2) */
  recv(fd: number, bytes: number, length: number, flags: number): number;
  /** close(2) */
  close(fd: number): number;
  /** setsockopt(2) */
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  /** bind(2) */
  bind(fd: number, address: number, length: number): number;
  /** listen(2) */
  listen(fd: number, backlog: number): number;
  /** read(2) */
  read(fd: number, bytes: number, length: number): number;
  /** read(2) by another thread, in the network namespace that this one is in when it asks any for the first time. */
  readBeside(fd: number, bytes: number, length: number): Promise<number>;
  /** poll(2) */
  poll(descriptors: number, count: number, timeoutMs: number): number;
  /** setns(2), of the calling thread alone */
  setns(fd: number, kind: number): number;
  /** openat(2) */
  openat(dir: number, path: number, flags: number): number;
  /** readlinkat(2) */
  readlinkat(dir: number, path: number, out: number, length: number): number;
  /** syscall(2) with three arguments, for getdents64, which has no wrapper in every libc. */
  syscall3(number: number, a: number, b: number, c: number): number;
  /** syscall(2) with five integer arguments, for kcmp. */
  syscall5(number: number, a: number, b: number, c: number, d: number, e: number): number;
  /** errno(3) of the last failed call. */
  errno(): number;
  /** Address of a buffer's first byte. The buffer must own its ArrayBuffer and must stay referenced. */
  address(bytes: Uint8Array): number;
}

/** Buffer with an ArrayBuffer of its own, so that its address does not move. */
export function nativeBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

let cached: Libc | null | undefined;

/** libc, or null where no native code can be loaded. */
export function loadLibc(): Libc | null {
  if (cached !== undefined) return cached;
  try {
    cached = bind(loadForeign());
  } catch {
    // Nothing for this platform, or its file cannot be mapped (noexec, seccomp): /proc serves instead.
    cached = null;
  }
  return cached;
}

/** Bun has threads for such calls only as workers, of which one takes longer to start than any of these calls takes. */
const HAS_THREADS = process.versions['bun'] === undefined;

function beside(call: ForeignFunction, ...args: number[]): Promise<number> {
  if (!HAS_THREADS) return Promise.resolve(call(...args));
  return new Promise((resolve) => {
    call.async(...args, (error: unknown, result: number) => resolve(error === null ? result : -1));
  });
}

function bind(foreign: Foreign): Libc {
  const library = foreign.load(null);
  const declare = (
    name: string,
    result: ForeignType,
    ...args: ForeignType[]
  ): ((...args: number[]) => number) => library.func(name, result, args);
  const read = library.func('read', 'int64', ['int', 'uintptr_t', 'size_t']);
  const send = library.func('send', 'int64', ['int', 'uintptr_t', 'size_t', 'int']);
  const syscall = declare('syscall', 'int64', 'int64', 'int64', 'uintptr_t', 'int64');
  const syscall5 = declare('syscall', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64');
  return {
    socket: declare('socket', 'int', 'int', 'int', 'int'),
    send: (fd, bytes, length, flags) => send(fd, bytes, length, flags),
    sendBeside: (fd, bytes, length, flags) => beside(send, fd, bytes, length, flags),
    recv: declare('recv', 'int64', 'int', 'uintptr_t', 'size_t', 'int'),
    close: declare('close', 'int', 'int'),
    setsockopt: declare('setsockopt', 'int', 'int', 'int', 'int', 'uintptr_t', 'uint32'),
    bind: declare('bind', 'int', 'int', 'uintptr_t', 'uint32'),
    listen: declare('listen', 'int', 'int', 'int'),
    read: (fd, bytes, length) => read(fd, bytes, length),
    readBeside: (fd, bytes, length) => beside(read, fd, bytes, length),
    poll: declare('poll', 'int', 'uintptr_t', 'uint64', 'int'),
    setns: declare('setns', 'int', 'int', 'int'),
    openat: declare('openat', 'int', 'int', 'uintptr_t', 'int'),
    readlinkat: declare('readlinkat', 'int64', 'int', 'uintptr_t', 'uintptr_t', 'size_t'),
    syscall3: (number, a, b, c) => syscall(number, a, b, c),
    syscall5: (number, a, b, c, d, e) => syscall5(number, a, b, c, d, e),
    errno: () => foreign.errno(),
    address: (bytes) => Number(foreign.address(bytes)),
  };
}

/** The further calls of a watch. */
export interface WatchCalls {
  /** bind(2) */
  bind(fd: number, address: number, length: number): number;
  /** setsockopt(2) */
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  /** eventfd(2) */
  eventfd(initial: number, flags: number): number;
  /** poll(2) on a thread of its own, so that nobody is blocked; `done` gets its result. */
  pollAsync(fds: number, count: number, timeoutMs: number, done: (result: number) => void): void;
}

/** Declared only for a watch: every declaration takes time at start. Null where `loadLibc` is. */
export function loadWatchCalls(): WatchCalls | null {
  if (loadLibc() === null) return null;
  const library = loadForeign().load(null);
  const poll = library.func('poll', 'int', ['uintptr_t', 'uint64', 'int']);
  return {
    bind: library.func('bind', 'int', ['int', 'uintptr_t', 'uint32']),
    setsockopt: library.func('setsockopt', 'int', ['int', 'int', 'int', 'uintptr_t', 'uint32']),
    eventfd: library.func('eventfd', 'int', ['uint32', 'int']),
    pollAsync(fds, count, timeoutMs, done) {
      poll.async(fds, count, timeoutMs, (error, result) => done(error === null ? result : -1));
    },
  };
}

/** The further calls of asking the kernel for ports. */
export interface ChoiceCalls {
  /** connect(2) */
  connect(fd: number, address: number, length: number): number;
  /** getsockname(2) */
  getsockname(fd: number, address: number, length: number): number;
  /** accept4(2) */
  accept(fd: number, address: number, length: number, flags: number): number;
}

/** Declared only where ports are asked for. Null where `loadLibc` is. */
export function loadChoiceCalls(): ChoiceCalls | null {
  if (loadLibc() === null) return null;
  const library = loadForeign().load(null);
  return {
    connect: library.func('connect', 'int', ['int', 'uintptr_t', 'uint32']),
    getsockname: library.func('getsockname', 'int', ['int', 'uintptr_t', 'uintptr_t']),
    accept: library.func('accept4', 'int', ['int', 'uintptr_t', 'uintptr_t', 'int']),
  };
}

/** The call of a lock on a folder; null where `loadLibc` is. */
export function loadFlock(): ((fd: number, operation: number) => number) | null {
  if (loadLibc() === null) return null;
  return loadForeign().load(null).func('flock', 'int', ['int', 'int']);
}
