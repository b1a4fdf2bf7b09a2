// The chart of all ports in a browser: by keyboard and by pointer, live, by night, on a phone, and without script.
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { browserTest, closed, listener, lonelyListener, shot, violations } from './browser.ts';

const CHART = '[role=slider]';

async function openChart(page: Page, base: string, fragment = ''): Promise<void> {
  await page.goto(`${base}/en/${fragment}`);
  await page.waitForSelector(`${CHART}[aria-valuetext]`);
  // Names come after the chart; the first port has one.
  await page.waitForFunction(
    () => !document.querySelector('.readout')?.textContent?.includes('assigned by IANA'),
  );
}

const value = (page: Page): Promise<string | null> => page.getAttribute(CHART, 'aria-valuetext');
const port = async (page: Page): Promise<number> => Number(await page.getAttribute(CHART, 'aria-valuenow'));

browserTest('the chart by keyboard', {}, async ({ page, base, complaints }) => {
  await openChart(page, base, '#port=8080');
  await page.focus(CHART);
  expect(await value(page)).toMatch(/^8080\. http-alt \(IANA, tcp udp\)/);
  const after = async (key: string, expected: number): Promise<void> => {
    await page.keyboard.press(key);
    await page.waitForFunction(
      ([selector, wanted]) => document.querySelector(selector)?.getAttribute('aria-valuenow') === wanted,
      [CHART, String(expected)] as const,
    );
  };
  await after('ArrowRight', 8081);
  await after('ArrowLeft', 8080);
  await after('ArrowDown', 9080);
  await after('ArrowUp', 8080);
  await after('PageDown', 18_080);
  await after('PageUp', 8080);
  await after('Home', 8000);
  await after('End', 8999);
  await after('ArrowRight', 9000);
  // The line above the first and below the last is nowhere.
  await page.goto(`${base}/en/#port=65535`);
  await after('ArrowRight', 65_535);
  const named = await previousNamed(page, base, 65_535);
  await after('Shift+N', named);
  await after('Home', named - (named % 1000));
  // A digit starts "go to", which brings the chart close enough to read numbers.
  await page.keyboard.type('443');
  await page.keyboard.press('Enter');
  await page.waitForFunction(
    (selector) => document.querySelector(selector)?.getAttribute('aria-valuenow') === '443',
    CHART,
  );
  expect(await value(page)).toMatch(/^443\. https \(IANA, tcp udp/);
  expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('slider');
  await page.waitForFunction(() => location.hash.includes('zoom='));
  expect(new URL(page.url()).hash).toMatch(/^#port=443&zoom=[\d.]+&at=\d+$/);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => location.hash === '#port=443');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/en/ports/443`);
  expect(complaints).toEqual([]);
});

/** The named port before one, as the chart's own bytes have it. */
async function previousNamed(page: Page, base: string, before: number): Promise<number> {
  const flags = new Uint8Array(await (await page.request.get(`${base}/a/chart.bin`)).body());
  return flags.subarray(0, before).findLastIndex((flag) => (flag & 23) !== 0);
}

browserTest('what is typed into "go to" and is no port is said to be none', {}, async ({ page, base }) => {
  await openChart(page, base);
  const before = await port(page);
  await page.fill('.chart-bar input', '65536');
  await page.press('.chart-bar input', 'Enter');
  await page.waitForFunction(() => document.querySelector('.chart-bad')?.textContent !== '');
  expect(await page.textContent('.chart-bad')).toContain('65535');
  expect(await page.getAttribute('.chart-bar input', 'aria-invalid')).toBe('true');
  expect(await port(page)).toBe(before);
});

browserTest('pointing, zooming and dragging', {}, async ({ page, base, complaints }) => {
  await openChart(page, base);
  const box = await page.locator('.chart-box canvas').boundingBox();
  if (box === null) throw new Error('no canvas');
  // 8080 lies in the ninth line; a pointer near it means what is named.
  const plot = { x: box.x + 56, y: box.y + 30, width: box.width - 68, height: box.height - 42 };
  await page.mouse.move(plot.x + plot.width * 0.08, plot.y + (8.5 / 66) * plot.height);
  await page.waitForFunction(
    (selector) => document.querySelector(selector)?.getAttribute('aria-valuenow') === '8080',
    CHART,
  );
  await page.mouse.wheel(0, -1500);
  await page.waitForFunction(() => /zoom=\d/.test(location.hash));
  const zoomed = new URLSearchParams(new URL(page.url()).hash.slice(1));
  expect(Number(zoomed.get('zoom'))).toBeGreaterThan(10);
  expect(await port(page)).toBe(8080);
  const middle = zoomed.get('at');
  await page.mouse.move(plot.x + plot.width * 0.7, plot.y + plot.height / 2);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.4, plot.y + plot.height / 2, { steps: 6 });
  await page.mouse.up();
  await page.waitForFunction(
    (before) => new URLSearchParams(location.hash.slice(1)).get('at') !== before,
    middle,
  );
  // The same address shows the same part again.
  const address = page.url();
  await page.goto('about:blank');
  await page.goto(address);
  await page.waitForSelector(`${CHART}[aria-valuetext]`);
  await page.waitForTimeout(500);
  const again = new URLSearchParams(new URL(page.url()).hash.slice(1));
  const told = new URLSearchParams(new URL(address).hash.slice(1));
  expect(again.get('zoom')).toBe(told.get('zoom'));
  expect(Math.abs(Number(again.get('at')) - Number(told.get('at')))).toBeLessThanOrEqual(1);
  await shot(page, 'chart-zoomed');
  await page.click('[data-zoom=whole]');
  await page.waitForFunction(() => !location.hash.includes('zoom'));
  expect(complaints).toEqual([]);
});

browserTest('a listener appears on the chart, and goes', {}, async ({ page, base, complaints }) => {
  const server = await lonelyListener();
  const { port: own } = server.address() as AddressInfo;
  await openChart(page, base, `#port=${own}`);
  const says = (words: string): Promise<unknown> =>
    page.waitForFunction(
      ([selector, text]) => document.querySelector(selector)?.getAttribute('aria-valuetext')?.includes(text),
      [CHART, words] as const,
      { timeout: 20_000 },
    );
  /** Magenta in the middle of the cursor's cell: the dot itself, read from the canvas. */
  const dot = (): Promise<boolean> =>
    page.evaluate((wanted) => {
      const canvas = document.querySelector<HTMLCanvasElement>('.chart-box canvas');
      const context = canvas?.getContext('2d');
      if (canvas == null || context == null) return false;
      const plot = { x: 56, y: 30, width: canvas.width - 68, height: canvas.height - 42 };
      const x = plot.x + (((wanted % 1000) + 0.5) / 1000) * plot.width;
      const y = plot.y + ((Math.floor(wanted / 1000) + 0.5) / 66) * plot.height;
      const [red = 0, green = 0, blue = 0] = context.getImageData(
        Math.round(x) + 2,
        Math.round(y),
        1,
        1,
      ).data;
      return red > 140 && green < 90 && blue > 60;
    }, own);
  await says('listening: node');
  await expect.poll(dot).toBe(true);
  await shot(page, 'chart-day');
  await closed(server);
  await page.waitForFunction(
    (selector) => !document.querySelector(selector)?.getAttribute('aria-valuetext')?.includes('listening'),
    CHART,
    { timeout: 20_000 },
  );
  expect(await page.textContent('.readout .in-use')).toBe('');
  await expect.poll(dot).toBe(false);
  // The next one in use by a key, from anywhere: a new listener is found.
  const other = await listener();
  try {
    const { port: next } = other.address() as AddressInfo;
    await page.goto(`${base}/en/#port=${next - 1}`);
    await page.focus(CHART);
    await expect
      .poll(
        async () => {
          await page.goto(`${base}/en/#port=${next - 1}`);
          await page.keyboard.press('l');
          await page.waitForTimeout(100);
          return port(page);
        },
        { timeout: 20_000 },
      )
      .toBe(next);
  } finally {
    await closed(other);
  }
  expect(complaints).toEqual([]);
});

browserTest('layers are switched by the legend', {}, async ({ page, base }) => {
  await openChart(page, base, '#port=1');
  const claimed = (): Promise<number> =>
    page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.chart-box canvas');
      const context = canvas?.getContext('2d');
      if (canvas == null || context == null) return -1;
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === 0x0a && data[at + 1] === 0x7f && data[at + 2] === 0x5b) count++;
      }
      return count;
    });
  await expect.poll(claimed).toBeGreaterThan(500);
  await page.locator('.layers input[name=claimed]').focus();
  await page.keyboard.press('Space');
  await expect.poll(claimed).toBe(0);
});

