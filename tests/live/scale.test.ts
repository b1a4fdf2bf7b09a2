// Many sockets, and sockets that come and go while they are looked at: nothing is lost, nothing crashes, and no
// process is named for a socket it never had.
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { liveTest, type Namespace, type Robot, type Step, scenario, sleepFile } from './namespace.ts';

liveTest('four thousand listeners of four processes are all listed, each with its owner', {}, async (ns) => {
  const robots: Robot[] = [ns.robot, await ns.addRobot(), await ns.addRobot(), await ns.addRobot()];
  const wanted = new Map<string, number>();
  await Promise.all(
    robots.map(async (robot, r) => {
      const steps: Step[] = [];
      // Below 1024 descriptors a process, the usual soft limit.
      for (let i = 0; i < 950; i++) {
        const address = `127.0.${1 + r}.${1 + (i % 19)}`;
        const port = 10_000 + Math.floor(i / 19);
        wanted.set(`${address}:${port}`, robot.pid);
        steps.push({
          op: 'open',
          as: `l${i}`,
          family: 'ipv4',
          type: 'tcp',
          bind: [address, port],
          listen: 1,
        });
      }
      for (let i = 0; i < 50; i++) {
        const port = 20_000 + r * 50 + i;
        wanted.set(`::1:${port}`, robot.pid);
        steps.push({ op: 'open', as: `u${i}`, family: 'ipv6', type: 'udp', bind: ['::1', port] });
      }
      await robot.steps(...steps);
    }),
  );
  expect(wanted.size).toBe(4000);
  for (const args of [[], ['--no-ffi']]) {
    const { holders } = await ns.list(args);
    const seen = holders.map(({ local, owners, kind }) => {
      expect(kind).toBe('listener');
      expect(owners).toHaveLength(1);
      return [`${local.address}:${local.port}`, owners[0]?.pid] as const;
    });
    expect(seen).toHaveLength(wanted.size);
    expect(new Map(seen)).toEqual(wanted);
  }
  // One port of many addresses: 19 in each of four networks.
  const one = await ns.who(10_007);
  expect(one.holders).toHaveLength(76);
  const some = await ns.list(['--port', '10000-10009', '--transport', 'tcp']);
  expect(some.holders).toHaveLength(760);
  const text = await ns.portolan(['list', '--here']);
  expect(text.stdout.split('\n').filter((line) => /^\s*\d+\/(tcp|udp)\s/.test(line))).toHaveLength(
    wanted.size,
  );
});

/** Copies of sleep under three names, in a folder that goes with the test. */
function copies(ns: Namespace): Record<'even' | 'odd' | 'decoy', string> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-live-'));
  ns.finally(() => rmSync(folder, { recursive: true, force: true }));
  const [even, odd, decoy] = ['holds-even', 'holds-odd', 'holds-nothing'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  copyFileSync(sleepFile() ?? '', even);
  linkSync(even, odd);
  linkSync(even, decoy);
  return { even, odd, decoy };
}

/** How often process ids have to be used again for a look among them to tell anything. */
const REUSES = 10;

/** Longest time to go on looking for a first child, and until ids have been used again. */
const MEET_MS = 60_000;

/**
 * Children that hold a listener for a blink each: executables `holds-even` on even ports, `holds-odd` on odd ones,
 * `holds-nothing` on none. Whoever is named for a port must be of the right name; besides, only the parent that
 * opened the socket, or its fork before the child's name is in place, may be.
 */
async function churn(
  ns: Namespace,
  looks: number,
  reuse: boolean,
): Promise<{ named: number; reused: number }> {
  const { even, odd, decoy } = copies(ns);
  const child = ns.background(process.execPath, [
    scenario('churn.mjs'),
    even,
    odd,
    decoy,
    reuse ? 'reuse' : '',
  ]);
  const said: string[] = [];
  const err: string[] = [];
  child.stderr?.on('data', (text: Buffer) => err.push(text.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text: Buffer) => {
      said.push(text.toString());
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`churn.mjs ended with ${code}: ${err.join('')}`)));
  });
  let named = 0;
  const counts = (): { reused: number; rounds: number } =>
    JSON.parse(said.join('').split('\n').at(-2) ?? '{}') as { reused: number; rounds: number };
  const deadline = Date.now() + MEET_MS;
  // Thirty looks may all miss the children, or be over before the first id comes again: look on for a while.
  const early = (): boolean => named === 0 || (reuse && counts().reused <= REUSES);
  for (let look = 0; look < looks || (early() && Date.now() < deadline); look++) {
    const { holders } = await ns.list(look % 2 === 0 ? [] : ['--no-ffi']);
    for (const holder of holders) {
      expect(holder.local.port).toBeGreaterThanOrEqual(20_000);
      // A socket whose process has just died is not the kernel's own.
      expect(holder.kind, `look ${look}: ${JSON.stringify(holder)}`).toBe('listener');
      for (const owner of holder.owners) {
        const wanted = holder.local.port % 2 === 0 ? even : odd;
        const what = `look ${look}, port ${holder.local.port}: ${JSON.stringify(owner)}`;
        // A process that is about to end has no executable any more; its command name still tells.
        const names = [wanted, process.execPath].map((file) => basename(file));
        if (owner.exe !== null) expect([wanted, process.execPath], what).toContain(owner.exe);
        expect(names, what).toContain(owner.name);
        expect(owner.pid, what).toBeGreaterThan(0);
        if (owner.name === names[0]) named++;
      }
    }
    // Between the looks the children go on: that they did is checked by the names that were found.
    expect(child.exitCode, err.join('')).toBeNull();
  }
  const { reused, rounds } = counts();
  expect(rounds).toBeGreaterThan(10);
  return { named, reused };
}

liveTest(
  'listeners that die while they are looked at never name a wrong process',
  {
    needs: ['sleep'],
  },
  async (ns) => {
    const { named } = await churn(ns, 30, false);
    expect(named, 'no look ever met a child').toBeGreaterThan(0);
  },
);

liveTest(
  'nor where process ids are used again at once',
  {
    needs: ['sleep', 'pid-reuse'],
    ownPids: true,
  },
  async (ns) => {
    const { named, reused } = await churn(ns, 30, true);
    expect(named, 'no look ever met a child').toBeGreaterThan(0);
    expect(reused, 'no process id was used again').toBeGreaterThan(REUSES);
  },
);

/** A scenario that says "ready" once and goes on until the test has ended. */
async function ready(ns: Namespace, name: string, port: number): Promise<ChildProcess> {
  const child = ns.background(process.execPath, [scenario(name), String(port)]);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return child;
}

liveTest('a socket that only one thread has is its process’s', {}, async (ns) => {
  const child = await ready(ns, 'thread.mjs', 4001);
  for (const args of [[], ['--no-ffi']]) {
    const { holders } = await ns.who(4001, args);
    expect(holders).toHaveLength(1);
    expect(holders[0]?.owners.map(({ pid }) => pid)).toEqual([child.pid]);
  }
});

liveTest('a port that is always held, by ever another socket, is never called free', {}, async (ns) => {
  const port = 5557;
  const child = await ready(ns, 'hop.mjs', port);
  for (let look = 0; look < 15; look++) {
    const args = look % 2 === 0 ? [] : ['--no-ffi'];
    const { verdict, holders } = await ns.who(`${port}/udp`, args);
    expect(verdict, `look ${look}`).toBe('held');
    for (const { kind, owners } of holders) {
      expect(kind).toBe('listener');
      for (const owner of owners) expect(owner.pid).toBe(child.pid);
    }
  }
  expect(child.exitCode).toBeNull();
});
