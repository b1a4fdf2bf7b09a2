// Network namespaces of this machine's processes, as the running kernel tells them, beside the links of each.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KernelFacts, readKernelFacts } from '../../parse/linux-btf.ts';
import { listPids } from '../fd-walk.ts';
import { findNamespaces } from '../namespaces.ts';
import { type Libc, loadLibc } from '../native.ts';
import { isInitialPidNamespace } from '../owners.ts';
import { ProcessReader } from '../process.ts';
import { linkReader } from '../read-link.ts';
import { processNamespaces } from './process-namespaces.ts';

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
  if (processNamespaces(libc, reading.facts) === null) return 'the kernel refuses BPF iterators, or is older';
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) return 'no namespace can be made';
  return { libc, facts: reading.facts };
}

const had = needs();
if (typeof had === 'string') {
  process.stderr.write(`skipped: namespaces by BPF: ${had}\n`);
  test.skip(`namespaces by BPF (skipped: ${had})`, () => undefined);
} else describe('namespaces', () => namespaces(had));

const inodeOf = (pid: number): number | null => {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0]);
  } catch {
    return null;
  }
};

function namespaces({ libc, facts }: { libc: Libc; facts: KernelFacts }): void {
  const started: ChildProcess[] = [];
  /** A process that sits there, in a namespace of its own, and one that has ended without anybody's notice. */
  let apart = 0;
  let ended = 0;

  beforeAll(async () => {
    const start = async (file: string, ...args: string[]): Promise<ChildProcess> => {
      const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      started.push(child);
      return child;
    };
    const one = await start('unshare', '--net', 'sh', '-c', 'echo up; exec cat');
    await once(one.stdout as NodeJS.EventEmitter, 'data');
    apart = one.pid ?? 0;
    // Its parent reads on and never asks what became of it.
    const two = await start('sh', '-c', 'sh -c "exit 0" & echo $!; exec cat');
    const [said] = (await once(two.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
    ended = Number(said);
    for (let look = 0; look < 200 && inodeOf(ended) !== null; look++)
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL');
  });

  test('what it tells is what the links say', () => {
    const before = new Map(listPids('/proc').map((pid) => [pid, inodeOf(pid)]));
    const told = processNamespaces(libc, facts);
    expect(told?.get(process.pid)).toBe(inodeOf(process.pid));
    expect(told?.get(apart)).toBe(inodeOf(apart));
    expect(told?.get(apart)).not.toBe(told?.get(process.pid));
    expect(inodeOf(ended)).toBeNull();
    expect(told?.has(ended)).toBe(false);
    let compared = 0;
    for (const [pid, inode] of before) {
      // Those that moved or ended meanwhile, or may not be looked at, prove nothing.
      if (inode === null || inodeOf(pid) !== inode) continue;
      expect(told?.get(pid), `process ${pid}`).toBe(inode);
      compared++;
    }
    expect(compared).toBeGreaterThan(3);
  });

  test('wrong facts tell nothing, and neither does a kernel that lacks a function', () => {
    const wrong = (part: 'offsets' | 'structures' | 'functions', key: string, value: number): KernelFacts =>
      ({ ...facts, [part]: { ...facts[part], [key]: value } }) as KernelFacts;
    for (const key of ['task_struct.nsproxy', 'nsproxy.net_ns', 'net.ns', 'task_struct.tgid'] as const) {
      for (const by of [-8, 8, 64]) {
        const offset = facts.offsets[key] + by;
        if (offset >= 0)
          expect(processNamespaces(libc, wrong('offsets', key, offset)), `${key} ${by}`).toBeNull();
      }
    }
    expect(processNamespaces(libc, wrong('structures', 'task_struct', 1))).toBeNull();
    for (const key of ['bpf_iter_task', 'bpf_rdonly_cast'])
      expect(processNamespaces(libc, wrong('functions', key, 0)), key).toBeNull();
  });

  test('the same namespaces are found with it, without it, and where it tells wrong', () => {
    const find = (told: ReadonlyMap<number, number> | null): (number | null)[] => {
      const pids = listPids('/proc');
      const found = findNamespaces(
        '/proc',
        pids,
        new ProcessReader('/proc', () => null),
        linkReader(libc),
        told,
      );
      return found.foreign.map(({ namespace }) => namespace.inode);
    };
    const there = inodeOf(apart);
    const told = processNamespaces(libc, facts);
    expect(find(told)).toContain(there);
    expect(find(null)).toContain(there);
    // All are said to be where the first foreign one is said to be: found out by its link.
    expect(find(new Map([...(told ?? [])].map(([pid]) => [pid, 1])))).toContain(there);
    // A process that is in none by now is looked at by its link, which says so.
    expect(find(new Map([...(told ?? []), [ended, 1]])).includes(1)).toBe(false);
  });
}
