// The page of this host in a browser: what listens comes and goes while it is open, and rows are found by a word.
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { browserTest, closed, listener, shot } from './browser.ts';

browserTest('a listener comes into the table, and leaves it', {}, async ({ page, base, complaints }) => {
  await page.goto(`${base}/en/here`);
  const server = await listener();
  const { port } = server.address() as AddressInfo;
  const row = page.locator('#listening tbody tr', { has: page.locator(`a[href="/en/ports/${port}"]`) });
  await row.waitFor();
  expect(await row.textContent()).toContain('node');
  await page.fill('[data-filter]', String(port));
  await expect.poll(() => page.locator('#listening tbody tr:visible').count()).toBe(1);
  await page.fill('[data-filter]', 'nothing is called so');
  await expect.poll(() => page.locator('#listening tbody tr:visible').count()).toBe(0);
  await page.fill('[data-filter]', '');
  await page.waitForSelector('.history svg path');
  await shot(page, 'here');
  await closed(server);
  await row.waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});
