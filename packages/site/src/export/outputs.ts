// What an export holds: every page of every language, and the files beside them, one after another.
import { PORT_MAX, printableJson, reportJson, type Translator } from '@portolan/core';
import {
  loadTranslator,
  lostWebPage,
  PAGE_LANGUAGES,
  type PageEnv,
  pageHtml,
  type SiteLanguage,
  type WebPage,
} from '@portolan/core/web';
import { FLAG } from '../atlas.ts';
import { type Described, llmsText, openApi } from '../for-programs.ts';
import { robots, sitemaps } from '../for-search.ts';
import { ASSET_FOLDER, fileLinks, filePath, rootedLinks } from '../links.ts';
import { indexedPaths } from '../paths.ts';
import type { Assets } from '../server/assets.ts';
import type { Site } from '../site.ts';

/** Which ports get a page. */
export type Scope = 'all' | 'claimed';

/** What is exported. */
export interface ExportPlan extends Pick<Described, 'schema' | 'version'> {
  readonly site: Site;
  readonly assets: Assets;
  /** Tags of languages, the first of which is the one for readers without another. */
  readonly languages: readonly string[];
  readonly scope: Scope;
  /** Is the report of each port exported as JSON, too? */
  readonly data: boolean;
  /** Where the site will be found, without a slash at its end; null where that is not known. */
  readonly base: string | null;
  /** Where the site lies on its host: '' for the host's root, else such as '/ports'. */
  readonly root: string;
  /** Where answers to "was this useful?" go; null where nobody takes them. */
  readonly feedback: string | null;
}

/** What of it all pages have in common. */
export type Look = Pick<ExportPlan, 'languages' | 'data' | 'base' | 'feedback'>;

/** One file of the export: its path below the folder, with slashes. */
export interface Output {
  readonly path: string;
  readonly content: string | Uint8Array;
}

const NAMED = FLAG.tcp | FLAG.udp | FLAG.other | FLAG.claimed;

/** Ports with a page: all, or those that somebody names alone or in a short run, and those that browsers refuse. */
export function portsIn(site: Site, scope: Scope): number[] {
  const ports: number[] = [];
  for (let port = 0; port <= PORT_MAX; port++) {
    if (scope === 'all' || ((site.atlas.flags[port] ?? 0) & (NAMED | FLAG.blocked)) !== 0) ports.push(port);
  }
  return ports;
}

/** How many files an export will have. */
export function countOf(plan: ExportPlan): number {
  const ports = portsIn(plan.site, plan.scope);
  const pages = ports.length + plan.site.paths().length + 2;
  const beside = [...besides(plan, new Set(ports))].length;
  return pages * plan.languages.length + (plan.data ? ports.length : 0) + plan.assets.size + beside + 2;
}

/** The files, made one at a time: all together they would not fit into memory. `without` leaves out what each port has. */
export async function* outputs(plan: ExportPlan, without: 'ports' | null = null): AsyncGenerator<Output> {
  const { site } = plan;
  const ports = portsIn(site, plan.scope);
  const has = new Set(ports);
  const made = without === 'ports' ? [] : ports;
  const languages = languagesOf(plan);
  for (const [name, asset] of plan.assets) {
    yield { path: `${ASSET_FOLDER}/${name}`, content: asset.bytes };
  }
  for (const tag of plan.languages) {
    const render = await renderer(tag, plan, has);
    yield { path: filePath(tag, '/'), content: render(site.homePage(null)) };
    for (const path of site.paths()) {
      const page = site.page(path);
      if (page !== null) yield { path: filePath(tag, path), content: render(page) };
    }
    for (const port of made) yield portFile(tag, port, site, render);
    const lost = pageHtml(
      lostWebPage(),
      await environmentOf(tag, plan, onlyThere(rootedLinks(tag, plan.root), has)),
    );
    yield { path: filePath(tag, '/404'), content: lost };
    // The nearest folder with such a file is asked by some hosts, the top one alone by others.
    if (tag === plan.languages[0]) yield { path: '404.html', content: lost };
  }
  if (plan.data) for (const port of made) yield reportFile(port, site, await reportWords());
  yield* besides(plan, has);
  yield { path: 'index.html', content: frontDoor(languages, plan.languages[0] ?? 'en') };
}

/** Makes the page of one page's contents. */
export type Render = (page: WebPage) => string;

/** The page of a port, which knows no host. */
export function portFile(tag: string, port: number, site: Site, render: Render): Output {
  return { path: filePath(tag, `/ports/${port}`), content: render(site.portPage(port, null, null)) };
}

/** The language that reports are in. */
export const reportWords = (): Promise<Translator> => loadTranslator('en', 'pages');

