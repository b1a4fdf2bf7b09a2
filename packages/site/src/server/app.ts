// The server's answers: what each address stands for. The front has judged every request before it comes here.
import type { IncomingMessage } from 'node:http';
import {
  isTransport,
  PortolanError,
  printableJson,
  renderTerminal,
  reportJson,
  reportPage,
  type Translator,
  type Transport,
} from '@portolan/core';
import type { WebPage } from '@portolan/core/web';
import {
  cardElements,
  hereElements,
  hereWhole,
  loadTranslator,
  missingWebPage,
  PAGE_LANGUAGES,
  type PageEnv,
  pageHtml,
} from '@portolan/core/web';
import { type Context, Hono } from 'hono';
import { siteAssets } from '../chart-data.ts';
import type { Described } from '../for-programs.ts';
import { serverLinks } from '../links.ts';
import { portOf, portPath } from '../paths.ts';
import type { Sight, Site } from '../site.ts';
import type { AppEnv } from './app-env.ts';
import { type Assets, makeAssets } from './assets.ts';
import { homeRoutes } from './home.ts';
import type { Keys } from './keys.ts';
import { type Host, Lookout } from './lookout.ts';
import { negotiate, preferredType } from './negotiate.ts';
import { programRoutes } from './programs.ts';
import { sendAsset } from './send-asset.ts';
import { Streams } from './streams.ts';
import { type FeedbackStore, usefulRoute } from './useful.ts';
import type { Visitors } from './visitors.ts';

/** What the server is made of. */
export interface ServerParts {
  readonly site: Site;
  readonly host: Host;
  readonly assets: Assets;
  /** Port it listens on. */
  readonly port: number;
  readonly visitors: Visitors;
  readonly keys: Keys;
  readonly feedback: FeedbackStore;
  /** The shipped JSON Schema of the reports. */
  readonly schema: Described['schema'];
  readonly version: string;
  readonly now: () => number;
  /** Told of what went wrong by a fault of ours. */
  readonly onFault: (error: Error) => void;
}

const TAGS = PAGE_LANGUAGES.map(({ tag }) => tag);

/** Most shared pieces that are kept of a language. */
const MEMO = 5000;

/** Columns of a report as text. */
const TEXT_WIDTH = 80;

/** The forms of a report; a program that takes all of them gets text, as `curl` does. */
const FORMS = ['text/plain', 'application/json', 'text/html'] as const;

