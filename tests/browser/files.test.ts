// Pages as files of an export: chart, search and paste box work, and nothing is asked of a host.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadTranslator, PAGE_LANGUAGES, type PageEnv, pageHtml } from '@portolan/core/web';
import { makeAssets, makeSite, readAssets, siteAssets } from '@portolan/site';
import { afterAll, beforeAll, expect } from 'vitest';
import { fileLinks } from '../../packages/site/src/links.ts';
import { PACKAGE } from '../cli/program.ts';
import { builtFacts } from '../site/facts.ts';
import { browserTest, shot } from './browser.ts';

let server: Server;
let base: string;
const asked: string[] = [];

beforeAll(async () => {
  const site = makeSite(builtFacts(), 'portolan');
  const assets = new Map([...readAssets(join(PACKAGE, 'dist', 'site')), ...makeAssets(siteAssets(site))]);
  const lang = await loadTranslator('en', 'pages');
  const env = (path: string): PageEnv => ({
    lang,
    dir: 'ltr',
    languages: PAGE_LANGUAGES,
    // As where only ports that somebody names have a page.
    links: { ...fileLinks('en', path, null), everyPort: false },
    outlet: 'static',
    feedback: null,
    find: null,
    live: null,
    marked: new Set(),
    memo: new Map(),
  });
  const box = site.page('/paste');
  if (box === null) throw new Error('no paste box');
  const pages = new Map([
    ['/en/index.html', pageHtml(site.homePage(null), env('/'))],
    ['/en/paste.html', pageHtml(box, env('/paste'))],
  ]);
  server = createServer((request, answer) => {
    const path = request.url ?? '';
    asked.push(path);
    const asset = assets.get(path.replace('/a/', ''));
    if (asset !== undefined) answer.writeHead(200, { 'content-type': asset.type }).end(asset.bytes);
    else if (pages.has(path)) answer.writeHead(200, { 'content-type': 'text/html' }).end(pages.get(path));
    else answer.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

browserTest('chart and search without a server that knows anything', {}, async ({ page, complaints }) => {
  await page.goto(`${base}/en/index.html`);
  await page.waitForSelector('[role=slider][aria-valuetext]');
  await page.waitForTimeout(500);
  await shot(page, 'files-home');
  const words = (await page.textContent('body')) ?? '';
  expect(words).not.toMatch(/this host|listening here|on it here/);
  expect(await page.getAttribute('[role=slider]', 'aria-valuetext')).not.toContain('here');
  expect(asked.filter((path) => path.startsWith('/api'))).toEqual([]);
  expect(await page.getAttribute('.readout a', 'href')).toBe('../en/ports/8080.html');
  await page.goto(`${base}/en/index.html#port=65000`);
  await page.waitForFunction(() => document.querySelector('.readout a')?.textContent === '65000');
  expect(await page.getAttribute('.readout a', 'href')).toBe('../en/thousands/65.html');
  const leads = async (query: string): Promise<string> => {
    await page.goto(`${base}/en/index.html`);
    await page.fill('.find input', query);
    await page.waitForSelector('#found [role=option]');
    const request = page.waitForRequest((sent) => sent.isNavigationRequest());
    await page.press('.find input', 'Enter');
    return new URL((await request).url()).pathname;
  };
  expect(await leads('443')).toBe('/en/ports/443.html');
  expect(await leads('53/udp')).toBe('/en/ports/53.html');
  expect(await leads('65000')).toBe('/en/thousands/65.html');
  expect(await leads('xsan')).toBe('/en/services/xsan.html');
  expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
});

browserTest('the paste box as a file', {}, async ({ page, complaints }) => {
  await page.goto(`${base}/en/paste.html`);
  await page.click('[data-do=example]');
  await page.waitForSelector('.pasted li');
  const places = await page.$$eval('.pasted .carries a', (links) =>
    links.map((link) => link.getAttribute('href')),
  );
  expect(places).toContain('../en/ports/22.html');
  // Nobody names 60163: it has its place on the page of its thousand.
  expect(places).toContain('../en/thousands/60.html');
  expect(asked.filter((path) => path.startsWith('/api'))).toEqual([]);
  expect(complaints).toEqual([]);
});
