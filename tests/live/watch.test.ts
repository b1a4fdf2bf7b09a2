// `portolan watch` on real sockets: what comes and goes is told, with whose it is, by messages of the kernel and by
// polls; and whatever ends a watch, nothing of it is left behind.
import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { EventV1 } from '@portolan/core';
import { expect } from 'vitest';
import { checked } from '../cli/program.ts';
import { BIN, liveTest, type Namespace, NOBODY, pause, pidsOf } from './namespace.ts';

const V4 = '127.0.0.1';
const UNSHARE = 'unshare';
const TRACEFS = '/sys/kernel/tracing';
/** How long something may take to be told before it is clearly missing. */
const TOLD_MS = 20_000;

/** A watch that runs in a namespace, and what it has told. */
class Watching {
  readonly child: ChildProcess;
  readonly events: EventV1[] = [];
  readonly ended: Promise<number | null>;
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('close', resolve);
    });
    child.stderr?.on('data', (text: Buffer) => {
      this.stderr += text.toString();
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => this.events.push(checked<EventV1>(line)));
    }
  }

  /** Waits until it says on stderr how it watches: from then on nothing is missed. */
  async begun(): Promise<string> {
    await until(
      () => /change of\s+owner/i.test(this.stderr),
      () => `no word of how it watches: ${this.stderr}`,
    );
    return this.stderr.replace(/\s+/g, ' ');
  }

  /** Waits for an event, after those that were found before. */
  async told(change: EventV1['change'], port: number, kind?: string): Promise<EventV1> {
    const find = (): EventV1 | undefined =>
      this.of(port).find((e) => e.change === change && (kind ?? e.holder.kind) === e.holder.kind);
    await until(
      () => find() !== undefined,
      () => `no ${change} of ${port}: ${JSON.stringify(this.events)} ${this.stderr}`,
    );
    const found = find();
    if (found === undefined) throw new Error('gone');
    return found;
  }

  of(port: number): EventV1[] {
    return this.events.filter(({ holder }) => holder.local.port === port);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }
}

async function until(test: () => boolean, why: () => string): Promise<void> {
  for (const begun = Date.now(); !test(); await pause(10)) {
    if (Date.now() - begun > TOLD_MS) throw new Error(why());
  }
}

/** Starts a watch; with `trace` in a mount namespace of its own that has tracefs, else in one that has none. */
function start(
  ns: Namespace,
  args: readonly string[],
  options: { trace?: boolean; uid?: number } = {},
): Watching {
  const mount =
    options.trace === true ? `mount -t tracefs nodev ${TRACEFS}` : `mount -t tmpfs nodev ${TRACEFS}`;
  const ids =
    options.uid === undefined
      ? []
      : ['setpriv', '--reuid', String(options.uid), '--regid', String(options.uid), '--clear-groups'];
  const script = `${mount} && exec "$@"`;
  const command = ['-m', 'sh', '-c', script, 'sh', ...ids, process.execPath, BIN, 'watch', ...args];
  return new Watching(ns.background(UNSHARE, command));
}

/** Our instances that there are, seen through a mount of our own. */
function instances(): string[] {
  const script = `mount -t tracefs nodev ${TRACEFS} && ls ${TRACEFS}/instances`;
  return spawnSync(UNSHARE, ['-m', 'sh', '-c', script], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((name) => name.startsWith('portolan-'));
}

/** The instance of this watch; its program has replaced the shell, so the pid is that of the child. */
function instanceOf(watching: Watching): string | undefined {
  return instances().find((name) => name.startsWith(`portolan-${watching.child.pid}-`));
}

liveTest(
  'a listener that comes and goes is told at once, with its owner',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const watching = start(ns, [], { trace: true });
    expect(await watching.begun()).toMatch(/TCP listeners are seen at once, however short they live/);
    await ns.robot.step({ op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7100], listen: 1 });
    const opened = await watching.told('opened', 7100);
    expect(opened.holder).toMatchObject({
      kind: 'listener',
      state: 'LISTEN',
      local: { address: V4, port: 7100 },
    });
    expect(pidsOf(opened.holder)).toEqual([ns.robot.pid]);
    expect(opened.holder.owners[0]?.inferred).toBe(false);
    await ns.robot.step({ op: 'close', of: 'a' });
    const closed = await watching.told('closed', 7100);
    expect(pidsOf(closed.holder)).toEqual([ns.robot.pid]);
    expect(Date.parse(closed.at)).toBeGreaterThanOrEqual(Date.parse(opened.at));
    expect(watching.of(7100)).toHaveLength(2);
    expect(await watching.stop()).toBe(143);
  },
);

