// The ranges and reservations of a namespace as the report tells them, and the risk that follows from them.
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { liveTest, type Namespace } from './namespace.ts';

const SYSCTL = '/proc/sys/net/ipv4';
const PORT = 60_163;

async function set(ns: Namespace, name: string, text: string): Promise<void> {
  await ns.robot.step({ op: 'write', path: `${SYSCTL}/${name}`, text: `${text}\n` });
}

/** Runs a remedy as it is printed, but for the rights that are there already, and with files in a folder of its own. */
async function take(ns: Namespace, command = 'exit 9'): Promise<void> {
  const root = join(tmpdir(), `portolan-live-limits-${process.pid}`);
  mkdirSync(root, { recursive: true });
  ns.finally(() => rmSync(root, { recursive: true, force: true }));
  const ran = await ns.run('sh', ['-c', `${command.replace('sudo ', '')} --config-root ${root}`]);
  expect(ran.code, `${command}: ${ran.stdout}${ran.stderr}`).toBe(0);
}

liveTest('range, reservations and privileged ports of this namespace are reported', {}, async (ns) => {
  await set(ns, 'ip_local_port_range', '50001 50100');
  await set(ns, 'ip_local_reserved_ports', '50010,50020-50029,60163');
  await set(ns, 'ip_unprivileged_port_start', '80');
  const expected = {
    platform: 'linux',
    ephemeral: [50_001, 50_100],
    reserved: [
      [50_010, 50_010],
      [50_020, 50_029],
      [PORT, PORT],
    ],
    unprivilegedFrom: 80,
  };
  const cases: [number, { inEphemeral: boolean; isReserved: boolean }][] = [
    [50_000, { inEphemeral: false, isReserved: false }],
    [50_001, { inEphemeral: true, isReserved: false }],
    [50_100, { inEphemeral: true, isReserved: false }],
    [50_101, { inEphemeral: false, isReserved: false }],
    [50_010, { inEphemeral: true, isReserved: true }],
    [50_025, { inEphemeral: true, isReserved: true }],
    [PORT, { inEphemeral: false, isReserved: true }],
  ];
  for (const [port, wanted] of cases) {
    const { host, risks } = await ns.report(port);
    expect(host, `port ${port}`).toMatchObject({ ...expected, ...wanted });
    const overlaps = risks.some((risk) => risk.id === 'ephemeral-overlap');
    expect(overlaps, `port ${port}`).toBe(wanted.inEphemeral && !wanted.isReserved);
  }
  expect((await ns.report(79)).risks.some((risk) => risk.id === 'privileged')).toBe(true);
  expect((await ns.report(80)).risks.some((risk) => risk.id === 'privileged')).toBe(false);
});

liveTest(
  'the overlap with the ephemeral range goes when the port is reserved, and by its own remedy',
  { needs: ['root'] },
  async (ns) => {
    await set(ns, 'ip_local_port_range', '32768 60999');
    await set(ns, 'ip_local_reserved_ports', '40000');
    const before = await ns.report(PORT);
    const risk = before.risks.find(({ id }) => id === 'ephemeral-overlap');
    expect(risk?.severity).toBe('high');
    const remedy = risk?.remedies.find(({ commands }) => commands.length > 0);
    await take(ns, remedy?.commands[0]);

    const after = await ns.report(PORT);
    expect(after.host).toMatchObject({ inEphemeral: true, isReserved: true });
    expect(after.risks.find(({ id }) => id === 'ephemeral-overlap')).toBeUndefined();
    // What was reserved before still is.
    expect((await ns.report(40_000)).host.isReserved).toBe(true);

    // Its undo brings back what was reserved before, and nothing else.
    await take(ns, remedy?.undo[0]);
    const again = await ns.report(PORT);
    expect(again.host).toMatchObject({ reserved: [[40_000, 40_000]], isReserved: false });
    expect(again.risks.find(({ id }) => id === 'ephemeral-overlap')?.severity).toBe('high');
  },
);

liveTest('the chance counts the connections there are, by parity', {}, async (ns) => {
  await set(ns, 'ip_local_port_range', '50000 50099');
  await set(ns, 'ip_local_reserved_ports', '');
  const server = ['127.0.0.1', 7100] as const;
  await ns.robot.step({ op: 'open', as: 's', family: 'ipv4', type: 'tcp', bind: server, listen: 64 });
  const used = new Set<number>();
  for (let i = 0; i < 20; i++) {
    used.add(await ns.robot.step({ op: 'open', as: `c${i}`, family: 'ipv4', type: 'tcp', connect: server }));
  }
  for (const odd of [0, 1]) {
    const ofThisParity = [...used].filter((port) => port % 2 === odd).length;
    const free = [...Array(50).keys()].map((i) => 50_000 + 2 * i + odd).find((port) => !used.has(port));
    const risk = (await ns.report(free ?? 0)).risks.find(({ id }) => id === 'ephemeral-overlap');
    expect(risk?.chance).toBeCloseTo(ofThisParity / 50, 5);
    expect(risk?.basis).not.toBe('');
  }
  expect(used.size).toBe(20);
});

liveTest(
  'a list of reserved ports longer than a page is read whole, and its remedy loses none',
  { needs: ['root'] },
  async (ns) => {
    await set(ns, 'ip_local_port_range', '32768 60999');
    const reserved = Array.from({ length: 2000 }, (_, i) => 40_001 + 2 * i);
    await set(ns, 'ip_local_reserved_ports', reserved.join(','));
    const before = await ns.report(PORT);
    expect(before.host.reserved).toEqual(reserved.map((port) => [port, port]));
    expect((await ns.report(43_001)).host.isReserved).toBe(true);

    const remedy = before.risks
      .find(({ id }) => id === 'ephemeral-overlap')
      ?.remedies.find(({ commands }) => commands.length > 0);
    const listed = async (): Promise<unknown> => (await ns.report(PORT)).host.reserved;
    await take(ns, remedy?.commands[0]);
    expect(await listed()).toEqual([...reserved, PORT].map((port) => [port, port]));
    await take(ns, remedy?.undo[0]);
    expect(await listed()).toEqual(reserved.map((port) => [port, port]));
  },
);
