// Sockets in other network namespaces: they are shown, with where they are and whose they are, and never counted as
// holding a port here. Most of these tests have pids of their own, so that no other test's processes are in sight.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HolderV1, Snapshot } from '@portolan/core';
import { expect } from 'vitest';
import {
  BIN,
  type ListV1,
  liveTest,
  type Namespace,
  NOBODY,
  only,
  pidsOf,
  Robot,
  scenario,
  type WhoV1,
} from './namespace.ts';

const APART = { needs: ['root'], ownPids: true } as const;
const AS_NOBODY = { uid: NOBODY };

/** A robot in a network namespace of its own, made by `enter` and what follows it. */
async function robotIn(ns: Namespace, enter: readonly string[]): Promise<Robot> {
  const script = 'ip link set lo up 2>/dev/null; exec "$0" "$1"';
  const [file = '', ...args] = enter;
  const robot = new Robot(
    ns.background(file, [...args, 'sh', '-c', script, process.execPath, scenario('robot.mjs')]),
  );
  await robot.started();
  return robot;
}

const elsewhere = (ns: Namespace): Promise<Robot> => robotIn(ns, ['unshare', '--net']);

const listener = (port: number, address = '0.0.0.0') =>
  ({ op: 'open', as: `l${port}`, family: 'ipv4', type: 'tcp', bind: [address, port], listen: 8 }) as const;

/** `who PORT --json` of all namespaces; its exit code must be that of its verdict. */
async function who(
  ns: Namespace,
  port: number,
  args: readonly string[] = [],
  as: { uid?: number } = {},
): Promise<WhoV1> {
  const ran = await ns.portolan(['who', String(port), '--json', ...args], as);
  const answer = JSON.parse(ran.stdout) as WhoV1;
  expect(ran.code).toBe({ held: 0, free: 1, unknown: 3 }[answer.verdict]);
  return answer;
}

async function list(ns: Namespace, args: readonly string[] = [], as: { uid?: number } = {}): Promise<ListV1> {
  const ran = await ns.portolan(['list', '--json', '--all', ...args], as);
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout) as ListV1;
}

/** The inode of a process's namespace, as root inside sees it. */
async function inodeOf(ns: Namespace, pid: number): Promise<string> {
  return (await ns.run('readlink', [`/proc/${pid}/ns/net`])).stdout.trim();
}

/** A place for names of ip-netns(8) that nobody outside sees and that goes with the test. */
async function names(ns: Namespace, ...made: string[]): Promise<void> {
  const script =
    'mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && for name in "$@"; do ip netns add "$name" || exit 1; done';
  const ran = await ns.run('sh', ['-c', script, 'sh', ...made]);
  expect(ran.code, ran.stderr).toBe(0);
}

async function visit(ns: Namespace, port: number, ...files: string[]): Promise<ChildProcess> {
  const child = ns.background(process.execPath, [scenario('visitor.mjs'), String(port), ...files]);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`visitor.mjs ended with ${code}`)));
  });
  return child;
}

const WAYS = [[], ['--no-bpf'], ['--no-ffi']] as const;

liveTest(
  'a listener in a process’s own namespace: shown with its place, and the port is free here',
  APART,
  async (ns) => {
    const there = await elsewhere(ns);
    await there.steps(listener(7200), {
      op: 'open',
      as: 'u',
      family: 'ipv6',
      type: 'udp',
      bind: ['::', 7200],
    });
    const inode = await inodeOf(ns, there.pid);
    for (const args of WAYS) {
      const { verdict, holders, gaps } = await who(ns, 7200, args);
      expect(verdict, args.join()).toBe(args[0] === '--no-ffi' ? 'unknown' : 'free');
      expect(holders.map(({ transport, local }) => `${transport} ${local.address}`)).toEqual([
        'tcp 0.0.0.0',
        'udp ::',
      ]);
      for (const holder of holders) {
        expect(holder).toMatchObject({
          kind: 'listener',
          namespace: inode,
          namespaceOf: { container: null, process: { pid: there.pid, name: 'node' } },
          user: 'root',
        });
        expect(pidsOf(holder)).toEqual([there.pid]);
      }
      if (args[0] !== '--no-ffi') expect(gaps).toEqual([]);
    }
    // The page says the same: not held, and by whom it is used where.
    const page = await ns.portolan(['who', '7200']);
    expect(page.code).toBe(1);
    expect(page.stdout).toContain(inode);
    const report = await ns.portolan(['7200']);
    expect(report.code).toBe(0);
    expect(report.stdout.split('\n')[0]).toBe(
      '7200 is free here now (tcp, udp); another network namespace uses it.',
    );
    expect(report.stdout).not.toContain('7200 is held');
    const json = JSON.parse((await ns.portolan(['7200', '--json'])).stdout) as { risks: { id: string }[] };
    expect(json.risks.map(({ id }) => id)).not.toContain('in-use');
    // Nor does it keep the port: it can be bound here.
    expect((await ns.portolan(['why', '7200'])).code).toBe(0);
    expect((await ns.who(7200)).holders).toEqual([]);
  },
);

