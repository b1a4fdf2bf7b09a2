// What holds of every page: accessible to all, by day and by night, on a phone and on a wide screen, in both directions;
// light; whole without anybody else's server.
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { browserTest, shot, violations } from './browser.ts';

const PAGES = [
  'ports/22',
  'ports/3000',
  'ports/60163',
  'here',
  'services/postgresql',
  'ranges/dynamic',
  'thousands/60',
  'sources',
  'paste',
  'find?q=postgres',
];

/** How a page is looked at. */
const WAYS = [
  { name: 'day', width: 1360, colorScheme: 'light' },
  { name: 'night', width: 1360, colorScheme: 'dark' },
  { name: 'phone', width: 390, colorScheme: 'light' },
  { name: 'phone-night', width: 390, colorScheme: 'dark' },
] as const;

for (const lang of ['en', 'ar']) {
  for (const { name, width, colorScheme } of WAYS) {
    browserTest(
      `axe finds nothing: ${lang} ${name}`,
      { viewport: { width, height: 1000 }, colorScheme, reducedMotion: 'reduce' },
      async ({ page, base, complaints }) => {
        const wrong: Record<string, unknown> = {};
        for (const path of PAGES) {
          await page.goto(`${base}/${lang}/${path}`);
          await page.evaluate(() => document.fonts.ready);
          await shot(page, `${path.replace(/\W+/g, '-')}-${lang}-${name}`);
          const found = await violations(page);
          const beside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          if (found.length > 0 || beside > 0) wrong[path] = { found, beside };
        }
        expect(wrong).toEqual({});
        expect(complaints).toEqual([]);
      },
    );
  }
}

/** What a page asked for, before anybody did anything on it. */
async function load(page: Page, address: string): Promise<{ url: string; type: string; body: Buffer }[]> {
  const asked: { url: string; type: string; body: Promise<Buffer> }[] = [];
  page.on('response', (answer) => {
    const type = answer.request().resourceType();
    // A stream has no end.
    const streams = answer.url().includes('/api/live/');
    asked.push({ url: answer.url(), type, body: streams ? Promise.resolve(Buffer.alloc(0)) : answer.body() });
  });
  await page.goto(address);
  await page.waitForTimeout(1500);
  return Promise.all(asked.map(async ({ url, type, body }) => ({ url, type, body: await body })));
}

for (const port of [22, 80, 3000, 60_163]) {
  browserTest(`the page of ${port} is light, and asks nobody else`, {}, async ({ page, base }) => {
    const asked = await load(page, `${base}/en/ports/${port}`);
    const urls = asked.map(({ url }) => url).filter((url) => !url.startsWith('data:'));
    expect(urls.filter((url) => new URL(url).origin !== base)).toEqual([]);
    expect(urls.length).toBeLessThanOrEqual(8);
    const scripts = asked.filter(({ type }) => type === 'script');
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.reduce((sum, { body }) => sum + gzipSync(body).length, 0)).toBeLessThan(30_000);
    const html = asked.find(({ type }) => type === 'document');
    expect(html?.body.length).toBeGreaterThan(5000);
    expect(html?.body.length).toBeLessThan(60_000);
  });
}

browserTest('marks of a page: its parts, its title, what it is about', {}, async ({ page, base }) => {
  const titles = new Set<string>();
  for (const path of ['', ...PAGES]) {
    await page.goto(`${base}/en/${path}`);
    const found = await page.evaluate(() => ({
      header: document.querySelectorAll('body > header').length,
      nav: document.querySelectorAll('header nav[aria-label]').length,
      main: document.querySelectorAll('body > main').length,
      footer: document.querySelectorAll('body > footer').length,
      h1: document.querySelectorAll('h1').length,
    }));
    expect(found, path).toEqual({ header: 1, nav: 1, main: 1, footer: 1, h1: 1 });
    const title = await page.title();
    expect(title, path).toMatch(/\S · Portolan$/);
    titles.add(title);
    expect((await page.getAttribute('meta[name=description]', 'content'))?.length, path).toBeGreaterThan(20);
    const ids = await page.$$eval('[id]', (all) => all.map(({ id }) => id));
    expect(new Set(ids).size, path).toBe(ids.length);
  }
  expect(titles.size).toBe(PAGES.length + 1);
});

browserTest('the typeface comes later than the text, and hardly moves it', {}, async ({ page, base }) => {
  // A slow typeface: the text stands in another one before.
  await page.route('**/*.woff2', async (route) => {
    await new Promise((done) => setTimeout(done, 700));
    await route.continue();
  });
  await page.addInitScript(() => {
    Object.assign(globalThis, { shifted: 0 });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[]) {
        const seen = globalThis as unknown as { shifted: number };
        if (!entry.hadRecentInput) seen.shifted += entry.value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(`${base}/en/ports/3000`);
  const swaps = await page.evaluate(() =>
    [...document.styleSheets]
      .flatMap((sheet) => [...sheet.cssRules])
      .filter((rule) => rule instanceof CSSFontFaceRule)
      // Faces that the reader's system has are there at once.
      .filter((rule) => rule.style.getPropertyValue('src').includes('url('))
      .map((rule) => rule.style.getPropertyValue('font-display')),
  );
  expect(swaps.length).toBeGreaterThan(0);
  expect(new Set(swaps)).toEqual(new Set(['swap']));
  expect(await page.textContent('h1')).toBe('3000');
  await page.waitForFunction(() => document.fonts.check('16px "Portolan Sans"'));
  await page.waitForTimeout(500);
  // 0.1 is what Web Vitals calls good.
  expect(await page.evaluate(() => (globalThis as unknown as { shifted: number }).shifted)).toBeLessThan(0.1);
});
