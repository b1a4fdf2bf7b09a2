// The single file of this machine's system: built, checked, and asked the same as the program of the package, in one network
// namespace.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { openPack } from '@portolan/site';
import { afterAll, describe, expect, test } from 'vitest';
import { environment, PROGRAM } from '../cli/program.ts';
import { liveTest, type Namespace } from '../live/namespace.ts';
import { type Built, buildSingle, ROOT } from './built.ts';

const made = buildSingle();
const why = typeof made === 'string' ? ` (skipped: ${made})` : '';
if (why !== '') process.stderr.write(`skipped: the single file:${why}\n`);
// Named only in tests that are skipped where it is a reason.
const single = made as Built;
afterAll(() => {
  if (why === '') single.remove();
});

/** Of the pages: one of a port, a service, a language; data; files beside them; what is not there. */
const PATHS = [
  '/en/services/xsan',
  '/de/ports/9',
  '/en/ports/60163',
  '/ports/9',
  '/ports/9.json',
  '/openapi.json',
  '/a/style.css',
  '/a/page.js',
  '/a/sans-latin.woff2',
  '/no/such/page',
];

/** The settings of the tests without the package's own `portolan` on PATH, where npm puts it: remedies would be called by it. */
function settings(): NodeJS.ProcessEnv {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return environment({ PATH: path.join(':') });
}