liveTest('held here and elsewhere: here comes first and alone decides', APART, async (ns) => {
  const there = await elsewhere(ns);
  await there.step(listener(7200));
  await ns.robot.step(listener(7200, '127.0.0.1'));
  const { verdict, holders } = await who(ns, 7200);
  expect(verdict).toBe('held');
  expect(holders.map((holder) => [holder.namespace === null, pidsOf(holder)])).toEqual([
    [true, [ns.robot.pid]],
    [false, [there.pid]],
  ]);
  const all = await list(ns);
  const here = all.holders.findIndex(({ namespace }) => namespace !== null);
  expect(all.holders.slice(here).every(({ namespace }) => namespace !== null)).toBe(true);
});

liveTest('of one port only what listens elsewhere is shown; a list has it all', APART, async (ns) => {
  const there = await elsewhere(ns);
  await there.steps(
    listener(7200, '127.0.0.1'),
    {
      op: 'open',
      as: 'c',
      family: 'ipv4',
      type: 'tcp',
      bind: ['127.0.0.1', 7201],
      connect: ['127.0.0.1', 7200],
    },
    { op: 'accept', of: 'l7200', as: 'a' },
  );
  const kinds = (holders: readonly HolderV1[]): string[] =>
    holders.filter(({ namespace }) => namespace !== null).map(({ kind, local }) => `${local.port} ${kind}`);
  expect(kinds((await who(ns, 7200)).holders)).toEqual(['7200 listener']);
  expect(kinds((await who(ns, 7201)).holders)).toEqual([]);
  expect(kinds((await list(ns)).holders)).toEqual(['7200 listener', '7200 connection', '7201 connection']);
});

liveTest('names of ip-netns, with a process inside, without one, and both', APART, async (ns) => {
  await names(ns, 'alone', 'blue', 'azure');
  // Two names for one namespace.
  await ns.run('sh', ['-c', 'touch /run/netns/also && mount --bind /run/netns/blue /run/netns/also']);
  await ns.run('sh', ['-c', 'touch /run/netns/leftover']);
  const inside = await robotIn(ns, ['ip', 'netns', 'exec', 'blue']);
  await inside.step(listener(7200));
  const visitor = await visit(ns, 7201, '/run/netns/alone');
  void visitor;
  for (const args of WAYS) {
    const blue = only((await who(ns, 7200, args)).holders);
    expect(blue).toMatchObject({ namespace: 'also', namespaceOf: { process: { pid: inside.pid } } });
    expect(pidsOf(blue)).toEqual([inside.pid]);
    // Without native code nobody can go where no process is: that is a gap.
    const { holders, gaps } = await who(ns, 7201, args);
    if (args[0] === '--no-ffi') {
      expect(holders).toEqual([]);
      const gap = gaps.find(({ what }) => what.includes('other network namespaces'));
      expect(gap?.why).toContain('alone');
      continue;
    }
    const alone = only(holders);
    expect(alone).toMatchObject({ namespace: 'alone', namespaceOf: { container: null, process: null } });
    // Its process is here and its socket is there.
    expect(alone.owners).toHaveLength(1);
    expect(alone.owners[0]?.argv?.[1]).toBe(scenario('visitor.mjs'));
    expect(gaps).toEqual([]);
  }
  const shown = await list(ns);
  expect(new Set(shown.holders.map(({ namespace }) => namespace))).toEqual(new Set(['also', 'alone']));
});

liveTest('hostile names of namespaces and processes print plainly', APART, async (ns) => {
  const name = 'x\u001b[2J"\u202ey';
  await names(ns, name);
  await visit(ns, 7201, `/run/netns/${name}`);
  const { holders } = await who(ns, 7201);
  expect(only(holders).namespace).toBe(name);
  for (const args of [['who', '7201'], ['list'], ['7201'], ['who', '7201', '--json'], ['list', '--json']]) {
    const { stdout } = await ns.portolan(args);
    expect(stdout).not.toContain('\u001b[2J');
    expect(stdout).not.toContain('\u202e');
  }
});

