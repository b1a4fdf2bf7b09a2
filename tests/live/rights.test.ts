// What a user without rights is told about another's sockets: that they are there, whose they are, which command
// would show more, and, where a cgroup tells, which process it most likely is (V7, V9).
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { checked } from '../cli/program.ts';
import {
  BIN,
  cgroup2Mount,
  liveTest,
  type Namespace,
  NOBODY,
  only,
  pause,
  pidsOf,
  type WhoV1,
} from './namespace.ts';

const AS_NOBODY = { uid: NOBODY };
const PORT = 6300;

/** The robot listens on the port. */
async function listen(ns: Namespace): Promise<void> {
  await ns.robot.step({
    op: 'open',
    as: 'l',
    family: 'ipv4',
    type: 'tcp',
    bind: ['127.0.0.1', PORT],
    listen: 8,
  });
}

liveTest(
  'another user’s listener is held, by whom, with the command that shows more',
  {
    needs: ['nobody'],
  },
  async (ns) => {
    await listen(ns);
    for (const args of [[], ['--no-ffi']]) {
      const { verdict, holders, gaps } = await ns.who(PORT, args, AS_NOBODY);
      expect(verdict).toBe('held');
      expect(only(holders)).toMatchObject({ kind: 'listener', state: 'LISTEN', uid: 0, user: 'root' });
      // Nobody may not look: no process is claimed to be the owner, and it is not the kernel's either.
      expect(holders[0]?.owners.every((owner) => owner.inferred)).toBe(true);
      const remedies = gaps.map((gap) => gap.remedy).filter((remedy) => remedy !== null);
      expect(remedies.some((remedy) => remedy.startsWith('sudo ') && remedy.includes(String(PORT)))).toBe(
        true,
      );
    }
    const text = await ns.portolan(['who', String(PORT)], AS_NOBODY);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain('root');
    expect(text.stdout).toContain('sudo ');
    // What nobody holds is still free for everybody.
    expect((await ns.who(PORT + 1, [], AS_NOBODY)).verdict).toBe('free');
    // The same question with rights: the owner, and nothing to be done.
    const known = await ns.who(PORT);
    expect(pidsOf(only(known.holders))).toEqual([ns.robot.pid]);
    expect(known.gaps).toEqual([]);
  },
);

liveTest('one’s own listener is named without any rights', { needs: ['nobody'] }, async (ns) => {
  const pid = await ns.robot.step({
    op: 'spawn',
    as: 'mine',
    file: 'setpriv',
    args: [
      '--reuid',
      String(NOBODY),
      '--regid',
      String(NOBODY),
      '--clear-groups',
      process.execPath,
      '-e',
      SERVE,
    ],
  });
  await ns.robot.steps({ op: 'said', of: 'mine' });
  const holder = only((await ns.who(PORT, [], AS_NOBODY)).holders);
  expect(holder).toMatchObject({ kind: 'listener', uid: NOBODY });
  expect(pidsOf(holder)).toEqual([pid]);
  expect(holder.owners[0]?.inferred).toBe(false);
});

/** A server that says when it listens and ends with stdin. */
const SERVE = `
  require('net').createServer().listen(${PORT}, '127.0.0.1', () => process.stdout.write('.'));
  process.stdin.on('end', () => process.exit(0)).resume();
`;

liveTest('bound and closing sockets of others are seen without rights', { needs: ['nobody'] }, async (ns) => {
  const open = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
  await listen(ns);
  await ns.robot.steps(
    { ...open, as: 'bound', bind: ['127.0.0.1', PORT + 1] },
    { ...open, as: 'c', bind: ['127.0.0.1', PORT + 2], connect: ['127.0.0.1', PORT] },
    { op: 'accept', of: 'l', as: 'a' },
    { op: 'close', of: 'c' },
    { op: 'close', of: 'a' },
  );
  const bound = only((await ns.who(PORT + 1, [], AS_NOBODY)).holders);
  expect(bound).toMatchObject({ kind: 'bound', user: 'root' });
  const closing = await ns.who(PORT + 2, [], AS_NOBODY);
  expect(only(closing.holders)).toMatchObject({ kind: 'closing', state: 'TIME_WAIT', owners: [] });
  expect(closing.holders[0]?.freeInMs).toBeGreaterThan(0);
});

/** A cgroup v2 for a service that is not there, with the robot in it; both go with the test. */
async function inUnit(ns: Namespace, unit: string): Promise<void> {
  const slice = join(cgroup2Mount() ?? '', `portolan-test-${process.pid}.slice`);
  const service = join(slice, unit);
  ns.finally(async () => {
    // A cgroup is busy until the last of its processes is really gone.
    for (const path of [service, slice]) await removeCgroup(path);
  });
  mkdirSync(service, { recursive: true });
  writeFileSync(join(service, 'cgroup.procs'), String(ns.robot.pid));
}

async function removeCgroup(path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || tries > 200) throw error;
      await pause(50);
    }
  }
}

