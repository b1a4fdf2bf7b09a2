// `portolan kill` attacked: what must be stopped is, and every bystander is counted afterwards. Nothing but the
// processes of the plan is ever signalled, whatever they are called, however pids and sockets change hands meanwhile.
import { readFileSync } from 'node:fs';
import type { KillV1 } from '@portolan/core';
import { describe, expect } from 'vitest';
import {
  child,
  deafOwner,
  expectAlive,
  expectGone,
  kill,
  listener,
  PORT,
  reasons,
  refused,
  results,
  SIT,
} from './kill-place.ts';
import { BIN, liveTest, NOBODY, only, pause, scenario } from './namespace.ts';

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
