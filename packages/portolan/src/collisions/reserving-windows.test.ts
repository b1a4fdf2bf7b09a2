// `reserve` on Windows with a recorded runner: netsh as far as it keeps four lists, refuses overlaps and wants whole runs.
import {
  type PortRange,
  planReserve,
  type ReserveAction,
  type ReserveReport,
  type ReserveState,
} from '@portolan/core';
import type { WindowsExclusions } from '@portolan/probe';
import { describe, expect, test } from 'vitest';
import { isDone } from './reserving.ts';
import { planOnWindows } from './reserving-windows.ts';

const STATE: ReserveState = {
  platform: 'win32',
  list: null,
  ephemeral: null,
  namespace: { kind: 'unknown', inode: null, names: [], container: null },
  bootId: '',
  files: [],
  dropIn: '',
  dropInText: null,
  dropInProblem: null,
  unfinishedText: null,
  foldersMissing: 0,
};

function plainReport(action: ReserveAction, ports: readonly PortRange[]): ReserveReport {
  const plan = planReserve({ action, ports, force: false, nowOnly: false, transport: null, state: STATE, holders: [], call: 'portolan', flags: [] });
  return { plan, state: STATE, asked: true, applied: false, verified: null, now: null, proof: null, failure: null, gaps: [] };
} // biome-ignore format: one report reads better

type Ranges = { ports: PortRange; administered: boolean }[];

/** netsh's four lists; `failAt` is the run that is refused, from 1. */
function netsh(start: Ranges = [], failAt = 0): { host: WindowsExclusions; ran: string[]; lists: Map<string, Ranges> } {
  const lists = new Map<string, Ranges>();
  for (const key of ['ipv4 tcp', 'ipv6 tcp', 'ipv4 udp', 'ipv6 udp']) lists.set(key, [...start]);
  const ran: string[] = [];
  const host: WindowsExclusions = {
    read: () =>
      Promise.resolve(
        [...lists].map(([key, ranges]) => ({
          transport: key.endsWith('tcp') ? ('tcp' as const) : ('udp' as const),
          family: key.startsWith('ipv4') ? ('ipv4' as const) : ('ipv6' as const),
          ranges: [...ranges],
        })),
      ),
    change(args) {
      ran.push(args.join(' '));
      const match = /^int (\S+) (add|delete) excludedportrange protocol=(\S+) startport=(\d+) numberofports=(\d+) store=persistent$/.exec(args.join(' '));
      const list = lists.get(`${match?.[1]} ${match?.[3]}`);
      if (match === null || list === undefined || ran.length === failAt) return Promise.resolve('exit 1');
      const first = Number(match[4]);
      const last = first + Number(match[5]) - 1;
      const at = list.findIndex(({ ports }) => (match[2] === 'add' ? ports[0] <= last && ports[1] >= first : ports[0] === first && ports[1] === last));
      if ((at >= 0) === (match[2] === 'add')) return Promise.resolve('exit 1');
      if (match[2] === 'add') list.push({ ports: [first, last], administered: true });
      else list.splice(at, 1);
      return Promise.resolve(null);
    },
  };
  return { host, ran, lists };
} // biome-ignore format: netsh reads better as lines

const PORTS: readonly PortRange[] = [[60_163, 60_165]];
const reserve = { action: 'reserve', ports: PORTS, force: false } as const;

describe('reserve', () => {
  test('four runs of netsh, read back; the undo takes exactly that away again', async () => {
    const { host, ran, lists } = netsh();
    const { report, apply } = await planOnWindows(reserve, plainReport('reserve', PORTS), host);
    expect(ran).toEqual([]);
    expect(report.plan).toMatchObject({ refusal: null, add: PORTS });
    expect(report.plan.commands).toHaveLength(5);
    const done = await apply?.();
    expect(done).toMatchObject({ applied: true, verified: true, failure: null });
    expect(done !== undefined && isDone(done)).toBe(true);
    expect(ran.map((args) => `netsh ${args}`)).toEqual(report.plan.commands.slice(1));
    expect([...lists.values()].map((list) => list.length)).toEqual([1, 1, 1, 1]);
    for (const command of report.plan.undo) expect(await host.change(command.split(' ').slice(1))).toBeNull();
    expect([...lists.values()].flat()).toEqual([]);
  });
  test('only what is missing is added, and nothing where all is there', async () => {
    const there = netsh([{ ports: [60_164, 60_164], administered: true }]);
    const some = await planOnWindows(reserve, plainReport('reserve', PORTS), there.host);
    expect(some.report.plan.commands).toHaveLength(9);
    expect(await some.apply?.()).toMatchObject({ verified: true });
    const again = await planOnWindows(reserve, plainReport('reserve', PORTS), there.host);
    expect(again.apply).toBeNull();
    expect(again.report.plan).toMatchObject({ refusal: null, add: [], commands: [] });
  });
  test('a range of Hyper-V or WinNAT that overlaps is refused, also one that comes after the plan', async () => {
    const taken = { ports: [60_100, 60_199] as const, administered: false };
    const early = netsh([taken]);
    const refused = await planOnWindows(reserve, plainReport('reserve', PORTS), early.host);
    expect([refused.apply, refused.report.plan.refusal]).toEqual([null, 'excluded']);
    const late = netsh();
    const { apply } = await planOnWindows(reserve, plainReport('reserve', PORTS), late.host);
    late.lists.get('ipv6 udp')?.push(taken);
    expect(await apply?.()).toMatchObject({ applied: false, plan: { refusal: 'excluded' } });
    expect([early.ran, late.ran]).toEqual([[], []]);
  });
  test.each([1, 2, 4])('what was done is taken back where run %i fails', async (failAt) => {
    const { host, lists } = netsh([], failAt);
    const { apply } = await planOnWindows(reserve, plainReport('reserve', PORTS), host);
    const done = await apply?.();
    expect(done).toMatchObject({
      applied: false,
      failure: { step: 'list', code: 'exit 1', restored: failAt === 1 ? null : true },
    });
    expect([...lists.values()].flat()).toEqual([]);
  });
  test('lists that cannot be read leave the commands to be copied', async () => {
    const plain = plainReport('reserve', PORTS);
    const host = { ...netsh().host, read: () => Promise.resolve(null) };
    expect(await planOnWindows(reserve, plain, host)).toEqual({ report: plain, apply: null });
  });
});

describe('unreserve', () => {
  const wish = { action: 'unreserve', ports: PORTS } as const;
  test('nobody remembers whose it is: --force, and whole runs alone', async () => {
    const start: Ranges = [{ ports: [60_163, 60_165], administered: true }];
    const { host, lists } = netsh(start);
    const plain = plainReport('unreserve', PORTS);
    const without = await planOnWindows({ ...wish, force: false }, plain, host);
    expect([without.apply, without.report.plan.refusal]).toEqual([null, 'not-ours']);
    const { apply } = await planOnWindows({ ...wish, force: true }, plain, host);
    expect(await apply?.()).toMatchObject({ verified: true });
    expect([...lists.values()].flat()).toEqual([]);
    const longer = netsh([{ ports: [60_163, 60_170], administered: true }]);
    const part = await planOnWindows({ ...wish, force: true }, plain, longer.host);
    expect([part.apply, part.report.plan.refusal]).toEqual([null, 'inexact']);
  });
});
