// `portolan kill` attacked: what must be stopped is, and every bystander is counted afterwards. Nothing but the
// processes of the plan is ever signalled, whatever they are called, however pids and sockets change hands meanwhile.
import type { ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KillV1 } from '@portolan/core';
import { describe, expect } from 'vitest';
import { checked } from '../cli/program.ts';
import {
  BIN,
  cgroup2Mount,
  liveTest,
  type Namespace,
  NOBODY,
  only,
  pause,
  type Robot,
  scenario,
} from './namespace.ts';

const PORT = 80;
const SIT = scenario('sit.mjs');

/** `kill PORT --json`, and its exit code. */
async function kill(
  ns: Namespace,
  args: readonly string[] = ['--yes'],
  as: { uid?: number } = {},
  port: number | string = PORT,
): Promise<KillV1 & { code: number | null }> {
  const ran = await ns.portolan(['kill', String(port), '--json', '--wait', '2', ...args], as);
  let answer: KillV1;
  try {
    answer = checked<KillV1>(ran.stdout);
  } catch (cause) {
    throw new Error(`no answer; exit ${ran.code}: ${ran.stdout}${ran.stderr}`, { cause });
  }
  expect(answer.format).toBe('portolan.kill/1');
  if (!answer.dryRun) expect(ran.code).toBe(answer.done === null ? 3 : answer.done ? 0 : 1);
  return { ...answer, code: ran.code };
}

const results = (answer: KillV1): [number | null, string][] =>
  answer.outcome.map(({ pid, result }) => [pid, result]);
/** What was left alone in this network namespace; others of this machine may use the same port. */
const refused = (answer: KillV1): KillV1['plan']['refusals'] =>
  answer.plan.refusals.filter(({ reason }) => reason !== 'namespace');
const reasons = (answer: KillV1): string[] => refused(answer).map(({ reason }) => reason);

/** A robot of its own that listens, and is stopped or not. */
async function listener(ns: Namespace, port = PORT, address = '127.0.0.1'): Promise<Robot> {
  const robot = await ns.addRobot();
  await robot.step({
    op: 'open',
    as: 'l',
    family: 'ipv4',
    type: 'tcp',
    bind: [address, port],
    listen: 8,
    reuse: true,
  });
  return robot;
}

/** Is this process of the namespace there, and no zombie? */
async function lives(ns: Namespace, pid: number): Promise<boolean> {
  const ran = await ns.run('cat', [`/proc/${pid}/stat`]);
  return ran.code === 0 && !/\) [ZX] /.test(ran.stdout);
}

async function expectAlive(ns: Namespace, ...robots: readonly (Robot | number)[]): Promise<void> {
  for (const robot of [ns.robot, ...robots]) {
    const pid = typeof robot === 'number' ? robot : robot.pid;
    expect(await lives(ns, pid), `bystander ${pid} of ${robots.length + 1}`).toBe(true);
  }
}

async function expectGone(ns: Namespace, ...pids: readonly number[]): Promise<void> {
  for (const pid of pids) expect(await lives(ns, pid), `pid ${pid}`).toBe(false);
}

/** A process that stays when it is asked to go, with the robot's socket. */
async function deafOwner(ns: Namespace): Promise<number> {
  const code = "process.on('SIGTERM', () => {}); process.stdout.write('.'); setInterval(() => {}, 1e6)";
  const [, pid] = await ns.robot.steps(
    { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT], listen: 8 },
    { op: 'spawn', as: 'deaf', file: process.execPath, args: ['-e', code], inherit: ['l'] },
    { op: 'close', of: 'l' },
    { op: 'said', of: 'deaf' },
  );
  return pid ?? 0;
}

/** Gives a socket of the robot to a child that does nothing, and keeps it or not. */
async function child(robot: Robot, name: string, socket: string, argv0?: string): Promise<number> {
  return await robot.step({
    op: 'spawn',
    as: name,
    file: process.execPath,
    args: [SIT],
    inherit: [socket],
    ...(argv0 === undefined ? {} : { argv0 }),
  });
}

/** The program on a terminal, in the namespace. */
class Terminal {
  readonly #child: ChildProcess;
  #text = '';
  #ended = false;

