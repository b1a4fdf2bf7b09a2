// A machine's answer as the files of a /proc, written into a folder of ours: names are ours, contents are the machine's.
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortRange } from '@portolan/core';
import {
  type ListedDescriptor,
  listedTarget,
  parseFdListing,
  withoutLineEnd,
} from '../parse/linux-fd-listing.ts';
import { parseProcStat } from '../parse/linux-proc-pid.ts';
import { inetInodes, type RemoteAnswer } from './conversation.ts';

/** A folder that takes files and links; a link's target is never followed. */
interface Target {
  file(path: string, bytes: Buffer | string): void;
  link(path: string, target: Buffer | string): void;
}

const LIMITS = ['ip_local_port_range', 'ip_local_reserved_ports', 'ip_unprivileged_port_start'];

/** Frames with a fixed place. */
const PLACES: readonly (readonly [frame: string, path: string])[] = [
  ['boot', 'stat'],
  ['uptime', 'uptime'],
  ['protocols', 'net/protocols'],
  ['snmp', 'net/snmp'],
  ['one', '1/stat'],
  ...LIMITS.map((name) => [`limits/${name}`, `sys/net/ipv4/${name}`] as const),
];

/** Longest target of a link that Linux takes (PATH_MAX less the NUL). */
const TARGET_BYTES = 4095;
/** Most files and links: more than any answer has that was not made up. */
const MOST_FILES = 1 << 17;
/** Most processes that are written down as refusing. */
const MOST_REFUSED = 1 << 16;

/**
 * Writes the files, of processes those with sockets on `ports`. `root` is an empty folder of ours. No path holds anything of the machine but numbers, read as such, so
 * that none can lead elsewhere.
 */
export function writeProcFiles({ frames, round }: RemoteAnswer, ports: PortRange | null, root: string): void {
  const made = new Set<string>([root]);
  const placeOf = (path: string): string => {
    const place = join(root, path);
    const folder = join(place, '..');
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    return place;
  };
  let left = MOST_FILES;
  const to: Target = {
    file(path, bytes) {
      if (left-- > 0) writeFileSync(placeOf(path), bytes, { mode: 0o600 });
    },
    link(path, target) {
      if (target.length === 0 || target.length > TARGET_BYTES || target.includes('\0')) return;
      if (left-- > 0) symlinkSync(target, placeOf(path));
    },
  };
  for (const [frame, path] of PLACES) {
    const bytes = frames.get(frame);
    if (bytes !== undefined) to.file(path, bytes);
  }
  to.file('sys/kernel/osrelease', releaseOf(frames) ?? '');
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const bytes = frames.get(`${round}/${table}`);
    if (bytes !== undefined) to.file(`net/${table}`, bytes);
  }
  // Whether process 1 shows at all tells whether others are hidden.
  if (frames.has('first') || frames.has('one')) mkdirSync(join(root, '1'), { recursive: true });
  const pidNamespace = /^pid:\[\d+\]$/.exec(linkOf(frames, 'pids', 'self/ns/pid')?.toString('latin1') ?? '');
  if (pidNamespace !== null) to.link('self/ns/pid', pidNamespace[0]);
  if (sharesWithInit(frames.get('namespaces')?.toString('latin1') ?? '')) {
    // The same file under both names is how one network namespace shows.
    to.file('self/net/tcp', '');
    linkSync(join(root, 'self/net/tcp'), placeOf('1/net/tcp'));
  }
  writeProcesses(frames, round, inetInodes(frames, round, ports), root, to);
}