liveTest(
  'the owner of another user’s listener follows from its cgroup (V9)',
  {
    needs: ['nobody', 'cgroup2'],
  },
  async (ns) => {
    await inUnit(ns, 'demo.service');
    await listen(ns);
    const { verdict, holders, gaps } = await ns.who(PORT, [], AS_NOBODY);
    expect(verdict).toBe('held');
    const owner = only(only(holders).owners);
    expect(owner).toMatchObject({ inferred: true, pid: ns.robot.pid, unit: 'demo.service', user: 'root' });
    expect(gaps.some((gap) => gap.remedy?.startsWith('sudo ') === true)).toBe(true);
    const text = await ns.portolan(['who', String(PORT)], AS_NOBODY);
    expect(text.stdout).toContain('demo.service');

    // With rights it is seen and not inferred, and has the same unit.
    const sure = only(only((await ns.who(PORT)).holders).owners);
    expect(sure).toMatchObject({ inferred: false, pid: ns.robot.pid, unit: 'demo.service' });

    // /proc alone does not tell the cgroup of a socket: nothing is inferred.
    expect(only((await ns.who(PORT, ['--no-ffi'], AS_NOBODY)).holders).owners).toEqual([]);
  },
);

liveTest(
  'an inferred owner with a hostile command name prints plainly',
  {
    needs: ['nobody', 'cgroup2'],
  },
  async (ns) => {
    await inUnit(ns, 'a\u001b[31m\u202eb.service');
    await ns.robot.step({ op: 'title', text: '\u001b[2J\u202e\nFORGED' });
    await listen(ns);
    const owner = only(only((await ns.who(PORT, [], AS_NOBODY)).holders).owners);
    expect(owner).toMatchObject({ inferred: true, pid: ns.robot.pid, exe: null });
    for (const command of [['who', String(PORT)], [String(PORT)], ['list']]) {
      const ran = await ns.portolan([...command, '--color', 'never'], AS_NOBODY);
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stdout).toContain(String(ns.robot.pid));
      expect(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u.exec(ran.stdout),
        ran.stdout,
      ).toBeNull();
      expect(ran.stdout.split('\n').filter((line) => line.trimStart().startsWith('FORGED'))).toEqual([]);
    }
  },
);

liveTest(
  'processes of the unit that do not have the socket and can be looked into are no candidates',
  {
    needs: ['nobody', 'cgroup2'],
  },
  async (ns) => {
    await inUnit(ns, 'demo.service');
    await listen(ns);
    // Started by the robot, so in its cgroup, and nobody's own: it can be seen not to have the socket.
    await ns.robot.step({
      op: 'spawn',
      as: 'other',
      file: 'setpriv',
      args: ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', 'cat'],
    });
    const owner = only(only((await ns.who(PORT, [], AS_NOBODY)).holders).owners);
    expect(owner).toMatchObject({ inferred: true, pid: ns.robot.pid });
  },
);

liveTest(
  'where /proc may not be listed: who holds a port is unknown, that it is held or free is not',
  { needs: ['nobody'] },
  async (ns) => {
    await listen(ns);
    const ids = ['setpriv', '--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
    /** In pid and mount namespaces of its own, for the folder's mode is that of every mount of one pid namespace. */
    const ask = async (
      args: readonly string[],
      as: readonly string[] = ids,
    ): ReturnType<Namespace['run']> => {
      const script = 'mount -t proc proc /proc && chmod 0111 /proc && exec "$@"';
      const program = [...as, process.execPath, BIN, ...args];
      return ns.run('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', script, 'sh', ...program]);
    };
    for (const [flags, verdict] of [
      [[], 'free'],
      [['--here'], 'free'],
      // Sockets that are only bound are not in the files.
      [['--no-ffi'], 'unknown'],
    ] as const) {
      const held = checked<WhoV1 & Record<string, unknown>>(
        (await ask(['who', String(PORT), '--json', ...flags])).stdout,
      );
      expect(held.verdict).toBe('held');
      expect(only(held.holders)).toMatchObject({ kind: 'listener', uid: 0, owners: [] });
      const told = held.gaps.filter(({ what }) => what === 'the processes behind sockets');
      expect(only(told).why, flags.join()).toBe('/proc could not be read (EACCES)');
      expect(only(told).remedy).toMatch(/^sudo .* who 6300/);
      const free = await ask(['who', String(PORT + 1), '--json', ...flags]);
      expect(checked<WhoV1 & Record<string, unknown>>(free.stdout).verdict).toBe(verdict);
    }
    const stop = await ask(['kill', String(PORT), '--yes']);
    expect(stop.code).toBe(1);
    expect(stop.stdout).toContain('sudo ');
    expect((await ns.who(PORT)).holders).toHaveLength(1);
    // The right to pass over modes is enough.
    const root = await ask(['who', String(PORT), '--json'], []);
    expect(checked<WhoV1 & Record<string, unknown>>(root.stdout).gaps.map(({ why }) => why)).not.toContain(
      '/proc could not be read (EACCES)',
    );
  },
);