  constructor(ns: Namespace, args: readonly string[]) {
    this.#child = ns.background('python3', [scenario('terminal.py'), process.execPath, BIN, ...args]);
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.#text += part.toString();
    });
    this.#child.once('close', () => {
      this.#ended = true;
    });
  }

  /** What is shown once it has this in it. */
  async until(text: string): Promise<string> {
    for (let tries = 0; !this.#text.includes(text); tries++) {
      if (tries > 600 || (this.#ended && !this.#text.includes(text)))
        throw new Error(`no “${text}” in: ${this.#text}`);
      await pause(50);
    }
    return this.#text;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Types the answer to the question and gives the exit code and all that was shown. */
  async answer(keys: string): Promise<{ code: number; text: string }> {
    await this.until('[y/N]');
    this.type(keys);
    const text = await this.until('EXIT ');
    return { code: Number(/EXIT (-?\d+)/.exec(text)?.[1]), text };
  }
}

describe('what is asked for', () => {
  liveTest('a listener is stopped, and nobody else', {}, async (ns) => {
    const [victim, other] = [await listener(ns), await listener(ns, 8080)];
    const more = await Promise.all([8, 180, 800].map((port) => listener(ns, port)));
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 0, dryRun: false, done: true, end: 'free' });
    expect(results(answer)).toEqual([[victim.pid, 'ended']]);
    expect(only(answer.outcome).signals).toEqual(['SIGTERM']);
    await expectAlive(ns, other, ...more);
    await expectGone(ns, victim.pid);
    expect((await kill(ns)).code).toBe(1);
    await expectAlive(ns, other, ...more);
  });

  liveTest(
    'one that does not listen to SIGTERM keeps its port, and loses it with --force',
    {},
    async (ns) => {
      const pid = await deafOwner(ns);
      const polite = await kill(ns, ['--yes', '--wait', '1'].slice(0, 1));
      expect(polite).toMatchObject({ code: 1, done: false, end: 'held' });
      expect(results(polite)).toEqual([[pid, 'remains']]);
      const text = await ns.portolan(['kill', String(PORT), '--yes', '--wait', '0']);
      expect(text.code).toBe(1);
      expect(text.stdout).toContain('--force');
      const forced = await kill(ns, ['--yes', '--force']);
      expect(forced).toMatchObject({ code: 0, done: true });
      expect(only(forced.outcome).signals).toEqual(['SIGTERM', 'SIGKILL']);
      await expectGone(ns, pid);
      await expectAlive(ns);
    },
  );

  liveTest('without --yes and without a terminal nothing is done, and it is said how', {}, async (ns) => {
    const victim = await listener(ns);
    const ran = await ns.portolan(['kill', String(PORT)]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('Nothing was done');
    expect(ran.stdout).toContain(`kill ${PORT} --yes`);
    for (const args of [[], ['--dry-run'], ['--dry-run', '--yes']]) {
      const answer = await kill(ns, args);
      expect(answer).toMatchObject({ code: 1, dryRun: true, done: false, end: null, outcome: [] });
      expect(only(only(answer.plan.targets).owners).pid).toBe(victim.pid);
    }
    await expectAlive(ns, victim);
  });

  liveTest('without native code nothing is signalled, and the command is shown', {}, async (ns) => {
    const victim = await listener(ns);
    const answer = await kill(ns, ['--yes', '--no-ffi']);
    expect(answer).toMatchObject({ code: 1, end: 'held' });
    expect(answer.outcome).toMatchObject([
      { pid: victim.pid, result: 'failed', signals: [], command: `kill -TERM ${victim.pid}` },
    ]);
    await expectAlive(ns, victim);
  });

  liveTest('UDP, a bound socket, and all four owners of one socket', {}, async (ns) => {
    const udp = await ns.addRobot();
    await udp.step({ op: 'open', as: 'u', family: 'ipv4', type: 'udp', bind: ['0.0.0.0', 90] });
    expect(await kill(ns, ['--yes'], {}, 90)).toMatchObject({ code: 0, end: 'free' });
    await expectGone(ns, udp.pid);

    const bound = await ns.addRobot();
    await bound.step({ op: 'open', as: 'b', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 91] });
    expect(await kill(ns, ['--yes'], {}, 91)).toMatchObject({ code: 0, end: 'free' });
    await expectGone(ns, bound.pid);

    const master = await listener(ns);
    const workers: number[] = [];
    for (const name of ['a', 'b', 'c']) workers.push(await child(master, name, 'l'));
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 0, end: 'free' });
    const target = only(answer.plan.targets);
    // The launcher first, or it would start others in their place.
    expect(target.owners.map(({ pid }) => pid)).toEqual([master.pid, ...workers.toSorted((a, b) => a - b)]);
    await expectGone(ns, master.pid, ...workers);
    await expectAlive(ns);
  });

  liveTest(
    'a UDP socket on a port that the host hands out may be a client’s, and is named or left alone',
    {},
    async (ns) => {
      const client = await ns.addRobot();
      await client.step({ op: 'open', as: 'u', family: 'ipv4', type: 'udp', bind: ['0.0.0.0', 45_000] });
      const server = await listener(ns, 45_000);
      const answer = await kill(ns, ['--yes'], {}, 45_000);
      expect(results(answer)).toEqual([[server.pid, 'ended']]);
      expect(reasons(answer)).toEqual(['datagram']);
      await expectAlive(ns, client);
      expect(await kill(ns, ['--yes'], {}, '45000/udp')).toMatchObject({ code: 0 });
      await expectGone(ns, client.pid);
    },
  );
});

