// Ports that are somebody else's: published by a container engine, or held by systemd for a service. The kernel's part
// is real (sockets, cgroups, executables by their real names); the engines and systemctl are stand-ins that give
// recorded answers, in a mount namespace of the test's own.
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import {
  cgroup2Mount,
  liveTest,
  type Namespace,
  NOBODY,
  only,
  pause,
  pidsOf,
  scenario,
  sleepFile,
} from './namespace.ts';

const recorded = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/engines/${name}.json`, import.meta.url));

const DOCKER = recorded('docker-20.10.24');
const PODMAN = recorded('podman-4.3.1');
const CONTAINERD = recorded('containerd-1.6.20');

/** The id of a container in a recorded answer. */
function idOf(file: string, name: string): string {
  const all = JSON.parse(readFileSync(file, 'utf8')) as { Id: string; Names: string[] }[];
  return only(all.filter(({ Names }) => Names.includes(name))).Id;
}

/** Copies of programs under the names that count; nobody may run them too. */
const PLACE = mkdtempSync(join(tmpdir(), 'portolan-containers-'));
chmodSync(PLACE, 0o755);
afterAll(() => rmSync(PLACE, { recursive: true, force: true }));

function copyOf(file: string, name: string): string {
  const path = join(PLACE, name);
  copyFileSync(file, path);
  chmodSync(path, 0o755);
  return path;
}

/** Node under another name; it is large, so a link to it where one can be made. */
function nodeAs(name: string): string {
  try {
    linkSync(process.execPath, join(PLACE, name));
    return join(PLACE, name);
  } catch {
    return copyOf(process.execPath, name);
  }
}

/** An engine's stand-in at its usual place, and what it was asked. */
async function engine(ns: Namespace, path: string, ...mode: string[]): Promise<string[]> {
  const child = ns.background(process.execPath, [scenario('recorded-engine.mjs'), path, ...mode]);
  const asked: string[] = [];
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the engine ended')));
    lines.on('line', (line) => {
      if (line === 'ready') resolve();
      else asked.push(line);
    });
  });
  return asked;
}

/** An empty /run, so that nothing of this machine is asked or touched. */
async function emptyRun(ns: Namespace): Promise<void> {
  const ran = await ns.run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  expect(ran.code, ran.stderr).toBe(0);
}

/** A process of this name, and nobody else, has a listener; its pid. */
async function held(
  ns: Namespace,
  name: string,
  port: number,
  address = '0.0.0.0',
  by: string[] = [],
): Promise<number> {
  const file = copyOf(sleepFile() ?? '', name);
  const [program, ...args] = by.length === 0 ? [file] : [...by, file];
  await ns.robot.step({ op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: [address, port], listen: 8 });
  const pid = await ns.robot.step({
    op: 'spawn',
    as: 'proxy',
    file: program ?? file,
    args: [...args, '600'],
    inherit: ['l'],
  });
  await ns.robot.step({ op: 'close', of: 'l' });
  return pid;
}

const OWN = { needs: ['root', 'sleep'], ownPids: true } as const;

liveTest(
  'a port that docker-proxy holds is the container’s, by name; the pid is the kernel’s',
  OWN,
  async (ns) => {
    await emptyRun(ns);
    const asked = await engine(ns, '/run/docker.sock', 'http', DOCKER);
    const pid = await held(ns, 'docker-proxy', 8080);
    const container = { runtime: 'docker', id: idOf(DOCKER, '/web'), name: 'web' };

    const { verdict, holders, gaps } = await ns.who(8080);
    expect(verdict).toBe('held');
    expect(gaps).toEqual([]);
    expect(only(holders)).toMatchObject({ kind: 'listener', publishes: { container, port: 80 } });
    expect(pidsOf(only(holders))).toEqual([pid]);
    expect(asked).toEqual(['GET /containers/json']);

    const list = only((await ns.list()).holders);
    expect(list).toMatchObject({ local: { port: 8080 }, publishes: { container, port: 80 } });
    const text = await ns.portolan(['who', '8080']);
    expect(text.stdout).toContain('port 80 of Docker container web');
    expect((await ns.portolan(['list'])).stdout).toContain('web');
    // Without native code the same.
    expect(only((await ns.who(8080, ['--no-ffi'])).holders).publishes).toEqual({ container, port: 80 });
  },
);

liveTest(
  'a port that Docker redirects without a proxy is the container’s',
  { ...OWN, needs: ['root', 'sleep', 'nft'] },
  async (ns) => {
    await emptyRun(ns);
    await engine(ns, '/run/docker.sock', 'http', DOCKER);
    // As Docker writes it through iptables-nft.
    const rules = `table ip nat {
      chain DOCKER { tcp dport 8080 dnat to 172.17.0.2:80; }
      chain PREROUTING { type nat hook prerouting priority dstnat; fib daddr type local jump DOCKER; }
    }`;
    const ran = await ns.run('nft', [rules]);
    expect(ran.code, ran.stderr).toBe(0);
    const { holders } = await ns.who(8080);
    expect(only(holders)).toMatchObject({
      kind: 'redirect',
      redirect: { maker: 'docker', name: 'web' },
      publishes: { container: { runtime: 'docker', id: idOf(DOCKER, '/web'), name: 'web' }, port: 80 },
    });
  },
);

liveTest('what an engine says of a port that its proxy does not hold is not believed', OWN, async (ns) => {
  await emptyRun(ns);
  const asked = await engine(ns, '/run/docker.sock', 'http', DOCKER);
  await held(ns, 'docker-proxy', 8081);
  expect(only((await ns.who(8081)).holders).publishes).toBeUndefined();
  expect(asked).toHaveLength(1);
});

liveTest('where no container is in sight, no engine is asked and no client is loaded', OWN, async (ns) => {
  await emptyRun(ns);
  const asked = await engine(ns, '/run/docker.sock', 'http', DOCKER);
  await held(ns, 'nginx', 8080);
  expect(only((await ns.who(8080)).holders)).toMatchObject({ owners: [{ name: 'nginx' }] });
  expect((await ns.who(60_163)).verdict).toBe('free');
  expect(asked).toEqual([]);

  // The modules of Node that the program has loaded by its end.
  const hook = join(PLACE, 'loaded.cjs');
  writeFileSync(
    hook,
    `process.on('exit', () => process.stderr.write(JSON.stringify(process.moduleLoadList)));\n`,
  );
  const loaded = async (port: number): Promise<string> => {
    const ran = await ns.portolan(['who', String(port)], { node: ['--require', hook] });
    return ran.stderr;
  };
  const quiet = await loaded(60_163);
  expect(quiet).toContain('NativeModule fs');
  for (const name of ['http', 'http2', 'child_process']) {
    expect(quiet).not.toContain(`"NativeModule ${name}"`);
  }
  // The hook does see them where they are needed.
  await held(ns, 'docker-proxy', 8082);
  expect(await loaded(8082)).toContain('"NativeModule http"');
});

liveTest('Podman: conmon holds every port of a run', OWN, async (ns) => {
  await emptyRun(ns);
  await engine(ns, '/run/podman/podman.sock', 'http', PODMAN);
  const pid = await held(ns, 'conmon', 9102);
  const holder = only((await ns.who(9102)).holders);
  expect(holder.publishes).toEqual({
    container: { runtime: 'podman', id: idOf(PODMAN, 'rng'), name: 'rng' },
    port: 9102,
  });
  expect(pidsOf(holder)).toEqual([pid]);
});

const FAULTS = ['silent', 'garbage', 'status', 'huge', 'half'];

for (const fault of FAULTS) {
  liveTest(`an engine that is ${fault}: the port’s holder all the same, and a gap`, OWN, async (ns) => {
    await emptyRun(ns);
    await engine(ns, '/run/docker.sock', fault);
    const pid = await held(ns, 'docker-proxy', 8080);
    const { holders, gaps } = await ns.who(8080);
    expect(pidsOf(only(holders))).toEqual([pid]);
    expect(only(holders).publishes).toBeUndefined();
    expect(only(gaps)).toMatchObject({ remedy: 'docker ps', what: expect.stringContaining('docker') });
    const text = await ns.portolan(['who', '8080']);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain('docker-proxy');
    expect(text.stdout).toContain('docker ps');
    expect(text.stdout).not.toContain('\u001b');
  });
}

liveTest(
  'an engine that is for others alone: a gap with sudo',
  { ...OWN, needs: ['root', 'sleep', 'nobody'] },
  async (ns) => {
    await emptyRun(ns);
    const asked = await engine(ns, '/run/docker.sock', 'http', DOCKER);
    const nobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const pid = await held(ns, 'docker-proxy', 8080, '0.0.0.0', nobody);
    // Until setpriv has become the proxy.
    await pause(300);
    const { holders, gaps } = await ns.who(8080, [], { uid: NOBODY });
    expect(pidsOf(only(holders))).toEqual([pid]);
    const gap = only(gaps.filter(({ what }) => what.includes('docker')));
    expect(gap.why).toContain('EACCES');
    expect(gap.remedy).toMatch(/^sudo .* who 8080$/);
    expect(asked).toEqual([]);
    expect(only((await ns.who(8080)).holders).publishes).toMatchObject({ container: { name: 'web' } });
  },
);

/** Puts the robot into a cgroup that an engine or systemd would have made; it goes with the test. */
async function inCgroup(ns: Namespace, scope: string): Promise<void> {
  const slice = join(cgroup2Mount() ?? '', `portolan-test-containers-${process.pid}.slice`);
  const folder = join(slice, scope);
  ns.finally(async () => {
    for (const path of [folder, slice]) {
      for (let tries = 0; tries < 200; tries++) {
        try {
          rmdirSync(path);
          break;
        } catch (error) {
          // A cgroup is busy until the last of its processes is really gone.
          if ((error as NodeJS.ErrnoException).code !== 'EBUSY') break;
          await pause(50);
        }
      }
    }
  });
  mkdirSync(folder, { recursive: true });
  // 0 is the writer itself, whose pid here is none of its own.
  await ns.robot.step({ op: 'write', path: join(folder, 'cgroup.procs'), text: '0' });
}

const IN_CGROUP = { needs: ['root', 'sleep', 'cgroup2'], ownPids: true } as const;

liveTest('a process in a container’s cgroup: the container’s name', IN_CGROUP, async (ns) => {
  await emptyRun(ns);
  const id = idOf(DOCKER, '/api');
  await inCgroup(ns, `docker-${id}.scope`);
  await held(ns, 'server', 9000);
  const nameless = only(only((await ns.who(9000)).holders).owners);
  expect(nameless.container).toEqual({ runtime: 'docker', id, name: null });
  await engine(ns, '/run/docker.sock', 'http', DOCKER);
  const { holders, gaps } = await ns.who(9000);
  expect(only(only(holders).owners).container).toEqual({ runtime: 'docker', id, name: 'api' });
  expect(only(holders).publishes).toBeUndefined();
  expect(gaps).toEqual([]);
  expect((await ns.portolan(['who', '9000'])).stdout).toContain('Docker container api');
});

liveTest('containerd: a pod’s name', IN_CGROUP, async (ns) => {
  await emptyRun(ns);
  const id = '2'.repeat(64);
  await inCgroup(ns, `cri-containerd-${id}.scope`);
  await held(ns, 'server', 9001);
  const asked = await engine(ns, '/run/containerd/containerd.sock', 'containerd', CONTAINERD);
  const { holders, gaps } = await ns.who(9001);
  expect(only(only(holders).owners).container).toEqual({
    runtime: 'containerd',
    id,
    name: 'kube-system/coredns-1/dns',
  });
  expect(gaps).toEqual([]);
  expect(asked).toEqual([
    '/containerd.services.namespaces.v1.Namespaces/List ',
    '/containerd.services.containers.v1.Containers/List default',
    '/containerd.services.containers.v1.Containers/List k8s.io',
  ]);
});

/** systemctl with these lines in its place. */
async function systemctl(ns: Namespace, script: string): Promise<void> {
  const file = join(PLACE, 'systemctl');
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const ran = await ns.run('mount', ['--bind', file, '/usr/bin/systemctl']);
  expect(ran.code, ran.stderr).toBe(0);
}

/** Prints rows where they are asked for as they should be, and an error otherwise. */
function printing(rows: string, user = false): string {
  const words = `${user ? '--user ' : ''}list-sockets --all `;
  return `case "$*" in "${words}"*--show-types*--output=json) ;; *) echo "asked: $*" >&2; exit 2;; esac
