// What browser tests stand on: a Chromium that is installed, the built program serving its pages, listeners to be seen on
// them, and the end of all of these.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, test } from 'vitest';
import { environment, PROGRAM } from '../cli/program.ts';

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
    // Tests run as root where namespaces are made, and Chromium has no sandbox for root.
    browser ??= chromium.launch({ executablePath: file, args: ['--no-sandbox', '--disable-gpu'] });
    serving ??= serve();
    const { base } = await serving;
    const context = await (await browser).newContext({
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
