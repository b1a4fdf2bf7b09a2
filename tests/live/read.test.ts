// What `read` makes of ss, lsof and netstat, beside what the program itself sees of the same sockets at the same moment.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HolderV1 } from '@portolan/core';
import { expect } from 'vitest';
import { type ListV1, liveTest, type Namespace, pidsOf, type Step, sleepFile } from './namespace.ts';

const SOCKETS = 200;
/** Made in addition: of a pair that is closed one socket stays. */
const CLOSED = 60;

/** Numbers from 0 up to `below` that a seed decides (mulberry32, public domain). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Listeners, UDP sockets, connections open and closed on either side, IPv6 with and without IPv4. */
async function make(ns: Namespace, roll: (below: number) => number): Promise<void> {
  const other = await ns.addRobot();
  const homes = ['127.0.0.1', '0.0.0.0', '127.0.0.9', '::1', '::'] as const;
  let made = 0;
  for (let port = 20_000; made < SOCKETS + CLOSED; port++) {
    const robot = roll(2) === 0 ? ns.robot : other;
    const home = homes[roll(homes.length)] ?? '127.0.0.1';
    const family = home.includes(':') ? 'ipv6' : 'ipv4';
    const name = `s${port}`;
    const only = family === 'ipv6' ? { v6only: roll(2) === 0 } : {};
    const open: Step = {
      op: 'open',
      as: name,
      family,
      type: 'tcp',
      reuse: true,
      bind: [home, port],
      ...only,
    };
    if (roll(4) === 0) {
      await robot.steps({ op: 'open', as: name, family, type: 'udp', bind: [home, port], ...only });
      made++;
      continue;
    }
    await robot.steps({ ...open, listen: 5 });
    made++;
    const to = home === '::' || home === '::1' ? '::1' : home === '0.0.0.0' ? '127.0.0.1' : home;
    for (let nth = roll(4); nth > 0; nth--) {
      const [client, accepted] = [`${name}c${nth}`, `${name}a${nth}`];
      const step: Step = {
        op: 'open',
        as: client,
        family: to.includes(':') ? 'ipv6' : 'ipv4',
        type: 'tcp',
        connect: [to, port],
      };
      await robot.steps(step, { op: 'accept', of: name, as: accepted });
      made += 2;
      const end = roll(4);
      if (end === 0) await robot.steps({ op: 'close', of: client }, { op: 'close', of: accepted });
      else if (end === 1) await robot.steps({ op: 'close', of: accepted });
    }
    const sleep = sleepFile();
    if (roll(8) === 0 && sleep !== null) {
      await robot.steps({ op: 'spawn', as: `${name}p`, file: sleep, args: ['300'], inherit: [name] });
    }
  }
}

type Row = Pick<HolderV1, 'kind' | 'transport' | 'local' | 'peer' | 'state' | 'uid' | 'ipv6Only'> & {
  readonly pids: readonly number[];
};

function rows(list: ListV1): Row[] {
  return list.holders
    .map((holder) => ({
      kind: holder.kind,
      transport: holder.transport,
      local: holder.local,
      peer: holder.peer,
      state: holder.state,
      uid: holder.uid,
      ipv6Only: holder.ipv6Only,
      pids: pidsOf(holder).toSorted((a, b) => a - b),
    }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Rows without what a tool does not print. */
function without(all: readonly Row[], ...keys: readonly (keyof Row)[]): unknown[] {
  return all
    .map((row) =>
      JSON.stringify(
        Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key as keyof Row))),
      ),
    )
    .toSorted();
}

liveTest(
  'read: ss, lsof and netstat tell what the program sees itself',
  { needs: ['root', 'ss', 'lsof', 'netstat'], timeout: 240_000 },
  async (ns) => {
    await make(ns, random(60_163));
    const folder = mkdtempSync(join(tmpdir(), 'portolan-read-'));
    ns.finally(() => rmSync(folder, { recursive: true, force: true }));
    const read = async (name: string, ...command: readonly string[]): Promise<Row[]> => {
      const [file = '', ...args] = command;
      const ran = await ns.run(file, args);
      const path = join(folder, name);
      writeFileSync(path, ran.stdout);
      const answer = await ns.portolan(['read', path, '--json']);
      expect(answer.code, answer.stderr).toBe(0);
      const list = JSON.parse(answer.stdout) as ListV1 & { unknown: unknown[]; formats: string[] };
      expect(list.unknown).toEqual([]);
      expect(list.formats).toEqual([name]);
      return rows(list);
    };
    const before = rows(await ns.list(['--all']));
    const ss = await read('ss', 'ss', '-tuanpe');
    const lsof = await read('lsof', 'lsof', '-nP', '-i');
    const netstat = await read('netstat', 'netstat', '-tuanpe');
    const after = rows(await ns.list(['--all']));
    // Nothing changes by itself but for TIME_WAIT, which lasts a minute.
    expect(without(after)).toEqual(without(before));
    expect(before.length).toBeGreaterThanOrEqual(SOCKETS);
    expect(new Set(before.map(({ kind }) => kind))).toEqual(new Set(['listener', 'connection', 'closing']));

    // ss -e tells IPV6_V6ONLY of sockets that are bound to no connection.
    const bound = (all: readonly Row[]): Row[] => all.filter(({ peer }) => peer === null);
    expect(without(bound(ss), 'uid')).toEqual(without(bound(before), 'uid'));
    expect(without(ss, 'uid', 'ipv6Only')).toEqual(without(before, 'uid', 'ipv6Only'));
    const users = (all: readonly Row[]): Row[] =>
      all.filter(({ state }) => state === 'LISTEN' || state === 'UNCONN');
    expect(without(users(ss))).toEqual(without(users(before)));

    const held = before.filter(({ pids }) => pids.length > 0);
    expect(without(lsof, 'uid', 'ipv6Only')).toEqual(without(held, 'uid', 'ipv6Only'));

    expect(without(netstat, 'pids', 'ipv6Only', 'uid')).toEqual(without(before, 'pids', 'ipv6Only', 'uid'));
    // netstat names one of those that share a socket.
    const pidsAt = new Map(
      before.map((row) => [JSON.stringify([row.transport, row.local, row.peer]), row.pids]),
    );
    for (const row of netstat) {
      const all = pidsAt.get(JSON.stringify([row.transport, row.local, row.peer])) ?? [];
      expect(row.pids.length).toBe(Math.min(all.length, 1));
      expect(all).toEqual(expect.arrayContaining([...row.pids]));
    }
  },
);
