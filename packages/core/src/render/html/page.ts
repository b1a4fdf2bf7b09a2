// A whole page: head, navigation, title, sections, sources, foot.
import { say } from '../../model/message.ts';
import { fact } from '../../view/tree.ts';
import type { WebPage } from '../../view/web/tree.ts';
import { sectionHtml } from './blocks.ts';
import { PATTERN_PORT, type PageEnv, remembered } from './env.ts';
import { h, Markup } from './escape.ts';
import { inlineMarkup } from './nodes.ts';
import { rulerSvg } from './ruler.ts';
import { sourcesHtml } from './sources.ts';
import { structuredData } from './structured-data.ts';

const STAR = new Markup(
  '<svg class="star" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 1.5 14 10l8.5 2-8.5 2-2 8.5-2-8.5L1.5 12 10 10z"/></svg>',
);

/** The page as an HTML document. */
export function pageHtml(page: WebPage, env: PageEnv): string {
  const { lang, links } = env;
  const title = lang.say(page.title);
  const description = page.lead.map((line) => plain(line, env)).join(' ');
  // Sections are rendered before the sources, for they decide which are pointed at.
  const lead = page.lead.map((line) => h`<p>${inlineMarkup(line, env)}</p>`);
  const main = page.main.map((section) => sectionHtml(section, env));
  const rail = page.rail.map((section) => sectionHtml(section, env));
  const sources = page.sources.length === 0 ? null : sourcesHtml(page.sources, env);
  const counts = page.counts.map((count) => lang.say(count)).join(' · ');
  const body = h`<main id="main"><div class="title">${crumbs(page, env)}${heading(page, env)}<div class="lead">${lead}${counts === '' ? null : h`<p class="count">${counts}</p>`}</div></div>${page.ruler === null ? null : rulerSvg(page.ruler, env, 'port' in page.heading)}${
    rail.length === 0
      ? h`<article class="whole">${main}${sources}${asks(page, env)}</article>`
      : h`<div class="columns"><article>${main}${sources}${asks(page, env)}</article><aside class="rail">${rail}</aside></div>`
  }</main>`;
  return h`<!doctype html><html lang="${lang.lang}" dir="${env.dir}"><head><meta charset="utf-8"><title>${lang.say(say('web.title.site', { title }))}</title><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="description" content="${description}"><meta name="color-scheme" content="light dark">${page.index ? null : new Markup('<meta name="robots" content="noindex,follow">')}${alternates(page, env)}${headFiles(env)}${page.islands.map((name) => h`<script type="module" src="${links.asset(`${name}.js`)}"></script>`)}${structuredData(page, title, description, env)}</head><body><a class="skip" href="#main">${lang.say(say('web.skip'))}</a>${top(page, env)}${body}${foot(page, env)}</body></html>`
    .html;
}

/** The files that every page has. */
function headFiles(env: PageEnv): Markup {
  const { links } = env;
  return remembered(
    HEAD_FILES,
    env,
    () =>
      h`<link rel="icon" href="data:,"><link rel="preload" href="${links.asset('sans-latin.woff2')}" as="font" type="font/woff2" crossorigin><link rel="stylesheet" href="${links.asset('style.css')}"><script src="${links.asset('theme.js')}"></script><script type="module" src="${links.asset('page.js')}"></script>`,
  );
}

/** A line without its marks. */
function plain(line: WebPage['lead'][number], env: PageEnv): string {
  return line
    .map((piece) => {
      if (piece.kind === 'say') return env.lang.say(piece.message);
      return piece.kind === 'data' ? piece.text : '';
    })
    .join('');
}

function top(page: WebPage, env: PageEnv): Markup {
  const { lang, links } = env;
  const items = [
    { to: '/', key: 'web.nav.ports' },
    ...(env.outlet === 'static' ? [] : [{ to: '/here', key: 'web.nav.here' } as const]),
    { to: '/paste', key: 'web.nav.paste' },
    { to: '/sources', key: 'web.nav.sources' },
  ] as const;
  // The same on every page but those that it leads to.
  const here = items.find(({ to }) => to === page.path)?.to ?? null;
  const before = remembered(`top ${here}`, env, () => {
    const nav = items.map(
      ({ to, key }) =>
        h`<a href="${links.page(to)}"${to === here ? new Markup(' aria-current="page"') : null}>${lang.say(say(key))}</a>`,
    );
    return h`<header class="top"><a class="brand" href="${links.page('/')}">${STAR}${lang.say(say('web.site.name'))}</a><nav aria-label="${lang.say(say('web.nav.label'))}">${nav}</nav>${findForm(env)}<details class="languages"><summary><span class="quiet">${lang.say(say('web.language'))}: </span>${lang.lang}</summary><ul>`;
  });
  const languages = env.languages.map(({ tag, name }) => {
    const rest = remembered(
      `language ${tag}`,
      env,
      () =>
        h`" hreflang="${tag}" lang="${tag}" dir="auto"${tag === lang.lang ? new Markup(' aria-current="true"') : null}>${name}</a></li>`,
    );
    return h`<li><a href="${links.inLanguage(tag, page.path)}${rest}`;
  });
  const after = remembered(
    AFTER_LANGUAGES,
    env,
    () =>
      h`</ul></details><button class="theme" type="button" data-theme-toggle aria-label="${lang.say(say('web.theme'))}"></button></header>`,
  );
  return h`${before}${languages}${after}`;
}

