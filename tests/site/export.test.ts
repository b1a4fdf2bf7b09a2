// The export, by the built program: complete, linked, resumed after a kill as if it had run through, packed and read.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExportV1 } from '@portolan/core';
import { openPack } from '@portolan/site';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checked, environment, expectTold, PROGRAM, portolan } from '../cli/program.ts';
import { bodyOf, raw, request, STRICT, serve, statusOf, type TestServer } from '../cli/serving.ts';

/** Exports take longer than other tests where much else runs. */
const PATIENCE = 180_000;
const CLAIMED = ['--scope', 'claimed', '--lang', 'en'];

let root: string;
let clean: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'portolan-export-'));
  clean = join(root, 'clean');
  const { code, err, out } = await portolan(['export', clean, ...CLAIMED, '--json']);
  expect(err).toBe('');
  expect(code).toBe(0);
  const told = checked<ExportV1>(out);
  expect(told).toMatchObject({
    kind: 'files',
    languages: ['en'],
    scope: 'claimed',
    unchanged: 0,
    base: null,
  });
  // What is told is what is there, but for the mark that the folder is an export.
  expect(told.files).toBe(files(clean).length - 1);
  expect(told.written).toBe(told.files);
}, PATIENCE);

afterAll(() => rmSync(root, { recursive: true, force: true }), PATIENCE);

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function digest(folder: string): Map<string, string> {
  return new Map(
    files(folder).map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  );
}

