// A port's page in a browser: its live card, the visitor's system, copying, languages, paper, and what is left without script.
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { browserTest, closed, listener, shot } from './browser.ts';

const state = (page: Page): Promise<string | null> => page.getAttribute('.card .state', 'data-state');

browserTest('the card sees a listener come and go', {}, async ({ page, base, complaints }) => {
  const first = await listener();
  const { port } = first.address() as AddressInfo;
  await page.goto(`${base}/en/ports/${port}`);
  // What the server wrote is what the browser then keeps.
  expect(await state(page)).toBe('listening');
  expect(await page.textContent('.card')).toContain(`pid ${process.pid}`);
  await shot(page, 'port-listening');
  await closed(first);
  await page.waitForSelector('.card .state[data-state=free], .card .state[data-state=unknown]');
  expect(await page.getAttribute('.card', 'data-state')).toBe(await state(page));
  expect(await page.textContent('.card')).not.toContain(`pid ${process.pid}`);
  const second = await listener(port);
  await page.waitForSelector('.card .state[data-state=listening]');
  expect(await page.textContent('.card')).toContain(`pid ${process.pid}`);
  expect(await page.getAttribute('#card-body', 'aria-live')).toBe('polite');
  await closed(second);
  expect(complaints).toEqual([]);
});

browserTest('a card that gets no answers says so', {}, async ({ page, base }) => {
  let cut = false;
  await page.route('**/api/live/**', (route) => (cut ? route.abort() : route.fulfill({ status: 503 })));
  await page.goto(`${base}/en/ports/60163`);
  cut = true;
  await page.waitForSelector('.card .lost:visible');
  await page.unroute('**/api/live/**');
  await page.waitForSelector('.card .lost', { state: 'hidden' });
});

const AGENTS = [
  ['windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140 Safari/537.36'],
  ['macos', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15'],
  ['linux', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36'],
] as const;
for (const [system, userAgent] of AGENTS) {
  browserTest(
    `a visitor on ${system} finds the commands of ${system}`,
    { userAgent },
    async ({ page, base }) => {
      // As a visitor who may not see the host gets it: a page that knows the host is about the host's own system.
      await page.route('**/en/ports/3000', async (route) => {
        const answer = await route.fetch();
        const body = (await answer.text()).replace(/data-state="[a-z]+"/g, 'data-state="none"');
        await route.fulfill({ response: answer, body });
      });
      await page.goto(`${base}/en/ports/3000`);
      await page.waitForFunction(
        (id) => document.querySelector<HTMLInputElement>(id)?.checked,
        `#os-${system}`,
      );
      expect(await page.locator('.panel:visible').count()).toBe(1);
      expect(await page.locator(`#os-${system} ~ .panel`).isVisible()).toBe(true);
    },
  );
}

browserTest('tabs by keyboard, and copying a command', {}, async ({ page, base, complaints }) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`${base}/en/ports/3000`);
  await page.focus('.tab input:checked');
  await page.keyboard.press('ArrowRight');
  expect(await page.locator('#os-linux').isChecked()).toBe(true);
  const block = page.locator('#os-linux ~ .panel pre').first();
  await block.locator('button').focus();
  await page.keyboard.press('Enter');
  await block.locator('button.done').waitFor();
  const command = await block.locator('code').textContent();
  expect(command).toContain('3000');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(command);
  expect(complaints).toEqual([]);
});

browserTest('day and night are kept', {}, async ({ page, base }) => {
  await page.goto(`${base}/en/ports/22`);
  const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const day = await paper();
  await page.click('[data-theme-toggle]');
  const night = await paper();
  expect(night).not.toBe(day);
  await page.goto(`${base}/en/ports/3000`);
  expect(await paper()).toBe(night);
});

browserTest('languages: the same page, its language, direction and address', {}, async ({ page, base }) => {
  await page.goto(`${base}/en/ports/60163`);
  for (const [from, to, dir] of [
    ['en', 'cs', 'ltr'],
    ['cs', 'ar', 'rtl'],
    ['ar', 'de', 'ltr'],
  ] as const) {
    const before = await page.textContent('.lead');
    await page.click('.languages summary');
    const link = page.locator(`.languages a[hreflang=${to}]`);
    expect(await link.getAttribute('lang')).toBe(to);
    expect(await page.getAttribute('.languages [aria-current]', 'hreflang')).toBe(from);
    await link.click();
    await page.waitForURL(`${base}/${to}/ports/60163`);
    expect(await page.getAttribute('html', 'lang')).toBe(to);
    expect(await page.getAttribute('html', 'dir')).toBe(dir);
    expect(await page.textContent('.lead')).not.toBe(before);
    expect(await page.textContent('h1')).toBe('60163');
  }
});

