// Why a port cannot be bound: every cause is made for real in a namespace of its own, the built program must name it
// with its holders, and every way out that it offers is taken and must lead to a bind that works.
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WhyV1 } from '@portolan/core';
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { SINGLE } from '../binary/launcher.ts';
import { checked } from '../cli/program.ts';
import {
  type At,
  BIN,
  DIST,
  liveTest,
  type Namespace,
  NOBODY,
  only,
  pause,
  pidsOf,
  type Robot,
  type Step,
  scenario,
} from './namespace.ts';

const V4 = '127.0.0.1';
const PORT = 5300;
const AS_NOBODY = { uid: NOBODY };

/** `why PORT --json` about this namespace alone: other tests have theirs. */
async function why(
  ns: Namespace,
  args: readonly (string | number)[],
  as: { uid?: number } = {},
): Promise<WhyV1> {
  return read(await ns.portolan(['why', ...args.map(String), '--here', '--json'], as));
}

/** Holds an answer against the schema, and the exit code against the answer. */
function read(ran: { code: number | null; stdout: string; stderr: string }): WhyV1 {
  if (ran.stdout === '') throw new Error(`no answer, exit ${ran.code}: ${ran.stderr}`);
  const answer = checked<WhyV1>(ran.stdout);
  expect(answer.format).toBe('portolan.why/1');
  expect(ran.code).toBe(answer.bindable === null ? 3 : answer.bindable ? 0 : 1);
  return answer;
}

function kinds({ causes }: WhyV1): string[] {
  return causes.map(({ kind }) => kind);
}

function causeOf(answer: WhyV1, kind: string): WhyV1['causes'][number] {
  return only(answer.causes.filter((cause) => cause.kind === kind));
}

/** Takes a way out as it is printed; who runs this test has the rights already. */
async function take(ns: Namespace, command: string | undefined): Promise<void> {
  const ran = await ns.run('sh', ['-c', (command ?? 'exit 9').replaceAll('sudo ', '')]);
  expect(ran.code, `${command}: ${ran.stdout}${ran.stderr}`).toBe(0);
}

function commandOf({ remedies }: WhyV1['causes'][number], like: RegExp): string {
  return only(remedies.flatMap(({ commands }) => commands).filter((command) => like.test(command)));
}

function listener(as: string, at: At, over: Partial<Extract<Step, { op: 'open' }>> = {}): Step {
  const family = at[0].includes(':') ? 'ipv6' : 'ipv4';
  return { op: 'open', as, family, type: 'tcp', bind: at, listen: 8, ...over };
}

/** Nothing at all is left of a trial: no socket on the port, in any state. */
async function nothingOn(ns: Namespace, port: number | string): Promise<void> {
  expect((await ns.who(port, ['--here'])).holders).toEqual([]);
}

liveTest('a free port can be bound, and nothing is left behind', {}, async (ns) => {
  for (const args of [[], ['--no-ffi']]) {
    for (const port of [PORT, `${PORT}/udp`]) {
      const answer = await why(ns, [port, ...args]);
      expect(answer).toMatchObject({ bindable: true, errno: null, causes: [], notes: [], changed: null });
      expect(answer.address).toBe('::');
      expect(answer.ipv6Only).toBe(false);
      expect(answer.reuse).toBe(port === PORT ? 'addr' : 'none');
    }
  }
  await nothingOn(ns, PORT);
  const text = await ns.portolan(['why', String(PORT)]);
  expect(text.stdout.split('\n').slice(0, 2)).toEqual([
    `${PORT}/tcp can be bound here now; nothing known speaks against relying on it.`,
    'Tried as most servers do, [::] and IPv4 with SO_REUSEADDR: it worked.',
  ]);
});

liveTest(
  'a listener is the cause, with whose it is; stopping it frees the port',
  { needs: ['nobody'] },
  async (ns) => {
    const server = await ns.addRobot();
    await server.step(listener('l', ['0.0.0.0', PORT]));
    for (const args of [[], ['--no-ffi'], ['--family', '4'], ['--address', V4], ['--reuse', 'none']]) {
      const answer = await why(ns, [PORT, ...args]);
      expect(answer.bindable, args.join(' ')).toBe(false);
      expect(answer.errno).toBe('EADDRINUSE');
      expect(pidsOf(only(causeOf(answer, 'listener').holders))).toEqual([server.pid]);
      const stop = commandOf(causeOf(answer, 'listener'), / kill /);
      expect(stop).toMatch(new RegExp(` kill ${PORT}/tcp$`));
      expect(stop).not.toMatch(/^sudo/);
    }
    // Nobody is refused as well, is told whose it is, and needs more rights to stop it.
    for (const args of [[], ['--no-ffi']]) {
      const answer = await why(ns, [PORT, ...args], AS_NOBODY);
      expect(answer).toMatchObject({ bindable: false, errno: 'EADDRINUSE' });
      const held = causeOf(answer, 'listener');
      expect(only(held.holders)).toMatchObject({ uid: 0, user: 'root' });
      expect(held.remedies[0]).toMatchObject({ needsRoot: true });
      expect(held.remedies[0]?.commands[0]).toMatch(/^sudo /);
    }
    const text = await ns.portolan(['why', String(PORT)]);
    expect(text.stdout.split('\n')[0]).toContain(
      `${PORT}/tcp cannot be bound here: node (pid ${server.pid}) listens`,
    );
    // The command asks before it acts; here nobody can answer.
    await take(ns, `${commandOf(causeOf(await why(ns, [PORT]), 'listener'), / kill /)} --yes`);
    expect((await why(ns, [PORT])).bindable).toBe(true);
    await nothingOn(ns, PORT);
    await server.end();
  },
);

