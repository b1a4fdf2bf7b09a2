// The kernel's trace of TCP sockets that begin and end to listen, in a tracefs instance of our own
// (Documentation/trace/ftrace.rst, "Instances"). It tells of all network namespaces, and costs nothing while idle.
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import type { PortRange, WatchNotice } from '@portolan/core';
import { parseProcStat } from '../../parse/linux-proc-pid.ts';
import { parseTraceLine, type TraceLine, TraceLines } from '../../parse/linux-trace.ts';
import { readText } from '../read-text.ts';

/** Where tracefs is mounted (Documentation/trace/ftrace.rst, "The File System"). We mount nothing ourselves. */
const MOUNTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;
const EVENT = 'events/sock/inet_sock_set_state';
const MOUNT_COMMAND = 'mount -t tracefs nodev /sys/kernel/tracing';

/**
 * Kilobytes for all CPUs together and least for each: the instance tells of all network namespaces, and a server
 * elsewhere that opens tens of thousands of listeners at once should cost us none of ours. A message takes 80 bytes.
 */
const BUFFER_KB = 8192;
const LEAST_KB = 256;
const READ_BYTES = 1 << 16;
/** Most that is taken at once, so that a flood does not keep everything else waiting. */
const READS = 32;

/** An instance inherits the options of the whole trace, which somebody may have set; lines must be as we read them. */
const OPTIONS: readonly (readonly [name: string, value: '0' | '1'])[] = [
  ['context-info', '1'],
  ['irq-info', '1'],
  ['latency-format', '0'],
  ['record-tgid', '0'],
  ['stacktrace', '0'],
  ['userstacktrace', '0'],
  ['verbose', '0'],
  ['fields', '0'],
  ['block', '0'],
  ['raw', '0'],
  ['hex', '0'],
  ['bin', '0'],
];

/** An open trace; `close` must be called, and takes the instance away. */
export interface Trace {
  /** Descriptor that poll(2) can wait for. */
  readonly fd: number;
  /** What has come since the last time; never waits. */
  read(): TraceLine[];
  close(): void;
}

/** Instances of ours: pid and start time of the process that made it, and its how manieth it is. */
const INSTANCE = /^portolan-(\d{1,10})-(\d{1,20})-\d{1,10}$/;

let made = 0;

/** Opens a trace of the listeners, or of all that happens on some local ports; a notice where there is none. */
export function openTrace(ports: PortRange | null, call: () => string): Trace | WatchNotice {
  const root = MOUNTS.find(hasInstances);
  if (root === undefined) return notThere(call);
  try {
    removeStale(`${root}/instances`);
    return open(root, ports);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (code === 'EACCES' && process.geteuid?.() !== 0) return needsRoot(call);
    // The kernel has tracefs and not this event.
    if (code === 'ENOENT') return { code: 'trace-absent', values: {}, remedy: null };
    return { code: 'trace-refused', values: { reason: code }, remedy: null };
  }
}

function hasInstances(root: string): boolean {
  try {
    readdirSync(`${root}/instances`);
    return true;
  } catch {
    return false;
  }
}

function notThere(call: () => string): WatchNotice {
  if (process.geteuid?.() !== 0) return needsRoot(call);
  return { code: 'trace-not-mounted', values: {}, remedy: MOUNT_COMMAND };
}

function needsRoot(call: () => string): WatchNotice {
  return { code: 'trace-needs-root', values: {}, remedy: `sudo ${call()} watch` };
}

/**
 * Takes away what a watch left behind that was killed. One whose process lives is left alone; and the kernel itself
 * refuses (EBUSY) where somebody reads it, as a watch in another pid namespace does.
 */
function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    const match = INSTANCE.exec(name);
    if (match === null || startTicks(match[1] ?? '') === Number(match[2])) continue;
    remove(`${folder}/${name}`, 1);
  }
}

function startTicks(pid: string): number | null {
  return parseProcStat(readText(`/proc/${pid}/stat`, 4096)?.text ?? '')?.startTicks ?? null;
}

function open(root: string, ports: PortRange | null): Trace {
  const folder = `${root}/instances/portolan-${process.pid}-${startTicks('self') ?? 0}-${made++}`;
  mkdirSync(folder);
  let fd = -1;
  const close = (): void => {
    try {
      writeFileSync(`${folder}/${EVENT}/enable`, '0');
    } catch {
      // Taking the instance away ends it as well.
    }
    if (fd >= 0) closeSync(fd);
    fd = -1;
    remove(folder, REMOVE_TRIES);
  };
  try {
    // Open first: from now on nobody else can take the instance away.
    const opened = openSync(`${folder}/trace_pipe`, constants.O_RDONLY | constants.O_NONBLOCK);
    fd = opened;
    for (const [name, value] of OPTIONS) setOption(`${folder}/options/${name}`, value);
    // CLOCK_MONOTONIC, which is what process.hrtime tells.
    writeFileSync(`${folder}/trace_clock`, 'mono');
    writeFileSync(
      `${folder}/buffer_size_kb`,
      String(Math.max(LEAST_KB, Math.floor(BUFFER_KB / cpus().length))),
    );
    writeFileSync(`${folder}/${EVENT}/filter`, filterFor(ports));
    writeFileSync(`${folder}/${EVENT}/enable`, '1');
    const lines = new TraceLines();
    return { fd: opened, read: () => readAll(opened, lines), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Not every kernel has every option. */
function setOption(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch {
    // What it would have changed is then as it always was.
  }
}

/**
 * 10 is TCP_LISTEN, 7 TCP_CLOSE: a listener ends that way, whatever ends it. Connections that it takes are traced as
 * its own copies, from TCP_LISTEN to TCP_SYN_RECV (inet_csk_clone_lock), and there may be thousands a second. A socket
 * that is to be given its port by listen(2) has port 0 when it begins.
 */
function filterFor(ports: PortRange | null): string {
  if (ports === null) return 'newstate == 10 || (oldstate == 10 && newstate == 7)';
  const [first, last] = ports;
  return `(sport >= ${first} && sport <= ${last}) || (newstate == 10 && sport == 0)`;
}

const buffer = Buffer.allocUnsafe(READ_BYTES);

function readAll(fd: number, lines: TraceLines): TraceLine[] {
  const found: TraceLine[] = [];
  for (let reads = 0; reads < READS; reads++) {
    let length = 0;
    try {
      length = readSync(fd, buffer, 0, READ_BYTES, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
    }
    if (length === 0) break;
    for (const line of lines.push(buffer.toString('latin1', 0, length))) {
      const parsed = parseTraceLine(line);
      if (parsed !== null) found.push(parsed);
    }
  }
  return found;
}

/** A poll(2) that has just been woken may keep the instance for another moment. */
const REMOVE_TRIES = 200;

function remove(folder: string, tries: number): void {
  for (let left = tries; left > 0; left--) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return;
      if (left > 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