liveTest(
  'of 200 listeners that are gone at once none is lost',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const watching = start(ns, [], { trace: true });
    await watching.begun();
    const ports = Array.from({ length: 200 }, (_, index) => 7200 + index);
    for (const port of ports) {
      await ns.robot.steps(
        { op: 'open', as: 'x', family: 'ipv4', type: 'tcp', bind: [V4, port], listen: 1 },
        { op: 'close', of: 'x' },
      );
    }
    for (const port of ports) await watching.told('closed', port);
    for (const port of ports) {
      const events = watching.of(port);
      expect(
        events.map(({ change }) => change),
        String(port),
      ).toEqual(['opened', 'closed']);
      // Whether the look came in time or not: nobody else is ever named.
      for (const { holder } of events) for (const pid of pidsOf(holder)) expect(pid).toBe(ns.robot.pid);
    }
    await watching.stop();
  },
);

liveTest(
  'a listener of another network namespace is not told, however short',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const native = start(ns, [], { trace: true });
    const files = start(ns, ['--no-ffi'], { trace: true });
    await native.begun();
    await files.begun();
    const script =
      'ip link set lo up; exec "$0" -e "const n = require(\'node:net\'); let p = 7500; const next = () => { if (p === 7520) { const s = n.createServer().listen(7520, () => setTimeout(() => process.exit(0), 500)); return; } const s = n.createServer().listen(p++, () => s.close(next)); }; next()"';
    expect((await ns.run('unshare', ['--net', 'sh', '-c', script, process.execPath])).code).toBe(0);
    // A last one here: all that was before it has been read by then.
    await ns.robot.step({ op: 'open', as: 'a', family: 'ipv6', type: 'tcp', bind: ['::1', 7599], listen: 1 });
    for (const watching of [native, files]) {
      expect(pidsOf((await watching.told('opened', 7599)).holder)).toEqual([ns.robot.pid]);
      expect(watching.events.map(({ holder }) => holder.local.port)).toEqual([7599]);
      await watching.stop();
    }
  },
);

liveTest(
  'connections that a listener takes are no ends of it',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const native = start(ns, [], { trace: true });
    const files = start(ns, ['--no-ffi'], { trace: true });
    const port = start(ns, ['7701'], { trace: true });
    for (const watching of [native, files, port]) await watching.begun();
    const open = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
    for (const number of [7700, 7701]) {
      await ns.robot.step({ ...open, as: 'server', bind: [V4, number], listen: 4, reuse: true });
      for (const watching of number === 7701 ? [native, files, port] : [native, files]) {
        await watching.told('opened', number, 'listener');
      }
      for (let taken = 0; taken < 5; taken++) {
        await ns.robot.steps(
          { ...open, as: 'client', connect: [V4, number] },
          { op: 'accept', of: 'server', as: 'accepted' },
          { op: 'reset', of: 'client' },
          { op: 'close', of: 'accepted' },
        );
      }
      // Longer than what nobody saw go is waited for.
      await pause(700);
      const ending = Date.now();
      await ns.robot.step({ op: 'close', of: 'server' });
      for (const watching of number === 7701 ? [native, files, port] : [native, files]) {
        const closed = await watching.told('closed', number, 'listener');
        // Both are rounded to a millisecond.
        expect(Date.parse(closed.at)).toBeGreaterThanOrEqual(ending - 1);
      }
      // What is only bound has never listened, though connections to the same address were taken before it.
      await ns.robot.steps(
        { ...open, as: 'bound', bind: [V4, number], reuse: true },
        { op: 'close', of: 'bound' },
      );
    }
    await ns.robot.step({ ...open, as: 'last', bind: [V4, 7799], listen: 1 });
    for (const watching of [native, files]) {
      await watching.told('opened', 7799);
      await pause(700);
      for (const number of [7700, 7701]) {
        const listeners = watching.of(number).filter(({ holder }) => holder.kind === 'listener');
        expect(listeners.map(({ change }) => change)).toEqual(['opened', 'closed']);
      }
    }
    const listeners = port.of(7701).filter(({ holder }) => holder.kind === 'listener');
    expect(listeners.map(({ change }) => change)).toEqual(['opened', 'closed']);
    for (const watching of [native, files, port]) await watching.stop();
  },
);