liveTest('a dual-stack bind meets an IPv4 listener; the narrower binds it offers work', {}, async (ns) => {
  await ns.robot.step(listener('l', ['0.0.0.0', PORT]));
  const answer = await why(ns, [PORT]);
  expect(kinds(answer)).toEqual(['listener', 'dual-stack']);
  const titles = causeOf(answer, 'dual-stack').remedies.map(({ title }) => title);
  expect(only(titles)).toContain('IPV6_V6ONLY');
  expect((await why(ns, [PORT, '--family', '6'])).bindable).toBe(true);
  expect((await why(ns, [PORT, '--family', '4'])).bindable).toBe(false);

  // The other way round: a dual-stack listener meets an IPv4 bind, and IPv6-only ones do not.
  await ns.robot.steps(
    { op: 'close', of: 'l' },
    listener('d', ['::', PORT], { v6only: false }),
    listener('v6', ['::', PORT + 1], { v6only: true }),
  );
  expect(kinds(await why(ns, [PORT, '--family', '4']))).toEqual(['listener', 'dual-stack']);
  expect(kinds(await why(ns, [PORT, '--address', '::ffff:127.0.0.1']))).toEqual(['listener']);
  const beside = await why(ns, [PORT + 1, '--family', '4']);
  expect(beside).toMatchObject({ bindable: true, causes: [] });
  expect(beside.notes.map(({ kind }) => kind)).toEqual(['beside']);
  const six = await why(ns, [PORT + 1]);
  expect(kinds(six)).toEqual(['listener']);
  expect(six.causes[0]?.remedies.map(({ title }) => title).join(' ')).toContain('0.0.0.0');
});

liveTest('one address in use leaves the others; those it offers work', {}, async (ns) => {
  await take(ns, 'ip addr add 10.1.2.3/32 dev lo');
  await ns.robot.step(listener('l', [V4, PORT]));
  const answer = await why(ns, [PORT, '--family', '4']);
  expect(kinds(answer)).toEqual(['listener']);
  const offer = answer.causes[0]?.remedies.map(({ title }) => title).join(' ') ?? '';
  expect(offer).toContain('10.1.2.3');
  expect(offer).not.toContain(V4);
  const other = await why(ns, [`10.1.2.3:${PORT}`]);
  expect(other).toMatchObject({ bindable: true, address: '10.1.2.3' });
  expect(other.notes.map(({ kind }) => kind)).toEqual(['beside']);
});

liveTest(
  'a socket that is bound and does not listen is the cause; ending its process frees it',
  {},
  async (ns) => {
    const quiet = await ns.addRobot();
    await quiet.step({ op: 'open', as: 'b', family: 'ipv4', type: 'tcp', bind: [V4, PORT] });
    const answer = await why(ns, [PORT]);
    expect(kinds(answer)).toEqual(['bound', 'dual-stack']);
    expect(pidsOf(only(causeOf(answer, 'bound').holders))).toEqual([quiet.pid]);
    // /proc does not list it: the kernel still says no, and what could not be seen is said.
    const blind = await why(ns, [PORT, '--no-ffi']);
    expect(blind).toMatchObject({ bindable: false, errno: 'EADDRINUSE', changed: null });
    expect(kinds(blind)).toEqual(['unseen']);
    expect(blind.gaps.some(({ what }) => what.includes('bound and not listening'))).toBe(true);
    await take(ns, `${commandOf(causeOf(answer, 'bound'), / kill /)} --yes`);
    for (let tries = 0; (await ns.who(PORT, ['--here'])).holders.length > 0 && tries < 50; tries++)
      await pause(20);
    expect((await why(ns, [PORT])).bindable).toBe(true);
  },
);

liveTest(
  'what has the port on another address or by another transport is left alone by the command that is told',
  {},
  async (ns) => {
    const [wanted, ...others] = [await ns.addRobot(), await ns.addRobot(), await ns.addRobot()];
    await wanted.step(listener('l', [V4, PORT]));
    await others[0]?.step(listener('l', ['127.0.0.2', PORT]));
    await others[1]?.step({ op: 'open', as: 'u', family: 'ipv4', type: 'udp', bind: [V4, PORT] });
    const answer = await why(ns, [`${PORT}/tcp`, '--address', V4]);
    await take(ns, `${commandOf(causeOf(answer, 'listener'), / kill /)} --yes`);
    expect((await why(ns, [`${PORT}/tcp`, '--address', V4])).bindable).toBe(true);
    const left = (await ns.who(PORT, ['--here'])).holders.flatMap(({ owners }) =>
      owners.map(({ pid }) => pid),
    );
    const byNumber = (a: number, b: number): number => a - b;
    expect(left.toSorted(byNumber)).toEqual(others.map(({ pid }) => pid).toSorted(byNumber));
  },
);

