// Two hundred processes that open sockets, hand them on and close them, while the program looks: it never crashes,
// never names a process that cannot have had the socket, and leaves nothing behind. Each family of processes has its
// own ports, so that a wrong owner is told by its port.
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HolderV1 } from '@portolan/core';
import { expect } from 'vitest';
import { liveTest, type Namespace, scenario, sleepFile } from './namespace.ts';

const FAMILIES = 8;
const CHILDREN = 24;
const FIRST = 20_000;
const PORTS = 40;
const CHURN_MS = 10_000;
/** More looks than this are made. */
const LEAST_LOOKS = 3;

interface Family {
  readonly number: number;
  readonly child: ChildProcess;
  said: string;
}

async function families(ns: Namespace): Promise<Family[]> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-live-'));
  ns.finally(() => rmSync(folder, { recursive: true, force: true }));
  const sleep = join(folder, 'sleep');
  copyFileSync(sleepFile() ?? '', sleep);
  return Promise.all(
    Array.from({ length: FAMILIES }, async (_, index) => {
      const args = [String(index), String(FIRST + index * PORTS), String(PORTS), sleep, String(CHILDREN)];
      const child = ns.background(process.execPath, [scenario('family.mjs'), ...args]);
      const family: Family = { number: index, child, said: '' };
      await new Promise<void>((resolve, reject) => {
        child.stdout?.on('data', (text: Buffer) => {
          family.said = text.toString().trim().split('\n').at(-1) ?? '';
          resolve();
        });
        child.once('exit', (code) => reject(new Error(`family.mjs ended with ${code}`)));
      });
      return family;
    }),
  );
}

/** The family that a process is of, by its command line; null where that is already gone. */
function familyOf(argv: readonly string[] | null): number | null {
  if (argv === null) return null;
  // family.mjs and what is forked from it, until it is another program.
  if (argv[1] === scenario('family.mjs')) return Number(argv[2]);
  return Number(argv[1]?.at(-1) ?? Number.NaN);
}

function check(holders: readonly HolderV1[], look: string): number {
  let named = 0;
  for (const holder of holders) {
    const what = `${look}: ${JSON.stringify(holder)}`;
    const wanted = Math.floor((holder.local.port - FIRST) / PORTS);
    expect(wanted, what).toBeGreaterThanOrEqual(0);
    expect(wanted, what).toBeLessThan(FAMILIES);
    expect(holder.kind, what).toBe('listener');
    expect(new Set(holder.owners.map(({ pid }) => pid)).size, what).toBe(holder.owners.length);
    for (const owner of holder.owners) {
      expect(owner.inferred, what).toBe(false);
      expect(['node', 'sleep'], what).toContain(owner.name);
      const family = familyOf(owner.argv);
      if (family === null) continue;
      expect(family, what).toBe(wanted);
      named++;
    }
  }
  return named;
}

liveTest(
  'lists, questions and dry runs while two hundred processes pass sockets around',
  {
    needs: ['sleep'],
    timeout: 120_000,
  },
  async (ns) => {
    const all = await families(ns);
    const crowd = ns.background(process.execPath, [scenario('crowd.mjs'), '2100']);
    await new Promise((resolve) => crowd.stdout?.once('data', resolve));
    const end = Date.now() + CHURN_MS;
    let named = 0;
    let looks = 0;
    let most = 0;
    // Each way is looked by at least once, however long a look takes on a busy machine.
    for (; Date.now() < end || looks <= LEAST_LOOKS; looks++) {
      const way = [[], ['--no-bpf'], ['--no-ffi']][looks % 3] ?? [];
      const { holders } = await ns.list(way);
      most = Math.max(most, new Set(holders.flatMap(({ owners }) => owners.map(({ pid }) => pid))).size);
      named += check(holders, `list ${way.join()} ${looks}`);
      const port = holders[looks % Math.max(holders.length, 1)]?.local.port ?? FIRST;
      named += check((await ns.who(port, way)).holders, `who ${port} ${way.join()} ${looks}`);
      const dry = await ns.portolan(['kill', String(port), '--dry-run', '--json', '--here']);
      // Nobody is stopped; whether there is anybody changes by the millisecond.
      expect([0, 1, 3], dry.stderr).toContain(dry.code);
      expect(() => JSON.parse(dry.stdout) as unknown, dry.stdout).not.toThrow();
      for (const { child, number } of all) expect(child.exitCode, `family ${number}`).toBeNull();
    }
    expect(looks).toBeGreaterThan(LEAST_LOOKS);
    expect(named, 'no look met anybody').toBeGreaterThan(50);
    expect(most, 'processes that hold sockets at one moment').toBeGreaterThan(20);
    let sent = 0;
    let inherited = 0;
    for (const { said } of all) {
      const count = JSON.parse(said) as { inherited: number; sent: number };
      sent += count.sent;
      inherited += count.inherited;
    }
    expect(inherited).toBeGreaterThan(200);
    expect(sent).toBeGreaterThan(FAMILIES);
  },
);

liveTest(
  'a program that asks three hundred times keeps no descriptor, no child, and its namespace',
  { timeout: 180_000 },
  async (ns) => {
    await ns.robot.step({
      op: 'open',
      as: 'l',
      family: 'ipv4',
      type: 'tcp',
      bind: ['127.0.0.1', 7400],
      listen: 1,
    });
    const ran = await ns.run(process.execPath, [scenario('home.mjs'), '300']);
    expect(ran.code, ran.stderr).toBe(0);
    const said = JSON.parse(ran.stdout) as Record<string, unknown>;
    expect(said).toMatchObject({ away: 0, openAfter: said['openBefore'], children: '', mine: [null] });
  },
);
