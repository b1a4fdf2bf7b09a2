// What an export holds: every page of every language, and the files beside them, one after another.
import { PORT_MAX, printableJson, reportJson } from '@portolan/core';
import {
  loadTranslator,
  PAGE_LANGUAGES,
  type PageEnv,
  pageHtml,
  type SiteLanguage,
  type WebPage,
} from '@portolan/core/web';
import { FLAG } from '../atlas.ts';
import { ASSET_FOLDER, fileLinks, filePath } from '../links.ts';
import type { Assets } from '../server/assets.ts';
import type { Site } from '../site.ts';

/** Which ports get a page. */
export type Scope = 'all' | 'claimed';

/** What is exported. */
export interface ExportPlan {
  readonly site: Site;
  readonly assets: Assets;
  /** Tags of languages, the first of which is the one for readers without another. */
  readonly languages: readonly string[];
  readonly scope: Scope;
  /** Is the report of each port exported as JSON, too? */
  readonly data: boolean;
  /** Where the site will be found, without a slash at its end; null where that is not known. */
  readonly base: string | null;
}

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
  const pages = portsIn(plan.site, plan.scope).length + plan.site.paths().length + 1;
  const reports = plan.data ? portsIn(plan.site, plan.scope).length : 0;
  return pages * plan.languages.length + reports + plan.assets.size + 1;
}

/** The files, made one at a time: all together they would not fit into memory. */
export async function* outputs(plan: ExportPlan): AsyncGenerator<Output> {
  const { site } = plan;
  const ports = portsIn(site, plan.scope);
  const has = new Set(ports);
  const languages = PAGE_LANGUAGES.filter(({ tag }) => plan.languages.includes(tag));
  for (const [name, asset] of plan.assets) {
    yield { path: `${ASSET_FOLDER}/${name}`, content: asset.bytes };
  }
  for (const tag of plan.languages) {
    const render = await renderer(tag, languages, plan, has);
    yield { path: filePath(tag, '/'), content: render(site.homePage(null)) };
    for (const path of site.paths()) {
      const page = site.page(path);
      if (page !== null) yield { path: filePath(tag, path), content: render(page) };
    }
    for (const port of ports) {
      yield { path: filePath(tag, `/ports/${port}`), content: render(site.portPage(port, null, null)) };
    }
  }
  if (plan.data) yield* reports(plan, ports);
  yield { path: 'index.html', content: frontDoor(languages, plan.languages[0] ?? 'en') };
}

/** The report of each port as JSON, as a program gets it from the server; no host was looked at. */
async function* reports({ site }: ExportPlan, ports: readonly number[]): AsyncGenerator<Output> {
  const lang = await loadTranslator('en', 'pages');
  for (const port of ports) {
    const json = printableJson(reportJson(site.portReport(port, null, null), lang), 2);
    yield { path: `ports/${port}.json`, content: `${json}\n` };
  }
}

/** The pages of a few ports in one language, as an export of all would have them. */
export async function samplePages(
  plan: ExportPlan,
  tag: string,
  ports: readonly number[],
): Promise<string[]> {
  const languages = PAGE_LANGUAGES.filter((entry) => plan.languages.includes(entry.tag));
  const render = await renderer(tag, languages, plan, new Set(portsIn(plan.site, plan.scope)));
  return ports.map((port) => render(plan.site.portPage(port, null, null)));
}

/** Renders pages of one language. A port without a page is led to that of its thousand. */
async function renderer(
  tag: string,
  languages: readonly SiteLanguage[],
  { base, data }: ExportPlan,
  has: ReadonlySet<number>,
): Promise<(page: WebPage) => string> {
  const lang = await loadTranslator(tag, 'pages');
  const dir = PAGE_LANGUAGES.find((entry) => entry.tag === tag)?.dir ?? 'ltr';
  const kinds = new Map<number, Pick<PageEnv, 'links' | 'memo'>>();
  return (page) => {
    // Addresses are relative, so pages at one depth share theirs, and all that was made with them.
    const depth = page.path === '/' ? 0 : page.path.split('/').length;
    const known = kinds.get(depth) ?? {
      links: onlyThere(fileLinks(tag, page.path, base), has),
      memo: new Map<unknown, string>(),
    };
    kinds.set(depth, known);
    return pageHtml(data ? page : { ...page, data: null }, {
      lang,
      dir,
      languages,
      ...known,
      outlet: 'static',
      feedback: null,
      find: null,
      live: null,
      marked: new Set(),
    });
  };
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