liveTest('three of TIME_WAIT are dropped by one command', { needs: ['ss'] }, async (ns) => {
  const client = await ns.addRobot();
  const peers = [V4, '127.0.0.2', '127.0.0.3'];
  for (const to of peers) {
    await ns.robot.step(listener(`s${to}`, [to, 7002], { reuse: true }));
    await client.step({
      op: 'open',
      as: `c${to}`,
      family: 'ipv4',
      type: 'tcp',
      reuse: true,
      bind: [V4, PORT],
      connect: [to, 7002],
    });
    await ns.robot.step({ op: 'accept', of: `s${to}`, as: `a${to}` });
  }
  for (const to of peers) {
    await client.step({ op: 'close', of: `c${to}` });
    await ns.robot.step({ op: 'close', of: `a${to}` });
  }
  const answer = await why(ns, [PORT, '--reuse', 'none']);
  expect(causeOf(answer, 'closing').holders).toHaveLength(3);
  await take(ns, commandOf(causeOf(answer, 'closing'), /ss -K/));
  expect((await why(ns, [PORT, '--reuse', 'none'])).bindable).toBe(true);
});

liveTest('without descriptors it says so, and harms nobody', { needs: ['sleep'] }, async (ns) => {
  const script = [
    'sleep 60 & sleeper=$!',
    'for n in 12 16 18 19 20 21 24 30; do (ulimit -n $n; "$0" "$@" >/dev/null 2>&1); echo "exit $?"; done',
    'kill $sleeper && echo alive',
  ].join('\n');
  const ran = await ns.run('setsid', [
    '-w',
    'bash',
    '-c',
    script,
    process.execPath,
    BIN,
    'why',
    String(PORT),
  ]);
  expect(ran.stdout).toMatch(/alive\n$/);
  expect(ran.code).toBe(0);
  // Whatever the limit: an answer, a refusal, or a Node that cannot start (its own abort); no fault of ours.
  expect(ran.stdout).not.toContain('exit 70');
});

liveTest(
  'where /proc shows nothing of the network, IPv6 is tried all the same',
  { needs: ['root'], ownPids: true },
  async (ns) => {
    await ns.robot.step(listener('l', ['::1', PORT]));
    const script = 'mount -t proc -o subset=pid proc /proc && exec "$0" "$@"';
    const command = [
      '--mount',
      '--pid',
      '--fork',
      'sh',
      '-c',
      script,
      process.execPath,
      BIN,
      'why',
      String(PORT),
      '--json',
    ];
    const ran = await ns.run('unshare', command);
    const answer = JSON.parse(ran.stdout) as WhyV1;
    expect(answer).toMatchObject({ bindable: false, errno: 'EADDRINUSE', address: '::' });
  },
);

/** A server and a client whose local port the kernel chose or `from` says; the server accepts. */
async function connect(server: Robot, client: Robot, to: number, from?: number): Promise<number> {
  await server.step(listener('s', [V4, to], { reuse: true }));
  const port = await client.step({
    op: 'open',
    as: 'c',
    family: 'ipv4',
    type: 'tcp',
    ...(from === undefined ? {} : { bind: [V4, from] as At }),
    connect: [V4, to],
  });
  await server.step({ op: 'accept', of: 's', as: 'a' });
  return port;
}

liveTest(
  'an outgoing connection is the cause (V1); resetting it frees the port',
  { needs: ['ss'] },
  async (ns) => {
    const client = await ns.addRobot();
    const port = await connect(ns.robot, client, 7000);
    for (const args of [[], ['--no-ffi'], ['--address', V4], ['--family', '4'], ['--reuse', 'none']]) {
      const answer = await why(ns, [port, ...args]);
      expect(answer.errno, args.join(' ')).toBe('EADDRINUSE');
      expect(pidsOf(only(causeOf(answer, 'connection').holders))).toEqual([client.pid]);
    }
    // Other addresses and the other family are free (V1).
    expect((await why(ns, [port, '--address', '127.0.0.2'])).bindable).toBe(true);
    expect((await why(ns, [port, '--family', '6'])).bindable).toBe(true);
    const answer = await why(ns, [port]);
    expect(answer.causes[0]?.text).not.toMatch(/may stand in the way/);
    await take(ns, commandOf(causeOf(answer, 'connection'), /ss -K/));
    const after = await why(ns, [port]);
    expect(after.bindable, JSON.stringify(after.causes)).toBe(true);
    // It lies in the range that this host hands out: that speaks against relying on it.
    expect(after.risks.map(({ id }) => id)).toContain('ephemeral-overlap');
  },
);

/** A port that only a TIME_WAIT of an outgoing connection has. */
async function closed(ns: Namespace, from: number, reuse: boolean): Promise<void> {
  const client = await ns.addRobot();
  await ns.robot.step(listener('s', [V4, 7001], { reuse: true }));
  await client.step({
    op: 'open',
    as: 'c',
    family: 'ipv4',
    type: 'tcp',
    reuse,
    bind: [V4, from],
    connect: [V4, 7001],
  });
  await ns.robot.step({ op: 'accept', of: 's', as: 'a' });
  await client.step({ op: 'close', of: 'c' });
  await ns.robot.steps({ op: 'close', of: 'a' }, { op: 'close', of: 's' });
}