describe('on a terminal', () => {
  liveTest('only a yes is a yes', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    for (const [keys, code] of [
      ['\n', 1],
      ['n\n', 1],
      ['yikes\n', 1],
      ['\u0004', 1],
      ['\u0003', 130],
      ['y\u0003', 130],
    ] as const) {
      const said = await new Terminal(ns, ['kill', String(PORT)]).answer(keys);
      expect([keys, said.code]).toEqual([keys, code]);
      expect(said.text).toContain(`pid ${victim.pid}`);
      expect(said.text).toContain('Nothing was done.');
      await expectAlive(ns, victim);
    }
    const json = new Terminal(ns, ['kill', String(PORT), '--json']);
    expect(await json.until('EXIT ')).not.toContain('[y/N]');
    await expectAlive(ns, victim);
    expect((await new Terminal(ns, ['kill', String(PORT)]).answer('y\n')).code).toBe(0);
    await expectGone(ns, victim.pid);
    await expectAlive(ns);
  });

  liveTest('what was typed before the question is no answer to it', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    // A whole line, a line without its end, a line and the end of input; with and without native code.
    for (const early of ['y\n', 'y', 'yes\ny\n\u0004']) {
      for (const flags of [[], ['--no-ffi']]) {
        const terminal = new Terminal(ns, ['kill', String(PORT), ...flags]);
        terminal.type(early);
        await terminal.until('[y/N]');
        // Long enough to be taken for the answer.
        await pause(300);
        const { code, text } = await terminal.answer('\n');
        expect([early, code]).toEqual([early, 1]);
        expect(text).toContain('Nothing was done.');
        await expectAlive(ns, victim);
      }
    }
    const last = new Terminal(ns, ['kill', String(PORT)]);
    last.type('n\nn');
    expect((await last.answer('y\n')).code).toBe(0);
    await expectGone(ns, victim.pid);
    await expectAlive(ns);
  });

  liveTest('the listener was replaced while the question stood', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    const terminal = new Terminal(ns, ['kill', String(PORT)]);
    await terminal.until('[y/N]');
    await victim.steps({ op: 'close', of: 'l' });
    const newcomer = await listener(ns);
    const { code, text } = await terminal.answer('y\n');
    expect(code).toBe(1);
    expect(text).toContain('not touched');
    expect(text).toContain(`taken again: node (pid ${newcomer.pid})`);
    await expectAlive(ns, victim, newcomer);
  });

  liveTest('the socket was handed to another process', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    const terminal = new Terminal(ns, ['kill', String(PORT)]);
    await terminal.until('[y/N]');
    const heir = await child(victim, 'heir', 'l');
    await victim.steps({ op: 'close', of: 'l' });
    const { code, text } = await terminal.answer('y\n');
    expect(code).toBe(1);
    expect(text).toContain('not touched');
    await expectAlive(ns, victim, heir);
  });

  liveTest(
    'the process was replaced by another with its pid and its port',
    { needs: ['python3', 'pid-reuse'], ownPids: true },
    async (ns) => {
      const victim = await listener(ns);
      const terminal = new Terminal(ns, ['kill', String(PORT)]);
      await terminal.until('[y/N]');
      await ns.run('kill', ['-9', String(victim.pid)]);
      // Its parent must have taken notice, or nobody ever will, and the number stays in use.
      for (let tries = 0; tries < 200; tries++) {
        if ((await ns.run('test', ['-e', `/proc/${victim.pid}`])).code === 1) break;
        await pause(10);
      }
      await victim.end();
      await ns.robot.step({
        op: 'open',
        as: 'l',
        family: 'ipv4',
        type: 'tcp',
        bind: ['127.0.0.1', PORT],
        listen: 8,
      });
      // Any thread that begins in between takes the number: then another try.
      let newcomer: number | null | undefined = null;
      for (let tries = 0; newcomer !== victim.pid && tries < 20; tries++) {
        if (newcomer) await ns.run('kill', ['-9', String(newcomer)]);
        [, newcomer] = await ns.robot.steps(
          { op: 'write', path: '/proc/sys/kernel/ns_last_pid', text: String(victim.pid - 1) },
          { op: 'spawn', as: `newcomer${tries}`, file: process.execPath, args: [SIT], inherit: ['l'] },
        );
      }
      await ns.robot.step({ op: 'close', of: 'l' });
      expect(newcomer).toBe(victim.pid);
      const { code, text } = await terminal.answer('y\n');
      expect(code).toBe(1);
      expect(text).toContain(`node (pid ${victim.pid}) had ended before it was told`);
      expect(text).toContain('taken again');
      await expectAlive(ns, victim.pid);
    },
  );
});

