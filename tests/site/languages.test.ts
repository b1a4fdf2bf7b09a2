// The pages in every language: nothing missing, nothing left in English that is ours, marked with language and direction.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Message, MessageValue } from '@portolan/core';
import { loadTranslator, PAGE_LANGUAGES, type PageEnv, pageHtml, type WebPage } from '@portolan/core/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile, type Pieces, type Template } from '../../packages/core/src/text/template.ts';
import { fileLinks } from '../../packages/site/src/links.ts';
import { makeSite, type Sight, type Site } from '../../packages/site/src/site.ts';
import { SAME } from '../../tools/catalogs.ts';
import { builtFacts } from './facts.ts';

let site: Site;
const translators = new Map<string, PageEnv['lang']>();

beforeAll(async () => {
  site = makeSite(builtFacts(), 'portolan');
  for (const { tag } of PAGE_LANGUAGES) translators.set(tag, await loadTranslator(tag, 'pages'));
});

const MESSAGES = fileURLToPath(new URL('../../packages/core/src/text/messages/', import.meta.url));

const PORTS = [
  0, 7, 22, 53, 80, 111, 443, 445, 512, 631, 993, 1023, 1024, 1433, 1900, 2049, 2375, 3000, 3306, 4045, 5000,
  5060, 5173, 5353, 5432, 5900, 6000, 6379, 6667, 8080, 8443, 9092, 9100, 10_000, 11_211, 25_565, 27_017,
  32_768, 49_151, 49_152, 51_820, 60_163, 61_000, 64_738, 65_535,
];
const PATHS = [
  '/services/xsan',
  '/services/postgresql',
  '/services/mosh',
  '/ranges/system',
  '/ranges/user',
  '/ranges/dynamic',
  '/thousands/0',
  '/thousands/59',
  '/thousands/65',
  '/sources',
];

const SIGHT: Sight = {
  host: 'box',
  inUse: [60_163],
  snapshot: {
    platform: 'linux',
    release: '6.1',
    takenAt: '2026-01-01T00:00:00Z',
    via: 'sock_diag',
    limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024 },
    ephemeralUse: null,
    sockets: [],
    redirects: [],
    gaps: [],
  },
};

function translatorOf(tag: string): PageEnv['lang'] {
  const found = translators.get(tag);
  if (found === undefined) throw new Error(`no translator for ${tag}`);
  return found;
}

function env(tag: string, path: string, over: Partial<PageEnv> = {}): PageEnv {
  const lang = translatorOf(tag);
  return {
    lang,
    dir: lang.dir,
    languages: PAGE_LANGUAGES,
    links: fileLinks(tag, path, 'https://ports.example'),
    outlet: 'static',
    feedback: '/useful',
    find: null,
    live: null,
    marked: new Set(),
    memo: new Map(),
    ...over,
  };
}

/** Every page that is tried: of ports without and with a host, and of each other kind. */
function* pages(): Generator<{ page: WebPage; outlet: PageEnv['outlet'] }> {
  for (const port of PORTS) {
    yield { page: site.portPage(port, null, null), outlet: 'static' };
    yield { page: site.portPage(port, null, SIGHT), outlet: 'live' };
  }
  yield { page: site.portPage(443, 'udp', null), outlet: 'closed' };
  for (const path of PATHS) {
    const page = site.page(path);
    if (page === null) throw new Error(`no page ${path}`);
    yield { page, outlet: 'static' };
  }
  yield { page: site.herePage(SIGHT, null), outlet: 'live' };
  yield { page: site.herePage(null, null), outlet: 'closed' };
}

const rendered = (tag: string, page: WebPage, outlet: PageEnv['outlet'] = 'static'): string =>
  pageHtml(page, env(tag, page.path, { outlet }));

/** What is read: text, and the attributes that are read aloud or shown; steering characters and entities resolved. */
function visible(html: string): string {
  const spoken = [...html.matchAll(/ (?:aria-label|title|placeholder|alt)="([^"]*)"/g)].map(
    ([, text]) => text,
  );
  const text = html
    .replace(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replace(/<\/(?:p|li|h\d|d[dt]|t[dh]|summary|label|a|span|strong|b|text|legend|button)>/g, '\n')
    .replace(/<[^>]*>/g, '');
  return [text, ...spoken]
    .join('\n')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/[\u2066-\u2069]/g, '')
    .replace(/[ \t]+/g, ' ');
}

/** What is marked as English is somebody else's and left out. */
const ours = (html: string): string => html.replace(/<(\w+)[^>]* lang="en"[^>]*>.*?<\/\1>/gs, '');

