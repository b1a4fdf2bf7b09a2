// The pages of a server of another user: closed, until the code of the printed address was exchanged for the token.
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { closed, listener, lonelyListener, shot, strangerTest, violations } from './browser.ts';

strangerTest(
  'the page of this host is filled for whoever has the token',
  async ({ page, base, address, complaints }) => {
    const server = await lonelyListener();
    const { port } = server.address() as AddressInfo;
    await page.goto(`${base}/en/here`);
    expect(await page.locator('main section:visible').count()).toBe(0);
    await page.goto(address);
    await expect.poll(() => page.evaluate(() => sessionStorage.length)).toBe(1);
    expect(page.url()).not.toContain('code');
    await page.goto(`${base}/en/here`);
    const row = page.locator('#listening tbody tr', { has: page.locator(`a[href="/en/ports/${port}"]`) });
    await row.waitFor();
    expect(await row.textContent()).toContain('node');
    expect(await page.textContent('#gauge > p')).toMatch(/\d+ of [\d,]+ numbers/);
    expect(await page.getAttribute('.gauge', 'aria-label')).toMatch(/^\d/);
    await page.waitForSelector('.history svg path');
    await page.waitForSelector('#audit .filled > *');
    expect(await page.textContent('h1')).not.toBe('');
    expect(await page.textContent('.lead')).not.toContain('portolan serve');
    await page.fill('[data-filter]', String(port));
    await expect.poll(() => page.locator('#listening tbody tr:visible').count()).toBe(1);
    await shot(page, 'here-token');
    expect(await violations(page)).toEqual([]);
    await closed(server);
    await page.fill('[data-filter]', '');
    await row.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  },
);

strangerTest(
  'the chart shows the host once the code was exchanged',
  async ({ page, base, address, complaints }) => {
    const server = await listener();
    const { port } = server.address() as AddressInfo;
    const hash = `#port=${port}`;
    await page.goto(`${base}/en/${hash}`);
    await page.waitForSelector('.chart-box[role=slider]');
    expect(await page.isVisible('.chart .closed')).toBe(true);
    expect(await page.locator('.layer input[name=held]').isVisible()).toBe(false);
    // The printed address leads to the same page: the code is taken out of it, and the chart begins to tell.
    await page.goto('about:blank');
    await page.goto(address);
    await page.waitForSelector('.chart .closed', { state: 'detached' });
    expect(await page.locator('.layer:has(input[name=held])').isVisible()).toBe(true);
    await page.goto(`${base}/en/${hash}`);
    await page.waitForFunction(
      () => document.querySelector('.chart-box')?.getAttribute('aria-valuetext')?.includes('listening: node'),
      undefined,
      { timeout: 20_000 },
    );
    await shot(page, 'chart-token');
    expect(await violations(page)).toEqual([]);
    await closed(server);
    expect(complaints).toEqual([]);
  },
);
