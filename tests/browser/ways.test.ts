// Pages in other ways than by mouse on a wide screen: by keyboard alone, zoomed to twice and four times their size, on
// paper, without motion, and in the few colours that a reader forces on every page.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { browserTest, shot } from './browser.ts';
import { type Colour, contrast, pixels } from './pixels.ts';

/** Every kind of page, and some of them in the longest words and from right to left. */
const PAGES = [
  'en/',
  'en/ports/60163',
  'en/ports/3000',
  'en/here',
  'en/ranges/dynamic',
  'en/thousands/60',
  'en/services/postgresql',
  'en/sources',
  'en/paste',
  'en/find?q=postgres',
  'de/',
  'de/ports/60163',
  'de/here',
  'ar/',
  'ar/ports/60163',
  'ar/here',
];

/** Signs that tell something by their colour or form: where there are some, their elements, and the part that is one. */
const SIGNS = [
  { path: 'en/', name: 'legend of the chart', signs: '.layers .layer i', part: null },
  { path: 'en/ports/3000', name: 'legend of the neighbours', signs: '.legend span', part: '::before' },
  { path: 'en/ports/60163', name: 'claims by authority', signs: '.claims li', part: '::before' },
  { path: 'en/ports/60163', name: 'state of the card', signs: '.state i', part: null },
  { path: 'en/ports/60163', name: 'ruler', signs: '.r-head, .r-ephemeral, .r-scale', part: null },
  { path: 'en/here', name: 'gauge', signs: '.gauge', part: null },
] as const;

/** Signs that mean the same to a reader. */
const ALIKE = ['by-registry', 'by-standard'];

/** A page that stands still: what the host does meanwhile is not told. */
async function open(page: Page, address: string): Promise<void> {
  await page.route('**/api/live/**', (route) => route.fulfill({ status: 401 }));
  await page.goto(address);
  await page.evaluate(() => document.fonts.ready);
  if (/\/(en|de|ar)\/$/.test(address)) await page.waitForSelector('[role=slider][aria-valuetext]');
}

/** What a walk along the page by Tab found wrong; each stop is named by its place in the page. */
interface Walk {
  readonly stops: number;
  readonly never: readonly string[];
  readonly wrong: readonly string[];
}

/** Marks all that can be worked with, and tells how many there are. Of radio buttons only the chosen one is a stop. */
function mark(page: Page): Promise<number> {
  return page.evaluate(() => {
    for (const box of document.querySelectorAll<HTMLDetailsElement>('main details')) box.open = true;
    const all = [
      ...document.querySelectorAll<HTMLElement>(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [role=slider]',
      ),
    ].filter((one) => one.checkVisibility({ visibilityProperty: true }));
    const stops = all.filter(
      (one) => !(one instanceof HTMLInputElement && one.type === 'radio' && !one.checked),
    );
    for (const [index, one] of stops.entries()) one.dataset['way'] = String(index);
    return stops.length;
  });
}

/** Goes from stop to stop to the end of the page, or from its end to its beginning. */
async function walk(page: Page, key: 'Tab' | 'Shift+Tab'): Promise<Walk> {
  const stops = await mark(page);
  const reached = new Set<string>();
  const wrong: string[] = [];
  for (let step = 0; step <= stops + 30; step++) {
    await page.keyboard.press(key);
    const stop = await page.evaluate(look);
    if (stop === null) break;
    if (stop.way !== null) {
      if (reached.has(stop.way)) break;
      reached.add(stop.way);
    }
    if (stop.wrong !== '') wrong.push(`${stop.name}: ${stop.wrong}`);
  }
  const never = await page.evaluate(
    (seen) =>
      [...document.querySelectorAll<HTMLElement>('[data-way]')]
        .filter(({ dataset }) => !seen.includes(dataset['way'] ?? ''))
        .map((one) => one.outerHTML.slice(0, 90)),
    [...reached],
  );
  return { stops, never, wrong };
}