browserTest(
  'from right to left the page is mirrored, and what is no text is not',
  {},
  async ({ page, base }) => {
    const place = async (selector: string): Promise<number> => {
      const box = await page.locator(selector).first().boundingBox();
      if (box === null) throw new Error(`no ${selector}`);
      return box.x + box.width / 2;
    };
    const needle = async (): Promise<number> => {
      const [ruler, head] = await Promise.all([
        page.locator('svg.ruler').boundingBox(),
        page.locator('.r-head').boundingBox(),
      ]);
      if (ruler === null || head === null) throw new Error('no needle');
      return (head.x + head.width / 2 - ruler.x) / ruler.width;
    };
    await page.goto(`${base}/en/ports/60163`);
    const width = 1360;
    const left = { brand: await place('.brand'), rail: await place('.card'), needle: await needle() };
    expect(left.brand).toBeLessThan(width / 2);
    expect(left.rail).toBeGreaterThan(width / 2);
    expect(left.needle).toBeCloseTo(60_163 / 65_536, 2);
    await page.goto(`${base}/ar/ports/60163`);
    expect(await place('.brand')).toBeGreaterThan(width / 2);
    expect(await place('.card')).toBeLessThan(width / 2);
    // Numbers run from left to right in every language, and so does the ruler.
    expect(await needle()).toBeCloseTo(left.needle, 2);
    expect(
      await page.evaluate(() => getComputedStyle(document.querySelector('pre') ?? document.body).direction),
    ).toBe('ltr');
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
  },
);

browserTest('without script nothing is missing', { javaScriptEnabled: false }, async ({ page, base }) => {
  const server = await listener();
  try {
    const { port } = server.address() as AddressInfo;
    await page.goto(`${base}/en/ports/${port}`);
    expect(await state(page)).toBe('listening');
    expect(await page.textContent('.card')).toContain(`pid ${process.pid}`);
    await page.goto(`${base}/en/ports/3000`);
    expect(await page.locator('.claims li').count()).toBeGreaterThan(2);
    expect(await page.locator('#sources li a[rel]').count()).toBeGreaterThan(2);
    const question = page.locator('.question').first();
    expect(await question.locator('p').isVisible()).toBe(false);
    await question.locator('summary').click();
    expect(await question.locator('p').isVisible()).toBe(true);
    expect((await question.locator('p').textContent())?.length).toBeGreaterThan(20);
    await page.click('label[for=os-windows]');
    expect(await page.locator('#os-windows ~ .panel').isVisible()).toBe(true);
    await page.click('.languages summary');
    await page.click('.languages a[hreflang=cs]');
    await page.waitForURL(`${base}/cs/ports/3000`);
    // A mark leads to its source, and back.
    await page.locator('.ref a').first().click();
    await page.waitForURL(/#s\d+$/);
    await page.locator('#sources li:target .back').click();
    await page.waitForURL(/#r\d+$/);
  } finally {
    await closed(server);
  }
});

browserTest('on paper: all there is, and where it is from', {}, async ({ page, base }) => {
  await page.goto(`${base}/en/ports/3000`);
  await page.emulateMedia({ media: 'print' });
  for (const away of ['.top', '.useful', 'pre button']) {
    expect(await page.locator(away).first().isVisible(), away).toBe(false);
  }
  expect(await page.locator('.panel:visible').count()).toBe(await page.locator('.panel').count());
  expect(await page.locator('.question p:visible').count()).toBe(await page.locator('.question').count());
  const source = page.locator('#sources a[rel]').first();
  expect(await source.evaluate((link) => getComputedStyle(link, '::after').content)).toContain('http');
  await shot(page, 'port-print');
  // Whoever reads by night prints dark on light.
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const ink = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).color);
  const day = await ink();
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'night'));
  expect(await ink()).toBe(day);
  expect(day).toBe('rgb(16, 33, 44)');
});
