// Real listeners, ranges and reservations in a namespace of their own, as `portolan audit` judges them.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditV1, ReportV1 } from '@portolan/core';
import { afterAll, expect } from 'vitest';
import { BIN, liveTest, type Namespace, sleepFile } from './namespace.ts';

const SYSCTL = '/proc/sys/net/ipv4';
const temporary = mkdtempSync(join(tmpdir(), 'portolan-live-audit-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
/** A system without a single unit. */
const EMPTY = join(temporary, 'empty');
mkdirSync(EMPTY);

async function set(ns: Namespace, name: string, text: string): Promise<void> {
  await ns.robot.step({ op: 'write', path: `${SYSCTL}/${name}`, text: `${text}\n` });
}

async function audit(
  ns: Namespace,
  cwd: string,
  ...args: readonly string[]
): Promise<AuditV1 & { code: number | null }> {
  const script = 'cd "$0" && shift 0 && exec "$@"';
  const ran = await ns.run('sh', [
    '-c',
    script,
    cwd,
    process.execPath,
    BIN,
    'audit',
    '--json',
    '--here',
    ...args,
  ]);
  expect(ran.stderr).toBe('');
  return { ...(JSON.parse(ran.stdout) as AuditV1), code: ran.code };
}

const said = ({ findings }: AuditV1): string[] =>
  findings.map(({ id, port, transport }) => `${id} ${port}/${transport}`);

liveTest('listeners: TCP counts, clients’ UDP does not, reserved ports are safe', {}, async (ns) => {
  await set(ns, 'ip_local_port_range', '40000 41000');
  await set(ns, 'ip_local_reserved_ports', '40500');
  await ns.robot.steps(
    { op: 'open', as: 'fixed', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 40_002], listen: 1 },
    { op: 'open', as: 'odd', family: 'ipv4', type: 'tcp', bind: ['0.0.0.0', 40_003], listen: 1 },
    { op: 'open', as: 'reserved', family: 'ipv6', type: 'tcp', bind: ['::', 40_500], listen: 1 },
    { op: 'open', as: 'low', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 9700], listen: 1 },
    { op: 'open', as: 'client', family: 'ipv4', type: 'udp', bind: ['127.0.0.1', 40_004] },
  );
  const result = await audit(ns, EMPTY, '--config-root', EMPTY);
  expect(said(result)).toEqual(['ephemeral-overlap 40002/tcp', 'ephemeral-overlap 40003/tcp']);
  const [fixed, odd] = result.findings;
  expect(fixed).toMatchObject({ severity: 'high', origin: 'listener', where: { file: null } });
  expect(fixed?.holders).toMatchObject([{ local: { address: '127.0.0.1', port: 40_002 } }]);
  expect(odd).toMatchObject({ severity: 'medium' });
  expect(result.looked).toMatchObject({ ports: 4, listeners: true });
  expect(result.code).toBe(1);

  // The chance is that of the port's own report.
  const own = await ns.run(process.execPath, [BIN, '40002/tcp', '--json', '--here']);
  const risk = (JSON.parse(own.stdout) as ReportV1).risks.find(({ id }) => id === 'ephemeral-overlap');
  expect(fixed).toMatchObject({ chance: risk?.chance, basis: risk?.basis });
});

liveTest('a number that the system really chose is one that may have been handed out', {}, async (ns) => {
  // Nobody claims one of these alone: a number that somebody does would be taken for his.
  await set(ns, 'ip_local_port_range', '50200 51000');
  const port = await ns.robot.step({
    op: 'open',
    as: 'any',
    family: 'ipv4',
    type: 'tcp',
    bind: ['127.0.0.1', 0],
    listen: 1,
  });
  const result = await audit(ns, EMPTY, '--config-root', EMPTY);
  expect(result.findings).toMatchObject([{ id: 'ephemeral-overlap', port, severity: 'medium' }]);
});

liveTest('a file: held by a stranger, moved out of the range, reserved', {}, async (ns) => {
  await set(ns, 'ip_local_port_range', '40000 41000');
  const cwd = join(temporary, 'project');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'compose.yaml'), 'services: {web: {build: ., ports: ["127.0.0.1:40002:80"]}}\n');
  expect(said(await audit(ns, cwd, 'compose.yaml'))).toEqual(['ephemeral-overlap 40002/tcp']);
  await ns.robot.step({
    op: 'open',
    as: 'stranger',
    family: 'ipv4',
    type: 'tcp',
    bind: ['127.0.0.1', 40_002],
    listen: 1,
  });
  expect(said(await audit(ns, cwd, 'compose.yaml'))).toEqual([
    'ephemeral-overlap 40002/tcp',
    'same-port-twice 40002/tcp',
  ]);
  await ns.robot.step({ op: 'close', of: 'stranger' });
  await set(ns, 'ip_local_reserved_ports', '40002');
  expect(await audit(ns, cwd, 'compose.yaml')).toMatchObject({ code: 0, findings: [] });
});

liveTest(
  'Xsan: its processes, its window against what is held and reserved here',
  { needs: ['sleep'] },
  async (ns) => {
    await set(ns, 'ip_local_port_range', '49152 65535');
    const root = join(temporary, 'mac');
    const folder = join(root, 'Library', 'Preferences', 'Xsan');
    mkdirSync(folder, { recursive: true });
    const before = await audit(ns, EMPTY, '--profile', 'xsan', '--config-root', root);
    expect(before).toMatchObject({ code: 0, findings: [], xsan: { present: false, processes: [] } });

    const fsm = join(temporary, 'fsm');
    copyFileSync(sleepFile() ?? '', fsm);
    chmodSync(fsm, 0o755);
    const pid = await ns.robot.step({ op: 'spawn', as: 'fsm', file: fsm, args: ['600'] });
    const running = await audit(ns, EMPTY, '--profile', 'xsan', '--config-root', root);
    expect(running).toMatchObject({
      code: 1,
      findings: [{ id: 'xsan-no-fsports' }],
      xsan: { present: true },
    });
    expect(running.xsan?.processes?.map((process) => process.pid)).toContain(pid);
    await ns.robot.step({ op: 'end', of: 'fsm' });

    writeFileSync(join(folder, 'fsports'), 'MinPort 52000\nMaxPort 52099\n');
    const [first] = running.xsan?.proposal?.ports ?? [0];
    await ns.robot.steps(
      { op: 'open', as: 'inside', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 52_050], listen: 1 },
      { op: 'open', as: 'there', family: 'ipv4', type: 'udp', bind: ['127.0.0.1', first] },
    );
    const checked = await audit(ns, EMPTY, '--profile', 'xsan', '--config-root', root);
    expect(said(checked)).toEqual([
      'xsan-window-ephemeral 52000/tcp',
      'xsan-window-held 52050/tcp',
      'xsan-window-elsewhere 52000/tcp',
    ]);
    const [from, to] = checked.xsan?.proposal?.ports ?? [0, 0];
    expect(from <= first && first <= to).toBe(false);
    expect(checked.findings[0]?.remedies.flatMap(({ commands }) => commands)).toContain(
      'portolan reserve 52000-52099 --apply',
    );

    // What was proposed is reserved and set: nothing of this host speaks against it any more.
    await set(ns, 'ip_local_reserved_ports', `${from}-${to}`);
    writeFileSync(join(folder, 'fsports'), `MinPort ${from}\nMaxPort ${to}\n`);
    const after = await audit(ns, EMPTY, '--profile', 'xsan', '--config-root', root);
    expect(after.findings.filter(({ id }) => /ephemeral|held|claimed/.test(id))).toEqual([]);
  },
);