liveTest(
  'TIME_WAIT is the cause, with the time left; dropping it frees the port',
  { needs: ['ss'] },
  async (ns) => {
    await closed(ns, PORT, false);
    for (const args of [[], ['--no-ffi']]) {
      const answer = await why(ns, [PORT, ...args]);
      expect(answer.errno).toBe('EADDRINUSE');
      const holder = only(causeOf(answer, 'closing').holders);
      expect(holder).toMatchObject({ state: 'TIME_WAIT', owners: [] });
      expect(holder.freeInMs).toBeGreaterThan(40_000);
      expect(causeOf(answer, 'closing').remedies[0]?.commands[0]).toMatch(/^sleep [456]\d$/);
    }
    const text = await ns.portolan(['why', String(PORT)]);
    expect(text.stdout.split('\n')[0]).toMatch(/TIME_WAIT keeps it for another \d+\.\d s/);
    await take(ns, commandOf(causeOf(await why(ns, [PORT]), 'closing'), /ss -K/));
    expect((await why(ns, [PORT])).bindable).toBe(true);
  },
);

liveTest('TIME_WAIT goes after the time that is told', { timeout: 180_000 }, async (ns) => {
  await closed(ns, PORT, false);
  const answer = await why(ns, [PORT]);
  expect(answer.bindable).toBe(false);
  await take(ns, commandOf(causeOf(answer, 'closing'), /^sleep \d+$/));
  expect((await why(ns, [PORT])).bindable).toBe(true);
});

liveTest(
  'where the old socket had set SO_REUSEADDR, it helps: told, and offered where it was not asked',
  {},
  async (ns) => {
    await closed(ns, PORT, true);
    const fine = await why(ns, [PORT]);
    expect(fine).toMatchObject({ bindable: true, changed: null });
    expect(fine.notes.map(({ kind }) => kind)).toEqual(['reuse-needed']);
    const strict = await why(ns, [PORT, '--reuse', 'none']);
    expect(kinds(strict)[0]).toBe('closing');
    expect(JSON.stringify(strict.causes)).toContain('Set SO_REUSEADDR');
    // Without native code the bind without SO_REUSEADDR cannot be tried.
    const inexact = await why(ns, [PORT, '--reuse', 'none', '--no-ffi']);
    expect(inexact.bindable).toBe(null);
    expect(inexact.gaps.some(({ what }) => what.includes('exactly these options'))).toBe(true);
  },
);

liveTest(
  'listeners that share by SO_REUSEPORT: joining is offered, tried, and takes nothing away',
  { needs: ['nobody'] },
  async (ns) => {
    await ns.robot.step(listener('l', [V4, PORT], { reusePort: true }));
    const answer = await why(ns, [PORT, '--address', V4]);
    expect(kinds(answer)).toEqual(['listener']);
    expect(JSON.stringify(answer.causes)).toContain('Set SO_REUSEPORT');
    const joined = await why(ns, [PORT, '--address', V4, '--reuse', 'port']);
    expect(joined).toMatchObject({ bindable: true, listen: false });
    expect(joined.notes.map(({ kind }) => kind)).toEqual(['shared']);
    // Another user may not join.
    const foreign = await why(ns, [PORT, '--address', V4, '--reuse', 'port'], AS_NOBODY);
    expect(foreign).toMatchObject({ bindable: false, errno: 'EADDRINUSE' });
    expect(kinds(foreign)).toEqual(['listener']);
  },
);

liveTest('two UDP sockets with SO_REUSEADDR share a port, and that is told', {}, async (ns) => {
  await ns.robot.step({ op: 'open', as: 'u', family: 'ipv4', type: 'udp', reuse: true, bind: [V4, PORT] });
  const alone = await why(ns, [`${PORT}/udp`]);
  expect(kinds(alone)).toEqual(['listener', 'dual-stack']);
  expect(JSON.stringify(alone.causes)).toContain('Set SO_REUSEADDR');
  const shared = await why(ns, [`${PORT}/udp`, '--reuse', 'addr']);
  expect(shared.bindable).toBe(true);
  expect(shared.notes.map(({ kind }) => kind)).toEqual(['shared']);
  // TCP on the same number is another thing.
  expect((await why(ns, [PORT])).bindable).toBe(true);
});

liveTest('a low port needs a privilege; each way to it works', { needs: ['nobody'] }, async (ns) => {
  expect((await why(ns, [80])).bindable).toBe(true);
  for (const args of [[], ['--no-ffi'], ['--family', '6']]) {
    const answer = await why(ns, [80, ...args], AS_NOBODY);
    expect(answer).toMatchObject({ bindable: false, errno: 'EACCES' });
    expect(kinds(answer)).toEqual(['privileged']);
  }
  expect((await why(ns, ['80/udp'], AS_NOBODY)).errno).toBe('EACCES');
  const { remedies } = causeOf(await why(ns, [80], AS_NOBODY), 'privileged');

  // What AmbientCapabilities= does for a unit.
  expect(remedies[0]?.title).toContain('AmbientCapabilities=CAP_NET_BIND_SERVICE');
  const ambient = await ns.run('setpriv', [
    '--reuid',
    String(NOBODY),
    '--regid',
    String(NOBODY),
    '--clear-groups',
    '--inh-caps=+net_bind_service',
    '--ambient-caps=+net_bind_service',
    process.execPath,
    BIN,
    'why',
    '80',
    '--json',
  ]);
  expect(read(ambient).bindable).toBe(true);

  const sysctl = remedies.find(({ commands }) => commands.some((command) => command.includes('sysctl')));
  await take(ns, sysctl?.commands[0]);
  expect((await why(ns, [80], AS_NOBODY)).bindable).toBe(true);
  expect((await why(ns, [79], AS_NOBODY)).bindable).toBe(false);
  await take(ns, sysctl?.undo[0]);
  expect((await why(ns, [80], AS_NOBODY)).bindable).toBe(false);
});

