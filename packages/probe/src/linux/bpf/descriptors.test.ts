// The running kernel's list of descriptors, by both programs, beside what a walk over /proc finds.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KernelFacts, readKernelFacts } from '../../parse/linux-btf.ts';
import { filesWalk, listPids } from '../fd-walk.ts';
import { type Libc, loadLibc } from '../native.ts';
import { isInitialPidNamespace } from '../owners.ts';
import { bpfDescriptors } from './descriptors.ts';
import { canLoop, RECORD_WORDS } from './programs.ts';

/** What is needed, or why it cannot be had. */
function needs(): { libc: Libc; facts: KernelFacts } | string {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return 'not root on Linux';
  if (!isInitialPidNamespace('/proc')) return 'not in the first pid namespace';
  const libc = loadLibc();
  if (libc === null) return 'no native code';
  let reading: ReturnType<typeof readKernelFacts>;
  try {
    reading = readKernelFacts(readFileSync('/sys/kernel/btf/vmlinux'));
  } catch {
    return 'the kernel has no BTF';
  }
  if (!reading.ok) return reading.problem;
  if (bpfDescriptors(libc, reading.facts, 1) === null) return 'the kernel refuses BPF iterators';
  return { libc, facts: reading.facts };
}

const had = needs();
if (typeof had === 'string') {
  process.stderr.write(`skipped: descriptors by BPF: ${had}\n`);
  test.skip(`descriptors by BPF (skipped: ${had})`, () => undefined);
} else describe('descriptors', () => descriptors(had));

interface Row {
  readonly startNs: number;
  readonly inode: number;
  readonly pid: number;
  readonly thread: number;
  readonly fd: number;
  readonly namespace: number;
  readonly port: number;
  readonly family: number;
}

function rowsOf(found: ReturnType<typeof bpfDescriptors>): Row[] {
  if (found === null || found === 'unproven') throw new Error('no list');
  expect(found.words).toHaveLength(found.count * RECORD_WORDS);
  return Array.from({ length: found.count }, (_, index) => {
    const word = (at: number): number => found.words[index * RECORD_WORDS + at] ?? Number.NaN;
    return {
      startNs: word(0) + word(1) * 2 ** 32,
      inode: word(2),
      pid: word(3),
      thread: word(4),
      fd: word(5),
      namespace: word(6),
      port: word(7) >>> 16,
      family: word(7) & 0xffff,
    };
  });
}