browserTest('when no answers come any more, that is said', {}, async ({ page, base }) => {
  let cut = true;
  await page.route('**/api/live/chart', (route) => (cut ? route.abort() : route.continue()));
  await openChart(page, base);
  await page.waitForSelector('.chart .lost:visible');
  // Nothing was seen of the host, so nothing is said of it.
  expect(await value(page)).not.toContain('here');
  cut = false;
  await page.waitForSelector('.chart .lost', { state: 'hidden', timeout: 20_000 });
  await page.waitForFunction(
    (selector) => document.querySelector(selector)?.getAttribute('aria-valuetext')?.includes('here'),
    CHART,
  );
});

browserTest(
  'fingers: a tap chooses, two zoom, one then drags',
  { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  async ({ page, base, complaints }) => {
    await openChart(page, base, '#port=1');
    await page.locator('.chart-box').scrollIntoViewIfNeeded();
    const box = await page.locator('.chart-box canvas').boundingBox();
    if (box === null) throw new Error('no canvas');
    const x = box.x + 56 + (box.width - 68) / 2;
    const y = box.y + 150;
    await page.touchscreen.tap(x, y);
    await page.waitForFunction(
      (selector) => document.querySelector(selector)?.getAttribute('aria-valuenow') !== '1',
      CHART,
    );
    const tapped = await port(page);
    expect(Math.abs((tapped % 250) - 125)).toBeLessThan(8);
    const touch = await page.context().newCDPSession(page);
    const send = (
      type: 'touchStart' | 'touchMove' | 'touchEnd',
      ...points: [number, number][]
    ): Promise<unknown> =>
      touch.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: points.map(([at, down], id) => ({ x: at, y: down, id })),
      });
    await send('touchStart', [x - 20, y], [x + 20, y]);
    for (let apart = 30; apart <= 120; apart += 10) await send('touchMove', [x - apart, y], [x + apart, y]);
    await send('touchEnd');
    await page.waitForFunction(() => location.hash.includes('zoom='));
    const place = (): URLSearchParams => new URLSearchParams(new URL(page.url()).hash.slice(1));
    const zoom = Number(place().get('zoom'));
    expect(zoom).toBeGreaterThan(2.5);
    const middle = place().get('at');
    await send('touchStart', [x, y]);
    for (let along = 10; along <= 100; along += 10) await send('touchMove', [x - along, y]);
    await send('touchEnd');
    await page.waitForFunction(
      (before) => new URLSearchParams(location.hash.slice(1)).get('at') !== before,
      middle,
    );
    expect(Number(place().get('zoom'))).toBe(zoom);
    expect(complaints).toEqual([]);
  },
);

