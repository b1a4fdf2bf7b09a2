// The built program: `read`, and the commands that answer from what a tool printed (--snapshot).
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { printedTexts } from '../../fixtures/printed.ts';
import { SINGLE } from '../binary/launcher.ts';
import { bash, checked, environment, expectTold, PROGRAM, portolan } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portolan-read-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let nth = 0;
function file(content: string | Buffer): string {
  const path = join(folder, `printed-${nth++}.txt`);
  writeFileSync(path, content);
  return path;
}
const RECORDED = printedTexts('printed');
const WRITTEN = printedTexts('printed-written');
const SS = file(RECORDED.get('ss -tuanp') ?? '');

interface List {
  holders: {
    kind: string;
    local: { address: string; port: number };
    owners: { pid: number; name: string }[];
    publishes?: { container: { name: string }; port: number };
    redirect?: { by: string };
  }[];
  gaps: { what: string; why: string; remedy: string | null }[];
  formats: string[];
  unknown: { line: number; text: string; reason: string }[];
  unknownCount: number;
}
async function read(path: string, ...args: string[]): Promise<List> {
  const { code, out, err } = await portolan(['read', path, '--json', ...args]);
  expect([code, err]).toEqual([0, '']);
  return checked<List>(out);
}

describe('read', () => {
  test('as a table, with what each port is for, at 80 columns', async () => {
    const { code, out } = await portolan(['read', SS], { env: { COLUMNS: '80' } });
    expect(code).toBe(0);
    expect(out).toMatch(/^18 holders in what ss printed\.\n8 of them listen or are bound/);
    expect(out).toMatch(/5432\/tcp {2}listener {2}\[::1\] .*PostgreSQL/);
    expect(out).toMatch(/443\/tcp {2}listener .* https;/);
    expect(out).toMatch(/Not seen: TCP sockets that are bound and not listening: ss does not list/);
    expect(out).toMatch(/recorded\s+copy:\s+\S/);
  });

  test('as JSON, by the schema', async () => {
    const list = await read(SS);
    expect(list.holders).toHaveLength(18);
    expect(list).toMatchObject({ formats: ['ss'], unknown: [], unknownCount: 0 });
    expect(new Set(list.holders.map(({ kind }) => kind))).toEqual(
      new Set(['listener', 'connection', 'closing']),
    );
    const { code, out } = bash('$PORTOLAN read - --json < /dev/null');
    expect([code, checked<List>(out).holders]).toEqual([1, []]);
  });

  test('every recorded and written text, by the schema', async () => {
    for (const text of [...RECORDED.values(), ...WRITTEN.values()]) {
      const list = await read(file(text));
      expect(list.unknownCount).toBe(/^RTNETLINK/m.test(text) ? 1 : 0);
      expect(list.holders.length).toBeGreaterThan(0);
    }
  });

  test('from a pipe, and with service names that the registry knows', () => {
    const { out, code } = bash(
      `printf 'tcp LISTEN 0 5 127.0.0.1:xsan-filesystem 0.0.0.0:*\\ntcp LISTEN 0 5 127.0.0.1:zabbix-agent 0.0.0.0:*\\n' | $PORTOLAN read - --json`,
    );
    const list = checked<List>(out);
    expect(code).toBe(0);
    expect(list.holders.map(({ local }) => local.port)).toEqual([10_050]);
    expect(list.unknown).toMatchObject([{ line: 1, reason: 'port-name' }]);
  });

  test('lines that were not understood are told, never dropped', async () => {
    const text = `hello world\n${RECORDED.get('ss -ltn')}tcp LISTEN 0 5 1.2.3.4:99999 0.0.0.0:*\n`;
    const list = await read(file(text));
    expect(list.unknown.map(({ reason }) => reason)).toEqual(['unrecognised', 'port']);
    const { out } = await portolan(['read', file(text)]);
    expect(out).toMatch(/2 lines were not understood:/);
    expect(out).toMatch(/line 1: like no tool's output\n.*hello world/);
    expect(out).toMatch(/what 2 lines say: not understood; a holder may stand/);
  });

  test('UTF-16 and UTF-8 with marks, CRLF', async () => {
    const text = (WRITTEN.get('netstat Windows Arabic') ?? '').replaceAll('\n', '\r\n');
    const plain = await read(file(text));
    const little = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [little, Buffer.from(little).swap16(), Buffer.from(`\ufeff${text}`)]) {
      const list = await read(file(bytes));
      expect(list.holders).toEqual(plain.holders);
      expect(list.unknown).toEqual([]);
    }
  });

  test('bytes that are no text', async () => {
    const { code, out } = await portolan([
      'read',
      file(Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x0a, 0x00, 0x80])),
      '--json',
    ]);
    expect(code).toBe(1);
    checked(out);
  });

  test('a saved list is the list', async () => {
    const first = await portolan(['read', SS, '--json']);
    const again = await read(file(first.out));
    expect(again.formats).toEqual(['portolan-json']);
    expect(again.holders).toEqual(checked<List>(first.out).holders);
    expect(again.gaps.map(({ what }) => what)).toContain('TCP sockets that are bound and not listening');
  });

  test('containers and NodePorts', async () => {
    const docker = await read(file(WRITTEN.get('docker ps') ?? ''));
    expect(docker.holders.find(({ local }) => local.port === 3478)?.publishes).toMatchObject({
      container: { name: 'turn' },
    });
    const named = await portolan(['read', file(WRITTEN.get('docker ps') ?? '')]);
    expect(named.out).toMatch(/holders in what docker ps printed\./);
    const services = await read(file(WRITTEN.get('kubectl get svc') ?? ''));
    expect(services.holders).toMatchObject([{ kind: 'redirect', redirect: { by: 'kube-proxy' } }]);
    const { out } = await portolan([
      'who',
      '30080',
      '--snapshot',
      file(WRITTEN.get('kubectl get svc') ?? ''),
    ]);
    expect(out).toMatch(/shop\/web:http/);
  });

  test('--as takes it for that and nothing else', async () => {
    expect((await read(SS, '--as', 'ss')).holders).toHaveLength(18);
    const { code, out } = await portolan(['read', SS, '--as', 'lsof', '--json']);
    expect([code, checked<List>(out).holders]).toEqual([1, []]);
    expectTold(
      await portolan(['read', SS, '--as', 'sss']),
      2,
      /There is no format “sss”\. Formats: ss, lsof/,
    );
    expect((await portolan(['read', '--as', 'list'])).out).toMatch(/^ss\nlsof\n/);
  });

  test('wrong usage', async () => {
    expectTold(await portolan(['read']), 2, /File is missing\. portolan read FILE/);
    expectTold(await portolan(['read', 'a', 'b']), 2, /read takes one file/);
    expectTold(await portolan(['read', join(folder, 'no')]), 2, /cannot be read: there is no such file/);
    expectTold(await portolan(['read', folder]), 2, /is a folder/);
    expectTold(await portolan(['read', SS, '--snapshot', SS]), 2, /name the file itself/);
    const none = await portolan(['read', file('hello\n')]);
    expect([none.code, none.err]).toEqual([1, '']);
    expect(none.out).toMatch(
      /^Nothing here was understood\.\nWhat ss, lsof, netstat, .*docker ps.*\s.*print is understood\./,
    );
    expect((await portolan(['read', file('')])).code).toBe(1);
  });
});