describe('never', () => {
  liveTest(
    'a process that has the pid of the listener in another pid namespace',
    { needs: ['sleep', 'pid-reuse'], ownPids: true },
    async (ns) => {
      const victim = await listener(ns);
      // The program runs in a pid namespace of its own and reads the /proc of the one above, as some sandboxes do:
      // the listener's number means another process to its system calls.
      const script = `echo ${victim.pid - 1} > /proc/sys/kernel/ns_last_pid
sleep 1000 & bystander=$!
"$0" "$@"
echo "BYSTANDER $bystander $(kill -0 $bystander && echo lives)"
kill -9 $bystander`;
      const args = ['--pid', '--fork', 'sh', '-c', script, process.execPath, BIN];
      const ran = await ns.run('unshare', [
        ...args,
        'kill',
        String(PORT),
        '--yes',
        '--force',
        '--wait',
        '0',
        '--json',
      ]);
      const [json = '', bystander = ''] = ran.stdout.split('BYSTANDER ');
      expect(bystander.trim(), ran.stderr).toBe(`${victim.pid} lives`);
      expect(results(JSON.parse(json) as KillV1)).toEqual([[victim.pid, 'changed']]);
      await expectAlive(ns, victim);
    },
  );

  liveTest('a client of the port, nor one with the same local port', {}, async (ns) => {
    const server = await listener(ns, PORT, '127.0.0.2');
    const client = await ns.addRobot();
    const peer = await listener(ns, 443);
    await client.steps(
      { op: 'open', as: 'to', family: 'ipv4', type: 'tcp', connect: ['127.0.0.2', PORT] },
      {
        op: 'open',
        as: 'from',
        family: 'ipv4',
        type: 'tcp',
        reuse: true,
        bind: ['127.0.0.1', PORT],
        connect: ['127.0.0.1', 443],
      },
    );
    await server.steps({ op: 'accept', of: 'l', as: 'c' });
    const answer = await kill(ns);
    expect(results(answer)).toEqual([[server.pid, 'ended']]);
    expect(only(answer.plan.targets).connections).toBe(1);
    expect(reasons(answer)).toEqual(['connection']);
    expect(answer).toMatchObject({ code: 1, end: 'held' });
    await expectAlive(ns, client, peer);
    // Only the client is left: nothing to stop.
    const again = await kill(ns);
    expect(again).toMatchObject({ code: 1, dryRun: true, plan: { targets: [] } });
    await expectAlive(ns, client, peer);
  });

  liveTest('whom a name or title points at', {}, async (ns) => {
    const bystander = await ns.addRobot();
    const titles = [
      String(bystander.pid),
      `pid=${bystander.pid}`,
      `svc ${bystander.pid} x`,
      `a",pid=${bystander.pid},b`,
      `a) R ${bystander.pid} (b`,
    ];
    for (const title of titles) {
      const [, pid] = await ns.robot.steps(
        { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT], listen: 8 },
        {
          op: 'spawn',
          as: 'titled',
          file: process.execPath,
          args: [SIT, title, 'x'.repeat(100)],
          inherit: ['l'],
          argv0: title,
        },
        { op: 'close', of: 'l' },
        { op: 'said', of: 'titled' },
      );
      const answer = await kill(ns);
      expect(results(answer)).toEqual([[pid, 'ended']]);
      await expectGone(ns, pid ?? 0);
      await expectAlive(ns, bystander);
    }
  });

  liveTest('the first process of a pid namespace', { needs: ['root'], ownPids: true }, async (ns) => {
    await ns.robot.step({
      op: 'open',
      as: 'l',
      family: 'ipv4',
      type: 'tcp',
      bind: ['127.0.0.1', PORT],
      listen: 8,
    });
    expect(ns.robot.pid).toBe(1);
    const answer = await kill(ns, ['--yes', '--force']);
    expect(answer).toMatchObject({ code: 1, dryRun: true, plan: { targets: [] } });
    expect(reasons(answer)).toEqual(['init']);
    await expectAlive(ns);
  });

  liveTest('what has started the program itself', {}, async (ns) => {
    // A server from which the program is run, as from the terminal of an editor.
    const code = `const net = require('node:net');
      const server = net.createServer().listen(${PORT}, '127.0.0.1', () => {
        const { spawnSync } = require('node:child_process');
        const ran = spawnSync('sh', ['-c', '"$0" "$@"; true', process.execPath, ...process.argv.slice(1)]);
        process.stdout.write(ran.stdout);
        server.close();
      });`;
    const ran = await ns.run(process.execPath, [
      '-e',
      code,
      BIN,
      'kill',
      String(PORT),
      '--yes',
      '--force',
      '--json',
    ]);
    const answer = JSON.parse(ran.stdout) as KillV1;
    expect(reasons(answer)).toEqual(['ancestor']);
    expect(answer).toMatchObject({ dryRun: true, plan: { targets: [] } });
    // Had it been killed, it could not have told.
    expect(ran.code).toBe(0);
    await expectAlive(ns);
  });

  liveTest(
    'a socket that one of several owners may not be stopped for',
    { needs: ['root'], ownPids: true },
    async (ns) => {
      await ns.robot.step({
        op: 'open',
        as: 'l',
        family: 'ipv4',
        type: 'tcp',
        bind: ['127.0.0.1', PORT],
        listen: 8,
      });
      const heir = await child(ns.robot, 'heir', 'l');
      const answer = await kill(ns, ['--yes', '--force']);
      expect(reasons(answer)).toEqual(['init']);
      await expectAlive(ns, heir);
    },
  );

  liveTest('another user’s listener without the rights for it', { needs: ['nobody'] }, async (ns) => {
    const victim = await listener(ns);
    const answer = await kill(ns, ['--yes', '--force'], { uid: NOBODY });
    expect(answer).toMatchObject({ code: 1, dryRun: true, plan: { targets: [] } });
    expect(['hidden', 'inferred']).toContain(only(refused(answer)).reason);
    expect(only(refused(answer)).command).toMatch(new RegExp(`^sudo .* kill ${PORT}$`));
    await expectAlive(ns, victim);
  });

  liveTest(
    'a process whose thread alone has the socket still goes with the others',
    { needs: ['root'] },
    async (ns) => {
      const owner = await listener(ns);
      const heir = await owner.step({
        op: 'spawn',
        as: 'heir',
        file: process.execPath,
        args: [scenario('thread-heir.mjs')],
        inherit: ['l'],
      });
      await owner.step({ op: 'said', of: 'heir' });
      for (const args of [[], ['--no-bpf']]) {
        const { plan } = await kill(ns, ['--dry-run', ...args]);
        const pids = only(plan.targets).owners.map(({ pid }) => pid);
        expect(pids.toSorted((a, b) => a - b)).toEqual([owner.pid, heir].toSorted((a, b) => a - b));
      }
    },
  );

  liveTest(
    'a process of one’s own, where another user’s may have the socket as well',
    { needs: ['nobody', 'sleep'] },
    async (ns) => {
      const owner = await listener(ns);
      const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
      const heir = await owner.step({
        op: 'spawn',
        as: 'heir',
        file: 'setpriv',
        args: [...ids, 'sleep', '60'],
        inherit: ['l'],
      });
      // Until it has become the other user's.
      for (let tries = 0; tries < 100; tries++) {
        if (readFileSync(`/proc/${heir}/status`, 'utf8').includes(`Uid:\t${NOBODY}`)) break;
        await pause(20);
      }
      const { holders, gaps } = await ns.who(PORT, [], { uid: NOBODY });
      expect(only(holders).owners.map(({ pid }) => pid)).toEqual([heir]);
      expect(gaps.map(({ what }) => what)).toContain('whether more processes have 1 socket');
      const answer = await kill(ns, ['--yes'], { uid: NOBODY });
      expect(answer).toMatchObject({ code: 1, dryRun: true, plan: { targets: [] } });
      expect(only(refused(answer)).reason).toBe('hidden');
      process.kill(heir, 0);
      await expectAlive(ns, owner);
    },
  );

  liveTest('TIME_WAIT: there is nobody to stop, and the time left is told', {}, async (ns) => {
    const server = await listener(ns);
    await server.steps(
      { op: 'open', as: 'c', family: 'ipv4', type: 'tcp', connect: ['127.0.0.1', PORT] },
      { op: 'accept', of: 'l', as: 'a' },
      { op: 'close', of: 'a' },
      { op: 'close', of: 'c' },
      { op: 'close', of: 'l' },
    );
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 1, dryRun: true });
    expect(reasons(answer)).toEqual(['closing']);
    const text = await ns.portolan(['kill', String(PORT), '--yes']);
    expect(text.stdout).toMatch(/free in \d+\.\d s/);
    await expectAlive(ns, server);
  });

  liveTest('a recorded host', {}, async (ns) => {
    const victim = await listener(ns);
    const ran = await ns.portolan(['kill', String(PORT), '--yes', '--procfs-root', '/proc']);
    expect(ran.code).toBe(2);
    const dry = await kill(ns, ['--dry-run', '--procfs-root', '/proc']);
    expect(dry.dryRun).toBe(true);
    await expectAlive(ns, victim);
  });

  liveTest('wrong usage', {}, async (ns) => {
    const victim = await listener(ns);
    for (const args of [
      [],
      ['1-90'],
      [String(PORT), '81'],
      [String(PORT), '--wait', '301'],
      [String(PORT), '--wait', 'x'],
      ['--all'],
    ]) {
      expect((await ns.portolan(['kill', ...args, '--yes'])).code, args.join(' ')).toBe(2);
    }
    await expectAlive(ns, victim);
  });
});