liveTest(
  'without rights: rows by /proc, no owner by guess, and gaps',
  { needs: ['nobody'], ownPids: true },
  async (ns) => {
    await names(ns, 'alone');
    const there = await elsewhere(ns);
    await there.step(listener(7200));
    await visit(ns, 7201, '/run/netns/alone');
    for (const args of [[], ['--no-ffi']] as const) {
      const { verdict, holders, gaps } = await who(ns, 7200, args, AS_NOBODY);
      expect(verdict).toBe(args.length === 0 ? 'free' : 'unknown');
      const holder = only(holders);
      expect(holder).toMatchObject({ kind: 'listener', user: 'root', namespace: `pid:${there.pid}` });
      expect(holder.owners.every(({ inferred }) => inferred)).toBe(true);
      expect(gaps.some(({ what }) => what === 'the process behind 1 socket')).toBe(true);
      expect(gaps.some(({ why }) => why.includes('alone'))).toBe(true);
      const unseen = await who(ns, 7201, args, AS_NOBODY);
      expect(unseen.holders).toEqual([]);
      expect(unseen.gaps.some(({ why }) => why.includes('alone'))).toBe(true);
      for (const { remedy } of [...gaps, ...unseen.gaps])
        if (remedy !== null) expect(remedy).not.toContain('\n');
    }
  },
);

liveTest('sixty namespaces at once', { ...APART, timeout: 180_000 }, async (ns) => {
  const made = Array.from({ length: 60 }, (_, index) => `n${String(index).padStart(2, '0')}`);
  await names(ns, ...made);
  await visit(ns, 7203, ...made.map((name) => `/run/netns/${name}`));
  const { verdict, holders, gaps } = await who(ns, 7203);
  expect(verdict).toBe('free');
  expect(gaps).toEqual([]);
  expect(new Set(holders.map(({ namespace }) => namespace))).toEqual(new Set(made));
  expect(holders).toHaveLength(60);
  expect(new Set(holders.flatMap(pidsOf)).size).toBe(1);
  expect(holders.every(({ owners }) => owners.length === 1)).toBe(true);
  // Each is alone on its endpoint in its own namespace.
  expect(holders.every((holder) => holder.group === undefined)).toBe(true);
  const text = await ns.portolan(['list']);
  expect(text.stdout).toContain('60');
  // What cannot be entered is named, and not all sixty of it.
  const refused = (await who(ns, 7203, [], AS_NOBODY)).gaps.find(({ why }) => why.includes('n00'));
  expect(refused?.what).toContain('60');
  expect(refused?.why.length).toBeLessThan(200);
});

liveTest('namespaces that come and go while they are looked at', APART, async (ns) => {
  const churn = ns.background('sh', [
    '-c',
    'while :; do unshare --net sleep 0.02 & unshare --net true; done',
  ]);
  churn.stdout?.resume();
  await ns.robot.step(listener(7204, '127.0.0.1'));
  for (let turn = 0; turn < 15; turn++) {
    const { verdict, holders, gaps } = await who(ns, 7204, WAYS[turn % 3] ?? []);
    expect(verdict).toBe('held');
    expect(pidsOf(only(holders))).toEqual([ns.robot.pid]);
    expect(gaps.map(({ why }) => why).filter((why) => why.includes('refused'))).toEqual([]);
  }
  expect(churn.exitCode).toBeNull();
});

liveTest(
  'a user’s own namespace that another user may not look into is a gap or shown, never silence',
  {
    needs: ['nobody', 'userns'],
    ownPids: true,
  },
  async (ns) => {
    const ids = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
    const there = await robotIn(ns, ['setpriv', ...ids, 'unshare', '--user', '--map-root-user', '--net']);
    await there.step(listener(7205));
    // Root of the machine may.
    const asRoot = only((await who(ns, 7205)).holders);
    expect(pidsOf(asRoot)).toEqual([there.pid]);
    expect(asRoot.namespace).toBe(await inodeOf(ns, there.pid));
    for (const uid of [NOBODY, NOBODY - 1]) {
      for (const args of [[], ['--no-ffi']] as const) {
        const { verdict, holders, gaps } = await who(ns, 7205, args, { uid });
        expect(verdict).toBe(args.length === 0 ? 'free' : 'unknown');
        const shown = holders.some(({ local, namespace }) => local.port === 7205 && namespace !== null);
        expect(
          shown || gaps.some(({ what }) => what.includes('network namespace')),
          `${uid} ${args.join()}`,
        ).toBe(true);
        for (const { owners } of holders)
          for (const owner of owners) expect(owner.inferred || owner.pid === there.pid).toBe(true);
      }
    }
  },
);

