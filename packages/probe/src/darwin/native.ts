// The few calls the macOS probe needs, of libproc and libSystem. Declarations and the passing of buffers only; nothing is
// decided here.
import { type Foreign, loadForeign } from '../ffi/foreign.ts';

/** The calls as plain functions that fill buffers. */
export interface DarwinCalls {
  /** proc_listpids(PROC_ALL_PIDS): bytes filled; 0 or less where it failed. */
  listPids(out: Uint8Array): number;
  /** proc_pidinfo: bytes filled, or needed where `out` is null; 0 or less where it failed, or there is nothing. */
  pidInfo(pid: number, flavor: number, out: Uint8Array | null): number;
  /** proc_pidfdinfo: bytes filled; 0 or less where it failed. */
  pidFdInfo(pid: number, fd: number, flavor: number, out: Uint8Array): number;
  /** proc_pidpath: bytes filled; 0 or less where it failed. */
  pidPath(pid: number, out: Uint8Array): number;
  /** sysctlbyname(3): bytes filled, or needed where `out` is null; -1 where it failed. */
  sysctl(name: string, out: Uint8Array | null): number;
  /** sysctl(3) KERN_PROCARGS2: bytes filled; -1 where it failed. */
  processArguments(pid: number, out: Uint8Array): number;
  /** getpwuid_r(3): name of a user; null for none. */
  userName(uid: number): string | null;
  /** socket(2) */
  socket(domain: number, type: number, protocol: number): number;
  /** close(2) */
  close(fd: number): number;
  /** errno(3) of the last call; 0 where it set none. */
  errno(): number;
}

const LIBPROC = '/usr/lib/libproc.dylib';
const LIBSYSTEM = '/usr/lib/libSystem.B.dylib';

const PROC_ALL_PIDS = 1;
const CTL_KERN = 1;
const KERN_PROCARGS2 = 49;
/** Room for struct passwd (72 bytes) and its strings. */
const PASSWD_BYTES = 128;
const NAME_BYTES = 4096;

let cached: DarwinCalls | null | undefined;

/** The calls, or null where no native module can be loaded. */
export function loadDarwin(): DarwinCalls | null {
  if (cached !== undefined) return cached;
  try {
    cached = bind(loadForeign(), LIBPROC, LIBSYSTEM);
  } catch {
    // Nothing for this system, or a program that was signed so that it may load no foreign library: tools serve instead.
    cached = null;
  }
  return cached;
}

/** The calls of these two libraries. */
export function bind(foreign: Foreign, libproc: string, libsystem: string): DarwinCalls {
  const processes = foreign.load(libproc);
  const system = foreign.load(libsystem);
  const listPids = processes.func('proc_listpids', 'int', ['uint32', 'uint32', 'uintptr_t', 'int']);
  const pidInfo = processes.func('proc_pidinfo', 'int', ['int', 'int', 'uint64', 'uintptr_t', 'int']);
  const pidFdInfo = processes.func('proc_pidfdinfo', 'int', ['int', 'int', 'int', 'uintptr_t', 'int']);
  const pidPath = processes.func('proc_pidpath', 'int', ['int', 'uintptr_t', 'uint32']);
  const byName = system.func('sysctlbyname', 'int', ['str', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'size_t']);
  const byNumber = system.func('sysctl', 'int', [
    'uintptr_t',
    'uint32',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'size_t',
  ]);
  const passwd = system.func('getpwuid_r', 'int', [
    'uint32',
    'uintptr_t',
    'uintptr_t',
    'size_t',
    'uintptr_t',
  ]);
  const socket = system.func('socket', 'int', ['int', 'int', 'int']);
  const close = system.func('close', 'int', ['int']);
  const address = (bytes: Uint8Array | null): number => (bytes === null ? 0 : Number(foreign.address(bytes)));
  // A call that finds nothing returns 0 like one that fails, and leaves errno as it was.
  const fresh = (call: () => number): number => {
    foreign.errno(0);
    return call();
  };
  const sized = (out: Uint8Array | null, call: (length: number) => number): number => {
    const length = Buffer.from(new ArrayBuffer(8));
    length.writeBigUInt64LE(BigInt(out?.length ?? 0));
    return fresh(() => call(address(length))) === 0 ? Number(length.readBigUInt64LE()) : -1;
  };
  return {
    listPids: (out) => fresh(() => listPids(PROC_ALL_PIDS, 0, address(out), out.length)),
    pidInfo: (pid, flavor, out) => fresh(() => pidInfo(pid, flavor, 0, address(out), out?.length ?? 0)),
    pidFdInfo: (pid, fd, flavor, out) => fresh(() => pidFdInfo(pid, fd, flavor, address(out), out.length)),
    pidPath: (pid, out) => fresh(() => pidPath(pid, address(out), out.length)),
    sysctl: (name, out) => sized(out, (length) => byName(name, address(out), length, 0, 0)),
    processArguments(pid, out) {
      const path = Buffer.from(new ArrayBuffer(12));
      [CTL_KERN, KERN_PROCARGS2, pid].forEach((number, nth) => path.writeInt32LE(number, 4 * nth));
      return sized(out, (length) => byNumber(address(path), 3, address(out), length, 0, 0));
    },
    userName(uid) {
      const entry = Buffer.from(new ArrayBuffer(PASSWD_BYTES));
      const strings = Buffer.from(new ArrayBuffer(NAME_BYTES));
      const found = Buffer.from(new ArrayBuffer(8));
      const failed = passwd(uid, address(entry), address(strings), strings.length, address(found)) !== 0;
      if (failed || found.readBigUInt64LE() === 0n) return null;
      // pw_name comes first, and points into the strings.
      const at = Number(entry.readBigUInt64LE()) - address(strings);
      const end = at < 0 || at >= strings.length ? -1 : strings.indexOf(0, at);
      return end < 0 ? null : strings.toString('utf8', at, end);
    },
    socket: (domain, type, protocol) => socket(domain, type, protocol),
    close: (fd) => close(fd),
    errno: () => foreign.errno(),
  };
}