/** What their memos are kept under. */
const AFTER_LANGUAGES = Symbol('after languages');
const HEAD_FILES = Symbol('head files');
const FIND_FORM = Symbol('find form');

/** The search: a form of its own without script; with it, an index that is asked while somebody types. */
function findForm(env: PageEnv): Markup {
  return remembered(FIND_FORM, env, () => {
    const { lang, links } = env;
    const label = lang.say(say('web.search.label'));
    const local = env.find === null ? new Markup(' data-local') : null;
    const thousand = links.everyPort ? null : h` data-thousand="${links.page('/thousands/0')}"`;
    return h`<form class="find" role="search" action="${env.find ?? links.page('/')}"${local} data-index="${links.asset('search.json')}" data-page="${links.page(`/ports/${PATTERN_PORT}`)}"${thousand} data-service="${links.page('/services/http')}" data-none="${lang.say(say('web.search.none'))}" data-found="${lang.say(say('web.search.found', { count: '{count}' }))}"><input type="search" name="q" autocomplete="off" spellcheck="false" placeholder="${label}" aria-label="${label}"></form>`;
  });
}

function crumbs(page: WebPage, env: PageEnv): Markup | null {
  if (page.crumbs.length === 0) return null;
  const items = page.crumbs.map(
    ({ to, text }) => h`<a href="${env.links.page(to)}">${env.lang.say(text)}</a> `,
  );
  return h`<nav class="crumbs" aria-label="${env.lang.say(say('web.crumbs'))}">${items}</nav>`;
}

/** A port's numeral shows its thousands and the three digits after them, as the chart's lines and columns do. */
function heading(page: WebPage, env: PageEnv): Markup {
  if ('name' in page.heading) {
    return h`<h1 class="words">${inlineMarkup([fact(page.heading.name)], env)}</h1>`;
  }
  if ('words' in page.heading) return h`<h1 class="words">${env.lang.say(page.heading.words)}</h1>`;
  const { port } = page.heading;
  const numeral =
    port < 1000 ? h`${port}` : h`<b>${Math.floor(port / 1000)}</b>${String(port % 1000).padStart(3, '0')}`;
  return h`<h1 class="numeral" dir="ltr" aria-label="${env.lang.say(say('web.title.port', { port }))}">${numeral}</h1>`;
}

function alternates(page: WebPage, env: PageEnv): Markup[] {
  const out: Markup[] = [];
  const own = env.links.absolute(env.lang.lang, page.canonical ?? page.path);
  if (own !== null) out.push(h`<link rel="canonical" href="${own}">`);
  for (const { tag } of env.languages) {
    const address = env.links.absolute(tag, page.path);
    if (address !== null) out.push(h`<link rel="alternate" hreflang="${tag}" href="${address}">`);
  }
  const first = env.languages[0];
  const neutral = first === undefined ? null : env.links.absolute(first.tag, page.path);
  if (neutral !== null) out.push(h`<link rel="alternate" hreflang="x-default" href="${neutral}">`);
  if (page.data !== null) {
    out.push(h`<link rel="alternate" type="application/json" href="${env.links.data(page.data)}">`);
  }
  return out;
}

/** The three faces are drawn: not every system has a glyph for each. */
const FACES = [
  ['no', 'M9 9.5v.5M15 9.5v.5M8 16.2c1-1.6 2.4-2.4 4-2.4s3 .8 4 2.4'],
  ['partly', 'M9 9.5v.5M15 9.5v.5M8 15.3h8'],
  ['yes', 'M9 9.5v.5M15 9.5v.5M7.8 14c1 1.8 2.5 2.6 4.2 2.6s3.2-.8 4.2-2.6'],
] as const;

function asks(page: WebPage, env: PageEnv): Markup | null {
  if (!page.asks || env.feedback === null) return null;
  const { lang } = env;
  const buttons = FACES.map(
    ([value, d]) =>
      h`<button name="useful" value="${value}" aria-label="${lang.say(say(`web.useful.${value}`))}"><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="9.5"/><path d="${d}"/></svg></button>`,
  );
  return h`<form class="useful" method="post" action="${env.feedback}" data-failed="${lang.say(say('web.useful.failed'))}" data-thanks="${lang.say(say('web.useful.thanks'))}"><input type="hidden" name="page" value="${page.path}"><input type="hidden" name="lang" value="${lang.lang}"><fieldset><legend>${lang.say(say('web.ask.useful'))}</legend>${buttons}</fieldset><output></output></form><p class="noted" id="noted">${lang.say(say('web.useful.noted'))}</p>`;
}

function foot(page: WebPage, env: PageEnv): Markup {
  const { lang } = env;
  const english = lang.lang === 'en' ? null : h`<p>${lang.say(say('web.foot.english'))}</p>`;
  const dataLink =
    page.data === null
      ? null
      : h`<p><a href="${env.links.data(page.data)}">${lang.say(say('web.foot.data'))}</a></p>`;
  return h`<footer><p>${lang.say(say('web.foot'))}</p>${english}${dataLink}</footer>`;
}
