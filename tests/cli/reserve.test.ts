// `reserve`, `unreserve` and `ephemeral` on the command line: wrong usage, other systems, a recorded host, help.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EphemeralV1, ReserveV1 } from '@portolan/core';
import { afterAll, describe, expect, test } from 'vitest';
import { SINGLE } from '../binary/launcher.ts';
import { checked, environment, expectTold, PROGRAM, portolan } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portolan-reserve-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('wrong usage', () => {
  test.each([
    [['reserve'], /Ports are missing/],
    [['reserve', ','], /Ports are missing/],
    [['reserve', '70000'], /70000/],
    [['reserve', '3010-3000'], /3010-3000/],
    [['reserve', '0'], /Port 0 is no port/],
    [['reserve', 'no-such-service-here'], /no-such-service-here/],
    [['reserve', '5432', '--yes'], /--yes answers the question/],
    [['reserve', '5432', '--config-root', '/proc/version'], /is not a folder/],
    [['unreserve', '--', '-5'], /-5/],
    [['reserve', Array(5000).fill('1').join(',')], /More than 4096/],
    [['ephemeral', '60163'], /takes no port/],
    [['ephemeral', '--interval', '0'], /--interval takes/],
    [['ephemeral', '--interval', 'x'], /--interval takes/],
    [['ephemeral', '--sample', '--count', '5'], /--count takes 100 to 20000/],
    [['ephemeral', '--ask', '127.0.0.1'], /--ask belongs to --resolver/],
    [['ephemeral', '--resolver', '--ask', 'localhost'], /--ask takes an IP address/],
    [['ephemeral', '--resolver', '--ask', '127.0.0.1:0'], /--ask takes an IP address/],
    [['ephemeral', '--resolver', '--zone', 'a b'], /--zone takes a domain name/],
    [['ephemeral', '--resolver', '--address', 'here'], /--address takes an IP address/],
    [['ephemeral', '--resolver', '--for', '99999'], /--for takes/],
    [['ephemeral', '--resolver', '--address', '192.0.2.1'], /EADDRNOTAVAIL/],
    [['ephemeral', '--resolver', '--port', '0'], /--port takes/],
  ])('%j', async (args, message) => {
    expectTold(await portolan(args), 2, message);
  });
});

test('the plan alone changes nothing and shows old and new text', async () => {
  const { code, out } = await portolan(['reserve', '60163', '--json', '--config-root', folder]);
  if (process.platform !== 'linux') return;
  expect(code).toBe(0);
  const answer = checked<ReserveV1>(out);
  expect(answer).toMatchObject({ applied: false, verified: null, proof: null });
  expect(answer.plan.files).toMatchObject([
    { path: join(folder, 'etc/sysctl.d/zz-portolan.conf'), old: null },
  ]);
  const page = await portolan(['reserve', '60163', '--config-root', folder]);
  expect(page.out.split('\n')[0]).toBe(
    'This would keep port 60163 out of automatic choice; nothing is changed yet.',
  );
});

// Played by a hook of Node's.
describe.skipIf(SINGLE !== null)('other systems', () => {
  const preload = join(folder, 'platform.cjs');
  writeFileSync(preload, "Object.defineProperty(process, 'platform', { value: process.env.PRETENDED });\n");
  const run = (platform: string, ...args: string[]): { code: number | null; out: string } => {
    const ran = spawnSync(process.execPath, ['--require', preload, PROGRAM, ...args], {
      encoding: 'utf8',
      env: environment({ PRETENDED: platform }),
    });
    return { code: ran.status, out: ran.stdout };
  };
  test('are told their own commands and what those cannot do; nothing is applied', () => {
    const { code, out } = run('win32', 'reserve', '60163', '--json');
    const answer = checked<ReserveV1>(out);
    expect(code).toBe(0);
    expect(answer.plan).toMatchObject({ refusal: 'other-system', files: [], boot: null });
    expect(answer.plan.commands.join('\n')).toContain('add excludedportrange protocol=udp startport=60163');
    expect(answer.notes.map(({ kind }) => kind)).toContain('system');
    expect(run('win32', 'reserve', '60163', '--apply').code).toBe(1);
    const mac = run('darwin', 'reserve', '60163');
    expect(mac.out).toContain('sudo sysctl -w net.inet.ip.portrange.first=60164');
    expect(mac.out.replace(/\s+/g, ' ')).toContain('macOS knows no list of reserved ports.');
    expect(run('sunos', 'reserve', '60163').code).toBe(1);
  });
  test('ephemeral says that the range is not known', () => {
    const { code, out } = run('darwin', 'ephemeral', '--json', '--sample');
    expect(code).toBe(0);
    expect(checked<EphemeralV1>(out)).toMatchObject({ range: null, available: null, allocator: null });
  });
});

describe('a recorded host', () => {
  const proc = join(folder, 'proc');
  const sys = join(proc, 'sys/net/ipv4');
  mkdirSync(sys, { recursive: true });
  mkdirSync(join(proc, 'net'));
  writeFileSync(join(sys, 'ip_local_port_range'), '40000\t40099\n');
  writeFileSync(join(sys, 'ip_local_reserved_ports'), '40010-40019\n');
  writeFileSync(join(sys, 'ip_unprivileged_port_start'), '1024\n');
  for (const table of ['tcp', 'udp']) {
    writeFileSync(join(proc, 'net', table), '  sl  local_address rem_address   st\n');
  }
  test('has a plan for its list and can be changed by nobody', async () => {
    const { code, out } = await portolan(['reserve', '40005', '--json', '--procfs-root', proc]);
    expect(code).toBe(0);
    const answer = checked<ReserveV1>(out);
    expect(answer.plan).toMatchObject({
      before: [[40_010, 40_019]],
      after: [
        [40_005, 40_005],
        [40_010, 40_019],
      ],
      files: [],
      boot: null,
    });
    const applied = await portolan(['reserve', '40005', '--apply', '--procfs-root', proc]);
    expectTold(applied, 2, /recorded host/);
  });
  test('has a range that can be counted', async () => {
    const { code, out } = await portolan(['ephemeral', '--json', '--procfs-root', proc]);
    expect(code).toBe(0);
    expect(checked<EphemeralV1>(out)).toMatchObject({ range: [40_000, 40_099], available: 90, rate: null });
    expectTold(await portolan(['ephemeral', '--sample', '--procfs-root', proc]), 2, /recorded host/);
  });
});
