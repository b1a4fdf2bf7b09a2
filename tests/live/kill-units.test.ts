// `portolan kill` of what a unit or a container runs: through its manager where it surely is the server of that, by
// signal where only a name says so; every bystander is counted afterwards.
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
import { describe, expect } from 'vitest';
import { child, expectAlive, kill, PORT, reasons, refused, results, SIT } from './kill-place.ts';
import { cgroup2Mount, liveTest, type Namespace, only, pause, type Robot, scenario } from './namespace.ts';

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