liveTest('the thread that goes into other namespaces is always back in its own', APART, async (ns) => {
  await names(ns, 'n1', 'n2');
  await visit(ns, 7206, '/run/netns/n1', '/run/netns/n2');
  const there = await elsewhere(ns);
  await there.step(listener(7206));
  const ran = await ns.run(process.execPath, [scenario('home.mjs'), '40']);
  expect(ran.code, ran.stderr).toBe(0);
  const said = JSON.parse(ran.stdout) as Record<string, unknown>;
  expect(said).toEqual({
    away: 0,
    foreign: 3,
    openBefore: said['openBefore'],
    openAfter: said['openBefore'],
    // The child that says which programs are run has been waited for.
    children: '',
    mine: [null],
  });
});

liveTest(
  'entering that is refused: the tables by /proc instead',
  { ...APART, needs: ['root', 'strace'] },
  async (ns) => {
    const there = await elsewhere(ns);
    await there.step(listener(7207));
    const folder = mkdtempSync(join(tmpdir(), 'portolan-live-'));
    ns.finally(() => rmSync(folder, { recursive: true, force: true }));
    const trace = ['-f', '-qq', '-e', 'trace=setns', '-o', join(folder, 'log')];
    const program = [process.execPath, BIN, 'who', '7207', '--json'];
    const ran = await ns.run('strace', [...trace, '-e', 'inject=setns:error=EPERM', ...program]);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('INJECTED');
    expect(ran.code).toBe(1);
    const holder = only((JSON.parse(ran.stdout) as WhoV1).holders);
    expect(pidsOf(holder)).toEqual([there.pid]);
    // To come back is all or nothing: an answer about the wrong host would be worse than none.
    const lost = await ns.run('strace', [...trace, '-e', 'inject=setns:error=EPERM:when=2+2', ...program]);
    expect(lost.stdout).toBe('');
    expect(lost.code).not.toBe(0);
  },
);

liveTest('Multipath TCP: marked, and its process named', { needs: ['mptcp'] }, async (ns) => {
  const tcp = { op: 'open', type: 'tcp', family: 'ipv4' } as const;
  const other = await ns.addRobot();
  await ns.robot.steps(
    { ...tcp, as: 'm', protocol: 262, bind: ['127.0.0.1', 7300], listen: 8 },
    { ...tcp, as: 'p', bind: ['127.0.0.1', 7301], listen: 8 },
  );
  await other.step({
    ...tcp,
    as: 'c',
    protocol: 262,
    bind: ['127.0.0.1', 7302],
    connect: ['127.0.0.1', 7300],
  });
  await ns.robot.step({ op: 'accept', of: 'm', as: 'a' });
  for (const args of [[], ['--no-bpf']]) {
    const { holders } = await ns.list(['--all', ...args]);
    const at = (port: number, kind: string): HolderV1 =>
      only(holders.filter((holder) => holder.local.port === port && holder.kind === kind));
    expect(at(7300, 'listener')).toMatchObject({ mptcp: true });
    expect(pidsOf(at(7300, 'listener'))).toEqual([ns.robot.pid]);
    expect(at(7301, 'listener').mptcp).toBeUndefined();
    expect(at(7302, 'connection')).toMatchObject({ mptcp: true });
    expect(pidsOf(at(7302, 'connection'))).toEqual([other.pid]);
    expect(pidsOf(at(7300, 'connection'))).toEqual([ns.robot.pid]);
    const one = (await ns.who(7300, args)).holders.filter(({ kind }) => kind === 'listener');
    expect(only(one).mptcp).toBe(true);
  }
});

