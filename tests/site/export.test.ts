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
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openPack } from '@portolan/site';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environment, PROGRAM, portolan } from '../cli/program.ts';

let root: string;
let clean: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'portolan-export-'));
  clean = join(root, 'clean');
  const { code, err } = await portolan(['export', clean, '--scope', 'claimed', '--languages', 'en']);
  expect(err).toBe('');
  expect(code).toBe(0);
}, 180_000);

afterAll(() => rmSync(root, { recursive: true, force: true }), 180_000);

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
    let checked = 0;
    for (let index = 0; index < 2000; index++) {
      const page = pages[Math.floor(index * step)] ?? '';
      const text = readFileSync(join(clean, page), 'utf8');
      for (const [, target = ''] of text.matchAll(/(?:href|src)="([^"]*)"/g)) {
        if (/^(https?:|data:)/.test(target)) continue;
        checked++;
        const [path = '', anchor = ''] = target.split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        if (!existsSync(join(clean, file))) broken.push(`${page}: ${target}`);
        else if (anchor !== '' && !idsOf(file).has(anchor)) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken.slice(0, 20)).toEqual([]);
    expect(checked).toBeGreaterThan(40_000);
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

  test('a second run rewrites nothing, and only what was changed', async () => {
    const folder = join(root, 'again');
    await portolan(['export', folder, '--scope', 'claimed', '--languages', 'en']);
    const first = digest(folder);
    const spoiled = join(folder, 'en', 'ports', '443.html');
    writeFileSync(spoiled, 'half a page');
    const { out } = await portolan(['export', folder, '--scope', 'claimed', '--languages', 'en', '--json']);
    expect(JSON.parse(out)).toMatchObject({ format: 'portolan.export/1', written: 1 });
    expect(digest(folder)).toEqual(first);
  }, 180_000);

  test('killed half-way and run again, it is what a clean run makes, byte for byte', async () => {
    const folder = join(root, 'killed');
    const child = spawn(
      process.execPath,
      [PROGRAM, 'export', folder, '--scope', 'claimed', '--languages', 'en'],
      {
        env: environment(),
        stdio: 'ignore',
      },
    );
    const ended = new Promise((done) => child.once('exit', done));
    const ports = join(folder, 'en', 'ports');
    while (!existsSync(ports) || readdirSync(ports).length < 500) {
      if (child.exitCode !== null) break;
      await pause(5);
    }
    child.kill('SIGKILL');
    await ended;
    const half = readdirSync(ports).length;
    expect(half).toBeLessThan(readdirSync(join(clean, 'en', 'ports')).length);
    const { code } = await portolan(['export', folder, '--scope', 'claimed', '--languages', 'en']);
    expect(code).toBe(0);
    expect(digest(folder)).toEqual(digest(clean));
  }, 180_000);

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
    [['export', 'x', '--languages', 'tlh'], /no pages in “tlh”/],
    [['export', 'x', '--scope', 'some'], /--scope takes all or claimed/],
    [['export', 'x', '--format', 'zip'], /--format takes files or pack/],
    [['export', 'x', '--base', 'javascript:alert(1)'], /no address of a site/],
  ])('%j', async (args, words) => {
    const { code, err } = await portolan(args);
    expect(code).toBe(2);
    expect(err).toMatch(words);
  });
});

describe('pack', () => {
  let pack: string;
  beforeAll(async () => {
    pack = join(root, 'site.pack');
    const { code } = await portolan([
      'export',
      pack,
      '--format',
      'pack',
      '--scope',
      'claimed',
      '--languages',
      'en',
    ]);
    expect(code).toBe(0);
  }, 180_000);

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
    } finally {
      opened.close();
    }
  });

  test('one that was cut short or is none says so', () => {
    const short = join(root, 'short.pack');
    writeFileSync(short, readFileSync(pack).subarray(0, 2_000_000));
    expect(() => openPack(short)).toThrow(/damaged/);
    truncateSync(short, 3);
    expect(() => openPack(short)).toThrow(/damaged/);
    writeFileSync(short, 'PORTOLAN-PACK/1\n'.padEnd(400, '\xff'));
    expect(() => openPack(short)).toThrow(/damaged/);
  });
});