liveTest(
  'the capability on the program’s file opens low ports',
  { needs: ['nobody', 'setcap'] },
  async (ns) => {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-why-'));
    ns.finally(() => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o755);
    const program = join(folder, 'node');
    copyFileSync(SINGLE ?? process.execPath, program);
    const args = [...(SINGLE === null ? [BIN] : []), 'why', '80', '--json'];
    const { remedies } = causeOf(await why(ns, [80], AS_NOBODY), 'privileged');
    const remedy = remedies.find(({ commands }) => commands.some((command) => command.includes('setcap')));
    const tryIt = async (): Promise<WhyV1> => read(await ns.run(program, args, AS_NOBODY));
    expect((await tryIt()).bindable).toBe(false);
    await take(ns, remedy?.commands[0]?.replace('PROGRAM', program));
    expect((await tryIt()).bindable).toBe(true);
    await take(ns, remedy?.undo[0]?.replace('PROGRAM', program));
    expect((await tryIt()).bindable).toBe(false);
  },
);

liveTest(
  'root of a user namespace that does not own the network is told so',
  { needs: ['root'] },
  async (ns) => {
    const ran = await ns.run('unshare', [
      '--user',
      '--map-root-user',
      process.execPath,
      BIN,
      'why',
      '80',
      '--json',
    ]);
    const answer = read(ran);
    expect(answer.errno).toBe('EACCES');
    expect(causeOf(answer, 'privileged').text).toMatch(/user namespace/);
  },
);

liveTest(
  'an address that is not here: adding it or allowing it works, and so do those it offers',
  {},
  async (ns) => {
    for (const args of [[], ['--no-ffi']]) {
      const answer = await why(ns, [PORT, '--address', '10.9.8.7', ...args]);
      expect(answer.errno).toBe('EADDRNOTAVAIL');
      expect(causeOf(answer, 'address-not-here').text).toContain(V4);
    }
    const six = causeOf(await why(ns, [PORT, '--address', '2001:db8::7']), 'address-not-here');
    const four = causeOf(await why(ns, [PORT, '--address', '10.9.8.7']), 'address-not-here');
    for (const [address, { remedies }] of [
      ['10.9.8.7', four],
      ['2001:db8::7', six],
    ] as const) {
      for (const remedy of remedies.filter(({ commands }) => commands.length > 0)) {
        await take(ns, remedy.commands[0]);
        const answer = await why(ns, [PORT, '--address', address]);
        // A new IPv6 address waits for nobody on loopback.
        expect(answer.bindable, `${remedy.commands[0]}: ${JSON.stringify(answer.causes)}`).toBe(true);
        await take(ns, remedy.undo[0]);
        expect((await why(ns, [PORT, '--address', address])).bindable).toBe(false);
      }
    }
  },
);

liveTest('a link-local address wants its interface', {}, async (ns) => {
  await take(ns, 'ip addr add fe80::77/64 dev lo nodad');
  const bare = await why(ns, [PORT, '--address', 'fe80::77']);
  expect(bare.errno).toBe('EINVAL');
  const { text, remedies } = causeOf(bare, 'address-not-here');
  expect(text).toContain('lo');
  expect(remedies[0]?.title).toContain('fe80::77%lo');
  // It is here, so that the answer may not begin with that it is not.
  const told = await ns.run(process.execPath, [BIN, 'why', String(PORT), '--address', 'fe80::77']);
  expect(told.stdout).toMatch(/cannot be bound here: \[fe80::77\] needs its interface to be named\./);
  for (const args of [[], ['--no-ffi']]) {
    const full = await why(ns, [PORT, '--address', 'fe80::77%lo', ...args]);
    expect(full).toMatchObject({ bindable: true, address: 'fe80::77%lo' });
  }
  const wrong = await why(ns, [PORT, '--address', 'fe80::77%nope']);
  expect(wrong.errno).toBe('ENODEV');
  expect(causeOf(wrong, 'address-not-here').text).toContain('nope');
});

liveTest(
  'an address whose check is still running is told so, and works once it has ended',
  {},
  async (ns) => {
    await take(
      ns,
      'ip link add d0 type veth peer name d1 && sysctl -w net.ipv6.conf.d0.dad_transmits=4 && ip link set d1 up && ' +
        'ip link set d0 up && ip addr add 2001:db8::5/64 dev d0',
    );
    const args = [PORT, '--address', '2001:db8::5'];
    const answer = await why(ns, args);
    expect(answer.errno).toBe('EADDRNOTAVAIL');
    expect(causeOf(answer, 'address-not-here').text).toContain('d0');
    let bindable: boolean | null = false;
    for (let tries = 0; bindable !== true && tries < 100; tries++) {
      await pause(200);
      ({ bindable } = await why(ns, args));
    }
    expect(bindable).toBe(true);
  },
);

liveTest('IPv6 that is switched off is told so; switching it on works', {}, async (ns) => {
  await take(ns, 'sysctl -w net.ipv6.conf.all.disable_ipv6=1');
  const answer = await why(ns, [PORT, '--address', '::1']);
  const cause = causeOf(answer, 'family-unsupported');
  await take(ns, cause.remedies[0]?.commands[0]);
  expect((await why(ns, [PORT, '--address', '::1'])).bindable).toBe(true);
});