function writeProcesses(
  frames: ReadonlyMap<string, Buffer>,
  round: number,
  wanted: ReadonlySet<number>,
  root: string,
  to: Target,
): void {
  const first = parseFdListing(frames.get(`${round}/fd`)?.toString('latin1') ?? '');
  const again = parseFdListing(frames.get('again/fd')?.toString('latin1') ?? '');
  const written = new Set<number>();
  for (const [pid, descriptors] of byProcess(again.sockets, wanted)) {
    if (!isProven(frames, pid)) continue;
    written.add(pid);
    for (const name of ['status', 'cgroup', 'cmdline']) {
      const bytes = frames.get(`${pid}/${name}`);
      if (bytes !== undefined) to.file(`${pid}/${name}`, bytes);
    }
    const cwd = linkOf(frames, `${pid}/cwd`, `${pid}/cwd`);
    if (cwd !== null) to.link(`${pid}/cwd`, cwd);
    for (const { fd, inode } of descriptors) to.link(`${pid}/fd/${fd}`, `socket:[${inode}]`);
  }
  // The chain of those that started them, too.
  for (const [name, bytes] of frames) {
    const pid = /^([1-9]\d{0,9})\/stat$/.exec(name)?.[1];
    if (pid === undefined) continue;
    if (pid !== '1' || !frames.has('one')) to.file(`${pid}/stat`, bytes);
    const exe = linkOf(frames, `${pid}/exe`, `${pid}/exe`);
    if (exe !== null) to.link(`${pid}/exe`, exe);
  }
  const refused = new Set([
    ...pidsIn(frames.get(`${round}/refused`)?.toString('latin1') ?? ''),
    ...first.refused,
    ...again.refused,
  ]);
  let left = MOST_REFUSED;
  for (const pid of refused) {
    if (written.has(pid) || left-- <= 0) continue;
    mkdirSync(join(root, String(pid)), { recursive: true });
    // A link to itself: whoever lists the folder fails (ELOOP), root too, as it failed over there.
    to.link(`${pid}/fd`, 'fd');
  }
}

function byProcess(
  sockets: readonly ListedDescriptor[],
  wanted: ReadonlySet<number>,
): Map<number, Iterable<ListedDescriptor>> {
  const found = new Map<number, Map<number, ListedDescriptor>>();
  for (const each of sockets) {
    if (!wanted.has(each.inode)) continue;
    const known = found.get(each.pid) ?? new Map<number, ListedDescriptor>();
    found.set(each.pid, known);
    if (!known.has(each.fd)) known.set(each.fd, each);
  }
  return new Map([...found].map(([pid, descriptors]) => [pid, descriptors.values()]));
}

/**
 * The pid has not passed to another between the look at its files and that at its descriptors, which came after: both
 * stand between two looks at its start. Without its user it would be told as ours.
 */
function isProven(frames: ReadonlyMap<string, Buffer>, pid: number): boolean {
  const stat = (name: string): number | null =>
    parseProcStat(frames.get(`${pid}/${name}`)?.toString('latin1') ?? '')?.startTicks ?? null;
  const before = stat('stat');
  const uid = /^Uid:\s+\d+\s+\d+/m.test(frames.get(`${pid}/status`)?.toString('latin1') ?? '');
  return before !== null && before === stat('again') && uid;
}

function linkOf(frames: ReadonlyMap<string, Buffer>, frame: string, path: string): Buffer | null {
  const bytes = frames.get(frame);
  if (bytes !== undefined) return withoutLineEnd(bytes);
  const listed = frames.get(`${frame}.ls`);
  return listed === undefined ? null : listedTarget(listed, path);
}

/** `ls -i` of both tables: the same inode stands for the same network namespace. */
function sharesWithInit(text: string): boolean {
  const inodes = [...text.matchAll(/^\s*(\d+) .*(?:self|1)\/net\/tcp$/gm)].map(([, inode]) => inode);
  return inodes.length === 2 && inodes[0] === inodes[1];
}

function pidsIn(text: string): number[] {
  return text
    .split(/\s+/)
    .filter((word) => /^[1-9]\d{0,9}$/.test(word))
    .map(Number);
}

/** `uname -r` there; null where it said nothing. */
export function releaseOf(frames: ReadonlyMap<string, Buffer>): string | null {
  const release = frames.get('uname')?.toString('utf8').split('\n')[1]?.trim() ?? '';
  return release === '' ? null : release;
}