describe('afterwards', () => {
  liveTest('accepted connections leave TIME_WAIT behind: freed, with the seconds', {}, async (ns) => {
    const server = await listener(ns);
    const client = await ns.addRobot();
    await client.step({ op: 'open', as: 'c', family: 'ipv4', type: 'tcp', connect: ['127.0.0.1', PORT] });
    await server.steps({ op: 'accept', of: 'l', as: 'a' });
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 0, end: 'closing', done: true });
    const left = answer.holders.filter(({ namespace }) => namespace === null);
    expect(new Set(left.map(({ kind }) => kind))).toEqual(new Set(['closing']));
    await expectAlive(ns, client);
  });

  liveTest('a supervisor has started it again: by whom is told', {}, async (ns) => {
    const supervisor = ns.background(process.execPath, [scenario('supervisor.mjs'), String(PORT)]);
    const pids: number[] = [];
    supervisor.stdout?.on('data', (text: Buffer) => pids.push(Number(text.toString())));
    while (pids.length === 0) await pause(20);
    const ran = await ns.portolan(['kill', String(PORT), '--yes']);
    expect(ran.code, ran.stdout).toBe(1);
    expect(ran.stdout).toContain(`taken again: node (pid ${pids[1]})`);
    expect(ran.stdout).toContain(`node (pid ${supervisor.pid}) started it again`);
    await expectGone(ns, pids[0] ?? 0);
    await expectAlive(ns, supervisor.pid ?? 0);
  });
});

