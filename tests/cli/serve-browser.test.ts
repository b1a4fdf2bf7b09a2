// What a real browser lets other sites do to the server, and how it comes by the token.
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serve, type TestServer } from './serving.ts';

const FILE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
if (FILE === undefined) process.stderr.write('skipped: the server in a browser: no Chromium is installed\n');

/** A user that is not root, whose browser a server of root shows nothing. */
const SOMEBODY = 1000;
/** How long a page may take to come to what is asked of it. */
const WITHIN = { timeout: 15_000 };
const isRoot = process.geteuid?.() === 0;

interface Started {
  readonly browser: Browser;
  end(): Promise<void>;
}

/** A browser, as another user where one is named, for whom names under .test are this host. */
async function start(uid?: number): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-browser-'));
  if (uid !== undefined) chownSync(folder, uid, uid);
  const args = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-port=0',
    `--user-data-dir=${folder}`,
    '--host-resolver-rules=MAP *.test 127.0.0.1',
    'about:blank',
  ];
  const child: ChildProcess = spawn(FILE ?? '', args, {
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ended = new Promise((done) => child.once('exit', done));
  const address = await new Promise<string>((done, fail) => {
    let text = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (found !== undefined) done(found);
    });
    child.once('exit', () => fail(new Error(text)));
  });
  return {
    browser: await chromium.connectOverCDP(address),
    async end() {
      // The whole group that was started here: a browser is several processes.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Attacks of a page on the server at `base`; each gives a word for what it got. */
const ATTACKS = (base: string, port: number): string => `(async () => {
  const base = ${JSON.stringify(base)};
  const loads = (name, attributes) => new Promise((done) => {
    const element = document.createElement(name);
    element.onload = () => done('loaded');
    element.onerror = () => done('refused');
    setTimeout(() => done('silent'), 3000);
    Object.assign(element, attributes);
    document.body.append(element);
  });
  const vote = JSON.stringify({ page: '/ports/80', lang: 'en', useful: 'no' });
  const get = (path, init) => fetch(base + path, init).then((answer) => answer.type === 'opaque' ? 'opaque' : answer.text(), () => 'refused');
  const form = (type) => new Promise((done) => {
    const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() });
    document.body.append(frame);
    const form = Object.assign(document.createElement('form'), { method: 'post', action: base + '/api/useful', enctype: type, target: frame.name });
    for (const [name, value] of Object.entries(JSON.parse(vote))) form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    frame.onload = () => done('sent');
    form.submit();
    setTimeout(() => done('sent'), 2000);
  });
  return {
    json: await get('/ports/${port}.json'),
    credentials: await get('/ports/${port}.json', { credentials: 'include' }),
    live: await get('/api/live/ports/${port}'),
    token: await get('/api/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"code":"x"}' }),
    authorized: await get('/ports/${port}.json', { headers: { authorization: 'Bearer x' } }),
    plain: await get('/api/useful', { method: 'POST', mode: 'no-cors', body: vote }),
    post: await get('/api/useful', { method: 'POST', headers: { 'content-type': 'application/json' }, body: vote }),
    beacon: String(navigator.sendBeacon(base + '/api/useful', new Blob([vote], { type: 'text/plain' }))),
    forms: [await form('application/x-www-form-urlencoded'), await form('multipart/form-data'), await form('text/plain')],
    script: await loads('script', { src: base + '/a/page.js' }),
    data: await loads('script', { src: base + '/ports/${port}.json' }),
    image: await loads('img', { src: base + '/en/ports/80' }),
    style: await loads('link', { rel: 'stylesheet', href: base + '/a/style.css' }),
    stream: await new Promise((done) => {
      const source = new EventSource(base + '/api/live/ports/${port}');
      source.onopen = () => done('open');
      source.onerror = () => done('refused');
    }),
    socket: await new Promise((done) => {
      const socket = new WebSocket(base.replace('http', 'ws') + '/api/live/ports/${port}');
      socket.onopen = () => done('open');
      socket.onerror = () => done('refused');
    }),
  };
})()`;

describe.skipIf(FILE === undefined)('in a browser', () => {
  let server: TestServer;
  let evil: HttpServer;
  let held: Server;
  let heldPort: number;
  beforeAll(async () => {
    server = await serve();
    evil = createHttpServer((_incoming, outgoing) =>
      outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>'),
    );
    held = createServer();
    for (const listener of [evil, held]) {
      await new Promise<void>((done) => {
        listener.listen(0, '127.0.0.1', () => done());
      });
    }
    heldPort = (held.address() as { port: number }).port;
  });
  afterAll(async () => {
    evil.closeAllConnections();
    evil.close();
    held.close();
    await server.stop();
  });

  describe('of the server’s own user', () => {
    let started: Started;
    beforeAll(async () => {
      started = await start();
    });
    afterAll(() => started.end());

    async function visit(address: string): Promise<Page> {
      const page = await (started.browser.contexts()[0] ?? (await started.browser.newContext())).newPage();
      await page.goto(address);
      return page;
    }

    test('another site, and another port of this host, get nothing and change nothing', async () => {
      const { port } = evil.address() as { port: number };
      for (const host of ['evil.test', '127.0.0.1', 'localhost']) {
        const page = await visit(`http://${host}:${port}/`);
        const got = await page.evaluate<Record<string, unknown>>(
          ATTACKS(`http://127.0.0.1:${server.port}`, heldPort),
        );
        const { beacon, forms, plain, ...others } = got;
        expect([beacon, forms]).toEqual(['true', ['sent', 'sent', 'sent']]);
        // Nothing can be read of an opaque answer; what was sent is refused by the server.
        expect(['opaque', 'refused']).toContain(plain);
        expect(Object.entries(others).filter(([, word]) => word !== 'refused')).toEqual([]);
        await page.close();
      }
      expect(existsSync(join(server.dataDir, 'feedback.json'))).toBe(false);
    });

    test('a name that was rebound to this host is refused', async () => {
      const page = await visit(`http://rebound.test:${server.port}/en/ports/80`);
      expect(await page.evaluate('document.body.textContent')).toMatch(/^Refused/);
      expect(await page.evaluate(`fetch('/ports/${heldPort}.json').then((answer) => answer.status)`)).toBe(
        403,
      );
      await page.close();
    });

    test('a link from another site leads to a page that tells its opener nothing', async () => {
      const { port } = evil.address() as { port: number };
      const page = await visit(`http://evil.test:${port}/`);
      const address = `http://127.0.0.1:${server.port}/en/ports/${heldPort}`;
      const opened = page.context().waitForEvent('page');
      await page.evaluate(`window.opened = window.open(${JSON.stringify(address)}); 0`);
      const popup = await opened;
      await popup.waitForSelector('.card .state[data-state=listening]');
      expect(await popup.evaluate('window.opener')).toBe(null);
      expect(await page.evaluate('window.opened.closed')).toBe(true);
      await popup.close();
      await page.close();
    });

    test('a page breaks no rule of its own policy, and keeps no cookie', async () => {
      const page = await visit(`http://127.0.0.1:${server.port}/en/ports/${heldPort}`);
      const complaints: string[] = [];
      page.on('console', (line) => {
        if (line.type() === 'error') complaints.push(line.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.reload();
      await page.waitForSelector('.card .state[data-state=listening]');
      await page.click('.useful button[value=yes]');
      await expect.poll(() => page.textContent('.useful output')).toMatch(/Noted/);
      await page.click('.useful button[value=no]');
      await page.waitForSelector('.useful button[value=no][aria-pressed=true]');
      expect(complaints).toEqual([]);
      expect(await page.context().cookies()).toEqual([]);
      await page.close();
    });
  });

  test('a hidden tab holds no stream, and has one again when it is seen', async () => {
    const started = await start();
    try {
      const page = await (await started.browser.newContext()).newPage();
      const streams: string[] = [];
      page.on('request', (request) => {
        if (request.url().includes('/api/live/')) streams.push('opened');
      });
      page.on('requestfailed', (request) => {
        if (request.url().includes('/api/live/')) streams.push('ended');
      });
      await page.goto(`http://127.0.0.1:${server.port}/en/ports/${heldPort}`);
      await expect.poll(() => streams.join()).toBe('opened');
      const become = (hidden: boolean): Promise<unknown> =>
        page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
          document.dispatchEvent(new Event('visibilitychange')); 0`);
      await become(true);
      await expect.poll(() => streams.join()).toBe('opened,ended');
      expect(await page.isHidden('.card .lost')).toBe(true);
      await become(false);
      await expect.poll(() => streams.join()).toBe('opened,ended,opened');
    } finally {
      await started.end();
    }
  });

  test.skipIf(!isRoot)('of another user: closed, until the code is exchanged for the token', async () => {
    const started = await start(SOMEBODY);
    try {
      const context = await started.browser.newContext();
      const page = await context.newPage();
      const address = `http://127.0.0.1:${server.port}/en/ports/${heldPort}`;
      await page.goto(address);
      await page.waitForSelector('.card .state[data-state=none]');
      const code = server.told.open.split('#')[1] ?? '';
      await page.goto('about:blank');
      await page.goto(`${address}#${code}`);
      await page.waitForSelector('.card .state[data-state=listening]');
      expect(await page.evaluate('location.href')).toBe(address);
      expect(await page.evaluate('[document.cookie, Object.keys(localStorage).length].join()')).toBe(',0');
      expect(await page.textContent('.card')).toContain(`pid ${process.pid}`);
      expect(await page.getAttribute('.card', 'data-state')).toBe('listening');
      // The tab keeps it from page to page, and no other tab has it.
      await page.goto(`http://127.0.0.1:${server.port}/en/ports/${server.port}`);
      await page.waitForSelector('.card .state[data-state=listening]');
      const other = await context.newPage();
      await other.goto(`${address}#${code}`);
      // A page's own policy forbids to evaluate text again and again in it, as `waitForFunction` does; asked from here it may.
      await expect.poll(() => other.evaluate('location.hash'), WITHIN).toBe('');
      await other.waitForSelector('.card .state[data-state=none]');
      // A token of another start is dropped.
      await other.evaluate("sessionStorage.setItem('portolan-token', 'x'.repeat(43))");
      await other.reload();
      await expect.poll(() => other.evaluate("sessionStorage.getItem('portolan-token')"), WITHIN).toBeNull();
      expect(await other.isHidden('.card .lost')).toBe(true);
    } finally {
      await started.end();
    }
  });
});
