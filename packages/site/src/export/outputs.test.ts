// What an export holds, of a few ports in two languages: addresses with a base and without, and the files for programs.
import { join } from 'node:path';
import { openFacts } from '@portolan/facts';
import { beforeAll, expect, test } from 'vitest';
import { FLAG } from '../atlas.ts';
import { makeSite, type Site } from '../site.ts';
import { countOf, type ExportPlan, outputs } from './outputs.ts';

const SHIPPED = join(import.meta.dirname, '..', '..', '..', 'portolan', 'dist', 'facts');
const BASE = 'https://x.example/sea';

let site: Site;

beforeAll(() => {
  const made = makeSite(openFacts({ shipped: SHIPPED, dataDir: null, whole: true }), 'portolan');
  const flags = new Uint8Array(65_536);
  for (const port of [443, 3000, 5432]) flags[port] = made.atlas.flags[port] ?? 0;
  // One that only a wide range names, for which nothing particular is known.
  flags[60_163] = FLAG.claimed;
  site = { ...made, atlas: { ...made.atlas, flags }, paths: () => ['/sources', '/thousands/0'] };
});

async function exported(over: Partial<ExportPlan> = {}): Promise<Map<string, string>> {
  const plan: ExportPlan = {
    site,
    assets: new Map(),
    languages: ['cs', 'en'],
    scope: 'claimed',
    data: false,
    base: null,
    root: '',
    feedback: null,
    schema: { $defs: { report: { type: 'object' } } },
    version: '1.2.3',
    ...over,
  };
  const files = new Map<string, string>();
  for await (const { path, content } of outputs(plan)) files.set(path, content.toString());
  expect(files.size).toBe(countOf(plan));
  return files;
}

const tags = (html: string | undefined, rel: string): string[] =>
  (html?.match(/<link [^>]*>/g) ?? []).filter((tag) => tag.includes(`rel="${rel}"`));

test('with a base pages know their whole addresses, and the first language is the one for others', async () => {
  const files = await exported({ base: BASE, root: '/sea' });
  const page = files.get('en/ports/443.html');
  expect(tags(page, 'canonical')).toEqual([`<link rel="canonical" href="${BASE}/en/ports/443.html">`]);
  expect(tags(page, 'alternate')).toEqual([
    `<link rel="alternate" hreflang="cs" href="${BASE}/cs/ports/443.html">`,
    `<link rel="alternate" hreflang="en" href="${BASE}/en/ports/443.html">`,
    `<link rel="alternate" hreflang="x-default" href="${BASE}/cs/ports/443.html">`,
  ]);
  expect(page).toContain('application/ld+json');
});

test('without one there is none of them, and no sitemap', async () => {
  const files = await exported();
  for (const [path, text] of files) {
    if (!path.endsWith('.html')) continue;
    expect(tags(text, 'canonical'), path).toEqual([]);
    expect(tags(text, 'alternate'), path).toEqual([]);
    expect(text).not.toContain('application/ld+json');
  }
  expect([...files.keys()].filter((path) => !path.includes('/')).toSorted()).toEqual([
    '404.html',
    'index.html',
    'llms.txt',
    'robots.txt',
  ]);
  expect(files.get('robots.txt')).not.toContain('Sitemap');
  expect(files.get('llms.txt')).toContain('(./cs/index.html)');
  expect(files.get('llms.txt')).not.toMatch(/openapi|sitemap|json/);
});

test('the sitemap has the pages that may be found, in every language, and no others', async () => {
  const files = await exported({ base: BASE });
  const told = [...(files.get('sitemap.xml') ?? '').matchAll(/<loc>(.*?)<\/loc>/g)].map((match) => match[1]);
  const open = [...files]
    .filter(([path, text]) => /^(cs|en)\//.test(path) && !text.includes('name="robots" content="noindex'))
    .map(([path]) => `${BASE}/${path}`);
  expect(told.toSorted()).toEqual(open.toSorted());
  expect(told).toContain(`${BASE}/en/ports/443.html`);
  expect(told).not.toContain(`${BASE}/en/ports/60163.html`);
  expect(files.get('robots.txt')).toContain(`Sitemap: ${BASE}/sitemap.xml`);
});

test('reports and their description come with the data', async () => {
  const files = await exported({ data: true });
  expect(JSON.parse(files.get('ports/443.json') ?? '')).toMatchObject({
    format: 'portolan.report/1',
    port: 443,
  });
  const description = JSON.parse(files.get('openapi.json') ?? '') as { paths: object; servers: unknown };
  // Files answer nothing else, and begin where the description lies.
  expect(Object.keys(description.paths)).toEqual(['/ports/{port}.json']);
  expect(description.servers).toEqual([{ url: '.' }]);
  expect(files.get('en/ports/443.html')).toContain('href="../../ports/443.json"');
  expect(files.get('llms.txt')).toContain('(./openapi.json)');
});

test('the page for what is not there leads on from wherever it is shown', async () => {
  const files = await exported({ base: BASE, root: '/sea' });
  expect(files.get('404.html')).toBe(files.get('cs/404.html'));
  const targets = [
    ...(files.get('en/404.html') ?? '').matchAll(/(?:href|src|data-[a-z]+)="([^"]*[/.][^"]*)"/g),
  ]
    .map((match) => match[1] ?? '')
    .filter((target) => /\.(html|css|js|json|woff2)$/.test(target));
  expect(targets.length).toBeGreaterThan(8);
  for (const target of targets) expect(target).toMatch(/^\/sea\//);
  expect(files.get('en/404.html')).toContain('noindex');
});

test('faces are there where their answers go somewhere', async () => {
  const without = await exported();
  expect(without.get('en/ports/443.html')).not.toContain('class="useful"');
  const files = await exported({ feedback: 'https://x.example/useful?site=a&b' });
  expect(files.get('en/ports/443.html')).toContain(
    '<form class="useful" method="post" action="https://x.example/useful?site=a&amp;b"',
  );
});