describe('--snapshot', () => {
  test('PORT, list, who, audit', async () => {
    const report = checked<{ use: { verdict: string }; host: { platform: string; ephemeral: null } }>(
      (await portolan(['8080', '--snapshot', SS, '--json'])).out,
    );
    expect(report).toMatchObject({ use: { verdict: 'held' }, host: { platform: 'linux', ephemeral: null } });
    const free = await portolan(['who', '8081', '--snapshot', SS, '--json']);
    // ss does not list bound sockets: nobody was seen, and that is not free.
    expect([free.code, checked<{ verdict: string }>(free.out).verdict]).toEqual([3, 'unknown']);
    expect((await portolan(['who', '8080', '--snapshot', SS])).code).toBe(0);
    const list = checked<List>((await portolan(['list', '--port', '443', '--snapshot', SS, '--json'])).out);
    expect(list.holders.map(({ local }) => local.port)).toEqual([443, 443]);
    const audit = await portolan(['audit', '--snapshot', SS, '--config-root', folder, '--json']);
    expect([0, 1]).toContain(audit.code);
    expect(checked<{ gaps: { what: string }[] }>(audit.out).gaps.map(({ what }) => what)).toContain(
      'the host as it is now',
    );
    const piped = bash(`$PORTOLAN who 8080 --snapshot - --json < ${SS}`);
    expect([piped.code, checked<List>(piped.out).holders.length]).toEqual([0, 3]);
  });

  test('why: from evidence, and unknown where it does not tell', async () => {
    const held = await portolan(['why', '8080', '--snapshot', SS, '--json']);
    expect(held.code).toBe(1);
    const answer = checked<{
      bindable: boolean;
      errno: null;
      causes: { kind: string; remedies: unknown[] }[];
    }>(held.out);
    expect(answer).toMatchObject({ bindable: false, errno: null });
    expect(answer.causes[0]).toMatchObject({ kind: 'listener', remedies: [] });
    const { out } = await portolan(['why', '8080', '--snapshot', SS]);
    expect(out).toMatch(/Nothing was tried: it follows from what was seen\./);
    expect(out).not.toMatch(/EADDRINUSE|kill/);
    // Who is the cause is no note besides.
    expect(out).not.toMatch(/in the way of such a bind or able to be/);
    const open = await portolan(['why', '9999', '--snapshot', SS, '--json']);
    expect([open.code, checked<{ bindable: null }>(open.out).bindable]).toEqual([3, null]);
    // Another address: the listener is on 127.0.0.1.
    const beside = await portolan(['why', '8080', '--address', '10.0.0.1', '--snapshot', SS, '--json']);
    expect(checked<{ bindable: null }>(beside.out).bindable).toBe(null);
    // Windows has other rules.
    const windows = await portolan([
      'why',
      '135',
      '--snapshot',
      file(WRITTEN.get('netstat Windows English') ?? ''),
      '--json',
    ]);
    expect(checked<{ bindable: null }>(windows.out).bindable).toBe(null);
  });

  test('what must act, watch or be sure of now refuses and says why', async () => {
    for (const [args, why] of [
      [['kill', '8080', '--yes'], /processes of this host would be stopped/],
      [['watch'], /what was printed does not change/],
      [['reserve', '8080'], /reads and changes the list of this host/],
      [['unreserve', '8080'], /reads and changes the list of this host/],
      [['pick'], /free on this host, and now/],
      [['lease', 'web'], /free on this host, and now/],
      [['run', 'web', '--', 'true'], /free on this host, and now/],
      [['ephemeral'], /range and the rate/],
      [['serve'], /pages look at this host/],
      [['mcp'], /tools look at this host/],
      [['search', 'http'], /looks at no sockets/],
    ] as const) {
      expectTold(await portolan([args[0], '--snapshot', SS, ...args.slice(1)]), 2, why);
    }
    expectTold(await portolan(['list', '--snapshot', SS, '--procfs-root', '/proc']), 2, /two recorded hosts/);
    expectTold(await portolan(['list', '--snapshot', file('junk\n')]), 2, /nothing in .* was understood/);
  });
});