liveTest(
  'a connection that a listener resets is not taken for a listener elsewhere that ended on the same address',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const native = start(ns, [], { trace: true });
    const port = start(ns, ['7710'], { trace: true });
    for (const watching of [native, port]) await watching.begun();
    const open = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
    await ns.robot.step({ ...open, as: 'server', bind: [V4, 7710], listen: 4, reuse: true });
    for (const watching of [native, port]) await watching.told('opened', 7710, 'listener');
    // That it began to listen is forgotten after a while.
    await pause(2600);
    // Its process has gone by the time that the connection is reset, so nobody can say where it was.
    const script =
      'ip link set lo up; exec "$0" -e "const s = require(\'node:net\').createServer().listen(7710, \'127.0.0.1\', () => s.close())"';
    expect((await ns.run(UNSHARE, ['--net', 'sh', '-c', script, process.execPath])).code).toBe(0);
    for (let taken = 0; taken < 3; taken++) {
      await ns.robot.steps(
        { ...open, as: 'client', connect: [V4, 7710] },
        { op: 'accept', of: 'server', as: 'accepted' },
        { op: 'reset', of: 'accepted' },
        { op: 'close', of: 'client' },
      );
    }
    await ns.robot.step({ ...open, as: 'last', bind: [V4, 7719], listen: 1 });
    await native.told('opened', 7719);
    await pause(700);
    for (const watching of [native, port]) {
      const listeners = watching.of(7710).filter(({ holder }) => holder.kind === 'listener');
      expect(listeners.map(({ change }) => change)).toEqual(['opened']);
      await watching.stop();
    }
  },
);

liveTest(
  'a listener that is shut down and listens again closes when it closes',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const watching = start(ns, [], { trace: true });
    await watching.begun();
    await ns.robot.step({ op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7702], listen: 1 });
    await watching.told('opened', 7702);
    const changes = (state: string) => () =>
      watching.of(7702).some(({ change, holder }) => change === 'changed' && holder.state === state);
    await ns.robot.step({ op: 'shutdown', of: 'a' });
    await until(changes('BOUND'), () => JSON.stringify(watching.events));
    await ns.robot.step({ op: 'listen', of: 'a', backlog: 1 });
    await until(changes('LISTEN'), () => JSON.stringify(watching.events));
    await pause(100);
    const ending = Date.now();
    await ns.robot.step({ op: 'close', of: 'a' });
    const closed = await watching.told('closed', 7702);
    // Both are rounded to a millisecond.
    expect(Date.parse(closed.at)).toBeGreaterThanOrEqual(ending - 1);
    await watching.stop();
  },
);

liveTest(
  'without rights: what closes by messages, what opens by polls, and that is said',
  { needs: ['nobody', 'tracefs'] },
  async (ns) => {
    const watching = start(ns, [], { trace: true, uid: NOBODY });
    const how = await watching.begun();
    expect(how).toMatch(/What closes is seen at once\. What opens is seen within \d/);
    expect(how).toMatch(/Without root the kernel does not tell of new listeners\. sudo .*watch/);
    await ns.robot.steps(
      { op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7101], listen: 1 },
      { op: 'open', as: 'u', family: 'ipv6', type: 'udp', bind: ['::1', 7102] },
    );
    expect((await watching.told('opened', 7101)).holder).toMatchObject({ uid: 0, state: 'LISTEN' });
    expect((await watching.told('opened', 7102)).holder).toMatchObject({ transport: 'udp', state: 'UNCONN' });
    await ns.robot.steps({ op: 'close', of: 'a' }, { op: 'close', of: 'u' });
    await watching.told('closed', 7101);
    await watching.told('closed', 7102);
    expect(watching.events).toHaveLength(4);
    await watching.stop();
  },
);

liveTest(
  'without native code, and without a trace: by /proc, and that is said',
  { needs: ['root'] },
  async (ns) => {
    const watching = start(ns, ['--no-ffi']);
    const how = await watching.begun();
    expect(how).toMatch(/What opens and closes is seen within \d/);
    expect(how).toMatch(/trace is not mounted.* mount -t tracefs nodev \/sys\/kernel\/tracing/);
    expect(how).toMatch(/bound and not listening are not seen/);
    await ns.robot.step({ op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7103], listen: 1 });
    expect(pidsOf((await watching.told('opened', 7103)).holder)).toEqual([ns.robot.pid]);
    await ns.robot.step({ op: 'close', of: 'a' });
    await watching.told('closed', 7103);
    await watching.stop();
  },
);