browserTest(
  'without script: picture and table with links, the search a form',
  { javaScriptEnabled: false },
  async ({ page, base }) => {
    await page.goto(`${base}/en/`);
    const size = await page.locator('.chart-box img').boundingBox();
    expect(size?.width).toBeGreaterThan(900);
    expect(size?.height).toBeGreaterThan(300);
    expect(await page.locator('.chart-box img').getAttribute('alt')).toContain('65,536');
    expect(await page.locator('#table tbody tr').count()).toBe(66);
    expect(await page.locator('#table a[href="/en/thousands/8"]').textContent()).toBe('8000–8999');
    // Nothing is offered that does nothing.
    for (const hidden of ['.zoom', '.layers input', '.layers .k-held', '.readout', '.keys']) {
      expect(await page.locator(hidden).first().isVisible(), hidden).toBe(false);
    }
    await shot(page, 'chart-without-script');
    await page.fill('.chart-bar input', '5432');
    await page.press('.chart-bar input', 'Enter');
    await page.waitForURL(`${base}/en/ports/5432`);
    await page.fill('.find input', 'postgres');
    await page.press('.find input', 'Enter');
    await page.waitForURL(/\/en\/find\?q=postgres/);
    expect(await page.locator('#names a[href="/en/services/postgresql"]').count()).toBe(1);
    expect(await page.locator('meta[name=robots]').getAttribute('content')).toContain('noindex');
  },
);

for (const { name, width, scheme } of [
  { name: 'day', width: 1360, scheme: 'light' },
  { name: 'night', width: 1360, scheme: 'dark' },
  { name: 'phone', width: 390, scheme: 'light' },
  { name: 'phone-night', width: 390, scheme: 'dark' },
] as const) {
  browserTest(
    `nothing for axe to find, nothing wider than the screen: ${name}`,
    {
      viewport: { width, height: width === 390 ? 1700 : 1000 },
      colorScheme: scheme,
      reducedMotion: 'reduce',
    },
    async ({ page, base, complaints }) => {
      await openChart(page, base);
      await page.evaluate(() => document.fonts.ready);
      await page.waitForTimeout(300);
      await shot(page, `home-${name}`);
      expect(complaints).toEqual([]);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0);
      const columns = width === 390 ? 250 : 1000;
      await page.focus(CHART);
      await page.keyboard.press('Home');
      await page.waitForFunction(
        ([selector, wanted]) => document.querySelector(selector)?.getAttribute('aria-valuenow') === wanted,
        [CHART, String(8080 - (8080 % columns))] as const,
      );
      expect(await violations(page)).toEqual([]);
    },
  );
}