/** Most resident memory that a running process had, KiB; null where it is gone. */
function peakOf(pid: number | undefined): number | null {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? null : Number(peak);
  } catch {
    return null;
  }
}

/** Writes `bytes` of what `line` makes into `portolan read -`, and gives what came of it. */
function flood(
  bytes: number,
  make: (nth: number) => string,
  args: readonly string[],
): Promise<{ code: number | null; out: string; peakKiB: number }> {
  const hook = join(folder, 'peak.cjs');
  writeFileSync(
    hook,
    "process.on('exit', () => require('fs').writeSync(2, `peak ${process.resourceUsage().maxRSS}\\n`));\n",
  );
  const [program = '', ...before] =
    SINGLE === null
      ? [
          process.execPath,
          '--max-old-space-size=256',
          '--require',
          hook,
          PROGRAM.replace(/bin\/portolan\.cjs$/, 'dist/program.cjs'),
        ]
      : [SINGLE];
  const child = spawn(program, [...before, 'read', '-', ...args], {
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A single file takes no hook: the kernel keeps its peak while it runs.
  let seen = Number.NaN;
  const look = SINGLE === null ? undefined : setInterval(() => (seen = peakOf(child.pid) ?? seen), 20);
  const tail: string[] = [];
  let err = '';
  child.stdout.on('data', (part: Buffer) => {
    tail.push(part.toString());
    if (tail.length > 40) tail.shift();
  });
  child.stderr.on('data', (part: Buffer) => {
    err += part.toString();
  });
  let sent = 0;
  let line = 0;
  const pump = (): void => {
    while (sent < bytes) {
      let piece = '';
      while (piece.length < 1 << 18) piece += make(line++);
      sent += piece.length;
      if (!child.stdin.write(piece)) {
        child.stdin.once('drain', pump);
        return;
      }
    }
    child.stdin.end();
  };
  child.stdin.on('error', () => undefined);
  pump();
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearInterval(look);
      resolve({ code, out: tail.join(''), peakKiB: Number(/peak (\d+)/.exec(err)?.[1] ?? seen) });
    });
  });
}

