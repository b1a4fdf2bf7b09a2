// Files of /proc/PID: stat, cmdline and cgroup text to facts about a process (man proc(5)).
import type { Container } from '@portolan/core';

/** What `stat` tells that we use. */
export interface ProcStat {
  readonly comm: string;
  /** One letter (man proc_pid_stat(5)): R for running or ready, S and D for asleep. */
  readonly state: string;
  /** Pid of the process that started it, or that took it over; 0 for none that shows here. */
  readonly parent: number;
  readonly threads: number;
  /** Ticks (1/100 s) after boot when the process started; with the pid it names a process for good. */
  readonly startTicks: number;
}

/**
 * Parses /proc/PID/stat. The command name stands in parentheses and may itself hold parentheses, spaces and
 * newlines, so it ends at the LAST closing parenthesis. Null where the text is not a stat line.
 */
export function parseProcStat(text: string): ProcStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  // Field 22 of the line is the start time; fields after the name begin at number 3.
  const startTicks = Number(fields[19]);
  const parent = Number(fields[1]);
  if (!Number.isSafeInteger(startTicks) || !Number.isSafeInteger(parent)) return null;
  return {
    comm: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parent,
    threads: Number(fields[17]),
    startTicks,
  };
}

/** True for a process that has ended and waits to be collected (state Z or X of its stat line): it has nothing open. */
export function isEndedStat(text: string): boolean {
  const close = text.lastIndexOf(')');
  return close >= 0 && /[ZXx]/.test(text.charAt(close + 2));
}

/**
 * Pid of a pidfd's process from /proc/self/fdinfo/FD, as this /proc numbers it (line `Pid`, since Linux 5.2): -1 once it
 * has ended, 0 where this /proc does not show it. Null where there is no such line.
 */
export function parsePidfdInfo(text: string): number | null {
  const match = /^Pid:\t(-?\d+)$/m.exec(text);
  return match === null ? null : Number(match[1]);
}

/** Parses /proc/PID/cmdline: arguments ended by NUL. Empty for kernel threads and zombies. */
export function parseCmdline(text: string): string[] {
  if (text === '') return [];
  const body = text.endsWith('\0') ? text.slice(0, -1) : text;
  return body.split('\0');
}

/** Boot time in seconds since 1970 from /proc/stat (line `btime`); null where it is missing. */
export function parseBootTime(text: string): number | null {
  const match = /^btime (\d+)$/m.exec(text);
  return match === null ? null : Number(match[1]);
}

/** Unit and container that a cgroup path names. */
export interface CgroupPlace {
  readonly unit: string | null;
  readonly container: Container | null;
}

/** Path in the v2 hierarchy, else in systemd's own v1 hierarchy, from /proc/PID/cgroup (man cgroups(7)). */
export function parseCgroupFile(text: string): string | null {
  let systemd: string | null = null;
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    if (match[1] === '0' && match[2] === '' && match[3] !== undefined && match[3] !== '/') return match[3];
    if (match[2] === 'name=systemd') systemd = match[3] ?? null;
  }
  return systemd;
}

/** Scope names that container engines give: prefix of the scope, runtime. */
const SCOPES: readonly (readonly [pattern: RegExp, runtime: string])[] = [
  [/^docker-([0-9a-f]{64})\.scope$/, 'docker'],
  [/^libpod-([0-9a-f]{64})\.scope$/, 'podman'],
  [/^cri-containerd-([0-9a-f]{64})\.scope$/, 'containerd'],
  [/^crio-([0-9a-f]{64})\.scope$/, 'cri-o'],
  [/^machine-(.+)\.scope$/, 'machine'],
  [/^lxc\.payload\.(.+)$/, 'lxc'],
];

/**
 * What a cgroup path says: the innermost systemd unit (man systemd.unit(5); slices group units and are not
 * services) and the container, by the names engines give their scopes.
 */
export function readCgroupPath(path: string): CgroupPlace {
  const parts = path.split('/').filter((part) => part !== '');
  let unit: string | null = null;
  let container: Container | null = null;
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1];
    for (const [pattern, runtime] of SCOPES) {
      const match = pattern.exec(part);
      if (match?.[1] !== undefined) container = { runtime, id: match[1], name: null };
    }
    // cgroupfs driver: /docker/<id>, /libpod_parent/libpod-<id>, /kubepods/…/<id>
    if (/^[0-9a-f]{64}$/.test(part)) {
      const runtime =
        before === 'docker'
          ? 'docker'
          : parts.some((p) => p.startsWith('kubepods'))
            ? 'containerd'
            : 'docker';
      container = { runtime, id: part, name: null };
    }
    const podman = /^libpod-([0-9a-f]{64})$/.exec(part);
    if (podman?.[1] !== undefined) container = { runtime: 'podman', id: podman[1], name: null };
    const isContainer = container !== null && part.includes(container.id);
    if (!isContainer && /\.(service|socket|scope|mount|swap)$/.test(part)) unit = part;
  }
  return { unit, container };
}
