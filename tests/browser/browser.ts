// What browser tests stand on: a Chromium that is installed, the built program serving its pages, listeners to be seen on
// them, and the end of all of these.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, test } from 'vitest';
import { environment, PROGRAM } from '../cli/program.ts';
import { serve as serveAlone } from '../cli/serving.ts';

/** Where Chromium may be; CHROMIUM names another. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser's file; null where there is none. */
function chromiumFile(): string | null {
  const named = process.env['CHROMIUM'];
  return [...(named === undefined ? [] : [named]), ...PLACES].find((file) => existsSync(file)) ?? null;
}

/** A page of the site in a browser of its own settings. */
export interface Visit {
  readonly page: Page;
  /** Where the pages are: `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** What the page reported as an error, and what its policy refused. */
  readonly complaints: readonly string[];
}

/** Starts a Chromium. */
function launch(file: string, args: readonly string[] = []): Promise<Browser> {
  // Tests run as root where namespaces are made, and Chromium has no sandbox for root.
  return chromium.launch({ executablePath: file, args: ['--no-sandbox', '--disable-gpu', ...args] });
}

let browser: Promise<Browser> | undefined;
let serving: Promise<{ base: string; child: ChildProcess }> | undefined;

afterAll(async () => {
  await (await browser)?.close();
  const served = await serving?.catch(() => undefined);
  if (served === undefined || served.child.exitCode !== null) return;
  const ended = new Promise((done) => served.child.once('exit', done));
  served.child.kill();
  await ended;
});

/** A test with a page; skipped, saying why, where there is no browser. */
export function browserTest(
  name: string,
  options: BrowserContextOptions,
  body: (visit: Visit) => Promise<void>,
): void {
  const file = chromiumFile();
  if (file === null) {
    const why = `no Chromium at ${PLACES.join(', ')}; CHROMIUM names none`;
    process.stderr.write(`skipped: ${name}: ${why}\n`);
    test.skip(`${name} (skipped: ${why})`, () => undefined);
    return;
  }
  test(name, async () => {
    browser ??= launch(file);
    serving ??= serve();
    const { base } = await serving;
    await visit(await browser, base, options, body);
  });
}

/** Opens a page in a context of its own, and closes both. */
async function visit(
  own: Browser,
  base: string,
  options: BrowserContextOptions,
  body: (visit: Visit) => Promise<void>,
): Promise<void> {
  const context = await own.newContext({
    viewport: { width: 1360, height: 1000 },
    locale: 'en-GB',
    ...options,
  });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (line) => {
      if (line.type() === 'error') complaints.push(line.text());
    });
    await body({ page, base, complaints });
  } finally {
    await context.close();
  }
}

/** Of no account on the machine. */
const SOMEBODY = 1000;

/** Hands on every connection to a port, so that its other end sees the user of this program. */
const FORWARD = `
  const { connect, createServer } = require('node:net');
  const server = createServer((near) => {
    const far = connect(Number(process.argv[1]), '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/**
 * A test whose pages are asked for by another user than the server's own. `address` is the one that the server printed, with
 * its code. Skipped, saying why, where there is no browser and where no other user can be played.
 */
export function strangerTest(
  name: string,
  body: (visit: Visit & { address: string }) => Promise<void>,
): void {
  const file = chromiumFile();
  const why = file === null ? 'no Chromium' : process.geteuid?.() === 0 ? null : 'not root';
  if (file === null || why !== null) {
    process.stderr.write(`skipped: ${name}: ${why}\n`);
    test.skip(`${name} (skipped: ${why})`, () => undefined);
    return;
  }
  test(name, async () => {
    const server = await serveAlone();
    const forward = spawn(process.execPath, ['-e', FORWARD, String(server.port)], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
      uid: SOMEBODY,
      gid: SOMEBODY,
    });
    let own: Browser | undefined;
    try {
      const by = await firstLine(forward);
      const base = `http://localhost:${server.port}`;
      own = await launch(file, [`--host-resolver-rules=MAP localhost:${server.port} 127.0.0.1:${by}`]);
      const address = server.told.open.replace(/^http:\/\/[^/]+/, base);
      await visit(own, base, {}, (each) => body({ ...each, address }));
    } finally {
      await own?.close();
      forward.kill();
      await server.stop();
    }
  });
}

async function firstLine(child: ChildProcess & { readonly stdout: Readable }): Promise<string> {
  return new Promise((done, fail) => {
    child.once('exit', (code) => fail(new Error(`it ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', done);
  });
}

/** Starts `portolan serve` and waits for the address that it prints. */
async function serve(): Promise<{ base: string; child: ChildProcess }> {
  const port = await freePort();
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', String(port)], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return new Promise((done, fail) => {
    child.once('exit', (code) => fail(new Error(`serve ended with ${code}: ${errors}`)));
    createInterface({ input: child.stdout }).once('line', (line) => {
      done({ base: line.replace(/\/$/, ''), child });
    });
  });
}

async function freePort(): Promise<number> {
  const server = await listener();
  const { port } = server.address() as AddressInfo;
  await closed(server);
  return port;
}

/** A listener on loopback, on any port or on a certain one. */
export function listener(port = 0): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => done(server));
  });
}

/**
 * A listener among numbers that the system hands to nobody, where its neighbours are free as well: on the chart, a dot is
 * wider than its port.
 */
export async function lonelyListener(): Promise<Server> {
  for (let port = 12_005; port < 20_000; port += 11) {
    const held: Server[] = [];
    try {
      for (let near = port - 5; near <= port + 5; near++) held.push(await listener(near));
      const [own] = held.splice(5, 1);
      if (own !== undefined) return own;
    } catch {
      // Somebody is there; the next ones may be free.
    } finally {
      await Promise.all(held.map(closed));
    }
  }
  throw new Error('no eleven numbers in a row are free');
}

/** Ends a listener. */
export function closed(server: Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}

/** Keeps a picture of the page where PORTOLAN_SHOTS names a folder. */
export async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env['PORTOLAN_SHOTS'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: false });
}

/** Rules of WCAG 2.2 AA, and what is good practice besides. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds wrong, in a line each. */
export async function violations(page: Page, within = 'html'): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(
    async ({ tags, part }) => {
      const { axe: inPage } = globalThis as unknown as { axe: typeof axe };
      const { violations: found } = await inPage.run(part, { runOnly: tags });
      return found.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id} ${String(target)}: ${failureSummary}`),
      );
    },
    { tags: RULES, part: within },
  );
}