liveTest(
  'listeners that share a port are counted, and the interface one is bound to is shown',
  {},
  async (ns) => {
    const other = await ns.addRobot();
    const open = { op: 'open', type: 'tcp', family: 'ipv4', reusePort: true, listen: 4 } as const;
    await ns.robot.steps(
      { ...open, as: 'a', bind: ['127.0.0.1', 7310] },
      { ...open, as: 'b', bind: ['127.0.0.1', 7310] },
      { ...open, as: 'alone', bind: ['127.0.0.2', 7310] },
      { op: 'open', type: 'udp', family: 'ipv4', as: 'd', device: 'lo', bind: ['0.0.0.0', 7311] },
      { op: 'open', type: 'udp', family: 'ipv4', as: 'e', bind: ['0.0.0.0', 7312] },
      { op: 'open', type: 'tcp', family: 'ipv6', as: 'f', device: 'lo', bind: ['::1', 7313], listen: 1 },
    );
    await other.step({ ...open, as: 'c', bind: ['127.0.0.1', 7310] });
    const { holders } = await ns.who(7310);
    expect(holders.map(({ local, group }) => [local.address, group ?? 1])).toEqual([
      ['127.0.0.1', 3],
      ['127.0.0.1', 3],
      ['127.0.0.1', 3],
      ['127.0.0.2', 1],
    ]);
    expect(
      holders
        .filter(({ group }) => group === 3)
        .flatMap(pidsOf)
        .toSorted((x, y) => x - y),
    ).toEqual([ns.robot.pid, ns.robot.pid, other.pid].toSorted((x, y) => x - y));
    expect(only((await ns.who(7311)).holders).device).toBe('lo');
    expect(only((await ns.who(7312)).holders).device).toBeUndefined();
    expect(only((await ns.who(7313)).holders).device).toBe('lo');
  },
);

liveTest('who started it, up to the first process: names as they are, printed plainly', APART, async (ns) => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-live-'));
  ns.finally(() => rmSync(folder, { recursive: true, force: true }));
  const name = 'sh\n\u001b[31m) 1 (x';
  const shell = join(folder, name);
  copyFileSync(realpathSync('/bin/sh'), shell);
  chmodSync(folder, 0o755);
  const parent = await ns.addRobot();
  await parent.step({
    op: 'open',
    as: 's',
    family: 'ipv4',
    type: 'tcp',
    bind: ['127.0.0.1', 7320],
    listen: 1,
  });
  const pid = await parent.step({
    op: 'spawn',
    as: 'shell',
    file: shell,
    args: ['-c', '"$0" "$1"; true', process.execPath, scenario('sit.mjs')],
    inherit: ['s'],
  });
  await parent.step({ op: 'said', of: 'shell' });
  await parent.step({ op: 'close', of: 's' });
  for (const args of WAYS) {
    const { owners } = only((await ns.who(7320, args)).holders);
    expect(owners.map((owner) => owner.name).toSorted()).toEqual(['node', name].toSorted());
    const child = only(owners.filter((owner) => owner.name === 'node'));
    expect(child.launchedBy.slice(0, 2).map((by) => [by.pid, by.name])).toEqual([
      [pid, name],
      [parent.pid, 'node'],
    ]);
    const [first] = owners.filter((owner) => owner.pid === pid);
    expect(first?.launchedBy[0]).toEqual(child.launchedBy[1]);
    expect(child.launchedBy[0]?.startedAt).toBe(first?.startedAt);
    expect(child.launchedBy.every((by) => by.pid > 1)).toBe(true);
  }
  const page = await ns.portolan(['who', '7320']);
  expect(page.stdout).not.toContain('\u001b[31m');
});

liveTest('a snapshot of the library has the same', APART, async (ns) => {
  const there = await elsewhere(ns);
  await there.step(listener(7208));
  const [all, here] = (await ns.look({ namespaces: true }, { namespaces: false })) as [Snapshot, Snapshot];
  const socket = only(all.sockets);
  expect(`net:[${socket.namespace?.inode}]`).toBe(await inodeOf(ns, there.pid));
  expect(socket.namespace?.process?.pid).toBe(there.pid);
  expect(here.sockets).toEqual([]);
});

liveTest('an interface of a hostile name prints plainly', { needs: ['root'] }, async (ns) => {
  const name = 'x\u001b[2Jy';
  // A module for other interfaces may be missing; this one is always there.
  const ran = await ns.run('sh', [
    '-c',
    'ip link set lo down && ip link set lo name "$0" && ip link set "$0" up',
    name,
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  await ns.robot.step({
    op: 'open',
    type: 'udp',
    family: 'ipv4',
    as: 'd',
    device: name,
    bind: ['0.0.0.0', 7330],
  });
  expect(only((await ns.who(7330)).holders).device).toBe(name);
  for (const args of [['who', '7330'], ['list'], ['7330'], ['who', '7330', '--json'], ['list', '--json']]) {
    const { stdout } = await ns.portolan([...args, '--here']);
    expect(stdout).toContain('7330');
    expect(stdout).not.toContain('\u001b[2J');
  }
});