function descriptors({ libc, facts }: { libc: Libc; facts: KernelFacts }): void {
  const older: KernelFacts = { ...facts, functions: { ...facts.functions, bpf_rdonly_cast: 0 } };
  const servers: Server[] = [];
  let child: ChildProcess;
  let port = 0;

  beforeAll(async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    port = (server.address() as { port: number }).port;
    // oxlint-disable-next-line no-underscore-dangle -- Node has no public way to a server's descriptor
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
    child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)'], {
      stdio: ['pipe', 'pipe', 'inherit', fd, fd],
    });
    await once(child.stdout as NodeJS.EventEmitter, 'data');
  });
  afterAll(() => {
    child.kill('SIGKILL');
    for (const server of servers) server.close();
  });

  /** Ticks after boot of a process's start, from its stat. */
  const startTicks = (pid: number): number => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
  };

  test.each([
    ['with a loop over descriptors', facts],
    ['called for each descriptor', older],
  ])('one port, of two processes and three descriptors, %s', (_, which) => {
    const rows = rowsOf(bpfDescriptors(libc, which, port));
    const namespace = statSync('/proc/self/ns/net').ino;
    const mine = rows.filter(({ pid }) => pid === process.pid);
    const theirs = rows.filter(({ pid }) => pid === child.pid);
    expect(mine).toHaveLength(1);
    expect(theirs.map(({ fd }) => fd).toSorted((a, b) => a - b)).toEqual([3, 4]);
    expect(rows).toHaveLength(3);
    expect(new Set(rows.map(({ inode }) => inode)).size).toBe(1);
    for (const row of rows) {
      expect(row).toMatchObject({ port, family: 2, thread: row.pid, namespace });
      expect(Math.floor(row.startNs / 10_000_000)).toBe(startTicks(row.pid));
    }
  });

  test('both programs list the same, and a port that nobody has is empty', () => {
    expect(canLoop(facts), 'Linux 6.4 or later has both').toBe(true);
    expect(canLoop(older)).toBe(false);
    const key = ({ pid, fd, inode, thread, port: at, namespace, startNs }: Row): string =>
      `${pid} ${thread} ${fd} ${inode} ${at} ${namespace} ${startNs}`;
    const ours = new Set([process.pid, child.pid ?? 0]);
    const of = (which: KernelFacts): string[] =>
      rowsOf(bpfDescriptors(libc, which, null))
        .filter(({ pid }) => ours.has(pid))
        .map(key)
        .toSorted();
    const first = of(facts);
    expect(first.length).toBeGreaterThanOrEqual(3);
    expect(of(older)).toEqual(first);
    expect(rowsOf(bpfDescriptors(libc, facts, 1))).toEqual([]);
  });

  test('what a walk finds is in the list, with the same processes', () => {
    const rows = rowsOf(bpfDescriptors(libc, facts, null));
    const wanted = new Set(rows.map(({ inode }) => inode));
    const walked = new Set<string>();
    filesWalk('/proc')(listPids('/proc'), wanted, (inode, pid) => walked.add(`${inode} ${pid}`));
    const ours = new Set([process.pid, child.pid ?? 0]);
    const pick = (keys: Iterable<string>): string[] =>
      [...keys].filter((text) => ours.has(Number(text.split(' ')[1]))).toSorted();
    expect(pick(walked)).toEqual(pick(new Set(rows.map(({ inode, pid }) => `${inode} ${pid}`))));
  });

  test('nothing stays open, whatever the kernel says to it', () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    const wrong: KernelFacts = {
      ...facts,
      functions: { ...facts.functions, bpf_iter_task: 1, bpf_iter_task_file: 1 },
    };
    bpfDescriptors(libc, facts, null);
    const before = count();
    for (let run = 0; run < 20; run++) {
      bpfDescriptors(libc, facts, port);
      bpfDescriptors(libc, older, port);
      expect(bpfDescriptors(libc, wrong, port)).toBeNull();
    }
    expect(count()).toBe(before);
  });

  test('a table of descriptors that is read amiss is found out', () => {
    const size = (field: string, by: number): KernelFacts => ({
      ...facts,
      offsets: { ...facts.offsets, [field]: facts.offsets[field as keyof KernelFacts['offsets']] + by },
    });
    // The map of what is closed on exec: behind it, in a small table, lies the table itself, three entries off.
    expect(bpfDescriptors(libc, size('fdtable.fd', 8), null)).toBe('unproven');
    expect(bpfDescriptors(libc, size('task_struct.start_boottime', 8), port)).toBe('unproven');
    expect(bpfDescriptors(libc, size('ns_common.inum', 4), null)).toBe('unproven');
    // What all files of one process have in common, f_cred, tells no sockets from other files.
    expect(bpfDescriptors(libc, size('file.f_op', 40), null)).toBe('unproven');
  });

  test('wrong facts: refused, found out, or without effect on what is listed; never a crash', () => {
    const key = ({ pid, inode, port: at, namespace }: Row): string => `${pid} ${inode} ${at} ${namespace}`;
    const ours = new Set([process.pid, child.pid ?? 0]);
    const of = (rows: readonly Row[]): string[] =>
      rows
        .filter(({ pid }) => ours.has(pid))
        .map((row) => key(row))
        .toSorted();
    const different: string[] = [];
    for (const [asked, program, truth] of [port, null].flatMap((at) =>
      [facts, older].map((which) => [at, which, of(rowsOf(bpfDescriptors(libc, which, at)))] as const),
    )) {
      for (const name of Object.keys(facts.offsets) as (keyof KernelFacts['offsets'])[]) {
        // A wrong port finds nothing, or other ports than the tables have: that is compared where the two are joined.
        if (name === 'sock_common.skc_num') continue;
        for (const by of [-8, 4, 8, 40]) {
          const offset = facts.offsets[name] + by;
          if (offset < 0) continue;
          const wrong = { ...program, offsets: { ...program.offsets, [name]: offset } };
          const found = bpfDescriptors(libc, wrong, asked);
          if (found === null || found === 'unproven') continue;
          const listed = of(rowsOf(found));
          if (JSON.stringify(listed) !== JSON.stringify(truth))
            different.push(
              `${name} ${by} ${asked} ${canLoop(program)}: ${listed.join()} not ${truth.join()}`,
            );
        }
      }
    }
    expect(different).toEqual([]);
  }, 180_000);
}
