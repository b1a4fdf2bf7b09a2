// Picking and leasing as users meet them: names and projects, files that were spoiled, words for scripts, wrong usage.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LeasesV1, LeaseV1, PickV1, ReleaseV1 } from '@portolan/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SINGLE } from '../binary/launcher.ts';
import { bash, checked, expectTold, type Outcome, PACKAGE, portolan } from './program.ts';

let root: string;
let folder: string;
let app: string;
const env = (): Record<string, string> => ({ PORTOLAN_LEASE_DIR: folder });
const cli = (...args: string[]): Promise<Outcome> => portolan(args, { env: env() });
const lease = async (...args: string[]): Promise<LeaseV1> => {
  const outcome = await cli('lease', '--json', ...args);
  expect(outcome.err).toBe('');
  return checked<LeaseV1>(outcome.out);
};
const leases = async (): Promise<LeasesV1> => checked<LeasesV1>((await cli('leases', '--json')).out);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'portolan-leases-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  const place = mkdtempSync(join(root, 't'));
  folder = join(place, 'leases');
  app = join(place, 'app');
  mkdirSync(join(app, 'deep', 'down'), { recursive: true });
});

describe.skipIf(process.platform !== 'linux')('pick', () => {
  test('one good port with reasons, and counts that add up', async () => {
    const { code, out } = await cli('pick', '--json');
    expect(code).toBe(0);
    const found = checked<PickV1>(out);
    const [first] = found.ports;
    expect(found.ports).toHaveLength(1);
    expect(first?.reasons.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['free', 'outside-others', 'not-blocked', 'not-claimed', 'not-leased']),
    );
    expect(found.refused.reduce((sum, { count }) => sum + count, found.left)).toBe(65_535);
    const report = await portolan([String(first?.port), '--json']);
    const { claims, use } = checked<{ claims: { ports: [number, number] }[]; use: { verdict: string } }>(
      report.out,
    );
    expect(claims.filter(({ ports }) => ports[1] - ports[0] < 199)).toEqual([]);
    expect(use.verdict).toBe('free');
  });
  test('5173 is Vite’s, and the nearest that is nobody’s comes', async () => {
    const { out } = await cli('pick', '--near', '5173', '--count', '3');
    expect(out).toMatch(/^3 good ports here: \d+, \d+, \d+\.\n5173 is refused: it is Vite’s\.\n/);
    const found = checked<PickV1>((await cli('pick', '--near', '5173', '--json')).out);
    expect(found.near).toMatchObject({ port: 5173, rule: 'claimed', text: '5173 is refused: it is Vite’s.' });
    // Known by its name as well.
    expect(checked<PickV1>((await cli('pick', '--near', 'https', '--json')).out).near?.port).toBe(443);
    const allowed = checked<PickV1>(
      (await cli('pick', '--near', '5173', '--allow', 'claimed', '--json')).out,
    );
    expect(allowed.near?.rule === null ? allowed.ports[0]?.port : 5173).toBe(5173);
    expect(allowed.ports[0]?.reasons.map(({ id }) => id)).not.toContain('not-claimed');
  });
  test('stable for a name, another for another name, none of them when it is taken', async () => {
    const pick = async (name: string): Promise<string> =>
      (await cli('pick', '-q', '--name', name, '--project', app)).out.trim();
    const web = await pick('web');
    expect(await pick('web')).toBe(web);
    expect(await pick('api')).not.toBe(web);
    const server = createServer().listen(Number(web), '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect(await pick('web')).not.toBe(web);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await pick('web')).toBe(web);
    // A lease of that name is what the name has.
    const leased = await lease('web', '--project', app, '--near', '9000');
    expect(await pick('web')).toBe(String(leased.port));
  });
  test('the page fits 80 columns and says it in two lines', async () => {
    const { out } = await cli('pick', '--near', '3000', '--count', '12');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(out.split('\n')[0]).toMatch(/^12 good ports here: /);
  });
  test('without native code bound sockets cannot be seen, and nothing is called free', async () => {
    const { code, out } = await cli('pick', '--no-ffi', '--json');
    expect(code).toBe(3);
    expect(checked<PickV1>(out)).toMatchObject({ ports: [], unsure: true });
    expect((await cli('pick', '--no-ffi')).out).toMatch(/^No port can be called free here/);
  });
  test('held ports go to nobody else until standard input ends', () => {
    const script = `
      mkfifo ${folder}.in; exec 9<>${folder}.in
      $PORTOLAN pick --hold -q --near 7000 --transport tcp < ${folder}.in > ${folder}.out &
      pid=$!
      for i in $(seq 200); do [ -s ${folder}.out ] && break; sleep 0.05; done
      cat ${folder}.out
      $PORTOLAN pick -q --near 7000 --transport tcp
      kill -TERM $pid; wait $pid; echo "code $?"
      $PORTOLAN pick -q --near 7000 --transport tcp`;
    mkdirSync(folder, { recursive: true });
    const [first, second, code, third] = bash(script, env()).out.split('\n');
    expect(Number(first)).toBeGreaterThan(0);
    expect(second).not.toBe(first);
    expect(code).toBe('code 143');
    expect(third).toBe(first);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('lease', () => {
  test('into a pipe the number alone, the same every time, and nobody else’s', async () => {
    const line = `cd ${app} && $PORTOLAN lease web && $PORTOLAN lease web && $PORTOLAN lease api`;
    const [web, again, api] = bash(line, env()).out.split('\n');
    expect(Number(web)).toBeGreaterThan(1023);
    expect(again).toBe(web);
    expect(api).not.toBe(web);
    const listed = (await leases()).leases;
    expect(new Map(listed.map(({ name, project }) => [name, project]))).toEqual(
      new Map([
        ['web', app],
        ['api', app],
      ]),
    );
    // The page names each.
    expect((await cli('leases')).out).toMatch(/^2 leases in /);
  });
  test('a folder below a worktree is the project; each worktree is one of its own; without git each folder', async () => {
    mkdirSync(join(app, '.git'));
    const tree = join(app, 'tree');
    mkdirSync(join(tree, 'sub'), { recursive: true });
    writeFileSync(join(tree, '.git'), `gitdir: ${app}/.git/worktrees/tree\n`);
    const main = await lease('web', '--project', join(app, 'deep', 'down'));
    expect(main.project).toBe(app);
    expect((await lease('web', '--project', app)).port).toBe(main.port);
    const other = await lease('web', '--project', join(tree, 'sub'));
    expect(other.project).toBe(tree);
    expect(other.port).not.toBe(main.port);
    rmSync(join(app, '.git'), { recursive: true });
    expect((await lease('web', '--project', join(app, 'deep'))).project).toBe(join(app, 'deep'));
  });
  test('a link to a project is the project', async () => {
    symlinkSync(app, `${app}-link`);
    expect((await lease('web', '--project', `${app}-link`)).port).toBe(
      (await lease('web', '--project', app)).port,
    );
  });
  test('a project that was moved keeps its port; what stands in its place then is another', async () => {
    const before = await lease('web', '--project', app);
    renameSync(app, `${app}-moved`);
    const after = await lease('web', '--project', `${app}-moved`);
    expect(after).toMatchObject({ port: before.port, fresh: false, project: `${app}-moved` });
    mkdirSync(app);
    expect((await lease('web', '--project', app)).port).not.toBe(before.port);
    expect((await leases()).leases).toHaveLength(2);
  });
  test.each(['größe', '网 页', '../../etc/passwd', '$(touch x)', "it's", 'a/b', '-', '3000'])(
    'a name may be “%s”',
    async (name) => {
      const given = await lease('--project', app, '--', name);
      expect(given.name).toBe(name);
      expect((await lease('--project', app, '--', name)).port).toBe(given.port);
      expect(readdirSync(folder)).toEqual([`portolan-lease-${given.port}`]);
    },
  );
  test('near a known product’s number: whose it is, and the nearest', async () => {
    const given = await lease('web', '--project', app, '--near', '5173');
    expect(given.port).not.toBe(5173);
    expect(Math.abs(given.port - 5173)).toBeLessThan(50);
  });
  test('release gives it back, once', async () => {
    const given = await lease('web', '--project', app);
    const { code, out } = await cli('release', 'web', '--project', app, '--json');
    expect(code).toBe(0);
    expect(checked<ReleaseV1>(out).released).toEqual([
      { name: 'web', project: app, port: given.port, transport: 'tcp' },
    ]);
    const again = await cli('release', 'web', '--project', app);
    expect(again.code).toBe(1);
    expect(again.out).toMatch(/web has no lease here/);
    expect(readdirSync(folder)).toEqual([]);
  });
  test('tcp and udp are not mixed up under one name', async () => {
    await lease('dns', '--project', app, '--transport', 'udp');
    expectTold(await cli('lease', 'dns', '--project', app), 2, /“dns” has \d+\/udp, not tcp/);
  });
});

describe.skipIf(process.platform !== 'linux')('a lease file that was spoiled', () => {
  test.each([
    ['truncated to nothing', 'cut', (path: string) => truncateSync(path, 0)],
    ['truncated in the middle', 'cut', (path: string) => truncateSync(path, 60)],
    ['edited by hand', 'check', (path: string) => edit(path, /"name":"web"/, '"name":"api"')],
    ['given another port', 'other-port', (path: string) => edit(path, /"port":\d+/, '"port":1')],
    ['replaced by something else', 'shape', (path: string) => writeFileSync(path, '{"hello":1}\n')],
    ['grown without end', 'shape', (path: string) => writeFileSync(path, Buffer.alloc(1 << 20))],
  ])('%s: it is told, its port left alone, and the name gets another', async (_what, why, spoil) => {
    const before = await lease('web', '--project', app);
    spoil(join(folder, `portolan-lease-${before.port}`));
    expect((await leases()).damaged).toEqual([{ port: before.port, why }]);
    const after = await lease('web', '--project', app);
    expect(after.port).not.toBe(before.port);
    expect((await cli('leases')).out).toMatch(/1 more file is damaged/);
    expect((await cli('release', '--port', String(before.port))).code).toBe(0);
    expect((await leases()).damaged).toEqual([]);
  });
  test('a link in its place is not followed, nor written through', async () => {
    const before = await lease('web', '--project', app);
    await cli('release', 'web', '--project', app);
    const precious = join(app, 'precious');
    writeFileSync(precious, 'mine');
    symlinkSync(precious, join(folder, `portolan-lease-${before.port}`));
    const after = await lease('web', '--project', app);
    expect(after.port).not.toBe(before.port);
    expect(readFileSync(precious, 'utf8')).toBe('mine');
    expect((await leases()).damaged).toEqual([{ port: before.port, why: 'not-a-file' }]);
    mkdirSync(join(folder, 'portolan-lease-1030'));
    expect((await leases()).damaged).toContainEqual({ port: 1030, why: 'not-a-file' });
  });
  function edit(path: string, what: RegExp, by: string): void {
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(what);
    writeFileSync(path, text.replace(what, by));
  }
});

describe.skipIf(process.platform !== 'linux')('the folder', () => {
  test('one that others may write to must be sticky', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    expectTold(await cli('lease', 'web', '--project', app), 1, /not sticky/);
    chmodSync(folder, 0o1777);
    expect((await cli('lease', 'web', '--project', app)).code).toBe(0);
  });
  test('a relative one, a file, and one that cannot be made are refused', async () => {
    const at = (dir: string): Promise<Outcome> =>
      portolan(['lease', 'web', '--project', app], { env: { PORTOLAN_LEASE_DIR: dir } });
    expectTold(await at('leases'), 1, /no absolute path/);
    writeFileSync(`${folder}-file`, '');
    expectTold(await at(`${folder}-file`), 1, /is no folder/);
    expectTold(await at('/proc/none/leases'), 1, /is no folder/);
  });
  test('flock(1) does where there is no native code', async () => {
    const outcome = await cli('lease', 'web', '--project', app, '--no-ffi');
    expect(outcome.code).toBe(0);
    expect((await lease('web', '--project', app)).port).toBe(Number(outcome.out));
  });
});

test.skipIf(process.platform !== 'linux')('a clock that was set back or forth changes nothing', async () => {
  const before = await lease('web', '--project', app);
  for (const years of [-30, 30]) {
    const shift = join(root, `shift${years}.cjs`);
    writeFileSync(
      shift,
      `const now = Date.now; const by = ${years} * 31557600000; const Real = Date;
       globalThis.Date = class extends Real { constructor(...a) { if (a.length) super(...a); else super(now() + by); } static now() { return now() + by; } };`,
    );
    const { out } = await portolan(['lease', 'web', '--project', app, '--json'], {
      env: env(),
      node: ['--require', shift],
    });
    expect(checked<LeaseV1>(out)).toMatchObject({
      port: before.port,
      fresh: false,
      holder: { state: 'alive' },
    });
  }
});

describe.skipIf(process.platform !== 'linux')('run', () => {
  const run = (line: string): Outcome => bash(`cd ${app}; ${line}`, env());
  test('PORT, and one variable a name', async () => {
    const { out } = run(
      '$PORTOLAN run web my-api -- sh -c \'echo "$PORT $PORTOLAN_PORT_WEB $PORTOLAN_PORT_MY_API"\'',
    );
    const [port, web, api] = out.trim().split(' ');
    expect(port).toBe(web);
    expect(api).not.toBe(web);
    expect(String((await lease('web', '--project', app)).port)).toBe(port);
  });
  beforeEach(() => writeFileSync(join(app, 'plain'), 'no program'));
  test.each([
    ['its own exit code', 'sh -c "exit 7"', 7],
    ['success', 'true', 0],
    ['a signal', "sh -c 'kill -TERM $$'", 143],
    ['kill -9', "sh -c 'kill -9 $$'", 137],
    ['not found', 'no-such-command-here', 127],
    ['not executable', './plain', 126],
    // Bun says of such a name that there is no such file.
    ['longer than any path', 'x'.repeat(20_000), SINGLE === null ? 126 : 127],
    ['the same with a socket', '--', 127],
  ])('%s', (_what, command, code) => {
    const line = command === '--' ? '--socket -- no-such-command-here' : `-- ${command}`;
    expect(run(`$PORTOLAN run web ${line}`).code).toBe(code);
  });
  test('arguments reach the command as they are', () => {
    const { out } = run("$PORTOLAN run web -- printf '%s|' --json -9 -- 'a b' '$(x)' --help");
    expect(out).toBe('--json|-9|--|a b|$(x)|--help|');
    const held = run("$PORTOLAN run web --socket -- printf '%s|' --json -9 -- 'a b' '$(x)' --help");
    expect(held.out).toBe('--json|-9|--|a b|$(x)|--help|');
  });
  test('signals go on to the command', () => {
    const script = `
      $PORTOLAN run web -- sh -c 'trap "echo got; exit 5" USR1; echo ready; while :; do sleep 0.05; done' > ${folder}.out &
      pid=$!
      for i in $(seq 200); do grep -q ready ${folder}.out && break; sleep 0.05; done
      kill -USR1 $pid; wait $pid; echo "code $?"; cat ${folder}.out`;
    expect(run(script).out).toBe('code 5\nready\ngot\n');
  });
});

describe('wrong usage', () => {
  test.each([
    ['lease without a name', ['lease'], /A name is missing/],
    ['lease of two', ['lease', 'a', 'b'], /One name/],
    ['an empty name', ['lease', ''], /cannot be a name/],
    ['a name of control characters', ['lease', 'a\u001b[31m'], /cannot be a name/],
    ['a name turned around', ['lease', '\u202eevil'], /cannot be a name/],
    ['a pid that is none', ['lease', 'web', '--pid', '0'], /no process “0”/],
    ['a project that is not there', ['lease', 'web', '--project', '/no/such'], /not a folder/],
    ['pick of none', ['pick', '--count', '0'], /--count takes 1 to 1000/],
    ['pick of too many', ['pick', '--count', '1001'], /--count takes/],
    ['pick near nothing', ['pick', '--near', '0'], /from 1 to 65535/],
    ['pick near no port', ['pick', '--near', '70000'], /70000/],
    ['pick with a word', ['pick', '80'], /takes no “80”/],
    ['a rule that is none', ['pick', '--allow', 'all'], /no rule “all”/],
    ['a rule that cannot be lifted', ['pick', '--allow', 'in-use'], /no rule “in-use”/],
    ['another transport', ['pick', '--transport', 'sctp'], /tcp, udp or/],
    ['a recorded host', ['pick', '--procfs-root', '/proc/self'], /recorded host/],
    ['run without --', ['run', 'web', 'true'], /goes after --/],
    ['run without a command', ['run', 'web', '--'], /command is missing/],
    ['run without a name', ['run', '--', 'true'], /name is missing/],
    ['run with one variable for two', ['run', 'a-b', 'a.b', '--', 'true'], /would both be/],
    ['release of nothing', ['release'], /name is missing/],
    ['leases with a word', ['leases', 'web'], /takes no “web”/],
  ])('%s', async (_what, args, message) => {
    expectTold(await cli(...args), 2, message);
  });
});

describe.skipIf(process.platform !== 'linux')('the library', () => {
  type Library = typeof import('../../packages/portolan/src/index.ts');
  let library: Library;
  beforeAll(async () => {
    library = (await import(pathToFileURL(join(PACKAGE, 'dist/index.js')).href)) as Library;
  });
  beforeEach(() => {
    process.env['PORTOLAN_LEASE_DIR'] = folder;
  });
  afterAll(() => {
    delete process.env['PORTOLAN_LEASE_DIR'];
  });
  test('pick has the shape of the program’s answer', async () => {
    const found = await library.pick({ count: 2, near: 5173 });
    checked(JSON.stringify(found));
    expect(found.ports).toHaveLength(2);
    expect(found.near?.rule).toBe('claimed');
  });
  test('lease, for this process, until it is released', async () => {
    const web = await library.lease('web', { project: app });
    expect((await library.lease('web', { project: app })).port).toBe(web.port);
    expect((await leases()).leases).toMatchObject([
      { port: web.port, holder: { pid: process.pid, state: 'alive' } },
    ]);
    await web[Symbol.asyncDispose]();
    expect((await leases()).leases).toEqual([]);
    await web.release();
  });
  test('getPort: the wished one where it is free, else a good one, and never twice', async () => {
    const first = await library.getPort({ port: 5173 });
    const second = await library.getPort({ port: [5173, first] });
    expect(second).not.toBe(first);
    const many = await Promise.all(Array.from({ length: 20 }, () => library.getPort({ host: '127.0.0.1' })));
    expect(new Set([...many, first, second]).size).toBe(22);
    expect(await library.getPort({ port: many[0] ?? 0, exclude: [many[0] ?? 0], reserve: true })).not.toBe(
      many[0],
    );
  });
  test('getPort: a privileged port that is wished is given where it can be bound', async () => {
    const wished = 919;
    const bound = await new Promise<boolean>((resolve) => {
      const server = createServer().on('error', () => resolve(false));
      server.listen(wished, () => server.close(() => resolve(true)));
    });
    const got = await library.getPort({ port: wished });
    expect(got === wished).toBe(bound);
  });
  test.each([
    ['an address that is not here', '192.0.2.77', 'EADDRNOTAVAIL'],
    ['a name that nobody has', 'no-such-host.invalid', /ENOTFOUND|EAI_AGAIN/],
  ])('getPort on %s: told at once, and not tried for every port', async (_name, host, code) => {
    const failed = library.getPort({ host });
    await expect(failed).rejects.toMatchObject({ code: 'USAGE' });
    await expect(failed).rejects.toThrow(code);
    expect(await library.getPort({ host: '' })).toBeGreaterThan(0);
  });
  test('what cannot be is refused, and a signal ends it', async () => {
    await expect(library.lease('a\nb', { project: app })).rejects.toThrow(library.PortolanError);
    await expect(library.pick({ count: 0 })).rejects.toThrow(RangeError);
    await expect(library.getPort({ port: 70_000 })).rejects.toThrow(RangeError);
    await expect(library.pick({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await expect(library.lease('web', { project: app, signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
  });
});