liveTest('no IPv6 at all: the usual bind is IPv4, and IPv6 is told to be missing', {}, async (ns) => {
  const under = (args: readonly string[]): ReturnType<Namespace['run']> =>
    ns.run(process.execPath, [
      scenario('refuse.mjs'),
      'socket6',
      'EAFNOSUPPORT',
      process.execPath,
      BIN,
      'why',
      String(PORT),
      '--json',
      ...args,
    ]);
  expect(read(await under([]))).toMatchObject({ bindable: true, address: '0.0.0.0', family: 'ipv4' });
  const six = read(await under(['--family', '6']));
  expect(six).toMatchObject({ bindable: false, errno: 'EAFNOSUPPORT' });
  expect(causeOf(six, 'family-unsupported').remedies[0]?.title).toContain('0.0.0.0');
  expect(read(await under(['--family', '4'])).bindable).toBe(true);
});

liveTest('a refusal by policy is named as what it may be', {}, async (ns) => {
  for (const errno of ['EACCES', 'EPERM']) {
    for (const args of [[], ['--no-ffi']]) {
      const ran = await ns.run(process.execPath, [
        scenario('refuse.mjs'),
        'bind',
        errno,
        process.execPath,
        BIN,
        'why',
        String(PORT),
        '--json',
        ...args,
      ]);
      const answer = read(ran);
      expect(answer).toMatchObject({ bindable: false, errno });
      expect(causeOf(answer, 'security-module').text).toContain('seccomp filter');
    }
  }
});

liveTest(
  'reserved and handed-out ports can be bound; the reserve remedy takes the risk away',
  { needs: ['root'] },
  async (ns) => {
    const before = await why(ns, [60_163]);
    const risk = before.risks.find(({ id }) => id === 'ephemeral-overlap');
    expect(before).toMatchObject({ bindable: true });
    const text = await ns.portolan(['why', '60163']);
    expect(text.stdout.split('\n')[0]).toContain('do not rely on it');
    const remedy = risk?.remedies.find(({ commands }) => commands.length > 0);
    const root = mkdtempSync(join(tmpdir(), 'portolan-why-'));
    ns.finally(() => rmSync(root, { recursive: true, force: true }));
    await take(ns, `${remedy?.commands[0]} --config-root ${root}`);
    const after = await why(ns, [60_163]);
    expect(after.bindable).toBe(true);
    expect(after.risks.map(({ id }) => id)).not.toContain('ephemeral-overlap');
    expect(after.notes.map(({ kind }) => kind)).toEqual(['reserved']);
  },
);

liveTest(
  'another network namespace does not keep the port; that it is held there is told',
  { needs: ['root'] },
  async (ns) => {
    await ns.robot.steps(
      {
        op: 'spawn',
        as: 'there',
        file: 'unshare',
        args: [
          '--net',
          process.execPath,
          '-e',
          `require('net').createServer().listen(${PORT}, () => console.log(1)); process.stdin.resume().on('end', () => process.exit())`,
        ],
      },
      { op: 'said', of: 'there' },
    );
    const answer = read(await ns.portolan(['why', String(PORT), '--json']));
    expect(answer).toMatchObject({ bindable: true, causes: [], changed: null });
    const note = only(answer.notes.filter(({ kind }) => kind === 'namespace'));
    expect(note.holders.some(({ local, namespace }) => local.port === PORT && namespace !== null)).toBe(true);
    expect((await why(ns, [PORT])).notes).toEqual([]);
  },
);

liveTest(
  'a rule that sends the port elsewhere does not keep it from being bound, and is told',
  { needs: ['root', 'nft'] },
  async (ns) => {
    await take(
      ns,
      "nft add table ip t && nft 'add chain ip t pre { type nat hook prerouting priority -100; }' && " +
        `nft add rule ip t pre tcp dport ${PORT} redirect to :81`,
    );
    const answer = await why(ns, [PORT]);
    expect(answer).toMatchObject({ bindable: true, causes: [] });
    expect(only(only(answer.notes).holders)).toMatchObject({ kind: 'redirect', state: 'REDIRECT' });
    const text = await ns.portolan(['why', String(PORT)]);
    expect(text.stdout.split('\n')[0]).toContain('a rule sends its traffic elsewhere');
  },
);

liveTest(
  'a tunnel of the kernel is the cause; setting its interface down frees the port',
  { needs: ['root', 'vxlan'] },
  async (ns) => {
    await take(ns, 'ip link add vx0 type vxlan id 1 dstport 4789 && ip link set vx0 up');
    const answer = await why(ns, ['4789/udp', '--family', '4']);
    expect(kinds(answer)).toEqual(['kernel']);
    expect(answer.causes[0]?.holders[0]).toMatchObject({ kind: 'kernel', owners: [] });
    const found = await ns.run('sh', ['-c', commandOf(causeOf(answer, 'kernel'), /^ip /)]);
    const name = /^\d+: (\w+):/.exec(found.stdout)?.[1];
    expect(name).toBe('vx0');
    await take(ns, `ip link set ${name} down`);
    expect((await why(ns, ['4789/udp', '--family', '4'])).bindable).toBe(true);
  },
);