/** What has the focus, and what is wrong with how it is seen; runs in the page. */
function look(): { way: string | null; name: string; wrong: string } | null {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement) || at === document.body) return null;
  // A box or button that is not seen itself is seen by its label.
  const unseen = at instanceof HTMLInputElement && getComputedStyle(at).opacity === '0';
  const seen: HTMLElement = unseen ? (at.labels?.[0] ?? at) : at;
  const box = seen.getBoundingClientRect();
  const wrong: string[] = [];
  const high = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
  const wide = Math.min(box.right, innerWidth) - Math.max(box.left, 0);
  if (wide < box.width - 1 || high < Math.min(box.height, innerHeight / 2) - 1) {
    wrong.push(`off the screen: ${[box.left, box.top, box.right, box.bottom].map(Math.round).join(' ')}`);
  } else {
    // Of a line or a box, some point has to be its own, not that of something above it.
    const own = [...seen.getClientRects()].some((part) => {
      const hit = document.elementFromPoint(
        part.left + part.width / 2,
        (Math.max(part.top, 0) + Math.min(part.bottom, innerHeight)) / 2,
      );
      return hit !== null && (seen.contains(hit) || hit.contains(seen));
    });
    if (!own) wrong.push('behind something else');
  }
  const { outlineStyle, outlineWidth } = getComputedStyle(seen);
  if (outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 2) wrong.push('no mark of the focus');
  return { way: at.dataset['way'] ?? null, name: at.outerHTML.slice(0, 90), wrong: wrong.join(', ') };
}

for (const path of PAGES) {
  browserTest(
    `by keyboard alone everything is reached, seen and marked: ${path}`,
    { viewport: { width: 1280, height: 800 } },
    async ({ page, base }) => {
      await open(page, `${base}/${path}`);
      const walked = await walk(page, 'Tab');
      expect(walked.stops).toBeGreaterThan(10);
      expect(walked).toEqual({ stops: walked.stops, never: [], wrong: [] });
    },
  );
}

for (const { name, viewport, key } of [
  { name: 'backwards', viewport: { width: 1280, height: 800 }, key: 'Shift+Tab' },
  { name: 'at 400 %', viewport: { width: 320, height: 256 }, key: 'Tab' },
  { name: 'at 400 % backwards', viewport: { width: 320, height: 256 }, key: 'Shift+Tab' },
] as const) {
  browserTest(
    `by keyboard alone everything is reached, seen and marked: ${name}`,
    { viewport },
    async ({ page, base }) => {
      const found: Record<string, Walk> = {};
      // The pages that have the most kinds of controls stand for all.
      for (const path of ['en/', 'en/ports/60163', 'en/here', 'ar/ports/60163']) {
        await open(page, `${base}/${path}`);
        const walked = await walk(page, key);
        expect(walked.stops, path).toBeGreaterThan(10);
        if (walked.never.length > 0 || walked.wrong.length > 0) found[path] = walked;
      }
      expect(found).toEqual({});
    },
  );
}

browserTest(
  'by keyboard alone: a label at the edge of the screen is shown whole',
  { viewport: { width: 640, height: 512 } },
  async ({ page, base }) => {
    for (const [path, box] of [
      ['en/ports/60163', '.tab input:checked'],
      ['en/', '.layer input'],
    ] as const) {
      await open(page, `${base}/${path}`);
      for (const edge of ['bottom', 'top'] as const) {
        await page
          .locator(box)
          .first()
          .evaluate((input: HTMLInputElement, at) => {
            input.blur();
            const label = input.labels?.[0]?.getBoundingClientRect();
            if (label === undefined) throw new Error('no label');
            // A few lines of the label are on the screen.
            scrollBy(0, at === 'bottom' ? label.top - innerHeight + 22 : label.bottom - 22);
            input.focus();
          }, edge);
        expect(await page.evaluate(look), `${path}, ${edge}`).toMatchObject({ wrong: '' });
      }
    }
  },
);

