// What libproc's calls fill in (XNU bsd/sys/proc_info.h, LP64): bytes in, processes, descriptors and sockets out. A blob that
// is shorter than its structure is null, and never read beyond its end.
import { type DarwinSocketRow, darwinState, endsOf, textAt, viewOf } from './darwin-row.ts';

/** sizeof(struct proc_fdinfo) */
export const FD_INFO_SIZE = 8;
/** sizeof(struct socket_fdinfo) */
export const SOCKET_FD_INFO_SIZE = 792;
/** sizeof(struct proc_bsdinfo), struct proc_bsdshortinfo, struct proc_vnodepathinfo. */
export const BSD_INFO_SIZE = 136;
export const BSD_SHORT_INFO_SIZE = 64;
export const VNODE_PATH_INFO_SIZE = 2352;

const PROX_FDTYPE_SOCKET = 2;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** soi_kind */
const SOCKINFO_IN = 1;
const SOCKINFO_TCP = 2;

/** Process ids of proc_listpids(PROC_ALL_PIDS); the kernel pads with zeros, and 0 is itself. */
export function parsePidList(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  const pids = new Set<number>();
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const pid = view.getInt32(at, true);
    if (pid > 0) pids.add(pid);
  }
  return [...pids].toSorted((a, b) => a - b);
}

/** Descriptors that are sockets, of PROC_PIDLISTFDS. */
export function parseSocketFds(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  const fds: number[] = [];
  for (let at = 0; at + FD_INFO_SIZE <= bytes.length; at += FD_INFO_SIZE) {
    const fd = view.getInt32(at, true);
    if (fd >= 0 && view.getUint32(at + 4, true) === PROX_FDTYPE_SOCKET) fds.push(fd);
  }
  return fds;
}

/** What a socket descriptor's blob came to. */
export type SocketFd =
  | { readonly kind: 'row'; readonly row: DarwinSocketRow }
  /** An internet socket that has no port. */
  | {
      readonly kind: 'unbound';
      readonly transport: 'tcp' | 'udp';
      readonly so: string | null;
      readonly generation: string;
    }
  /** A socket of another kind. */
  | { readonly kind: 'other' }
  /** Cut short. */
  | { readonly kind: 'short' };

const PLACES = { localPort: 268, peerPort: 264, vflag: 288, local: 312, peer: 296 } as const;

/** A socket of PROC_PIDFDSOCKETINFO. */
export function parseSocketFd(bytes: Uint8Array): SocketFd {
  if (bytes.length < SOCKET_FD_INFO_SIZE) return { kind: 'short' };
  const view = viewOf(bytes);
  const kind = view.getInt32(256, true);
  const protocol = view.getInt32(180, true);
  const transport =
    kind === SOCKINFO_TCP && protocol === IPPROTO_TCP
      ? 'tcp'
      : kind === SOCKINFO_IN && protocol === IPPROTO_UDP
        ? 'udp'
        : null;
  if (transport === null) return { kind: 'other' };
  const so = identityAt(view, 160);
  const generation = view.getBigUint64(272, true).toString();
  const ends = endsOf(bytes, view.getInt32(184, true), PLACES);
  if (ends === null) return { kind: 'unbound', transport, so, generation };
  const state = darwinState(
    transport,
    transport === 'tcp' ? view.getInt32(344, true) : 0,
    ends.peer !== null,
  );
  return {
    kind: 'row',
    row: { transport, ...ends, state, so, generation, uid: null, lastPid: 0, effectivePid: 0 },
  };
}

/** Eight bytes that name a socket; null for zero, by which the kernel hides them. */
export function identityAt(view: DataView, at: number): string | null {
  const value = view.getBigUint64(at, true);
  return value === 0n ? null : value.toString(16);
}