/** Runs a command in the namespace with the settings of the tests. */
function inside(ns: Namespace, command: readonly string[], args: readonly string[], cwd = '/') {
  const [door = '', ...enter] = ns.door;
  return spawnSync(door, [...enter, ...command, ...args], {
    env: settings(),
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 50_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What two answers may differ in: when they were given, and how each program is called again. */
function settled(text: string): string {
  return (
    text
      .replaceAll(`${process.execPath} ${PROGRAM}`, 'PORTOLAN')
      .replaceAll(`${process.execPath} ${join(ROOT, 'packages', 'portolan', 'dist', 'bin.cjs')}`, 'PORTOLAN')
      .replaceAll(single.file, 'PORTOLAN')
      .replace(/"(takenAt|generatedAt|at|until)": ?"[^"]*"/g, '"$1":"…"')
      .replace(/"(freeInMs|seconds)": ?[\d.]+/g, '"$1":0')
      // Ticks of the chart: ports in use, those of answered questions among them.
      .replace(/<path class="r-use" d="[^"]*"\/>/g, '')
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
  );
}

/** Places that programs put files of their own in. */
const SHARED = /"\/(tmp|var\/tmp|dev\/shm)\b/;

/** What two runtimes must agree on: they compress to other bytes, so of a picture its pixels (PNG s10). */
function plain(name: string, bytes: Buffer | null | undefined): Buffer {
  if (bytes === null || bytes === undefined) throw new Error(`there is no ${name}`);
  if (!name.endsWith('.png')) return bytes;
  const data: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(bytes.subarray(at + 8, end));
  }
  return inflateSync(Buffer.concat(data));
}

/** Ends a server that was started here, and waits for that. */
async function ended(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}

describe.skipIf(why !== '')(`the single file${why}`, () => {
  test('the checksums are those of the files, and the list names what is in it and the runtime', () => {
    const checked = spawnSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: single.folder, encoding: 'utf8' });
    expect(checked.stdout).toContain(`portolan-linux-${process.arch}: OK`);
    expect(checked).toMatchObject({ status: 0, stderr: '' });
    const sbom = JSON.parse(readFileSync(join(single.folder, 'portolan.cdx.json'), 'utf8')) as {
      bomFormat: string;
      metadata: { component: { name: string; type: string } };
      components: { 'bom-ref': string; type: string; hashes?: { content: string }[] }[];
      dependencies: { ref: string; dependsOn: string[] }[];
    };
    expect(sbom.bomFormat).toBe('CycloneDX');
    expect(sbom.metadata.component).toMatchObject({ name: 'portolan', type: 'application' });
    const refs = sbom.components.map((component) => component['bom-ref']);
    const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version?: string }>;
    };
    for (const name of ['hono', 'yaml', 'zod', '@modelcontextprotocol/sdk'])
      expect(refs).toContain(`${name}@${locked.packages[`node_modules/${name}`]?.version}`);
    // Neither tools of the build nor what the single file does without.
    expect(refs.filter((ref) => /^(vitest|koffi|rolldown)@/.test(ref))).toEqual([]);
    const runtime = sbom.components.find(({ type }) => type === 'platform');
    expect(runtime?.['bom-ref']).toMatch(/^@oven\/bun-linux-/);
    expect(runtime?.hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
    expect(sbom.dependencies.find(({ ref }) => ref.startsWith('portolan@'))?.dependsOn).toContain(
      runtime?.['bom-ref'],
    );
  });

  test('a copy alone in a folder answers without Node, without packages, without a home', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-alone-'));
    try {
      copyFileSync(single.file, join(folder, 'portolan'));
      const run = (...args: string[]) =>
        spawnSync(join(folder, 'portolan'), args, { cwd: folder, env: {}, encoding: 'utf8' });
      expect(run('--version').stdout).toMatch(/^portolan \d+\.\d+\.\d+\n$/);
      expect(run('443', '--json').stdout).toContain('"service": "https"');
      expect(run('--help').stdout).toContain('portolan list');
      expect(run('60163', '--lang', 'cs').stdout).toMatch(/^60163 je tu /);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  liveTest(
    'no file is made or read in the temporary folder, and that may be noexec',
    { needs: ['root', 'strace'] },
    async (ns) => {
      const folder = mkdtempSync(join(tmpdir(), 'portolan-noexec-'));
      ns.finally(() => rmSync(folder, { recursive: true, force: true }));
      const [place, trace] = [join(folder, 'tmp'), join(folder, 'trace')];
      mkdirSync(place);
      // Each place where a program may put a file for itself is a mount from which nothing can be run or mapped.
      const script = `for at in "$PLACE" /var/tmp /dev/shm; do mount -t tmpfs -o noexec none "$at" || exit 9; done
      strace -f -qq -o ${trace} -e trace=%file,memfd_create,mmap "$@"; code=$?
      find "$PLACE" /var/tmp /dev/shm -mindepth 1; exit $code`;
      const env = ['PLACE', 'TMPDIR', 'TMP', 'TEMP', 'BUN_TMPDIR'].map((name) => `${name}=${place}`);
      for (const [args, code] of [
        [['who', '60163'], 1],
        [['why', '60163'], 0],
        [['list'], 0],
      ] as const) {
        const ran = await ns.run('env', [
          ...env,
          'unshare',
          '-m',
          'sh',
          '-c',
          script,
          'sh',
          single.file,
          ...args,
        ]);
        expect(ran.stderr).toBe('');
        expect(ran.code).toBe(code);
        expect(ran.stdout).not.toContain(place);
        const calls = readFileSync(trace, 'utf8').split('\n');
        expect(calls.some((line) => line.includes(`execve("${single.file}"`))).toBe(true);
        // Where other processes are may be told to be there.
        const touched = calls.filter(
          (line) => !/getcwd|execve|readlink/.test(line) && !line.includes(single.folder),
        );
        expect(touched.filter((line) => line.includes(place) || SHARED.test(line))).toEqual([]);
        expect(
          calls.filter((line) => /memfd_create|O_CREAT/.test(line) && !/"\/dev\/null"/.test(line)),
        ).toEqual([]);
        // The native way was taken: without it a gap would stand in the answer.
        expect(ran.stdout).not.toContain('Not seen: TCP sockets that are bound');
      }
    },
  );

  liveTest('gives the same answers as the program of the package', { timeout: 180_000 }, async (ns) => {
    const { robot } = ns;
    const tcp = { op: 'open', type: 'tcp', family: 'ipv4' } as const;
    await robot.steps(
      { ...tcp, as: 'l', bind: ['127.0.0.1', 7101], listen: 8 },
      { ...tcp, as: 'six', family: 'ipv6', bind: ['::', 7102], listen: 8 },
      { ...tcp, as: 'b', bind: ['127.0.0.1', 60_163] },
      { op: 'open', as: 'u', family: 'ipv4', type: 'udp', bind: ['0.0.0.0', 7103] },
      { ...tcp, as: 'c', bind: ['127.0.0.1', 7104], connect: ['127.0.0.1', 7101] },
    );
    const both = (args: readonly string[]) =>
      [[process.execPath, PROGRAM], [single.file]].map((command) => {
        const ran = inside(ns, command, args);
        return { code: ran.status, out: settled(ran.stdout), err: settled(ran.stderr) };
      });
    for (const [args, code] of [
      [['60163', '--json', '--here'], 0],
      [['60163', '--here'], 0],
      [['7101', '--here', '--lang', 'cs'], 0],
      [['list', '--json', '--all', '--here'], 0],
      [['list', '--json', '--here', '--no-bpf'], 0],
      [['list', '--json', '--here', '--no-ffi'], 0],
      [['who', '7101', '--json', '--here'], 0],
      [['who', '7105', '--json', '--here'], 1],
      [['why', '7101', '--json', '--here'], 1],
      [['why', '7103/udp', '--json', '--here'], 1],
      [['why', '60163', '--reuse', 'none', '--here'], 1],
      [['search', 'xsan', '--json'], 0],
      [['ephemeral', '--json'], 0],
      [['reserve', '60163', '--json'], 0],
      [['pick', '--help'], 0],
      [['70000'], 2],
      [['who', '7101', '--no-such-flag'], 2],
    ] as const) {
      const [node, alone] = both(args);
      expect(alone, args.join(' ')).toEqual(node);
      expect(alone?.code, `${args.join(' ')}: ${alone?.err}`).toBe(code);
    }
  });

  test('exports the same pages', { timeout: 180_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-exports-'));
    const [node, alone] = [[process.execPath, PROGRAM], [single.file]].map(([file = '', ...args], nth) => {
      const pack = join(folder, String(nth));
      const flags = ['--format', 'pack', '--scope', 'claimed', '--lang', 'cs'];
      execFileSync(file, [...args, 'export', pack, ...flags], { env: settings(), stdio: 'pipe' });
      return openPack(pack);
    });
    try {
      const names = [...(node?.paths() ?? [])];
      expect(names.length).toBeGreaterThan(10_000);
      expect([...(alone?.paths() ?? [])]).toEqual(names);
      const same = (name: string): boolean =>
        plain(name, alone?.read(name)).equals(plain(name, node?.read(name)));
      expect(names.filter((name) => !same(name))).toEqual([]);
    } finally {
      node?.close();
      alone?.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  liveTest('serves the same pages, data and files', {}, async (ns) => {
    const answers: Map<string, string>[] = [];
    for (const command of [[process.execPath, PROGRAM], [single.file]]) {
      const [door = '', ...enter] = ns.door;
      const child = spawn(door, [...enter, ...command, 'serve', '--port', '7120', '--json'], {
        env: settings(),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      const given = new Map<string, string>();
      for (const path of PATHS) {
        const got = inside(ns, ['curl'], ['-s', '-i', `http://127.0.0.1:7120${path}`]).stdout;
        // Pages name the program, which is called by another path.
        given.set(path, settled(got).replace(/^(date|connection|keep-alive|content-length):.*\r\n/gim, ''));
      }
      await ended(child);
      answers.push(given);
    }
    expect(answers[0]?.get('/ports/9.json')).toMatch(/^HTTP\/1\.1 200 .*portolan\.report\/1/s);
    expect(answers[0]?.get('/a/sans-latin.woff2')?.length).toBeGreaterThan(10_000);
    expect(answers[1]).toEqual(answers[0]);
  });
});