/** Every sentence of a language, of the program and of the pages. */
function catalogOf(tag: string): Readonly<Record<string, Template>> {
  const read = (file: string): Record<string, Template> =>
    JSON.parse(readFileSync(join(MESSAGES, file), 'utf8')) as Record<string, Template>;
  return { ...read(`${tag}.json`), ...read(`web/${tag}.json`) };
}

/** The runs of words in a sentence that no value stands between. */
function runsOf(text: Template): string[] {
  const made = compile(text);
  const forms: readonly Pieces[] =
    made.by === null
      ? [made.pieces]
      : Object.values(made.forms).flatMap((form) => (form === undefined ? [] : [form]));
  return forms.flatMap((pieces) => pieces.filter((piece) => typeof piece === 'string'));
}

/** Keys of the sentences that pages say, those inside others, too. */
function keysSaid(): Set<string> {
  const said = new Set<string>();
  const note = (message: Message): void => {
    said.add(message.key);
    for (const value of Object.values(message.values)) noteValue(value);
  };
  const noteValue = (value: MessageValue): void => {
    if (typeof value !== 'object') return;
    if ('key' in value) note(value);
    else if ('list' in value) for (const item of value.list) noteValue(item);
  };
  const lang = translatorOf('en');
  const ears: PageEnv['lang'] = {
    ...lang,
    say(message) {
      note(message);
      return lang.say(message);
    },
  };
  for (const { page, outlet } of pages()) pageHtml(page, env('en', page.path, { outlet, lang: ears }));
  return said;
}

/** A name of a product, protocol or state, or a number: the same in every language. */
const isSentence = (run: string): boolean => (run.match(/\p{Ll}{2,}/gu) ?? []).length >= 2;