/** What is known of a process. */
export interface DarwinProcess {
  readonly pid: number;
  readonly parent: number;
  /** Effective user. */
  readonly uid: number;
  /** Up to 31 bytes (pbi_name), or 15 where that is not told. */
  readonly name: string;
  /** Seconds since 1970 with microseconds; null where not told. */
  readonly startSeconds: number | null;
}

/** PROC_PIDTBSDINFO; null where it is cut short. */
export function parseBsdInfo(bytes: Uint8Array): DarwinProcess | null {
  if (bytes.length < BSD_INFO_SIZE) return null;
  const view = viewOf(bytes);
  return {
    pid: view.getUint32(12, true),
    parent: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    name: textAt(bytes, 64, 32) || textAt(bytes, 48, 16),
    startSeconds: Number(view.getBigUint64(120, true)) + Number(view.getBigUint64(128, true)) / 1e6,
  };
}

/** PROC_PIDT_SHORTBSDINFO, which is told of other users' processes too; null where it is cut short. */
export function parseShortBsdInfo(bytes: Uint8Array): DarwinProcess | null {
  if (bytes.length < BSD_SHORT_INFO_SIZE) return null;
  const view = viewOf(bytes);
  return {
    pid: view.getUint32(0, true),
    parent: view.getUint32(4, true),
    uid: view.getUint32(36, true),
    name: textAt(bytes, 16, 16),
    startSeconds: null,
  };
}

/** A path as proc_pidpath fills it in; null for none. */
export function parsePidPath(bytes: Uint8Array): string | null {
  const path = textAt(bytes, 0, bytes.length);
  return path.startsWith('/') ? path : null;
}

/** The working folder (PROC_PIDVNODEPATHINFO, pvi_cdir.vip_path); null for none. */
export function parseWorkingFolder(bytes: Uint8Array): string | null {
  return bytes.length < VNODE_PATH_INFO_SIZE ? null : parsePidPath(bytes.subarray(152, 152 + 1024));
}

/** Arguments and environment of a process (sysctl KERN_PROCARGS2). */
export interface ProcessArguments {
  readonly argv: readonly string[];
  /** XPC_SERVICE_NAME, by which launchd tells a job its label; null for none. */
  readonly label: string | null;
}

/** Longest argument list that is kept. */
const ARGUMENTS_LIMIT = 1024;

/**
 * KERN_PROCARGS2: the number of arguments, the executable's path, zeros, then arguments and environment, each ended by a
 * zero. Null where it is cut short before the arguments end.
 */
export function parseProcessArguments(bytes: Uint8Array): ProcessArguments | null {
  if (bytes.length < 4) return null;
  const count = viewOf(bytes).getInt32(0, true);
  if (count < 0 || count > bytes.length) return null;
  let at = bytes.indexOf(0, 4);
  if (at < 0) return null;
  while (at < bytes.length && bytes[at] === 0) at++;
  const argv: string[] = [];
  for (let nth = 0; nth < count; nth++) {
    const end = bytes.indexOf(0, at);
    if (end < 0) return null;
    if (nth < ARGUMENTS_LIMIT) argv.push(textAt(bytes, at, end - at));
    at = end + 1;
  }
  for (let end = bytes.indexOf(0, at); end > at; end = bytes.indexOf(0, at)) {
    const entry = textAt(bytes, at, end - at);
    if (entry.startsWith(LABEL)) return { argv, label: labelOf(entry.slice(LABEL.length)) };
    at = end + 1;
  }
  return { argv, label: null };
}

const LABEL = 'XPC_SERVICE_NAME=';

/** `0` is what programs below a terminal have. */
function labelOf(value: string): string | null {
  return value === '' || value === '0' ? null : value;
}

/** The application an executable is the main program of: `/Applications/Name.app/Contents/MacOS/…` → `Name`; else null. */
export function applicationOf(path: string): string | null {
  return /\/([^/]+)\.app\/Contents\/MacOS\/[^/]+$/.exec(path)?.[1] ?? null;
}
