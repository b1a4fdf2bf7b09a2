// "Was this page useful?": what is taken, what is kept, and what the owner sees.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeedbackV1 } from '@portolan/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checked, expectTold, portolan } from './program.ts';
import { raw, request, serve, statusOf, type TestServer } from './serving.ts';

let dataDir: string;
let server: TestServer;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'portolan-feedback-'));
  server = await serve([], { dataDir });
});
afterEach(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

function answer(fields: Readonly<Record<string, unknown>>, to: TestServer = server): Promise<string> {
  const headers = { Origin: `http://127.0.0.1:${to.port}`, 'Content-Type': 'application/json' };
  return raw(to.port, request(to.port, '/api/useful', headers, 'POST', JSON.stringify(fields)));
}

function form(body: string): Promise<string> {
  const headers = {
    Origin: `http://127.0.0.1:${server.port}`,
    'Content-Type': 'application/x-www-form-urlencoded',
  };
  return raw(server.port, request(server.port, '/api/useful', headers, 'POST', body));
}

async function told(): Promise<FeedbackV1['pages']> {
  const { out, code } = await portolan(['feedback', '--json'], { env: { PORTOLAN_DATA_DIR: dataDir } });
  expect(code).toBe(0);
  return checked<FeedbackV1>(out).pages;
}

test('answers of script and form are counted by page, language, answer and day, and nothing else is kept', async () => {
  expect(await told()).toEqual([]);
  const vote = { page: '/ports/60163', lang: 'en', useful: 'yes' };
  expect(statusOf(await answer(vote))).toBe(204);
  const back = await form('page=%2Fports%2F60163%2Fudp&lang=en&useful=partly');
  expect(statusOf(back)).toBe(303);
  expect(back).toMatch(/^location: \/en\/ports\/60163\/udp#noted\r$/im);
  const file = join(dataDir, 'feedback.json');
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { counts: object[] };
  const day = new Date().toISOString().slice(0, 10);
  expect(kept.counts).toEqual([
    { ...vote, day, count: 1 },
    { page: '/ports/60163/udp', lang: 'en', useful: 'partly', day, count: 1 },
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dataDir)).toEqual(['feedback.json']);
  const text = (await portolan(['feedback'], { env: { PORTOLAN_DATA_DIR: dataDir } })).out;
  expect(text).toMatch(/^2 answers to “was this page useful\?”\.\n/);
  expect(text).toMatch(/^\/ports\/60163 +0 +0 +1 +en +\d{4}-\d\d-\d\d$/m);
});

test('one answer can be changed; a hostile “before” takes nothing from anybody', async () => {
  const page = '/ports/80';
  await answer({ page, lang: 'en', useful: 'no' });
  await answer({ page, lang: 'en', useful: 'yes', before: 'no' });
  await answer({ page, lang: 'en', useful: 'yes', before: 'yes' });
  expect((await told())[0]?.counts).toEqual({ no: 0, partly: 0, yes: 1 });
  await answer({ page, lang: 'en', useful: 'yes', before: 'partly' });
  await answer({ page: '/ports/81', lang: 'en', useful: 'no', before: 'yes' });
  const pages = await told();
  expect(pages.find((entry) => entry.page === page)?.counts).toEqual({ no: 0, partly: 0, yes: 2 });
  expect(pages.find((entry) => entry.page === '/ports/81')?.counts).toEqual({ no: 1, partly: 0, yes: 0 });
});

test('only answers to pages that there are', async () => {
  const good = { page: '/ports/80', lang: 'en', useful: 'yes' };
  for (const bad of [
    { ...good, page: '/ports/65536' },
    { ...good, page: '/ports/80/quic' },
    { ...good, page: 'http://evil.test/ports/80' },
    { ...good, page: '//evil.test' },
    { ...good, page: '/ports/80\r\nSet-Cookie: x=1' },
    { ...good, page: '/ports/80<script>' },
    { ...good, page: ['/ports/80'] },
    { ...good, page: '__proto__' },
    { ...good, lang: 'tlh' },
    { ...good, lang: '../en' },
    { ...good, useful: 'very' },
    { ...good, useful: '__proto__' },
    { ...good, before: 'never' },
    { ...good, before: 1 },
  ]) {
    expect([bad, statusOf(await answer(bad))]).toEqual([bad, 400]);
  }
  for (const body of [
    '',
    'page=/ports/80',
    'page=/ports/80&lang=en&useful=',
    'page=//evil.test&lang=en&useful=yes',
  ]) {
    expect([body, statusOf(await form(body))]).toEqual([body, 400]);
  }
  expect(existsSync(join(dataDir, 'feedback.json'))).toBe(false);
});

test('ten a minute, then no more', async () => {
  const statuses = [];
  for (let index = 0; index < 13; index++) {
    statuses.push(statusOf(await answer({ page: `/ports/${index}`, lang: 'en', useful: 'yes' })));
  }
  expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 204));
  expect(statuses[12]).toBe(429);
  expect((await told()).length).toBeLessThan(13);
});