liveTest(
  'with a port: a connection that takes it, and all that becomes of it',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const watching = start(ns, ['60163'], { trace: true });
    await watching.begun();
    const open = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
    await ns.robot.steps(
      { ...open, as: 'server', bind: [V4, 7104], listen: 4 },
      { ...open, as: 'client', bind: [V4, 60_163], connect: [V4, 7104] },
      { op: 'accept', of: 'server', as: 'accepted' },
    );
    const opened = await watching.told('opened', 60_163);
    expect(pidsOf(opened.holder)).toEqual([ns.robot.pid]);
    await until(
      () =>
        watching.events.some(({ holder }) => holder.kind === 'connection' && holder.state === 'ESTABLISHED'),
      () => JSON.stringify(watching.events),
    );
    await ns.robot.steps({ op: 'close', of: 'client' }, { op: 'close', of: 'accepted' });
    const closing = await watching.told('changed', 60_163, 'closing');
    expect(closing.holder).toMatchObject({ owners: [], peer: { address: V4, port: 7104 } });
    // The server's port was not asked about.
    expect(watching.events.every(({ holder }) => holder.local.port === 60_163)).toBe(true);
    await watching.stop();
  },
);

liveTest('a socket that is only bound is told', { needs: ['root'] }, async (ns) => {
  const watching = start(ns, ['--interval', '100']);
  await watching.begun();
  await ns.robot.step({ op: 'open', as: 'b', family: 'ipv4', type: 'tcp', bind: [V4, 7105] });
  expect((await watching.told('opened', 7105)).holder).toMatchObject({ kind: 'bound', state: 'BOUND' });
  await ns.robot.step({ op: 'close', of: 'b' });
  await watching.told('closed', 7105);
  await watching.stop();
});

liveTest(
  'a socket that passes to a child when its parent ends has changed',
  { needs: ['root'] },
  async (ns) => {
    const watching = start(ns, ['7106']);
    await watching.begun();
    const parent = await ns.addRobot();
    await parent.step({ op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7106], listen: 1 });
    expect(pidsOf((await watching.told('opened', 7106)).holder)).toEqual([parent.pid]);
    // Its stdin is one end of a socket pair that the robot holds: a child that must outlive it takes another.
    const child = await parent.step({
      op: 'spawn',
      as: 'child',
      file: '/bin/sh',
      args: ['-c', 'echo up; exec sleep 60 < /dev/null > /dev/null'],
      inherit: ['a'],
    });
    await parent.step({ op: 'said', of: 'child' });
    await parent.end();
    await until(
      () =>
        watching
          .of(7106)
          .some(({ change, holder }) => change === 'changed' && pidsOf(holder).join() === String(child)),
      () => JSON.stringify(watching.events),
    );
    expect(watching.of(7106).some(({ change }) => change === 'closed')).toBe(false);
    process.kill(child, 'SIGKILL');
    await watching.told('closed', 7106);
    await watching.stop();
  },
);

liveTest(
  'whatever ends it, no instance is left, and the exit code says what it was',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
      ['SIGQUIT', 131],
      ['SIGALRM', 142],
      ['SIGUSR2', 140],
      ['SIGXCPU', 152],
    ] as const) {
      const watching = start(ns, [], { trace: true });
      await watching.begun();
      expect(instanceOf(watching), signal).toBeDefined();
      expect(await watching.stop(signal), signal).toBe(code);
      expect(instanceOf(watching), signal).toBeUndefined();
    }
    const timed = start(ns, ['--for', '0.5'], { trace: true });
    expect(await timed.ended).toBe(0);
    expect(instanceOf(timed)).toBeUndefined();

    // A reader that goes away is no failure.
    const unread = start(ns, [], { trace: true });
    await unread.begun();
    unread.child.stdout?.destroy();
    await ns.robot.step({ op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7107], listen: 1 });
    expect(await unread.ended).toBe(0);
    expect(instanceOf(unread)).toBeUndefined();
  },
);

liveTest(
  'what kill -9 left behind is taken away by the next, and only that',
  { needs: ['root', 'tracefs'] },
  async (ns) => {
    const living = start(ns, [], { trace: true });
    const killed = start(ns, [], { trace: true });
    await living.begun();
    await killed.begun();
    await killed.stop('SIGKILL');
    expect(instanceOf(killed)).toBeDefined();
    expect(instanceOf(living)).toBeDefined();

    const next = start(ns, [], { trace: true });
    await next.begun();
    expect(instanceOf(killed)).toBeUndefined();
    expect(instanceOf(living)).toBeDefined();
    // Two at once tell the same.
    await ns.robot.step({ op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 7108], listen: 1 });
    for (const watching of [living, next]) {
      expect(pidsOf((await watching.told('opened', 7108)).holder)).toEqual([ns.robot.pid]);
      await watching.stop();
      expect(instanceOf(watching)).toBeUndefined();
    }
  },
);