let slices = 0;

/** A cgroup of this name below one of ours; both go with the test. */
function cgroup(ns: Namespace, name: string): string {
  const slice = join(cgroup2Mount() ?? '', `portolan-kill-${process.pid}-${slices++}.slice`);
  const path = join(slice, name);
  mkdirSync(path, { recursive: true });
  ns.finally(async () => {
    for (const made of [path, slice]) {
      for (let tries = 0; tries < 100; tries++) {
        try {
          rmdirSync(made);
          break;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') break;
          await pause(50);
        }
      }
    }
  });
  return path;
}

async function enter(robot: Robot, path: string): Promise<void> {
  // 0 is who writes.
  await robot.steps({ op: 'write', path: join(path, 'cgroup.procs'), text: '0' });
}

/** A folder of our own that goes with the test. */
function folder(ns: Namespace): string {
  const path = mkdtempSync(join(tmpdir(), 'portolan-kill-'));
  ns.finally(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An empty /run of the namespace's own, on which systemd is said to run. */
async function ownRun(ns: Namespace): Promise<void> {
  const ran = await ns.run('sh', ['-c', 'mount -t tmpfs run /run && mkdir -p /run/systemd/system']);
  expect(ran.code, ran.stderr).toBe(0);
}

/** Puts a systemctl in the place of the system's that writes down its arguments, and `show`s these properties. */
async function standInSystemctl(ns: Namespace, show: string, stops: number): Promise<() => string[]> {
  const base = folder(ns);
  const [script, log, properties] = ['systemctl', 'log', 'show'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(log, '');
  writeFileSync(properties, show);
  writeFileSync(
    script,
    `#!/bin/sh
printf '%s\\n' "$*" >> ${log}
case "$*" in
  *list-sockets*) echo '[]' ;;
  *' show '*) cat ${properties} ;;
  *' stop '*) kill -9 ${stops} ;;
esac
`,
    { mode: 0o755 },
  );
  const ran = await ns.run('mount', ['--bind', script, '/usr/bin/systemctl']);
  expect(ran.code, ran.stderr).toBe(0);
  return () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.includes('list-sockets'));
}

const MANAGED = { needs: ['root', 'cgroup2', 'systemctl'] as const, ownPids: true };

describe('units', () => {
  liveTest('a unit’s main process is stopped through systemd', MANAGED, async (ns) => {
    await ownRun(ns);
    const path = cgroup(ns, 'web.service');
    const victim = await ns.addRobot();
    await enter(victim, path);
    await victim.step({
      op: 'open',
      as: 'l',
      family: 'ipv4',
      type: 'tcp',
      bind: ['127.0.0.1', PORT],
      listen: 8,
    });
    const group = path.slice((cgroup2Mount() ?? '').length);
    const calls = await standInSystemctl(
      ns,
      `Id=web.service\nControlGroup=${group}\nMainPID=${victim.pid}\n`,
      victim.pid,
    );
    const answer = await kill(ns);
    expect(answer).toMatchObject({
      code: 0,
      end: 'free',
      plan: { targets: [{ how: 'unit', units: ['web.service'] }] },
    });
    expect(only(answer.outcome)).toMatchObject({ how: 'unit', result: 'ended', signals: [] });
    expect(calls()).toEqual([
      '--system --no-pager --no-ask-password show --property=Id,ControlGroup,MainPID -- web.service',
      '--system --no-pager --no-ask-password stop -- web.service',
    ]);
    await expectAlive(ns);
  });

  liveTest(
    'a cgroup that only bears a unit’s name: the process is signalled, the unit is not stopped',
    MANAGED,
    async (ns) => {
      await ownRun(ns);
      const path = cgroup(ns, 'sshd.service');
      const victim = await ns.addRobot();
      await enter(victim, path);
      await victim.step({
        op: 'open',
        as: 'l',
        family: 'ipv4',
        type: 'tcp',
        bind: ['127.0.0.1', PORT],
        listen: 8,
      });
      const bystander = await ns.addRobot();
      const calls = await standInSystemctl(
        ns,
        `Id=sshd.service\nControlGroup=/system.slice/sshd.service\nMainPID=${victim.pid}\n`,
        bystander.pid,
      );
      const answer = await kill(ns);
      expect(results(answer)).toEqual([[victim.pid, 'ended']]);
      expect(calls().filter((line) => line.includes(' stop '))).toEqual([]);
      await expectAlive(ns, bystander);
    },
  );

  liveTest(
    'what a unit has started without being its server (cron, sshd) does not stop the unit',
    MANAGED,
    async (ns) => {
      await ownRun(ns);
      const path = cgroup(ns, 'cron.service');
      const cron = await ns.addRobot();
      await enter(cron, path);
      await cron.step({
        op: 'open',
        as: 'l',
        family: 'ipv4',
        type: 'tcp',
        bind: ['127.0.0.1', PORT],
        listen: 8,
      });
      const job = await child(cron, 'job', 'l');
      await cron.steps({ op: 'close', of: 'l' });
      const group = path.slice((cgroup2Mount() ?? '').length);
      const calls = await standInSystemctl(
        ns,
        `Id=cron.service\nControlGroup=${group}\nMainPID=${cron.pid}\n`,
        cron.pid,
      );
      expect(results(await kill(ns))).toEqual([[job, 'ended']]);
      expect(calls().filter((line) => line.includes(' stop '))).toEqual([]);
      await expectAlive(ns, cron);
    },
  );

  liveTest('unit names that are none never reach systemctl', MANAGED, async (ns) => {
    await ownRun(ns);
    const bystander = await ns.addRobot();
    const calls = await standInSystemctl(ns, '', bystander.pid);
    for (const name of [
      '-Mevil.service',
      'a b.service',
      '$(id).service',
      'x;reboot.service',
      '--user.service',
    ]) {
      const path = cgroup(ns, name);
      const victim = await ns.addRobot();
      await enter(victim, path);
      await victim.step({
        op: 'open',
        as: 'l',
        family: 'ipv4',
        type: 'tcp',
        bind: ['127.0.0.1', PORT],
        listen: 8,
      });
      expect(results(await kill(ns))).toEqual([[victim.pid, 'ended']]);
    }
    expect(calls()).toEqual([]);
    await expectAlive(ns, bystander);
  });
});

describe('containers', () => {
  const ID = 'ab12'.repeat(16);

  /** The engine; `port` is the host's port that stands for the container's 8000. */
  async function engine(ns: Namespace, pid: number, port: number | null = null): Promise<string[]> {
    const ports = port === null ? {} : { '8000/tcp': [{ HostIp: '0.0.0.0', HostPort: String(port) }] };
    const published =
      port === null ? [] : [{ IP: '127.0.0.1', PrivatePort: 8000, PublicPort: PORT, Type: 'tcp' }];
    const told = { socket: '/run/docker.sock', id: ID, pid, ports, published };
    const played = ns.background(process.execPath, [scenario('engine.mjs'), JSON.stringify(told)]);
    const lines: string[] = [];
    let text = '';
    played.stdout?.on('data', (part: Buffer) => {
      text += part.toString();
      lines.splice(0, lines.length, ...text.split('\n').filter((line) => line !== ''));
    });
    while (!lines.includes('READY')) await pause(20);
    return lines;
  }

  async function contained(ns: Namespace, path: string): Promise<Robot> {
    const robot = await ns.addRobot();
    await enter(robot, path);
    await robot.step({
      op: 'open',
      as: 'l',
      family: 'ipv4',
      type: 'tcp',
      bind: ['127.0.0.1', PORT],
      listen: 8,
    });
    return robot;
  }

  liveTest('a container is stopped by its engine', MANAGED, async (ns) => {
    await ownRun(ns);
    const victim = await contained(ns, cgroup(ns, `docker-${ID}.scope`));
    const lines = await engine(ns, victim.pid);
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 0, end: 'free', plan: { targets: [{ how: 'container' }] } });
    expect(only(answer.outcome)).toMatchObject({ result: 'ended', container: { name: 'web' }, signals: [] });
    expect(lines.filter((line) => line.startsWith('POST'))).toEqual([`POST /containers/${ID}/stop?t=2`]);
    await expectAlive(ns);
  });

  liveTest(
    'a cgroup that only bears a container’s name: the container is not stopped',
    MANAGED,
    async (ns) => {
      await ownRun(ns);
      const victim = await contained(ns, cgroup(ns, `docker-${ID}.scope`));
      // The real one, as the engine knows it, is elsewhere.
      const real = await ns.addRobot();
      await enter(real, cgroup(ns, 'real.scope'));
      const lines = await engine(ns, real.pid);
      expect(results(await kill(ns))).toEqual([[victim.pid, 'ended']]);
      expect(lines.filter((line) => line.startsWith('POST'))).toEqual([]);
      await expectAlive(ns, real);
    },
  );

  liveTest('without its engine a container is left alone, with the command', MANAGED, async (ns) => {
    await ownRun(ns);
    const victim = await contained(ns, cgroup(ns, `docker-${ID}.scope`));
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 1, dryRun: true });
    expect(only(refused(answer))).toMatchObject({ reason: 'container', command: `docker stop ${ID}` });
    await expectAlive(ns, victim);
  });

  /** A docker-proxy by its executable, with the port. */
  async function proxy(ns: Namespace): Promise<number> {
    const base = folder(ns);
    copyFileSync(process.execPath, join(base, 'docker-proxy'));
    const [, pid] = await ns.robot.steps(
      { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT], listen: 8 },
      { op: 'spawn', as: 'proxy', file: join(base, 'docker-proxy'), args: [SIT], inherit: ['l'] },
      { op: 'close', of: 'l' },
    );
    return pid ?? 0;
  }

  liveTest('a proxy is never stopped in place of its container', MANAGED, async (ns) => {
    await ownRun(ns);
    const pid = await proxy(ns);
    const answer = await kill(ns, ['--yes', '--force']);
    expect(answer).toMatchObject({ code: 1, dryRun: true });
    expect(only(refused(answer))).toMatchObject({
      reason: 'proxy',
      command: `docker ps --filter publish=${PORT}`,
    });
    await expectAlive(ns, pid);
  });

  liveTest('the container behind a proxy is stopped', MANAGED, async (ns) => {
    await ownRun(ns);
    const pid = await proxy(ns);
    // What ends with the container is the proxy, for this engine.
    const lines = await engine(ns, pid, PORT);
    const answer = await kill(ns);
    expect(answer).toMatchObject({ code: 0, end: 'free', plan: { targets: [{ how: 'container' }] } });
    expect(lines.filter((line) => line.startsWith('POST'))).toEqual([`POST /containers/${ID}/stop?t=2`]);
    await expectAlive(ns);
  });

  liveTest(
    'an engine that contradicts itself about who publishes the port stops nothing',
    MANAGED,
    async (ns) => {
      await ownRun(ns);
      const pid = await proxy(ns);
      const lines = await engine(ns, pid, 8080);
      const answer = await kill(ns);
      expect(answer).toMatchObject({ code: 1, dryRun: true });
      expect(reasons(answer)).toEqual(['container']);
      expect(lines.filter((line) => line.startsWith('POST'))).toEqual([]);
      await expectAlive(ns, pid);
    },
  );
});