test('two servers lose none of each other’s answers', async () => {
  const other = await serve([], { dataDir });
  try {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        answer({ page: '/ports/80', lang: 'en', useful: 'yes' }, index % 2 === 0 ? server : other),
      ),
    );
    const counted = answers.filter((text) => statusOf(text) === 204).length;
    expect(counted).toBe(20);
    expect((await told())[0]?.counts.yes).toBe(counted);
  } finally {
    await other.stop();
  }
});

test('a file that is not ours is told and never overwritten', async () => {
  const file = join(dataDir, 'feedback.json');
  for (const text of ['', '{', '[]', '{"format":"portolan.feedback-file/1","counts":[{"page":"x"}]}']) {
    writeFileSync(file, text);
    const refused = await answer({ page: '/ports/80', lang: 'en', useful: 'yes' });
    expect(statusOf(refused)).toBe(500);
    expect(readFileSync(file, 'utf8')).toBe(text);
    const env = { PORTOLAN_DATA_DIR: dataDir };
    expectTold(await portolan(['feedback'], { env }), 1, /is not what Portolan wrote/);
  }
  expectTold(await portolan(['feedback', 'all']), 2, /feedback takes no “all”/);
});

test('a link in the place of the file is replaced, and what it leads to is left alone', async () => {
  const file = join(dataDir, 'feedback.json');
  const vote = { page: '/ports/80', lang: 'en', useful: 'yes' };
  // A link to nothing would have the file made wherever it leads.
  const nowhere = join(dataDir, 'nowhere');
  symlinkSync(nowhere, file);
  expect(statusOf(await answer(vote))).toBe(204);
  expect([existsSync(nowhere), lstatSync(file).isSymbolicLink()]).toEqual([false, false]);
  const elsewhere = join(dataDir, 'elsewhere');
  const text = readFileSync(file, 'utf8');
  writeFileSync(elsewhere, text);
  rmSync(file);
  symlinkSync(elsewhere, file);
  expect(statusOf(await answer(vote))).toBe(204);
  expect(readFileSync(elsewhere, 'utf8')).toBe(text);
  expect((await told())[0]?.counts.yes).toBe(2);
});

/** Only root can play a user without rights, and mount. */
const asRoot = test.skipIf(process.geteuid?.() !== 0);

asRoot('a folder that may not be written to: refused, and pages go on', async () => {
  const locked = mkdtempSync(join(tmpdir(), 'portolan-locked-'));
  chmodSync(locked, 0o555);
  const other = await serve([], { uid: 65_534, dataDir: locked });
  try {
    const refused = await answer({ page: '/ports/80', lang: 'en', useful: 'yes' }, other);
    expect(statusOf(refused)).toBe(500);
    expect(refused).toMatch(/could not be (?:locked|written) \(EACCES\)/);
    expect(readdirSync(locked)).toEqual([]);
    expect(statusOf(await raw(other.port, request(other.port, '/en/ports/80')))).toBe(200);
  } finally {
    await other.stop();
    rmSync(locked, { recursive: true });
  }
});

asRoot('a full disk: nothing of what was counted is lost, nothing half-written stays', async () => {
  const full = mkdtempSync(join(tmpdir(), 'portolan-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
  try {
    const other = await serve([], { dataDir: full });
    try {
      const vote = { page: '/ports/80', lang: 'en', useful: 'yes' };
      expect(statusOf(await answer(vote, other))).toBe(204);
      const before = readFileSync(join(full, 'feedback.json'), 'utf8');
      const names = readdirSync(full);
      expect(() => writeFileSync(join(full, 'rest'), Buffer.alloc(1 << 20))).toThrow(/ENOSPC/);
      const refused = await answer(vote, other);
      expect(statusOf(refused)).toBe(500);
      expect(refused).toMatch(/could not be written \(ENOSPC\)/);
      expect(readFileSync(join(full, 'feedback.json'), 'utf8')).toBe(before);
      rmSync(join(full, 'rest'));
      expect(readdirSync(full)).toEqual(names);
      expect(statusOf(await answer(vote, other))).toBe(204);
    } finally {
      await other.stop();
    }
  } finally {
    execFileSync('umount', [full]);
    rmSync(full, { recursive: true });
  }
});
