// Search as you type, by keyboard, from any page.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { browserTest, shot, violations } from './browser.ts';

const FIELD = '.find input';
const CHOSEN = '#found [aria-selected=true]';

/** Waits until the list under the field starts with these. */
async function starts(page: Page, ...titles: string[]): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const shown = [...document.querySelectorAll('#found [role=option] b')].map(
        (title) => title.textContent,
      );
      return wanted.every((title, index) => shown[index] === title);
    },
    titles,
    { timeout: 15_000 },
  );
}

browserTest('number and name by keyboard', {}, async ({ page, base, complaints }) => {
  await page.goto(`${base}/en/ports/22`);
  await page.keyboard.press('/');
  expect(await page.evaluate(() => document.activeElement?.matches('.find input'))).toBe(true);
  await page.waitForSelector(`${FIELD}[role=combobox]`);
  expect(await page.getAttribute(FIELD, 'aria-expanded')).toBe('false');
  await page.keyboard.type('808');
  await starts(page, '808', '8080', '8081');
  expect(await page.getAttribute(FIELD, 'aria-expanded')).toBe('true');
  await shot(page, 'search');
  expect(await violations(page, 'header')).toEqual([]);
  // Down goes through the list and past its end back to the field; the focus never leaves the field.
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  expect(await page.textContent(`${CHOSEN} b`)).toBe('8080');
  expect(await page.getAttribute(FIELD, 'aria-activedescendant')).toBe(await page.getAttribute(CHOSEN, 'id'));
  expect(await page.evaluate(() => document.activeElement?.matches('.find input'))).toBe(true);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  expect(await page.locator(CHOSEN).count()).toBe(0);
  expect(await page.getAttribute(FIELD, 'aria-activedescendant')).toBeNull();
  await page.keyboard.press('ArrowUp');
  expect(await page.locator(`${CHOSEN} >> nth=0`).getAttribute('id')).toMatch(/^found-/);
  await page.keyboard.press('Escape');
  expect(await page.locator('#found').isVisible()).toBe(false);
  expect(await page.inputValue(FIELD)).toBe('808');
  await page.keyboard.press('Escape');
  expect(await page.inputValue(FIELD)).toBe('');
  await page.keyboard.type('postgres');
  await starts(page, 'PostgreSQL');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  // A page that is closed on its way elsewhere may never be closed.
  await page.waitForURL('**/en/services/postgresql', { timeout: 30_000 });
  expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
});

browserTest('a number with Enter alone opens its page; its transport, too', {}, async ({ page, base }) => {
  await page.goto(`${base}/en/`);
  await page.focus(FIELD);
  await page.keyboard.type('53/udp');
  await starts(page, '53/udp');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/en/ports/53/udp`);
});

browserTest(
  'nothing found is said, and what is typed is no markup',
  {},
  async ({ page, base, complaints }) => {
    await page.goto(`${base}/en/`);
    await page.focus(FIELD);
    await page.waitForSelector(`${FIELD}[role=combobox]`);
    await page.keyboard.type('<img src=x onerror=alert(1)>');
    await page.waitForSelector('#found .nothing');
    expect(await page.textContent('.find [role=status]')).not.toBe('');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/en\/find\?q=/);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.textContent('main')).toContain('<img src=x onerror=alert(1)>');
    expect(complaints).toEqual([]);
  },
);

browserTest('a pointer chooses, too', {}, async ({ page, base }) => {
  await page.goto(`${base}/en/`);
  await page.click(FIELD);
  await page.keyboard.type('ssh');
  await starts(page, 'ssh');
  const leads = page.waitForRequest((request) => request.isNavigationRequest());
  await page.click('#found [role=option] >> nth=0');
  expect(new URL((await leads).url()).pathname).toBe('/en/services/ssh');
});
