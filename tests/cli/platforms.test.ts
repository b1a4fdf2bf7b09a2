// Systems without a probe yet, and macOS where nothing of it can be asked: the claims are answered, the rest is a gap that
// says so, and nothing is called free.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const BIN = join(import.meta.dirname, '..', '..', 'packages', 'portolan', 'dist', 'bin.cjs');
const folder = mkdtempSync(join(tmpdir(), 'portolan-platform-'));
const preload = join(folder, 'platform.cjs');
writeFileSync(preload, "Object.defineProperty(process, 'platform', { value: process.env.PRETENDED });\n");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function portolan(platform: string, ...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ['--require', preload, BIN, ...args], {
    encoding: 'utf8',
    env: { ...process.env, PRETENDED: platform, PORTOLAN_DATA_DIR: folder },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

interface Answer {
  claims: { service: string }[];
  host: { platform: string; ephemeral: unknown };
  use: { verdict: string; gaps: { why: string; remedy: string }[] };
}

describe.each([
  // Played elsewhere, macOS has neither its libraries nor its tools.
  ['darwin', null, null],
  ['sunos', 'sunos', 'netstat -an'],
])('%s', (platform, name, remedy) => {
  test('the report has the claims and a gap', () => {
    const { code, out, err } = portolan(platform, '5000', '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { claims, host, use } = JSON.parse(out) as Answer;
    expect(claims.map(({ service }) => service)).toContain('commplex-main');
    expect(host).toMatchObject({ platform, ephemeral: null });
    expect(use.verdict).toBe('unknown');
    if (name === null) {
      const root = process.geteuid?.() === 0;
      expect(use.gaps.map(({ why }) => why).join()).not.toContain('not supported yet');
      expect(use.gaps[0]).toEqual({
        what: 'tcp, udp sockets',
        why: 'netstat -anv could not be read (ENOENT)',
        remedy: root ? 'sudo lsof -nP -i :5000' : 'sudo portolan who 5000',
      });
      return;
    }
    expect(use.gaps).toHaveLength(1);
    expect(use.gaps[0]?.why).toContain(`looking into ${name} is not supported yet`);
    expect(use.gaps[0]?.remedy).toBe(remedy);
  });
  test('who could not look, list shows nobody and says why', () => {
    const who = portolan(platform, 'who', '5000');
    expect(who.code).toBe(3);
    expect(who.out).not.toMatch(/free|Nobody/);
    const list = portolan(platform, 'list');
    expect(list.code).toBe(0);
    expect(list.out.replace(/\s+/g, ' ')).toContain('not all could be looked at');
  });
  test('audit judges files, and calls nothing fine that it could not see', () => {
    writeFileSync(join(folder, 'x.env'), 'PORT=8080\n');
    const { code, out } = portolan(platform, 'audit', join(folder, 'x.env'));
    expect({ code, first: out.split('\n')[0] }).toEqual({
      code: 0,
      first: 'Nothing found: 1 fixed port, and nothing speaks against it. Not all could be',
    });
    const xsan = portolan(platform, 'audit', '--profile', 'xsan', '--config-root', folder).out;
    expect(xsan).not.toMatch(/no process of it|No process called/);
    expect(xsan.replace(/\s+/g, ' ')).toMatch(/whether a process of Xsan runs is not known/);
  });
  test('search and facts need no probe', () => {
    expect(portolan(platform, 'search', 'xsan').code).toBe(0);
    expect(portolan(platform, 'facts').code).toBe(0);
  });
});

describe.each(['darwin', 'win32', 'sunos'])('what works on Linux alone, on %s', (platform) => {
  test('watch says so at once, exit code 3', () => {
    for (const args of [['watch'], ['watch', '5000', '--json'], ['watch', '--metrics', '0']]) {
      const { code, out, err } = portolan(platform, ...args);
      expect({ code, out }).toEqual({ code: 3, out: '' });
      expect(err).toBe(`portolan: watching is not possible on ${platform} yet.\n`);
    }
  });
  test('kill says so, offers no command and no sudo, and exits 3 where nothing was seen', () => {
    for (const args of [['--yes'], ['--dry-run'], ['--yes', '--json']]) {
      const { code, out, err } = portolan(platform, 'kill', '5000', ...args);
      expect(err).toBe(`portolan: stopping is not possible on ${platform} yet; nothing was done.\n`);
      expect({ code, offers: /sudo .* kill|kill 5000/.test(out) }).toEqual({ code: 3, offers: false });
    }
  });
});

test('on Windows a listener that was seen is shown and left alone, exit code 1', () => {
  // Played here, its path has no slash in it: it is a name that is looked for in PATH.
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const object = {
    LocalAddress: '0.0.0.0',
    LocalPort: 5000,
    RemoteAddress: '0.0.0.0',
    RemotePort: 0,
    State: 2,
    OwningProcess: 812,
  };
  const lines = [[object], [], [{ Id: 812, ProcessName: 'node', Path: null, Started: null }]].map((line) =>
    JSON.stringify(line),
  );
  writeFileSync(
    join(bin, 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe'),
    `#!/bin/sh\nprintf '%s\\n' '${lines.join("' '")}'\n`,
    { mode: 0o755 },
  );
  const path = process.env['PATH'];
  process.env['PATH'] = `${bin}:${path}`;
  const shown = portolan('win32', 'who', '5000');
  const { code, out, err } = portolan('win32', 'kill', '5000', '--yes');
  process.env['PATH'] = path;
  expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/812/)]);
  expect(code).toBe(1);
  expect(err).toBe('portolan: stopping is not possible on win32 yet; nothing was done.\n');
  expect(out).toMatch(/812/);
  expect(out).not.toMatch(/--yes/);
});

test('Windows without anything that could be asked: every list is a gap with its command, and nothing is free', () => {
  const { code, out, err } = portolan('win32', '5000', '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { host, use } = JSON.parse(out) as Answer;
  expect(host).toMatchObject({ platform: 'win32', ephemeral: null });
  expect(use.verdict).toBe('unknown');
  expect(use.gaps.map(({ remedy }) => remedy)).toEqual([
    'netstat -ano -p tcp',
    'netstat -ano -p udp',
    'netsh interface ipv4 show excludedportrange protocol=tcp',
    'netsh int ipv4 show dynamicport tcp',
  ]);
  expect(portolan('win32', 'who', '5000').code).toBe(3);
  expect(portolan('win32', 'list').code).toBe(0);
});