/** The application; tests call its `fetch` as the server does. */
export function makeApp(parts: ServerParts): Hono<AppEnv> {
  const { site, visitors } = parts;
  const app = new Hono<AppEnv>();
  const lookout = new Lookout(parts.host, parts.now, parts.onFault);
  // What is made from the facts is made when somebody first asks for it.
  let made: Assets | undefined;
  const madeAssets = (): Assets => {
    made ??= makeAssets(siteAssets(site));
    return made;
  };
  const streams = new Streams();

  /** Answers with a line of JSON a change, for those who may see the host and for as long as they read. */
  function liveLines(c: Context<AppEnv>, look: () => Promise<unknown>): Response {
    if (!visitors.maySee(c.env.incoming)) {
      c.header('www-authenticate', 'Bearer');
      return c.text('Refused: for the user that runs this server, and for whoever has its token.\n', 401);
    }
    if (streams.full) return c.text('Too many live pages are open.\n', 429);
    const headers = { 'content-type': 'application/x-ndjson; charset=utf-8' };
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    return c.body(
      streams.start(c.env.outgoing, async () => JSON.stringify(await look())),
      200,
      headers,
    );
  }

  const memos = new Map<string, Map<unknown, string>>();
  const memoOf = (tag: string): Map<unknown, string> => {
    const memo = memos.get(tag) ?? new Map<unknown, string>();
    // Drawings of a live host are no use to anybody later.
    if (memo.size > MEMO) memo.clear();
    memos.set(tag, memo);
    return memo;
  };

  const translators = new Map<string, Promise<Translator>>();
  /** Made once: that takes longer than a page. */
  function translatorOf(tag: string): Promise<Translator> {
    const known = translators.get(tag) ?? loadTranslator(tag, 'pages');
    translators.set(tag, known);
    return known;
  }

  async function environment(tag: string, live: string | null, own: boolean): Promise<PageEnv> {
    const lang = await translatorOf(tag);
    const known = PAGE_LANGUAGES.find((entry) => entry.tag === tag);
    return {
      lang,
      dir: known?.dir ?? 'ltr',
      languages: PAGE_LANGUAGES,
      links: serverLinks(tag, null),
      outlet: own ? 'live' : 'closed',
      feedback: '/api/useful',
      find: `/${tag}/find`,
      live,
      marked: new Set(),
      memo: memoOf(tag),
    };
  }

  async function render(tag: string, page: WebPage, live: string | null, own: boolean): Promise<string> {
    return pageHtml(page, await environment(tag, live, own));
  }

  const sightOf = async (
    port: number,
    transport: Transport | null,
    request: IncomingMessage,
  ): Promise<Sight | null> => (visitors.maySee(request) ? lookout.port(port, transport) : null);

  app.get('/a/:name', (c) => {
    const name = c.req.param('name');
    const asset = parts.assets.get(name) ?? madeAssets().get(name);
    if (asset === undefined) return c.notFound();
    return sendAsset(c, asset);
  });

  app.get('/:tag/ports/:port/:transport?', async (c) => {
    const { tag, port: text, transport = null } = c.req.param();
    const port = portOf(text);
    if (!TAGS.includes(tag) || port === null || (transport !== null && !isTransport(transport))) {
      return c.notFound();
    }
    const sight = await sightOf(port, transport, c.env.incoming);
    const page = site.portPage(port, transport, sight);
    return c.html(await render(tag, page, `/api/live${page.path}?lang=${tag}`, sight !== null));
  });

  app.get('/:tag/:kind{ranges|thousands|services|sources|paste}/:name?', async (c) => {
    const { tag } = c.req.param();
    const page = TAGS.includes(tag) ? site.page(c.req.path.slice(tag.length + 1)) : null;
    if (page === null) return c.notFound();
    return c.html(await render(tag, page, null, visitors.maySee(c.env.incoming)));
  });

  app.get('/:tag/here', async (c) => {
    const { tag } = c.req.param();
    if (!TAGS.includes(tag)) return c.notFound();
    const own = visitors.maySee(c.env.incoming);
    const sight = own ? { host: lookout.host, snapshot: await lookout.all() } : null;
    return c.html(await render(tag, site.herePage(sight, own ? await lookout.audit() : null), null, own));
  });

  app.get('/api/live/ports/:port/:transport?', async (c) => {
    const { port: text, transport = null } = c.req.param();
    const port = portOf(text);
    const tag = c.req.query('lang') ?? 'en';
    if (port === null || !TAGS.includes(tag) || (transport !== null && !isTransport(transport))) {
      return c.notFound();
    }
    const env = await environment(tag, null, true);
    return liveLines(c, async () => {
      const page = site.portPage(port, transport, await lookout.port(port, transport));
      const card = page.rail.flatMap(({ blocks }) => blocks).find((block) => block.kind === 'card');
      if (card === undefined) throw new Error(`the page of port ${port} has no card`);
      return { card: cardElements(card.card, { ...env, marked: new Set() }) };
    });
  });

  app.get('/api/live/here', async (c) => {
    const tag = c.req.query('lang') ?? 'en';
    if (!TAGS.includes(tag)) return c.notFound();
    const env = await environment(tag, null, true);
    // For a page that was made for nobody in particular.
    const whole = c.req.query('whole') !== undefined;
    return liveLines(c, async () => {
      const findings = whole ? await lookout.audit() : null;
      const page = site.herePage({ host: lookout.host, snapshot: await lookout.all() }, findings);
      const told = { ...env, marked: new Set<number>() };
      return { ...hereElements(page, told), ...(whole ? { whole: hereWhole(page, told) } : {}) };
    });
  });

  app.get('/ports/:file{[0-9]+\\.json}', async (c) => {
    const port = portOf(c.req.param('file').replace(/\.json$/, ''));
    return port === null ? c.notFound() : reportAs(c, 'application/json', port, null);
  });

  // As people type it, too: the address and the number.
  app.get('/ports/:port/:transport?', portAsAsked);
  app.get('/:port{[0-9]+}/:transport?', portAsAsked);
  async function portAsAsked(c: Context<AppEnv>): Promise<Response> {
    const text = c.req.param('port') ?? '';
    const transport = c.req.param('transport') ?? null;
    const port = portOf(text);
    if (port === null || (transport !== null && !isTransport(transport))) return c.notFound();
    c.header('vary', 'accept, accept-language');
    const form = preferredType(c.req.header('accept') ?? null, FORMS) ?? 'text/html';
    if (form !== 'text/html') return reportAs(c, form, port, transport);
    const tag = negotiate(c.req.header('accept-language') ?? null, TAGS);
    return c.redirect(`/${tag}/ports/${port}${transport === null ? '' : `/${transport}`}`, 302);
  }

  homeRoutes(app, {
    site,
    tags: TAGS,
    liveLines,
    maySee: (request) => visitors.maySee(request),
    look: () => lookout.all(),
    render,
  });
  /** A report as the program gives it. */
  async function reportAs(
    c: Context<AppEnv>,
    form: 'application/json' | 'text/plain',
    port: number,
    transport: Transport | null,
  ): Promise<Response> {
    const sight = await sightOf(port, transport, c.env.incoming);
    const report = site.portReport(port, transport, sight);
    const json = form === 'application/json';
    // Programs get the words of the JSON contract, which are English.
    const tag = json ? 'en' : negotiate(c.req.header('accept-language') ?? null, TAGS);
    const lang = await translatorOf(tag);
    const body = json
      ? `${printableJson(reportJson(report, lang), 2)}\n`
      : renderTerminal(reportPage(report, sight === null ? 'claims' : 'host'), {
          lang,
          width: TEXT_WIDTH,
          color: false,
          unicode: true,
          fit: false,
        });
    return c.body(body, 200, { 'content-type': `${form}; charset=utf-8` });
  }

  usefulRoute(app, {
    store: parts.feedback,
    languages: TAGS,
    asks: (path) => portPath(path) !== null || site.page(path)?.asks === true,
    uidOf: ({ incoming }) => visitors.uidOf(incoming.socket),
    now: parts.now,
  });
  programRoutes(app, parts);

  app.onError((error, c) => {
    if (error instanceof PortolanError) return c.text(`${error.message}\n`, 500);
    parts.onFault(error);
    return c.text('A fault of ours; the terminal that serves these pages says more.\n', 500);
  });
  /** What is meant by an address with a slash too many or without its language: that of the page; null where there is none. */
  function meant(path: string, language: string | null): string | null {
    const asked = path.replace(/\/+$/, '');
    const first = asked.split('/')[1] ?? '';
    const known = TAGS.includes(first);
    const rest = known ? asked.slice(first.length + 1) : asked;
    // Made of what is there: nothing else of the address comes back.
    const there = rest === '/here' || portPath(rest) !== null || site.page(rest) !== null;
    if (!there || (known && asked === path)) return null;
    return `/${known ? first : negotiate(language, TAGS)}${rest}`;
  }

  app.notFound(async (c) => {
    const page = meant(c.req.path, c.req.header('accept-language') ?? null);
    if (page !== null) {
      c.header('vary', 'accept, accept-language');
      return c.redirect(page, 302);
    }
    const html = preferredType(c.req.header('accept') ?? null, FORMS) === 'text/html';
    const [, first = ''] = c.req.path.split('/');
    // What a script asks for is told in a line.
    if (!html || first === 'api' || first === 'a') return c.text('There is no such page.\n', 404);
    const tag = TAGS.includes(first) ? first : negotiate(c.req.header('accept-language') ?? null, TAGS);
    return c.html(await render(tag, missingWebPage(), null, visitors.maySee(c.env.incoming)), 404);
  });
  return app;
}