describe('files', () => {
  test('every link of 2,000 pages leads to a file, every anchor to an id', () => {
    const pages = files(clean).filter((file) => file.endsWith('.html'));
    expect(pages.length).toBeGreaterThan(8000);
    const step = pages.length / 2000;
    const ids = new Map<string, Set<string>>();
    const idsOf = (file: string): Set<string> => {
      const known = ids.get(file);
      if (known !== undefined) return known;
      const text = readFileSync(join(clean, file), 'utf8');
      const found = new Set([...text.matchAll(/ id="([^"]+)"/g)].map((match) => match[1] ?? ''));
      ids.set(file, found);
      return found;
    };
    const broken: string[] = [];
    let links = 0;
    for (let index = 0; index < 2000; index++) {
      const page = pages[Math.floor(index * step)] ?? '';
      const text = readFileSync(join(clean, page), 'utf8');
      for (const [, target = ''] of text.matchAll(/(?:href|src)="([^"]*)"/g)) {
        if (/^(https?:|data:)/.test(target)) continue;
        links++;
        const [path = '', anchor = ''] = target.split('#');
        // Only the page for what is not there begins at the root, for it may stand anywhere.
        const from = path.startsWith('/') ? '' : dirname(page);
        expect(path.startsWith('/'), page).toBe(/^(en\/)?404\.html$/.test(page) && path !== '');
        const file = path === '' ? page : normalize(join('./', from, path)).replace(/^\//, '');
        if (!existsSync(join(clean, file))) broken.push(`${page}: ${target}`);
        else if (anchor !== '' && !idsOf(file).has(anchor)) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken.slice(0, 20)).toEqual([]);
    expect(links).toBeGreaterThan(40_000);
  });

  test('no page asks anything of another host', () => {
    for (const page of files(clean)
      .filter((file) => file.endsWith('.html'))
      .slice(0, 300)) {
      const text = readFileSync(join(clean, page), 'utf8');
      expect(text).not.toMatch(/<(script|img|link|iframe)[^>]+(src|href)="https?:/);
      expect(text).not.toMatch(/ (style|on[a-z]+)="/);
    }
  });

  test(
    'killed half-way and run again, it is what a clean run makes, byte for byte; only the rest is written',
    async () => {
      const folder = join(root, 'killed');
      const child = spawn(process.execPath, [PROGRAM, 'export', folder, ...CLAIMED], {
        env: environment(),
        stdio: 'ignore',
      });
      const ended = new Promise((done) => child.once('exit', done));
      const ports = join(folder, 'en', 'ports');
      while (!existsSync(ports) || readdirSync(ports).length < 500) {
        if (child.exitCode !== null) break;
        await pause(5);
      }
      child.kill('SIGKILL');
      await ended;
      const whole = digest(clean);
      // Whatever the kill cut off, and a page that somebody spoiled.
      writeFileSync(join(ports, '0.html'), 'half a page');
      const half = [...digest(folder)];
      const right = half.filter(([file, sum]) => whole.get(file) === sum).length;
      expect(half.length).toBeLessThan(whole.size);
      const before = statSync(join(ports, '1.html'));
      const { out } = await portolan(['export', folder, ...CLAIMED, '--json']);
      const { files: all, written, unchanged } = checked<ExportV1>(out);
      expect({ written, unchanged }).toEqual({ unchanged: right - 1, written: all - (right - 1) });
      expect(written).toBeGreaterThan(0);
      const after = statSync(join(ports, '1.html'));
      expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
      expect(digest(folder)).toEqual(whole);
    },
    PATIENCE,
  );

  test('a folder with other things in it is left alone', async () => {
    const folder = join(root, 'mine');
    mkdirSync(folder);
    writeFileSync(join(folder, 'index.html'), 'mine');
    const { code, err } = await portolan(['export', folder, '--scope', 'claimed']);
    expect(code).toBe(1);
    expect(err).toContain('holds other files');
    expect(files(folder)).toEqual(['index.html']);
    expect(readFileSync(join(folder, 'index.html'), 'utf8')).toBe('mine');
  });
});

describe('usage', () => {
  test.each([
    [['export'], /Folder/i],
    [['export', 'x', '--lang', 'tlh'], /no pages in “tlh”/],
    [['export', 'x', '--lang', 'en,,cs'], /no pages in “”/],
    [['export', 'x', '--languages', 'en'], /no flag --languages/],
    [['export', 'x', '--scope', 'some'], /--scope takes all or claimed/],
    [['export', 'x', '--format', 'zip'], /--format takes files or pack/],
    [['export', 'x', '--base', 'javascript:alert(1)'], /no address of a site/],
    [['export', 'x', '--feedback-url', 'javascript:alert(1)'], /no address that answers/],
    [
      ['export', 'x', '--format', 'pack', '--feedback-url', 'https://x.example/'],
      /--feedback-url is for files/,
    ],
    // Elsewhere --lang stays one language of the program.
    [['80', '--lang', 'en,cs'], /no language “en,cs”/],
    [['serve', '--lang', 'de'], /no language “de”/],
  ])('%j', async (args, words) => {
    expectTold(await portolan(args), 2, words);
  });

  test('the first of the languages that the program speaks is its own', async () => {
    const told = async (list: string) => (await portolan(['export', root, '--lang', list])).err;
    // Failures are told in English; the help names the list and not the one language.
    expect(await told('de,cs')).toContain('holds other files');
    const { out } = await portolan(['export', '--help']);
    expect(out).toContain('--lang LIST');
    expect(out).not.toContain('--lang TAG');
  });
});

describe('pack', () => {
  let pack: string;
  beforeAll(async () => {
    pack = join(root, 'site.pack');
    const { code, out } = await portolan(['export', pack, '--format', 'pack', ...CLAIMED, '--json']);
    expect(code).toBe(0);
    expect(checked<ExportV1>(out)).toMatchObject({ kind: 'pack', bytes: statSync(pack).size });
  }, PATIENCE);

  test('holds the same files', () => {
    const opened = openPack(pack);
    try {
      const there = files(clean).filter((file) => file !== '.portolan-export');
      expect([...opened.paths()].sort()).toEqual(there);
      for (let index = 0; index < there.length; index += 37) {
        const path = there[index] ?? '';
        expect(opened.read(path)?.equals(readFileSync(join(clean, path))), path).toBe(true);
      }
      expect(opened.read('en/ports/99999.html')).toBeNull();
      expect(opened.read('../../etc/passwd')).toBeNull();
      opened.check();
    } finally {
      opened.close();
    }
  });

  test('one that was cut short, changed or is none says so, and is not served', async () => {
    const spoiled = join(root, 'spoiled.pack');
    const whole = readFileSync(pack);
    const told = async (bytes: Uint8Array | string): Promise<void> => {
      writeFileSync(spoiled, bytes);
      expectTold(
        await portolan(['serve', '--port', '0', '--pack', spoiled]),
        1,
        /no pack .* or it is damaged/,
      );
    };
    await told(whole.subarray(0, whole.length - 20));
    await told(whole.subarray(0, 3));
    await told('PORTOLAN-PACK/1\n'.padEnd(400, '\xff'));
    // One bit in the middle of a page.
    const at = Math.floor(whole.length / 2);
    whole[at] = (whole[at] ?? 0) ^ 4;
    await told(whole);
    expectTold(await portolan(['serve', '--pack', join(root, 'none.pack')]), 1, /cannot be read \(ENOENT\)/);
  });

  describe('served', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await serve(['--pack', pack]);
    }, PATIENCE);
    afterAll(async () => {
      expect(await server.stop()).toBe(143);
      expect(server.output()).toBe('');
    });
    const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
      raw(server.port, request(server.port, path, headers));

    test('a page is the file of the export, with the headers of every answer', async () => {
      for (const path of [
        'en/ports/60163.html',
        'en/ports/443.html',
        'en/services/xsan.html',
        'robots.txt',
      ]) {
        if (!existsSync(join(clean, path))) continue;
        const answer = await get(`/${path}`);
        expect(statusOf(answer), path).toBe(200);
        expect(bodyOf(answer), path).toBe(readFileSync(join(clean, path), 'utf8'));
        for (const header of STRICT) expect(answer, path).toMatch(header);
      }
      expect(bodyOf(await get('/en/ports/443'))).toBe(bodyOf(await get('/en/ports/443.html')));
      expect(await get('/en/ports/443.html')).toMatch(/^content-type: text\/html; charset=utf-8\r$/im);
      expect(server.told).toMatchObject({ codeSeconds: 0, peerCheck: false, open: server.told.address });
    });

    test('its links lead somewhere', async () => {
      const port = '/en/ports/443.html';
      const targets = new Set(
        [...bodyOf(await get(port)).matchAll(/(?:href|src)="([^"#]+)/g)]
          .map((match) => match[1] ?? '')
          .filter((target) => !/^(https?:|data:)/.test(target))
          .map((target) => new URL(target, `http://x${port}`).pathname),
      );
      expect(targets.size).toBeGreaterThan(12);
      for (const target of targets) {
        expect([target, statusOf(await get(target))]).toEqual([target, 200]);
      }
    });

    test('readers come to their language, and to a page of ours where there is none', async () => {
      const location = (answer: string): string | undefined => /^location: (.*)\r$/im.exec(answer)?.[1];
      expect(location(await get('/', { 'Accept-Language': 'cs, en;q=0.5' }))).toBe('/en/');
      expect(location(await get('/en'))).toBe('/en/');
      expect(location(await get('/ports/443'))).toBe('/en/ports/443.html');
      expect(statusOf(await get('/en/'))).toBe(200);
      for (const path of [
        '/en/ports/99999',
        '/cs/ports/443.html',
        '/en/here',
        '/a/../../etc/passwd',
        '/a/none.js',
      ]) {
        expect([path, statusOf(await get(path))]).toEqual([path, 404]);
      }
      expect(bodyOf(await get('/en/ports/99999'))).toBe(readFileSync(join(clean, 'en', '404.html'), 'utf8'));
    });

    test('the same gate stands before it, and nothing is live', async () => {
      expect(statusOf(await get('/en/', { Host: 'evil.example' }))).toBe(403);
      expect(statusOf(await get('/en/', { 'Sec-Fetch-Site': 'cross-site' }))).toBe(403);
      for (const path of ['/api/live/here', '/api/live/ports/443', '/openapi.json', '/ports/443.json']) {
        expect([path, statusOf(await get(path))]).toEqual([path, 404]);
      }
      expect(statusOf(await raw(server.port, request(server.port, '/api/token', {}, 'POST', '{}')))).toBe(
        403,
      );
    });
  });
});