/bin/cat <<'END'
${rows}
END`;
}

const ROWS = JSON.stringify([
  { listen: '/run/dbus/system_bus_socket', type: 'Stream', unit: 'dbus.socket', activates: 'dbus.service' },
  { listen: '0.0.0.0:2222', type: 'Stream', unit: 'ssh.socket', activates: 'ssh.service' },
  { listen: '0.0.0.0:69', type: 'Datagram', unit: 'tftp.socket', activates: 'tftp.service' },
  { listen: '127.0.0.1:2223', type: 'Stream', unit: 'other.socket', activates: 'other.service' },
]);

const SYSTEMD = {
  needs: ['root', 'systemctl'],
  ownPids: true,
  program: nodeAs('systemd'),
} as const;

/** The first process, named systemd, listens where ROWS say it does, and where they do not. */
async function listening(ns: Namespace): Promise<void> {
  const open = { op: 'open', family: 'ipv4' } as const;
  await ns.robot.steps(
    { ...open, as: 'ssh', type: 'tcp', bind: ['0.0.0.0', 2222], listen: 8 },
    { ...open, as: 'tftp', type: 'udp', bind: ['0.0.0.0', 69] },
    { ...open, as: 'mine', type: 'tcp', bind: ['0.0.0.0', 2223], listen: 8 },
  );
}

liveTest('a listener that systemd holds: the service that will serve it', SYSTEMD, async (ns) => {
  await emptyRun(ns);
  await listening(ns);
  for (const answer of [
    ROWS,
    '0.0.0.0:2222 Stream ssh.socket ssh.service\n0.0.0.0:69 Datagram tftp.socket tftp.service',
  ]) {
    await systemctl(ns, printing(answer));
    const { holders, gaps } = await ns.who(2222);
    expect(gaps).toEqual([]);
    expect(only(holders)).toMatchObject({
      owners: [{ pid: 1, name: 'systemd' }],
      activation: { socketUnit: 'ssh.socket', serviceUnit: 'ssh.service' },
    });
    const all = await ns.list();
    expect(all.holders.map(({ local, activation }) => [local.port, activation?.serviceUnit ?? null])).toEqual(
      [
        [69, 'tftp.service'],
        [2222, 'ssh.service'],
        // Another address than the unit's: not its socket.
        [2223, null],
      ],
    );
  }
  expect((await ns.portolan(['who', '2222'])).stdout).toContain('ssh.service');
  expect((await ns.portolan(['list'])).stdout).toContain('ssh.service');
});

liveTest(
  'without rights: that it is systemd follows from the cgroup, and systemctl answers everybody',
  { ...SYSTEMD, needs: ['root', 'systemctl', 'nobody', 'cgroup2'] },
  async (ns) => {
    await emptyRun(ns);
    await systemctl(ns, printing(ROWS));
    await inCgroup(ns, 'init.scope');
    await listening(ns);
    expect(only((await ns.who(2222, [], { uid: NOBODY })).holders)).toMatchObject({
      owners: [{ pid: 1, name: 'systemd', inferred: true }],
      activation: { socketUnit: 'ssh.socket', serviceUnit: 'ssh.service' },
    });
  },
);

liveTest(
  'systemctl that fails, hangs, or talks nonsense: a gap, and systemd all the same',
  SYSTEMD,
  async (ns) => {
    await emptyRun(ns);
    await listening(ns);
    const cases: [script: string, reason: string][] = [
      [
        'echo "System has not been booted with systemd as init system (PID 1). Can\'t operate." >&2; exit 1',
        'not been booted',
      ],
      ['exit 3', 'exit code 3'],
      ['trap "" TERM; /bin/sleep 60', 'ETIMEDOUT'],
      ['while :; do echo 0123456789012345678901234567890123456789; done', 'ENOBUFS'],
      ['printf "\\033[2Jnonsense"', 'line 1'],
      [printing('[{"listen":7}]'), 'socket 0, listen'],
    ];
    for (const [script, reason] of cases) {
      await systemctl(ns, script);
      const { holders, gaps } = await ns.who(2222);
      expect(only(holders)).toMatchObject({ owners: [{ pid: 1, name: 'systemd' }] });
      expect(only(holders).activation).toBeUndefined();
      const gap = only(gaps);
      expect(gap.why, script).toContain(reason);
      expect(gap.remedy).toBe('systemctl list-sockets --show-types');
    }
  },
);

liveTest('a user’s own systemd is asked as the user', SYSTEMD, async (ns) => {
  await emptyRun(ns);
  await systemctl(ns, printing(ROWS, true));
  // A shell under this name, with the argument that a user's systemd has.
  mkdirSync(join(PLACE, 'user'), { recursive: true });
  const file = copyOf('/bin/sh', join('user', 'systemd'));
  await ns.robot.step({
    op: 'open',
    as: 'l',
    family: 'ipv4',
    type: 'tcp',
    bind: ['0.0.0.0', 2222],
    listen: 8,
  });
  const pid = await ns.robot.step({
    op: 'spawn',
    as: 'user',
    file,
    args: ['-c', 'read line; :', 'systemd', '--user'],
    inherit: ['l'],
  });
  await ns.robot.step({ op: 'close', of: 'l' });
  const holder = only((await ns.who(2222)).holders);
  expect(pidsOf(holder)).toEqual([pid]);
  expect(holder.activation).toEqual({ socketUnit: 'ssh.socket', serviceUnit: 'ssh.service' });
});

liveTest(
  'somebody else’s systemd is not asked, and that is said',
  { ...SYSTEMD, needs: ['root', 'systemctl', 'nobody'] },
  async (ns) => {
    await emptyRun(ns);
    await systemctl(ns, printing(ROWS, true));
    const serve = `require('net').createServer().listen(2222, '0.0.0.0', () => process.stdout.write('.'));
      process.stdin.on('end', () => process.exit(0)).resume();`;
    const pid = await ns.robot.step({
      op: 'spawn',
      as: 'other',
      file: 'setpriv',
      args: [
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        '--clear-groups',
        SYSTEMD.program,
        '-e',
        serve,
        '--',
        '--user',
      ],
    });
    await ns.robot.step({ op: 'said', of: 'other' });
    const { holders, gaps } = await ns.who(2222);
    expect(pidsOf(only(holders))).toEqual([pid]);
    expect(only(holders).activation).toBeUndefined();
    expect(only(gaps)).toMatchObject({ what: expect.stringContaining('systemd') });
    expect(only(gaps).remedy).toMatch(/^systemctl --user --machine=[a-z]+@ list-sockets --show-types$/);
  },
);