describe('200 MB through a pipe, with a heap of 256 MB', () => {
  test('of rows: as many as are kept, the others counted', { timeout: 240_000 }, async () => {
    const { code, out, peakKiB } = await flood(
      200_000_000,
      (at) =>
        `tcp   ESTAB      0      0   10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}:${1024 + (at % 60_000)}   10.9.9.9:443   users:(("program ${at % 97}",pid=${1 + (at % 32_000)},fd=3))\n`,
      [],
    );
    expect(code).toBe(0);
    expect(out).toMatch(/[\d,]+ more rows: more than are kept/);
    // Bun has no limit of its heap, and collects later.
    expect(peakKiB).toBeLessThan((SINGLE === null ? 400 : 800) * 1024);
  });

  test('of junk with a row here and there: what is kept keeps nothing else', {
    timeout: 240_000,
  }, async () => {
    const junk = `${'junk '.repeat(400)}\n`.repeat(40);
    const { code, peakKiB } = await flood(
      200_000_000,
      (at) =>
        `${junk}tcp6  0  0 2001:db8:1:2:3:4:5:${(at % 9000) + 1000}:443  :::*  LISTEN  7/a-much-longer-name\n`,
      ['--json'],
    );
    expect(code).toBe(0);
    expect(peakKiB).toBeLessThan(200 * 1024);
  });

  test('of one line', { timeout: 120_000 }, async () => {
    const { code, out, peakKiB } = await flood(200_000_000, () => 'users:(("x"'.repeat(1000), ['--json']);
    expect(code).toBe(1);
    expect(checked<List>(out)).toMatchObject({ unknownCount: 1, unknown: [{ line: 1, reason: 'too-long' }] });
    expect(peakKiB).toBeLessThan(200 * 1024);
  });

  test('of JSON in one line', { timeout: 240_000 }, async () => {
    const { code, peakKiB } = await flood(
      200_000_000,
      (at) =>
        `${at === 0 ? '[' : ','}{"LocalAddress":"127.0.0.1","LocalPort":${at % 65_536},"State":2,"OwningProcess":${1 + (at % 999)},"CimInstanceProperties":["Caption = x"]}`,
      ['--json'],
    );
    expect(code).toBe(0);
    expect(peakKiB).toBeLessThan(400 * 1024);
  });
});