browserTest('by keyboard alone: another system, another language', {}, async ({ page, base }) => {
  await open(page, `${base}/en/ports/60163`);
  await page.focus('.tab input:checked');
  for (const system of ['linux', 'macos', 'windows']) {
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(look)).toMatchObject({ wrong: '' });
    expect(await page.locator(`#os-${system} ~ .panel`).isVisible(), system).toBe(true);
  }
  await page.focus('.languages summary');
  await page.keyboard.press('Enter');
  for (const tag of ['en', 'cs', 'de']) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(look)).toMatchObject({ wrong: '' });
    expect(await page.evaluate(() => document.activeElement?.getAttribute('hreflang'))).toBe(tag);
  }
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/de/ports/60163`);
});

/** Text that no scrolling down shows: beside the screen, or cut off by what holds it; runs in the page. */
function cutOff(): string[] {
  const found: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const holder = text.parentElement;
    if (text.textContent?.trim() === '' || holder === null || !holder.checkVisibility()) continue;
    if (holder.closest('script, style, .quiet, .skip, [role=img] svg, svg.ruler') !== null) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    let [left, right] = [0, innerWidth];
    for (let out: Element | null = holder; out !== null && out !== document.body; out = out.parentElement) {
      const { overflowX } = getComputedStyle(out);
      const frame = out.getBoundingClientRect();
      // A region of its own that scrolls shows all it holds, on a screen.
      if (overflowX === 'auto' || overflowX === 'scroll') {
        if (!matchMedia('print').matches) [left, right] = [-Infinity, Infinity];
        else [left, right] = [Math.max(left, frame.left), Math.min(right, frame.right)];
        break;
      }
      if (overflowX === 'hidden' || overflowX === 'clip') {
        [left, right] = [Math.max(left, frame.left), Math.min(right, frame.right)];
      }
    }
    if (box.left < left - 1 || box.right > right + 1) {
      found.push(
        `${text.textContent?.trim().slice(0, 40)}: ${Math.round(box.left)}–${Math.round(box.right)}`,
      );
    }
  }
  return found;
}

/** How many ports are in a line of the chart, which is drawn for the screen that there is. */
const LAYOUT = '.chart-how';

for (const [percent, viewport] of [
  [200, { width: 640, height: 512 }],
  [400, { width: 320, height: 256 }],
] as const) {
  browserTest(
    `at ${percent} % a page is read by scrolling down alone, and tells all it told`,
    { viewport },
    async ({ page, base }) => {
      const found: Record<string, unknown> = {};
      for (const path of PAGES) {
        await open(page, `${base}/${path}`);
        await mark(page);
        const beside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        const cut = await page.evaluate(cutOff);
        const lost = await lostTexts(page, LAYOUT, () => page.setViewportSize({ width: 1280, height: 800 }));
        if (beside > 0 || cut.length > 0 || lost.length > 0) found[path] = { beside, cut, lost };
        await page.setViewportSize(viewport);
      }
      await shot(page, `zoomed-${percent}`);
      expect(found).toEqual({});
    },
  );
}

/** Controls: what paper cannot do. */
const CONTROLS = 'button, input, select, textarea, form, .languages, .top nav, .skip, .filter, .theme';

/** What a page does without on paper: the way to other pages, what keys do, that no more answers come, the paste box. */
const ASIDE = `${CONTROLS}, .top, .keys, .lost, .paste-box`;

/** Texts of the page that are seen now, but for those in what does not count. */
function seenTexts(page: Page, apart: string): Promise<string[]> {
  return page.evaluate((selector) => {
    const found: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const holder = text.parentElement;
      const words = text.textContent?.trim() ?? '';
      if (words === '' || holder === null || holder.closest(`script, svg, ${selector}`) !== null) continue;
      if (holder.checkVisibility({ visibilityProperty: true })) found.push(words);
    }
    return found;
  }, apart);
}

/** What is seen after a change and was not before. */
async function lostTexts(page: Page, apart: string, change: () => Promise<void>): Promise<string[]> {
  const before = new Set(await seenTexts(page, apart));
  await change();
  return [...new Set(await seenTexts(page, apart))].filter((words) => !before.has(words));
}

browserTest(
  'on paper: no controls, all that the page tells, nothing beside the sheet',
  // What A4 leaves between usual margins, in CSS pixels.
  { viewport: { width: 718, height: 1000 } },
  async ({ page, base }) => {
    const found: Record<string, unknown> = {};
    for (const path of PAGES) {
      await open(page, `${base}/${path}`);
      await page.emulateMedia({ media: 'print' });
      const printed = await page.evaluate((controls) => {
        const seen = [...document.querySelectorAll<HTMLElement>(controls)].filter((one) =>
          one.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
        );
        return seen.map((one) => one.outerHTML.slice(0, 90));
      }, CONTROLS);
      const cut = await page.evaluate(cutOff);
      const beside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      // A browser leaves backgrounds out on paper, unless they are what is to be seen.
      const pale = await page.evaluate(
        (signs) =>
          signs.flatMap(({ signs: selector, part }) => {
            const one = document.querySelector(selector);
            if (!(one instanceof HTMLElement)) return [];
            return getComputedStyle(one, part).printColorAdjust === 'exact' ? [] : [selector];
          }),
        SIGNS,
      );
      // What folds, and the commands of each system, are read on a screen by opening them one after another.
      const lost = await lostTexts(page, ASIDE, async () => {
        await page.emulateMedia({ media: 'screen' });
        await mark(page);
      });
      if (printed.length + cut.length + lost.length + pale.length > 0 || beside > 0) {
        found[path] = { printed, cut, beside, pale, lost };
      }
    }
    expect(found).toEqual({});
  },
);

browserTest('with motion reduced nothing moves', { reducedMotion: 'reduce' }, async ({ page, base }) => {
  for (const path of PAGES) {
    await open(page, `${base}/${path}`);
    for (const control of ['[data-theme-toggle]', '.tab:nth-child(2) label', '.question summary']) {
      if ((await page.locator(control).count()) > 0) await page.locator(control).first().click();
    }
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('*')].flatMap((one) =>
        [null, '::before', '::after'].flatMap((part) => {
          const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(one, part);
          const still = /^0s(, 0s)*$/.test(transitionDuration) && animationName === 'none';
          return still && scrollBehavior === 'auto' ? [] : [`${one.outerHTML.slice(0, 60)}${part ?? ''}`];
        }),
      ),
    );
    expect(moving, path).toEqual([]);
    expect(await page.evaluate(() => document.getAnimations().length), path).toBe(0);
  }
});

/** How many pictures the chart shows on its way to a part of itself. */
async function pictures(page: Page, base: string): Promise<number> {
  await open(page, `${base}/en/`);
  await page.waitForLoadState('networkidle');
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  const drawn = new Set<string>();
  await page.locator('[data-zoom=in]').click();
  for (let frame = 0; frame < 60; frame++) {
    await page.clock.runFor(16);
    drawn.add(
      await page.evaluate(
        () => document.querySelector<HTMLCanvasElement>('.chart-box canvas')?.toDataURL() ?? '',
      ),
    );
  }
  return drawn.size;
}

for (const [reducedMotion, least, most] of [
  ['no-preference', 3, 60],
  ['reduce', 1, 2],
] as const) {
  browserTest(
    `the chart ${reducedMotion === 'reduce' ? 'is at once where it is sent' : 'glides'}: ${reducedMotion}`,
    { reducedMotion },
    async ({ page, base }) => {
      const count = await pictures(page, base);
      expect(count).toBeGreaterThanOrEqual(least);
      expect(count).toBeLessThanOrEqual(most);
    },
  );
}

/** What a sign looks like on the page, scrolled into view, and the page's ground. */
async function lookAtSign(page: Page, sign: Locator, part: string | null): Promise<Sign> {
  await sign.scrollIntoViewIfNeeded();
  const { name, ground, clip } = await sign.evaluate((element, pseudo) => {
    const box = element.getBoundingClientRect();
    // The part stands at the beginning of its element, and text follows it.
    const own = pseudo === null ? null : getComputedStyle(element, pseudo);
    const width = Math.max(
      ...['width', 'borderLeftWidth'].map((key) => Number.parseFloat(own?.[key as 'width'] ?? '0')),
    );
    return {
      name: element.getAttribute('class') ?? '',
      ground: getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.slice(0, 3).map(Number) ?? [],
      clip: {
        x: box.x,
        y: box.y,
        width: own === null ? box.width : width,
        height: own === null ? box.height : Math.min(box.height, 28),
      },
    };
  }, part);
  return { name, ground: ground as unknown as Colour, picture: await pixels(page, clip) };
}

interface Sign {
  readonly name: string;
  readonly ground: Colour;
  readonly picture: readonly Colour[];
}

for (const colorScheme of ['light', 'dark'] as const) {
  browserTest(
    `in forced colours every sign is seen, and none looks like another: ${colorScheme}`,
    { forcedColors: 'active', colorScheme },
    async ({ page, base }) => {
      // Whoever chose the other one before sees no less.
      await page.addInitScript(
        (theme) => localStorage.setItem('portolan-theme', theme),
        colorScheme === 'light' ? 'night' : 'day',
      );
      const wrong: string[] = [];
      for (const { path, name, signs, part } of SIGNS) {
        await open(page, `${base}/${path}`);
        const before = new Map<string, string>();
        for (const one of await page.locator(signs).all()) {
          const { name: sign, ground, picture } = await lookAtSign(page, one, part);
          const clear = picture.filter((colour) => contrast(colour, ground) >= 3).length;
          if (clear < picture.length / 20) wrong.push(`${name}, ${sign}: ${clear} of ${picture.length} seen`);
          const drawn = String(picture);
          const same = [...before].find(([other, seen]) => other !== sign && seen === drawn)?.[0];
          if (same !== undefined && !(ALIKE.includes(sign) && ALIKE.includes(same))) {
            wrong.push(`${name}: ${sign} looks like ${same}`);
          }
          before.set(sign, drawn);
        }
        expect(before.size, name).toBeGreaterThan(0);
        await shot(page, `forced-${colorScheme}-${name.replaceAll(' ', '-')}`);
      }
      expect(wrong).toEqual([]);
    },
  );
}

browserTest(
  'in forced colours what is chosen is marked',
  { forcedColors: 'active' },
  async ({ page, base }) => {
    await open(page, `${base}/en/here`);
    const colour = (selector: string, side: 'border-top-color' | 'border-bottom-color'): Promise<string> =>
      page
        .locator(selector)
        .first()
        .evaluate((one, name) => getComputedStyle(one).getPropertyValue(name), side);
    expect(await colour('.top nav [aria-current]', 'border-bottom-color')).not.toBe(
      await colour('.top nav a:not([aria-current])', 'border-bottom-color'),
    );
    await open(page, `${base}/en/ports/60163`);
    expect(await colour('.tab input:checked + label', 'border-top-color')).not.toBe(
      await colour('.tab input:not(:checked) + label', 'border-top-color'),
    );
    await page.fill('.find input', 'post');
    await page.waitForSelector('.find [role=option]');
    await page.keyboard.press('ArrowDown');
    const outline = (selector: string): Promise<string> =>
      page
        .locator(selector)
        .first()
        .evaluate((one) => getComputedStyle(one).outlineStyle);
    expect(await outline('.find [aria-selected=true]')).toBe('solid');
    expect(await outline('.find [role=option]:not([aria-selected=true])')).toBe('none');
    await page.goto(`${base}/en/ports/60163#s1`);
    expect(await outline('#s1')).toBe('solid');
  },
);