liveTest(
  'a closed connection of a dual-stack server is dropped by the command that is told',
  { needs: ['ss'] },
  async (ns) => {
    const client = await ns.addRobot();
    await ns.robot.step(listener('s', ['::', PORT], { v6only: false }));
    await client.step({ op: 'open', as: 'c', family: 'ipv4', type: 'tcp', connect: [V4, PORT] });
    await ns.robot.steps({ op: 'accept', of: 's', as: 'a' }, { op: 'close', of: 'a' });
    await client.step({ op: 'close', of: 'c' });
    await ns.robot.step({ op: 'close', of: 's' });
    const answer = await why(ns, [PORT, '--family', '4']);
    const holder = only(causeOf(answer, 'closing').holders);
    expect(holder.local.address).toBe('::ffff:127.0.0.1');
    await take(ns, commandOf(causeOf(answer, 'closing'), /ss -K/));
    expect((await why(ns, [PORT, '--family', '4'])).bindable).toBe(true);
  },
);

liveTest('port 0 works until none is left to choose', {}, async (ns) => {
  const free = await why(ns, [0]);
  expect(free.bindable).toBe(true);
  expect(free.notes.map(({ kind }) => kind)).toEqual(['any-port']);
  await take(ns, "echo '50000 50001' > /proc/sys/net/ipv4/ip_local_port_range");
  await ns.robot.steps(
    listener('a', ['::', 50_000], { v6only: false }),
    listener('b', ['::', 50_001], { v6only: false }),
  );
  const full = await why(ns, [0]);
  expect(full).toMatchObject({ bindable: false, errno: 'EADDRINUSE' });
  expect(kinds(full)).toEqual(['exhausted']);
});