describe.each(PAGE_LANGUAGES)('$tag', ({ tag, dir }) => {
  test('every page has every sentence, with its values', () => {
    let count = 0;
    for (const { page, outlet } of pages()) {
      // A sentence that is missing throws; what would not is a value that was not put in.
      const text = visible(rendered(tag, page, outlet));
      expect(text.match(/undefined|\[object|\{[a-zA-Z]+(?::n)?\}/g), page.path).toBeNull();
      count++;
    }
    expect(count).toBeGreaterThan(90);
  });

  test('says its language and direction, and where the others are', () => {
    for (const { page, outlet } of pages()) {
      const html = rendered(tag, page, outlet);
      expect(html).toContain(`<html lang="${tag}" dir="${dir}">`);
      const alternates = [...html.matchAll(/<link rel="alternate" hreflang="([^"]+)" href="([^"]+)"/g)];
      expect(alternates.map(([, lang]) => lang)).toEqual([
        ...PAGE_LANGUAGES.map((other) => other.tag),
        'x-default',
      ]);
      for (const [, lang = '', href = ''] of alternates) {
        expect(href).toContain(`https://ports.example/${lang === 'x-default' ? 'en' : lang}/`);
      }
      const offered = [...html.matchAll(/<a href="[^"]*" hreflang="([^"]+)" lang="([^"]+)"/g)];
      expect(offered.map(([, hreflang, lang]) => [hreflang, lang])).toEqual(
        PAGE_LANGUAGES.map((other) => [other.tag, other.tag]),
      );
      expect(html).toMatch(new RegExp(`hreflang="${tag}" lang="${tag}"[^>]* aria-current="true"`));
    }
  });

  test('commands, the ruler and the numeral run from the left', () => {
    const html = rendered(tag, site.portPage(60_163, null, SIGHT), 'live');
    expect(html).toContain('<div class="ruler-box" dir="ltr">');
    expect(html).toMatch(/<h1 class="numeral" dir="ltr"/);
    for (const [open] of html.matchAll(/<pre\b[^>]*>/g)) expect(open).toContain('dir="ltr"');
  });
});

const OTHERS = PAGE_LANGUAGES.filter(({ tag }) => tag !== 'en');

describe.each(OTHERS)('$tag beside English', ({ tag, dir }) => {
  test('no sentence of ours is left in English', () => {
    const english = catalogOf('en');
    const keys = keysSaid();
    expect(keys.size).toBeGreaterThan(150);
    const runs = [...keys]
      .filter((key) => !(SAME[tag] ?? []).includes(key))
      .flatMap((key) => runsOf(english[key] ?? ''))
      .map((run) => run.trim())
      .filter((run) => isSentence(run));
    const sentences = [...new Set(runs)];
    expect(sentences.length).toBeGreaterThan(120);
    const found = new Set<string>();
    const heard = new Set<string>();
    for (const { page, outlet } of pages()) {
      const foreign = visible(ours(rendered(tag, page, outlet)));
      const original = visible(rendered('en', page, outlet));
      for (const sentence of sentences) {
        if (foreign.includes(sentence)) found.add(`${page.path}: ${sentence}`);
        if (original.includes(sentence)) heard.add(sentence);
      }
    }
    expect([...found]).toEqual([]);
    // The same search finds them where they belong, so that this test can fail.
    expect(heard.size).toBeGreaterThan(sentences.length * 0.9);
  });

  test('no text that is the same as on the English page goes unmarked', () => {
    const lines = (html: string): Set<string> =>
      new Set(
        visible(ours(html.replace(/<(code|bdi|svg)\b.*?<\/\1>/gs, ' ')))
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => isSentence(line) && !/^(?:tcp|udp|sctp|dccp|\s)+$/.test(line)),
      );
    const same = new Set<string>();
    for (const { page, outlet } of pages()) {
      const original = lines(rendered('en', page, outlet).replaceAll(' lang="en"', ''));
      for (const line of lines(rendered(tag, page, outlet)))
        if (original.has(line)) same.add(`${page.path}: ${line}`);
    }
    expect([...same]).toEqual([]);
  });

  test('names and notes of services are marked as English', () => {
    for (const path of ['/services/xsan', '/ranges/dynamic']) {
      const page = site.page(path);
      if (page === null) throw new Error(`no page ${path}`);
      expect(rendered(tag, page)).toMatch(/<bdi lang="en">[^<]*Xsan filesystem access\./);
    }
    const html = rendered(tag, site.portPage(60_163, null, null));
    expect(html).toMatch(/<b lang="en"[^>]*>(?:<a [^>]*>)?Mosh</);
    expect(html).toMatch(/class="note" lang="en"[^>]*>[^<]*roaming shell session/);
    const plain = visible(ours(html));
    expect(plain).not.toContain('Xsan filesystem access');
  });

  test('ranges in links and cells run from their first port', () => {
    if (dir === 'ltr') return;
    const page = site.page('/ranges/dynamic');
    if (page === null) throw new Error('no page');
    const html = rendered(tag, page);
    for (const [, open = ''] of html.matchAll(/<a ([^>]*)>\d+–\d+<\/a>/g))
      expect(open).toContain('dir="auto"');
    const cells = [...html.matchAll(/<td class="right"([^>]*)>/g)];
    expect(cells.length).toBeGreaterThan(20);
    for (const [, rest] of cells) expect(rest).toContain('dir="ltr"');
  });
});

describe('60163 in Czech', () => {
  const words = (page: WebPage, outlet: PageEnv['outlet'] = 'static'): string =>
    visible(rendered('cs', page, outlet)).replace(/\s+/g, ' ');

  test('nothing of what an encyclopedia has wrong about it', () => {
    const text = words(site.portPage(60_163, null, null));
    // Nobody registered it, nobody could, and nobody has to be asked.
    expect(text).toContain('Čísla 49152–65535 IANA nikdy nepřiděluje: 60163 nepatří nikomu.');
    expect(text).toMatch(/Je port 60163 registrovaný u IANA\? Ne, a ani být nemůže/);
    expect(text).not.toMatch(/registrován pro|je přidělen|patří Xsanu|rezervován pro/i);
    expect(text).toMatch(/kterýkoli program smí volný port na čas použít a žádný nesmí počítat/);
    // The claim on the whole range is told as that, with its transport and its size.
    expect(text).toMatch(
      /Je 60163 port produktu Xsan\? Ne\. Apple uvádí pro Xsan celý rozsah 49152–65535 \(tcp\), tedy 16 384 portů/,
    );
    // The systems' own ranges are others than IANA's.
    expect(text).toMatch(/Linux, macOS, FreeBSD, Windows/);
    // What each command does not show stands beside it.
    expect(text).toContain("sudo ss -tanp 'sport = :60163'");
    expect(text).toMatch(/sokety, které jsou svázané a nenaslouchají, jiné síťové jmenné prostory/);
    expect(text).toMatch(/rozsahy, které si Windows vyhrazují/);
    expect(text).toMatch(/bez sudo ani procesy jiných uživatelů/);
    expect(text).toMatch(/Mosh .*?udp/);
  });

  test('with a host it tells the host’s range from IANA’s, and how to keep the port', () => {
    const text = words(site.portPage(60_163, null, SIGHT), 'live');
    expect(text).toContain('60163 je tu teď volný');
    expect(text).toContain('přiděluje spojením 32768–60999, což není totéž co dynamické porty 49152–65535');
    expect(text).toMatch(/60163 vynechat z automatického výběru/);
  });
});
