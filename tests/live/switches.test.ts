// The same sockets, owners and gaps whichever way they are found: by the kernel's own list of descriptors (BPF), by a
// walk with bare system calls, by plain files; and where the kernel refuses any of it, or its kept facts are wrong.
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot, Socket } from '@portolan/core';
import { expect } from 'vitest';
import {
  BIN,
  gapsWithoutNative,
  type ListV1,
  liveTest,
  type Namespace,
  NOBODY,
  only,
  pidsOf,
  Robot,
  scenario,
} from './namespace.ts';

/** More than the program walks before it asks the kernel. */
const MANY = 2100;

/** A folder that goes with the test. */
function folder(ns: Namespace): string {
  const made = mkdtempSync(join(tmpdir(), 'portolan-live-'));
  ns.finally(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A scenario that says something once it is there. */
async function start(ns: Namespace, name: string, ...args: string[]): Promise<ChildProcess> {
  const child = ns.background(process.execPath, [scenario(name), ...args]);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return child;
}

/** Enough descriptors on this machine that the kernel's own list is asked for. */
const crowd = (ns: Namespace): Promise<ChildProcess> => start(ns, 'crowd.mjs', String(MANY));

/** Sockets of every kind of owner: one, four that share, a thread alone, one that has it twice, none. */
async function open(ns: Namespace): Promise<void> {
  const { robot } = ns;
  const other = await ns.addRobot();
  const tcp = { op: 'open', type: 'tcp', family: 'ipv4' } as const;
  await robot.steps(
    { ...tcp, as: 'a', bind: ['127.0.0.1', 7000], listen: 8 },
    { ...tcp, as: 'b', bind: ['127.0.0.1', 7001] },
    { op: 'open', type: 'udp', family: 'ipv6', as: 'u', bind: ['::1', 7002] },
    { ...tcp, as: 'shared', bind: ['127.0.0.1', 7003], listen: 8 },
    ...['x', 'y', 'z'].map((as) => ({
      op: 'spawn' as const,
      as,
      file: process.execPath,
      args: [scenario('sit.mjs')],
      // The last one has it twice.
      inherit: as === 'z' ? ['shared', 'shared'] : ['shared'],
    })),
    ...['x', 'y', 'z'].map((of) => ({ op: 'said' as const, of })),
  );
  await other.steps(
    { ...tcp, as: 'c', connect: ['127.0.0.1', 7000] },
    { ...tcp, as: 'waits', connect: ['127.0.0.1', 7000] },
    { op: 'open', type: 'tcp', family: 'ipv6', as: 'd', v6only: false, bind: ['::', 7004], listen: 1 },
    { op: 'open', type: 'udp', family: 'ipv4', as: 'v', bind: ['0.0.0.0', 7005] },
  );
  await robot.step({ op: 'accept', of: 'a', as: 'accepted' });
  await start(ns, 'thread.mjs', '7006');
  await start(ns, 'handover.mjs');
}

/**
 * Rows of our namespace in one order, less what plain files do not have. A process that refuses even root to be walked
 * makes owners incomplete for the walk alone.
 */
function here(snapshot: Snapshot, files = false): Socket[] {
  const bare = { ownersComplete: true, ...(files ? { ipv6Only: null, device: null } : {}) };
  return snapshot.sockets
    .filter(({ namespace, state }) => namespace === null && (!files || state !== 'BOUND'))
    .map((socket) => ({ ...socket, ...bare }))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ transport, local, peer, inode }: Socket): string {
  return `${transport} ${local.address} ${local.port} ${peer?.port ?? 0} ${inode}`;
}

/** A bpf(2) call as strace shows it. */
interface Call {
  readonly command: string;
  readonly result: number;
  readonly text: string;
}

/** Runs the program under strace; gives what it printed and the calls to bpf(2) that it made. */
async function traced(
  ns: Namespace,
  args: readonly string[],
  {
    inject = [],
    uid,
    cache,
    here: within = true,
  }: { inject?: readonly string[]; uid?: number; cache?: string; here?: boolean } = {},
): Promise<{ out: string; code: number | null; calls: Call[]; links: number; namespaces: number }> {
  const log = join(folder(ns), 'trace');
  const ran = await ns.run(
    'env',
    [
      `XDG_CACHE_HOME=${cache ?? '/nonexistent'}`,
      'strace',
      '-f',
      '-qq',
      '-e',
      'trace=bpf,readlinkat',
      ...inject.flatMap((rule) => ['-e', rule]),
      '-o',
      uid === undefined ? log : '/dev/stderr',
      process.execPath,
      BIN,
      ...args,
      ...(within ? ['--here'] : []),
    ],
    uid === undefined ? {} : { uid },
  );
  const lines = (uid === undefined ? readFileSync(log, 'utf8') : ran.stderr).split('\n');
  const calls = lines.flatMap((text): Call[] => {
    const match = /\bbpf\((\w+),.* = (-?\d+)/.exec(text);
    return match?.[1] === undefined ? [] : [{ command: match[1], result: Number(match[2]), text }];
  });
  const links = lines.filter((text) => text.includes('readlinkat(')).length;
  const namespaces = lines.filter((text) => /readlinkat\(.*\/ns\/net"/.test(text)).length;
  return { out: ran.stdout, code: ran.code, calls, links, namespaces };
}

const succeeded = (calls: readonly Call[], command: string): boolean =>
  calls.some((call) => call.command === command && call.result >= 0);

liveTest('every way gives the same rows, owners and gaps', {}, async (ns) => {
  await open(ns);
  await crowd(ns);
  const cacheDir = folder(ns);
  const [all, kept, walked, files] = (await ns.look(
    { cacheDir },
    { cacheDir },
    { bpf: false },
    { ffi: false },
  )) as [Snapshot, Snapshot, Snapshot, Snapshot];
  expect(here(all).length).toBeGreaterThanOrEqual(12);
  expect(here(kept)).toEqual(here(all));
  expect(here(walked)).toEqual(here(all));
  expect(here(files, true)).toEqual(here(all, true));
  expect(all.gaps).toEqual([]);
  expect(walked.gaps).toEqual([]);
  expect(files.gaps.map(({ code }) => code)).toEqual(gapsWithoutNative());
  const at = (port: number): Socket =>
    only(here(all).filter(({ local }) => local.port === port && local.address !== ''));
  expect(at(7003).owners).toHaveLength(4);
  expect(at(7006).owners).toHaveLength(1);
  expect(at(6100).owners).toHaveLength(4);
  expect(at(7001)).toMatchObject({ state: 'BOUND', owners: [{ pid: ns.robot.pid }] });
  // What nobody has accepted is nobody's.
  const queued = here(all).filter(
    ({ inode, local, state }) => inode === 0 && local.port === 7000 && state !== 'LISTEN',
  );
  expect(queued).toHaveLength(1);
  expect(queued[0]?.owners).toEqual([]);
});

liveTest(
  'BPF is used where there are many descriptors, and nowhere that it is not wanted',
  {
    needs: ['strace', 'bpf'],
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    for (const what of [
      ['list', '--all'],
      ['who', '7003'],
    ]) {
      const used = await traced(ns, [...what, '--json']);
      expect(succeeded(used.calls, 'BPF_ITER_CREATE'), JSON.stringify(used.calls)).toBe(true);
      // No walk besides: that would read a link for each descriptor.
      expect(used.links).toBeLessThan(MANY);
      for (const flag of ['--no-bpf', '--no-ffi']) {
        const without = await traced(ns, [...what, '--json', flag]);
        expect(without.calls, flag).toEqual([]);
        expect(without.code).toBe(used.code);
        const holders = (text: string): unknown[] =>
          (
            JSON.parse(text) as { holders: { kind: string; owners: { pid: number }[]; local: unknown }[] }
          ).holders
            .filter(({ kind }) => kind !== 'bound' || flag === '--no-bpf')
            .map(({ kind, owners, local }) => ({ kind, local, pids: owners.map(({ pid }) => pid) }));
        const wanted = JSON.parse(used.out) as { holders: { kind: string }[] };
        if (flag === '--no-ffi') wanted.holders = wanted.holders.filter(({ kind }) => kind !== 'bound');
        expect(holders(without.out)).toEqual(holders(JSON.stringify(wanted)));
      }
      const walked = await traced(ns, [...what, '--json', '--no-bpf']);
      expect(walked.links, 'the walk would be seen').toBeGreaterThan(MANY);
    }
  },
);

liveTest(
  'a kernel that refuses any one call: the same answer by another way',
  {
    needs: ['strace', 'bpf'],
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    const cache = folder(ns);
    const wanted = await traced(ns, ['who', '7003', '--json'], { cache });
    expect(pidsOf(only((JSON.parse(wanted.out) as { holders: { owners: never[] }[] }).holders))).toHaveLength(
      4,
    );
    const count = wanted.calls.length;
    expect(count).toBeGreaterThanOrEqual(5);
    for (let when = 1; when <= count; when++) {
      const ran = await traced(ns, ['who', '7003', '--json'], {
        cache,
        inject: [`inject=bpf:error=EPERM:when=${when}`],
      });
      expect(ran.out, `call ${when}: ${JSON.stringify(ran.calls.map(({ text }) => text))}`).toBe(wanted.out);
    }
    for (const rule of [
      'inject=bpf:error=EPERM',
      'inject=bpf:error=ENOSYS',
      'inject=bpf:error=EINVAL:when=2+',
      // The verifier gives up while a signal is pending, and is asked again.
      'inject=bpf:error=EAGAIN:when=2',
      'inject=bpf:error=EAGAIN:when=2+',
    ]) {
      const ran = await traced(ns, ['who', '7003', '--json'], { cache, inject: [rule] });
      expect(ran.out, rule).toBe(wanted.out);
    }
  },
);

/** The kept facts of this kernel, and a way to keep others. */
interface Kept {
  readonly name: string;
  readonly facts: Record<'functions' | 'structures' | 'offsets', Record<string, number>>;
}

/** What the program keeps of this kernel. */
async function keptFacts(ns: Namespace): Promise<Kept> {
  const made = folder(ns);
  await ns.look({ cacheDir: made });
  const name = only(readdirSync(made));
  const text = readFileSync(join(made, name), 'latin1');
  return { name, facts: JSON.parse(text.slice(text.indexOf('\n') + 1)) as Kept['facts'] };
}

/** A cache folder with these facts in it, whole and with their sum: only their content is wrong. */
function keep(ns: Namespace, name: string, facts: Kept['facts'], whole = true): string {
  const made = folder(ns);
  const text = JSON.stringify(facts);
  let sum = 0x811c_9dc5;
  for (const char of `${name}\n${text}`) sum = Math.imul(sum ^ char.charCodeAt(0), 0x0100_0193) >>> 0;
  writeFileSync(join(made, name), `${(whole ? sum : sum ^ 1).toString(16)}\n${text}`, { mode: 0o600 });
  return made;
}

liveTest(
  'a kernel without the newer functions: the program that is called for each descriptor',
  {
    needs: ['strace', 'bpf'],
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    const { name, facts } = await keptFacts(ns);
    const older = { ...facts, functions: { ...facts.functions, bpf_rdonly_cast: 0 } };
    const cacheDir = keep(ns, name, older);
    const [list, port, walked] = (await ns.look(
      { cacheDir },
      { cacheDir, ports: [7003, 7003] },
      { bpf: false },
    )) as [Snapshot, Snapshot, Snapshot];
    expect(here(list)).toEqual(here(walked));
    expect(list.gaps).toEqual([]);
    expect(only(port.sockets).owners).toHaveLength(4);
    // The program keeps its facts in a folder of its own name.
    const cache = folder(ns);
    const run = await traced(ns, ['who', '7003', '--json'], { cache });
    const file = join(cache, 'portolan', name);
    writeFileSync(file, readFileSync(join(cacheDir, name)));
    const slow = await traced(ns, ['who', '7003', '--json'], { cache });
    expect(slow.out).toBe(run.out);
    const target = (calls: readonly Call[]): string[] =>
      calls.flatMap(({ text }) => /attach_btf_id=(\d+)/.exec(text)?.[1] ?? []);
    expect(target(run.calls)).toEqual([String(facts.functions['bpf_iter_task'])]);
    expect(target(slow.calls)).toEqual([String(facts.functions['bpf_iter_task_file'])]);
    expect(succeeded(slow.calls, 'BPF_ITER_CREATE')).toBe(true);
    expect(slow.links).toBeLessThan(MANY);
  },
);

liveTest(
  'wrong kept facts make no other answer, and without their sum they are not used',
  {
    needs: ['bpf'],
    timeout: 360_000,
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    const { name, facts } = await keptFacts(ns);
    const wrong: { what: string; cacheDir: string }[] = [];
    const spoil = (part: keyof Kept['facts'], key: string, value: number): void => {
      const changed = { ...facts, [part]: { ...facts[part], [key]: value } };
      wrong.push({ what: `${part} ${key} ${value}`, cacheDir: keep(ns, name, changed) });
    };
    for (const [key, offset] of Object.entries(facts.offsets)) {
      for (const by of [-8, 4, 8, 64]) if (offset + by >= 0) spoil('offsets', key, offset + by);
    }
    for (const key of Object.keys(facts.functions)) for (const id of [0, 1]) spoil('functions', key, id);
    for (const key of Object.keys(facts.structures)) spoil('structures', key, 1);
    const port: [number, number] = [7003, 7003];
    const walked = await ns.look({ bpf: false }, { bpf: false, ports: port });
    const answer = (snapshot: Snapshot | undefined): string =>
      snapshot === undefined ? '' : JSON.stringify([here(snapshot), snapshot.gaps]);
    const truth = walked.map(answer);
    const different: string[] = [];
    for (const [index, { what, cacheDir }] of wrong.entries()) {
      // A process each, for the facts are read once a process and replaced: everything and one port by turns.
      const [found] = await ns.look({ cacheDir, ports: index % 2 === 0 ? null : port });
      if (answer(found) !== truth[index % 2]) different.push(`${what}: ${answer(found)}`);
    }
    // What was kept wrong is replaced by what the kernel says, so that its list is used again.
    const amiss = { ...facts.offsets, 'fdtable.fd': (facts.offsets['fdtable.fd'] ?? 0) + 8 };
    const once = keep(ns, name, { ...facts, offsets: amiss });
    await ns.look({ cacheDir: once });
    expect(readFileSync(join(once, name))).toEqual(readFileSync(join(keep(ns, name, facts), name)));
    // A file that was changed by accident is found out, and everything is read anew.
    for (const [key, offset] of Object.entries(facts.offsets)) {
      const changed = { ...facts, offsets: { ...facts.offsets, [key]: offset + 8 } };
      const cacheDir = keep(ns, name, changed, false);
      const [one] = (await ns.look({ cacheDir, ports: port })) as [Snapshot];
      if (only(one.sockets).owners.length !== 4) different.push(`${key}: used in spite of its sum`);
    }
    expect(different, different.join('\n')).toEqual([]);
  },
);

liveTest(
  'in a pid namespace the kernel’s list would have foreign numbers, so it is not asked',
  {
    needs: ['root', 'strace'],
    ownPids: true,
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    const ran = await traced(ns, ['who', '7003', '--json']);
    expect(ran.calls).toEqual([]);
    const holder = only((JSON.parse(ran.out) as { holders: { owners: { pid: number }[] }[] }).holders);
    expect(holder.owners).toHaveLength(4);
    // The first robot is the first process of all here.
    expect(ns.robot.pid).toBe(1);
    expect(holder.owners[0]?.pid).toBe(1);
    for (const args of [[], ['--no-ffi']])
      expect(
        pidsOf(only((await ns.who(7000, args)).holders.filter(({ kind }) => kind === 'listener'))),
      ).toEqual([1]);
  },
);

liveTest(
  'without rights BPF is not tried, and the answer is that of the walk',
  {
    needs: ['nobody', 'strace', 'bpf'],
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    const ran = await traced(ns, ['list', '--all', '--json'], { uid: NOBODY });
    expect(ran.calls).toEqual([]);
    const [plain, without] = await Promise.all([
      ns.list(['--all'], { uid: NOBODY }),
      ns.list(['--all', '--no-bpf'], { uid: NOBODY }),
    ]);
    expect(plain.holders).toEqual(without.holders);
    // How many processes of the machine refuse to be looked at changes from look to look.
    const said = ({ gaps }: ListV1): string[] =>
      gaps.map(({ what, why }) => `${what}: ${why.replaceAll(/\d+/g, 'n')}`);
    expect(said(plain)).toEqual(said(without));
    expect(plain.gaps.length).toBeGreaterThan(0);
  },
);

liveTest(
  'a thread’s own descriptors, and a socket that changes hands, by the kernel’s list',
  {
    needs: ['bpf'],
  },
  async (ns) => {
    await crowd(ns);
    const thread = await start(ns, 'thread.mjs', '7100');
    for (const args of [[], ['--no-bpf']])
      expect(pidsOf(only((await ns.who(7100, args)).holders))).toEqual([thread.pid]);
    await ns.robot.steps(
      { op: 'open', type: 'tcp', family: 'ipv4', as: 's', bind: ['127.0.0.1', 7101], listen: 1 },
      { op: 'spawn', as: 'heir', file: process.execPath, args: [scenario('sit.mjs')], inherit: ['s'] },
    );
    await ns.robot.step({ op: 'said', of: 'heir' });
    const both = pidsOf(only((await ns.who(7101)).holders));
    expect(both).toHaveLength(2);
    await ns.robot.step({ op: 'close', of: 's' });
    const heir = both.filter((pid) => pid !== ns.robot.pid);
    for (const args of [[], ['--no-bpf'], ['--no-ffi']])
      expect(pidsOf(only((await ns.who(7101, args)).holders))).toEqual(heir);
  },
);

/** Processes that sit in the namespace of the test. */
const SITTING = 100;

liveTest(
  'other namespaces are found by the kernel’s word as by links, and where it refuses or its kept facts are wrong',
  {
    needs: ['root', 'strace', 'bpf'],
    timeout: 240_000,
  },
  async (ns) => {
    await open(ns);
    await crowd(ns);
    for (let count = 0; count < SITTING; count++) ns.background('sleep', ['600']);
    const script = 'ip link set lo up; exec "$0" "$1"';
    const apart = new Robot(
      ns.background('unshare', ['--net', 'sh', '-c', script, process.execPath, scenario('robot.mjs')]),
    );
    await apart.started();
    await apart.steps(
      { op: 'open', type: 'tcp', family: 'ipv4', as: 'a', bind: ['127.0.0.1', 7003], listen: 8 },
      { op: 'open', type: 'udp', family: 'ipv4', as: 'b', bind: ['127.0.0.1', 7200] },
    );
    const inode = Number(/\d+/.exec(readlinkSync(`/proc/${apart.pid}/ns/net`))?.[0]);
    // Of the other namespaces of the machine, other tests' among them, nothing is known.
    const answer = (snapshot: Snapshot, files = false): unknown =>
      snapshot.sockets
        .filter(({ namespace, state }) => namespace?.inode === inode && (!files || state !== 'BOUND'))
        .map(({ local, state, owners, namespace }) => ({ local, state, owners, namespace }))
        .toSorted((a, b) => a.local.port - b.local.port);
    const cacheDir = folder(ns);
    const every = { namespaces: true, cacheDir };
    const [all, walked, files] = (await ns.look(
      every,
      { ...every, bpf: false },
      { ...every, ffi: false },
    )) as [Snapshot, Snapshot, Snapshot];
    expect(answer(all)).toHaveLength(2);
    expect(answer(all)).toMatchObject([
      { local: { port: 7003 }, state: 'LISTEN', owners: [{ pid: apart.pid }], namespace: { inode } },
      { local: { port: 7200 }, state: 'UNCONN', owners: [{ pid: apart.pid }], namespace: { inode } },
    ]);
    expect(answer(walked)).toEqual(answer(all));
    expect(answer(files, true)).toEqual(answer(all, true));

    const holders = (text: string): unknown[] =>
      (JSON.parse(text) as ListV1).holders
        .filter(({ namespace }) => namespace === null || namespace === `net:[${inode}]`)
        .map(({ owners, local, namespace }) => [namespace, local, owners.map(({ pid }) => pid)]);
    const cache = folder(ns);
    const asked = ['who', '7003', '--json'];
    const used = await traced(ns, asked, { cache, here: false });
    expect(holders(used.out)).toHaveLength(2);
    expect(
      used.calls.filter(({ command, result }) => command === 'BPF_PROG_LOAD' && result >= 0),
    ).toHaveLength(2);
    const links = await traced(ns, [...asked, '--no-bpf'], { cache, here: false });
    expect(holders(links.out)).toEqual(holders(used.out));
    expect(links.namespaces).toBeGreaterThan(SITTING);
    expect(used.namespaces).toBeLessThan(links.namespaces - SITTING / 2);
    for (let when = 1; when <= used.calls.length; when++) {
      const inject = [`inject=bpf:error=EPERM:when=${when}`];
      const ran = await traced(ns, asked, { cache, inject, here: false });
      expect(holders(ran.out), `call ${when}`).toEqual(holders(used.out));
    }

    const { name, facts } = await keptFacts(ns);
    for (const key of [
      'task_struct.nsproxy',
      'nsproxy.net_ns',
      'net.ns',
      'ns_common.inum',
      'task_struct.tgid',
    ]) {
      for (const by of [-8, 8]) {
        const offset = (facts.offsets[key] ?? 0) + by;
        if (offset < 0) continue;
        const wrong = keep(ns, name, { ...facts, offsets: { ...facts.offsets, [key]: offset } });
        const [found] = (await ns.look({ ...every, cacheDir: wrong })) as [Snapshot];
        expect(answer(found), `${key} ${by}`).toEqual(answer(all));
        expect(here(found), `${key} ${by}`).toEqual(here(all));
      }
    }
  },
);