/** A copy of the built program whose child first does `act` (CommonJS text) when it is asked for the first time. */
function withChild(ns: Namespace, act: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-why-'));
  ns.finally(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(DIST, join(folder, 'dist'), { recursive: true, filter: (path) => !path.includes('/types') });
  copyFileSync(join(dirname(DIST), 'package.json'), join(folder, 'package.json'));
  writeFileSync(
    join(folder, 'dist', 'bind-child.cjs'),
    `const { spawn } = require('node:child_process');
     const child = spawn(process.execPath, [${JSON.stringify(join(DIST, 'bind-child.cjs'))}, process.argv[2]],
       { stdio: ['pipe', 'inherit', 'inherit'] });
     const act = ${act};
     let first = true;
     process.stdin.on('data', async (line) => {
       if (first) { first = false; await act(); }
       child.stdin.write(line);
     }).on('end', () => process.exit(0));`,
  );
  return join(folder, 'dist', 'bin.cjs');
}

liveTest('who comes or goes between look and bind is told as a change', {}, async (ns) => {
  const came = withChild(
    ns,
    `() => new Promise((done) => require('node:net').createServer().listen(${PORT}, '${V4}', done))`,
  );
  const answer = read(await ns.run(process.execPath, [came, 'why', String(PORT), '--json']));
  expect(answer.bindable).toBe(false);
  expect(answer.changed?.came.map(({ kind }) => kind)).toEqual(['listener']);
  expect(answer.changed?.gone).toEqual([]);
  expect(only(causeOf(answer, 'listener').holders).local).toEqual({ address: V4, port: PORT });

  const server = await ns.addRobot();
  await server.step(listener('l', [V4, PORT + 1]));
  const gone = withChild(
    ns,
    `async () => {
       process.kill(${server.pid}, 'SIGKILL');
       for (let n = 0; n < 500; n++) {
         if (!require('node:fs').readFileSync('/proc/net/tcp', 'latin1').includes(':${(PORT + 1).toString(16).toUpperCase()} 00000000')) return;
         await new Promise((done) => setTimeout(done, 5));
       }
     }`,
  );
  const after = read(await ns.run(process.execPath, [gone, 'why', String(PORT + 1), '--json']));
  expect(after.bindable).toBe(true);
  expect(after.changed?.gone.map(pidsOf)).toEqual([[server.pid]]);
  expect(after.changed?.came).toEqual([]);
  await server.end();
});

liveTest('a child that dies or says nothing sensible is a gap and no answer', {}, async (ns) => {
  for (const act of ['() => process.exit(7)', "() => process.stdout.write('nonsense\\n')"]) {
    const program = withChild(ns, act);
    const answer = read(await ns.run(process.execPath, [program, 'why', String(PORT), '--json']));
    expect(answer).toMatchObject({ bindable: null, errno: null, causes: [] });
    expect(answer.gaps.some(({ what }) => what === 'whether it can be bound')).toBe(true);
  }
  await nothingOn(ns, PORT);
});

liveTest(
  'killed at any moment, it leaves no process and no socket',
  { ownPids: true, needs: ['root'] },
  async (ns) => {
    for (let ms = 10; ms <= 190; ms += 12) {
      const child = ns.background(process.execPath, [BIN, 'why', String(PORT), '--reuse', 'none']);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      await pause(ms);
      child.kill('SIGKILL');
      await gone;
    }
    const running = async (): Promise<string> =>
      (await ns.run('sh', ['-c', "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"])).stdout;
    // One that is only starting must come so far as to see that nobody is there, however busy the machine is.
    for (let tries = 0; (await running()).includes('bind-child.cjs') && tries < 1000; tries++)
      await pause(20);
    expect(await running()).not.toContain('bind-child.cjs');
    await nothingOn(ns, PORT);
  },
);

liveTest('the library gives the same answer, and an aborted question ends with its child', {}, async (ns) => {
  await ns.robot.step(listener('l', [V4, PORT]));
  const ask = (body: string): ReturnType<Namespace['run']> =>
    ns.run(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { why } from ${JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href)}; ${body}`,
    ]);
  const told = await ask(
    `process.stdout.write(JSON.stringify(await why(${PORT}, { address: '127.0.0.1' })))`,
  );
  const answer = checked<WhyV1>(told.stdout);
  expect(answer).toMatchObject({ bindable: false, address: V4, reuse: 'addr' });
  expect(pidsOf(only(causeOf(answer, 'listener').holders))).toEqual([ns.robot.pid]);

  // The process ends by itself only once its child has.
  const aborted = await ask(
    `const signal = AbortSignal.timeout(20);
     await why(${PORT}, { signal }).then(() => process.exit(9), (error) => process.stdout.write(error.name));
     await why(${PORT}, { signal }).then(() => process.exit(8), (error) => process.stdout.write(error.name));
     await why(${PORT}, { address: 'x' }).catch((error) => process.stdout.write(error.code));`,
  );
  expect(aborted, aborted.stderr).toMatchObject({ code: 0, stdout: 'TimeoutErrorTimeoutErrorUSAGE' });
});

liveTest('wrong words are told before anything is tried', {}, async (ns) => {
  const cases = [
    ['1-3'],
    ['80/sctp'],
    ['80', '--family', '5'],
    ['80', '--reuse', 'maybe'],
    ['80', '--address', 'localhost'],
    ['80', '--address', '::1', '--family', '4'],
    ['80', '81'],
    [],
  ];
  for (const args of cases) {
    const ran = await ns.portolan(['why', ...args]);
    expect(ran.code, args.join(' ')).toBe(2);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(/^portolan: /);
    expect(ran.stderr).not.toContain('fault in Portolan');
  }
});

/** Addresses whose overlaps are all different; [::] is three of them, as it has options of its own. */
const ADDRESSES = [V4, '127.0.0.2', '0.0.0.0', '::', '::', '::', '::1', '::ffff:127.0.0.1'] as const;

interface Wanted {
  readonly address: string;
  readonly v6only: boolean;
  readonly reuse: 'addr' | 'port' | 'both' | 'none';
}

const wanted: fc.Arbitrary<Wanted> = fc.record({
  address: fc.constantFrom(...ADDRESSES),
  v6only: fc.boolean(),
  reuse: fc.constantFrom('addr', 'port', 'both', 'none'),
});

/** The robot's step for a bind; V6ONLY is set as `why` sets it. */
function openStep(as: string, type: 'tcp' | 'udp', port: number, want: Wanted, listen: boolean): Step {
  const { address, reuse } = want;
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  return {
    op: 'open',
    as,
    family,
    type,
    ...(family === 'ipv6' ? { v6only: address === '::' && want.v6only } : {}),
    reuse: reuse === 'addr' || reuse === 'both',
    reusePort: reuse === 'port' || reuse === 'both',
    bind: [address, port],
    ...(type === 'tcp' && listen ? { listen: 4 } : {}),
  };
}

liveTest(
  'its answer is what a real bind gives, whatever is on the port',
  { timeout: 300_000 },
  async (ns) => {
    const peer = ['127.0.0.1', 7777] as const;
    await ns.robot.step(listener('peer', peer));
    const held = fc.array(
      fc.record({ want: wanted, how: fc.constantFrom('listen', 'bind', 'connect', 'closing') }),
      { minLength: 1, maxLength: 3 },
    );
    let port = 20_000;
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(held, wanted, fc.constantFrom('tcp', 'udp'), async (holds, want, type) => {
        port++;
        const open: string[] = [];
        for (const [index, { want: other, how }] of holds.entries()) {
          const as = `h${index}`;
          const step = openStep(as, type, port, other, how === 'listen');
          const connects = type === 'tcp' && (how === 'connect' || how === 'closing') && other.address === V4;
          try {
            await ns.robot.step(connects ? ({ ...step, connect: peer } as Step) : step);
            open.push(as);
          } catch {
            // The sockets themselves may stand in each other's way.
            continue;
          }
          if (!connects) continue;
          await ns.robot.step({ op: 'accept', of: 'peer', as: `${as}p` });
          if (how === 'closing') {
            await ns.robot.steps({ op: 'close', of: as }, { op: 'close', of: `${as}p` });
            open.pop();
          } else open.push(`${as}p`);
        }
        const before = (await ns.who(`${port}/${type}`, ['--here'])).holders.length;
        const flags = ['--address', want.address, '--reuse', want.reuse];
        if (want.address === '::' && want.v6only) flags.push('--family', '6');
        const answer = await why(ns, [`${port}/${type}`, ...flags]);
        const real = await ns.robot
          .steps(openStep('real', type, port, want, true), { op: 'close', of: 'real' })
          .then(
            () => true,
            () => false,
          );
        expect(answer.bindable, JSON.stringify(answer.causes)).toBe(real);
        expect(answer.changed).toBe(null);
        if (!real) {
          refusals++;
          expect(answer.causes.some(({ holders }) => holders.length > 0)).toBe(true);
          expect(kinds(answer)).not.toContain('unseen');
        }
        expect((await ns.who(`${port}/${type}`, ['--here'])).holders).toHaveLength(before);
        for (const of of open) await ns.robot.step({ op: 'close', of });
      }),
      { numRuns: 60 },
    );
    expect(refusals).toBeGreaterThan(10);
  },
);
