// The paste box in a browser: what tools print is explained line by line, nothing of it is sent, and nothing in it does harm.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { browserTest, shot, violations } from './browser.ts';

const LINE = '.pasted li';

async function open(page: Page, base: string, lang = 'en'): Promise<void> {
  await page.goto(`${base}/${lang}/paste`);
  await page.waitForLoadState('networkidle');
}

/** Puts text in as a reader's paste does: the event comes first, and the field takes what no program took. */
async function paste(page: Page, text: string): Promise<void> {
  await page.focus('#pasted');
  await page.evaluate((pasted) => {
    const field = document.querySelector<HTMLTextAreaElement>('#pasted');
    const data = new DataTransfer();
    data.setData('text/plain', pasted);
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    if (field?.dispatchEvent(event) !== true) return;
    field.value += pasted;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }, text);
}

/** The words of every line that is shown, once the summary says what is expected. */
async function lines(page: Page, summary: RegExp): Promise<string[]> {
  await expect.poll(() => page.textContent('.summary'), { timeout: 30_000 }).toMatch(summary);
  return page.$$eval(LINE, (items) => items.map((item) => (item.textContent ?? '').replace(/\s+/g, ' ')));
}

const SS = `Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process
tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=1041,fd=3))
tcp   LISTEN 0      244        127.0.0.1:5432       0.0.0.0:*    users:(("postgres",pid=1207,fd=6))
tcp   LISTEN 0      128             [::]:60163         [::]:*
what is this 1?
`;

browserTest('ss: each line explained, nothing sent', {}, async ({ page, base, complaints }) => {
  await open(page, base);
  const asked: string[] = [];
  page.on('request', (request) => {
    asked.push(`${request.method()} ${request.url()} ${request.postData() ?? ''}`);
  });
  page.on('websocket', (socket) => asked.push(socket.url()));
  const marked = `${SS}tcp   LISTEN 0      128      0.0.0.0:8123      0.0.0.0:*    users:(("kept-secret",pid=77,fd=3))\n`;
  await paste(page, marked);
  const told = await lines(page, /^4 holders in what ss printed\. 1 line/);
  expect(told).toHaveLength(5);
  const [ssh, postgres, open60163, unknown, secret] = told;
  expect(ssh).toMatch(/listener \(waits for others\) tcp 0\.0\.0\.0:22 .*sshd \(pid 1041\)/);
  expect(ssh).toContain('22 ssh, assigned by IANA');
  expect(ssh).toContain('Reachable from every network');
  expect(ssh).not.toContain('that connections are given');
  expect(postgres).toContain('postgresql, assigned by IANA');
  expect(postgres).toContain('Only its own host');
  // Outside the range of Linux, whatever other systems hand out: the tool is Linux's.
  expect(open60163).toContain('Linux 32768–60999');
  expect(open60163).not.toContain('macOS');
  expect(unknown).toContain('what is this 1?');
  expect(unknown).toContain("like no tool's output");
  expect(secret).toContain('kept-secret');
  expect(await page.getAttribute(`${LINE} .carries a`, 'href')).toBe('/en/ports/22');
  const gaps = (await page.textContent('.pasted-lines .findings')) ?? '';
  expect(gaps).toContain('connections and closing sockets');
  expect(gaps).toContain('listeners alone (-l)');
  await shot(page, 'paste-ss');
  // Names of ports are a file like any other: it is the same whatever was pasted.
  expect(asked.filter((line) => !/^GET \S+\/a\/names\.json $/.test(line))).toEqual([]);
  expect(asked.join()).not.toContain('secret');
  expect(await page.evaluate(() => Object.keys(localStorage).length + document.cookie.length)).toBe(0);
  expect(complaints).toEqual([]);
});

browserTest('documents, services by name, several tools, in another language', {}, async ({ page, base }) => {
  await open(page, base, 'cs');
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  await paste(
    page,
    'Proto Recv-Q Send-Q Local Address           Foreign Address         State      \ntcp        0      0 *:bacula-dir            *:*                     LISTEN     \n',
  );
  expect((await lines(page, /netstat/)).join()).toContain('9101');
  expect(loaded).toContain('/a/search.json');
  expect(loaded).not.toContain('/a/documents.js');
  await page.click('[data-do=clear]');
  expect(await page.locator(LINE).count()).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('pasted');
  const windows = [
    {
      LocalAddress: '0.0.0.0',
      LocalPort: 49_700,
      RemoteAddress: '0.0.0.0',
      RemotePort: 0,
      State: 2,
      OwningProcess: 4321,
    },
  ];
  await paste(page, JSON.stringify(windows, null, 2));
  const told = await lines(page, /PowerShell/);
  expect(loaded).toContain('/a/documents.js');
  expect(told.join()).toContain('Windows 49152–65535');
  expect(told.join()).not.toContain('Linux');
  expect(await page.textContent('.pasted-lines')).toContain('Co tento výstup neukazuje');
  await shot(page, 'paste-cs');
});