/** The report of a port as JSON, as a program gets it from the server; no host was looked at. */
export function reportFile(port: number, site: Site, lang: Translator): Output {
  const json = printableJson(reportJson(site.portReport(port, null, null), lang), 2);
  return { path: `ports/${port}.json`, content: `${json}\n` };
}

/** What search engines and programs read. A sitemap has whole addresses, so that without a base there is none. */
function* besides(plan: ExportPlan, has: ReadonlySet<number>): Generator<Output> {
  const { base, data, schema, version, languages } = plan;
  if (base !== null) {
    const there = indexedPaths(plan.site.atlas, ['/', ...plan.site.paths()]).filter((path) =>
      hasPage(path, has),
    );
    const addresses = languages.flatMap((tag) => there.map((path) => `${base}/${filePath(tag, path)}`));
    for (const [path, content] of sitemaps(addresses, base)) yield { path, content };
  }
  yield { path: 'robots.txt', content: robots(base, 'static') };
  const pages = `/${filePath(languages[0] ?? 'en', '/')}`;
  const everyPort = has.size > PORT_MAX;
  yield { path: 'llms.txt', content: llmsText({ base, outlet: 'static', data, everyPort, pages }) };
  if (data) {
    const description = openApi({ schema, version, base, outlet: 'static' });
    yield { path: 'openapi.json', content: `${JSON.stringify(description, null, 2)}\n` };
  }
}

/** The pages of a few ports in one language, as an export of all would have them. */
export async function samplePages(
  plan: ExportPlan,
  tag: string,
  ports: readonly number[],
): Promise<string[]> {
  const render = await renderer(tag, plan, new Set(portsIn(plan.site, plan.scope)));
  return ports.map((port) => render(plan.site.portPage(port, null, null)));
}

/** The languages of the export in the order that was asked for. */
function languagesOf(plan: Look): SiteLanguage[] {
  return plan.languages.flatMap((tag) => PAGE_LANGUAGES.filter((entry) => entry.tag === tag));
}

async function environmentOf(tag: string, plan: Look, links: PageEnv['links']): Promise<PageEnv> {
  const lang = await loadTranslator(tag, 'pages');
  return {
    lang,
    dir: lang.dir,
    languages: languagesOf(plan),
    links,
    outlet: 'static',
    feedback: plan.feedback,
    find: null,
    live: null,
    marked: new Set(),
    memo: new Map(),
  };
}

/** Renders pages of one language. A port without a page is led to that of its thousand. */
export async function renderer(tag: string, plan: Look, has: ReadonlySet<number>): Promise<Render> {
  const common = await environmentOf(tag, plan, fileLinks(tag, '/', plan.base));
  const kinds = new Map<number, Pick<PageEnv, 'links' | 'memo'>>();
  return (page) => {
    // Addresses are relative, so pages at one depth share theirs, and all that was made with them.
    const depth = page.path === '/' ? 0 : page.path.split('/').length;
    const known = kinds.get(depth) ?? {
      links: onlyThere(fileLinks(tag, page.path, plan.base), has),
      memo: new Map<unknown, string>(),
    };
    kinds.set(depth, known);
    return pageHtml(plan.data ? page : { ...page, data: null }, { ...common, ...known, marked: new Set() });
  };
}

/** Has a path a page of its own? Of ports some may have none. */
function hasPage(path: string, has: ReadonlySet<number>): boolean {
  const [, kind, port = ''] = path.split('/');
  return kind !== 'ports' || has.has(Number(port));
}

/** Links that lead to no page that is not there. */
function onlyThere(links: PageEnv['links'], has: ReadonlySet<number>): PageEnv['links'] {
  const there = (path: string): string => {
    const [, kind, port = ''] = path.split('/');
    if (kind !== 'ports' || has.has(Number(port))) return kind === 'ports' ? `/ports/${port}` : path;
    return `/thousands/${Math.floor(Number(port) / 1000)}`;
  };
  return { ...links, everyPort: has.size > PORT_MAX, page: (path) => links.page(there(path)) };
}

/** The page at the top: a way to each language; nothing is guessed without a server. */
function frontDoor(languages: readonly SiteLanguage[], first: string): string {
  const items = languages
    .map(
      ({ tag, name }) => `<li><a href="${tag}/index.html" lang="${tag}" hreflang="${tag}">${name}</a></li>`,
    )
    .join('');
  return `<!doctype html><html lang="${first}"><head><meta charset="utf-8"><title>Portolan</title><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="0; url=${first}/index.html"><link rel="icon" href="data:,"><link rel="stylesheet" href="${ASSET_FOLDER}/style.css"></head><body><main><h1 class="words">Portolan</h1><ul>${items}</ul></main></body></html>`;
}