browserTest('what is hostile is text', {}, async ({ page, base, complaints }) => {
  await open(page, base);
  const evil = [
    'tcp LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:(("<img src=x onerror=alert(1)>",pid=1,fd=3))',
    'tcp LISTEN 0 128 0.0.0.0:8081 0.0.0.0:* users:(("a\u202etxt.exe",pid=2,fd=3))',
    '<script>alert(2)</script> 7',
    '{kind} $& 5 \u202e gnp.exe \u0000 x',
    'tcp LISTEN 0 128 0.0.0.0:8082 0.0.0.0:* users:(("nul\u0000name",pid=3,fd=3))',
  ].join('\n');
  const dialogs: string[] = [];
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await paste(page, evil);
  const told = (await lines(page, /ss printed/)).join('\n');
  expect(told).toContain('<img src=x onerror=alert(1)>');
  expect(told).toContain('<script>alert(2)</script>');
  expect(told).not.toMatch(/[\u202e\0]/);
  expect(told).toContain('\\u202e');
  expect(await page.locator('.paste img, .paste script').count()).toBe(0);
  expect(dialogs).toEqual([]);
  expect(complaints).toEqual([]);
});

browserTest(
  'ten megabytes: the page answers meanwhile, and says how much is shown',
  {},
  async ({ page, base }) => {
    await open(page, base);
    await page.evaluate(() => {
      const seen = { ticks: 0, longest: 0, last: performance.now() };
      Object.assign(globalThis, { seen });
      setInterval(() => {
        const now = performance.now();
        seen.longest = Math.max(seen.longest, now - seen.last);
        seen.last = now;
        seen.ticks++;
      }, 4);
    });
    await page.focus('#pasted');
    const count = await page.evaluate(() => {
      let text = '';
      let rows = 0;
      while (text.length < 10 * 2 ** 20) {
        text += `tcp   LISTEN 0      128          0.0.0.0:${1024 + (rows % 60_000)}         0.0.0.0:*    users:(("sshd",pid=${rows + 2},fd=3))\n`;
        rows++;
      }
      const data = new DataTransfer();
      data.setData('text/plain', text);
      const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
      document.querySelector('#pasted')?.dispatchEvent(event);
      Object.assign(globalThis, {
        ticksBefore: (globalThis as unknown as { seen: { ticks: number } }).seen.ticks,
      });
      return rows;
    });
    expect((await page.inputValue('#pasted')).length).toBe(20_000);
    expect(await page.textContent('#pasted-held')).toMatch(/^10,48\d,\d{3} characters were pasted/);
    // While it is read, timers run: the work is done in slices.
    await page.waitForSelector('.pasted-lines progress');
    const grouped = count.toLocaleString('en');
    await lines(page, new RegExp(`^${grouped} holders`));
    const ticks = await page.evaluate(() => {
      const { seen, ticksBefore } = globalThis as unknown as { seen: { ticks: number }; ticksBefore: number };
      return seen.ticks - ticksBefore;
    });
    expect(ticks).toBeGreaterThan(20);
    expect(await page.locator(LINE).count()).toBe(200);
    expect(await page.textContent('.pasted + .note')).toBe(`200 of ${grouped} are shown.`);
    await page.click('.pasted-lines .paste-do button');
    expect(await page.locator(LINE).count()).toBe(400);
    expect(
      await page.evaluate(() => document.activeElement === document.querySelectorAll('.pasted li')[200]),
    ).toBe(true);
    // A new text takes the place of what is held.
    await paste(page, SS);
    await lines(page, /^3 holders/);
    expect(await page.textContent('#pasted-held')).toBe('');
    expect(await page.getAttribute('#pasted', 'readonly')).toBeNull();
  },
);

browserTest('a line of a megabyte is one that was not understood', {}, async ({ page, base }) => {
  await open(page, base);
  await paste(page, `${SS}${'x1'.repeat(2 ** 19)}\n`);
  const told = await lines(page, /^3 holders.* 2 lines/);
  expect(told.at(-1)).toContain('too long for a line');
  expect(told.at(-1)?.length).toBeLessThan(400);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
});

browserTest('by keyboard, the example', {}, async ({ page, base }) => {
  await open(page, base);
  await page.focus('#pasted');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-do'))).toBe('example');
  await page.keyboard.press('Enter');
  const told = await lines(page, /^6 holders/);
  expect(told.at(-1)).toContain('443 https, assigned by IANA');
  expect(await page.getAttribute('.summary', 'role')).toBe('status');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('5353');
});

browserTest(
  'without script it says so and names the command',
  { javaScriptEnabled: false },
  async ({ page, base }) => {
    await page.goto(`${base}/en/paste`);
    expect(await page.textContent('main')).toContain('This needs JavaScript');
    expect(await page.locator('#pasted').isVisible()).toBe(false);
    expect(await page.textContent('.in-terminal code')).toBe('ss -tuanp | portolan read -');
  },
);

for (const { name, lang, width, scheme } of [
  { name: 'en-day', lang: 'en', width: 1360, scheme: 'light' },
  { name: 'ar-night', lang: 'ar', width: 1360, scheme: 'dark' },
  { name: 'ar-phone', lang: 'ar', width: 390, scheme: 'light' },
  { name: 'en-phone-night', lang: 'en', width: 390, scheme: 'dark' },
] as const) {
  browserTest(
    `the paste box, nothing for axe to find: ${name}`,
    { viewport: { width, height: 1000 }, colorScheme: scheme },
    async ({ page, base }) => {
      await open(page, base, lang);
      await page.click('[data-do=example]');
      await page.waitForSelector(LINE);
      await shot(page, `paste-${name}`);
      expect(await violations(page)).toEqual([]);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0);
    },
  );
}
