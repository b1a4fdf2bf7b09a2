// The server's answers: what each address stands for. Guards come first, whatever the path.
import type { IncomingMessage } from 'node:http';
import { isTransport, PortolanError, printableJson, reportJson, type Transport } from '@portolan/core';
import type { WebPage } from '@portolan/core/web';
import {
  cardElements,
  hereElements,
  loadTranslator,
  PAGE_LANGUAGES,
  type PageEnv,
  pageHtml,
} from '@portolan/core/web';
import { type Context, Hono } from 'hono';
import { siteAssets } from '../chart-data.ts';
import { serverLinks } from '../links.ts';
import type { Sight, Site } from '../site.ts';
import { type Assets, makeAssets } from './assets.ts';
import { HEADERS, ownHosts, refusalOf } from './guard.ts';
import { homeRoutes } from './home.ts';
import { type Host, Lookout } from './lookout.ts';
import { negotiate } from './negotiate.ts';

/** What the server is made of. */
export interface ServerParts {
  readonly site: Site;
  readonly host: Host;
  readonly assets: Assets;
  /** Port it listens on. */
  readonly port: number;
  /** Is whoever sent this request the user that the server runs as, or root? Null where that cannot be told. */
  readonly isOwn: (request: IncomingMessage) => Promise<boolean | null>;
  readonly now: () => number;
}

interface Bindings {
  readonly incoming: IncomingMessage;
}

const TAGS = PAGE_LANGUAGES.map(({ tag }) => tag);

/** Seconds between two looks of a live card. */
const EVERY_MS = 1000;

/** Most shared pieces that are kept of a language. */
const MEMO = 5000;

/** Most live streams at once. */
const STREAMS = 16;

/** The application; tests call its `fetch` as the server does. */
export function makeApp(parts: ServerParts): Hono<{ Bindings: Bindings }> {
  const { site } = parts;
  const app = new Hono<{ Bindings: Bindings }>();
  const hosts = ownHosts(parts.port);
  const lookout = new Lookout(parts.host, parts.now);
  let streams = 0;
  // What is made from the facts is made when somebody first asks for it.
  let made: Assets | undefined;
  const madeAssets = (): Assets => {
    made ??= makeAssets(siteAssets(site));
    return made;
  };

  app.use(async (c, next) => {
    const header = (name: string): string | null => c.req.header(name) ?? null;
    const refusal = refusalOf(
      {
        method: c.req.method,
        host: header('host'),
        origin: header('origin'),
        site: header('sec-fetch-site'),
        mode: header('sec-fetch-mode'),
        dest: header('sec-fetch-dest'),
      },
      hosts,
    );
    if (refusal === null) await next();
    else c.res = c.text(`Refused: ${refusal}.\n`, 403);
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  });

  /** Answers with one line of JSON a change, as long as somebody reads, and an empty one where nothing changed. */
  function liveLines(c: Context, look: () => Promise<unknown>): Response {
    if (streams >= STREAMS) return c.text('Too many live pages are open.\n', 429);
    streams++;
    let timer: NodeJS.Timeout | undefined;
    let last = '';
    let open = true;
    const encoder = new TextEncoder();
    const end = (): void => {
      if (open) streams--;
      open = false;
      clearTimeout(timer);
    };
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        const round = async (): Promise<void> => {
          const line = JSON.stringify(await look());
          if (!open) return;
          controller.enqueue(encoder.encode(line === last ? '\n' : `${line}\n`));
          last = line;
          timer = setTimeout(run, EVERY_MS);
        };
        const run = (): void => {
          round().catch((error: unknown) => {
            end();
            controller.error(error);
          });
        };
        run();
      },
      cancel: end,
    });
    return c.body(stream, 200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
  }

  const mayLook = async (request: IncomingMessage): Promise<boolean> => (await parts.isOwn(request)) === true;

  const memos = new Map<string, Map<unknown, string>>();
  const memoOf = (tag: string): Map<unknown, string> => {
    const memo = memos.get(tag) ?? new Map<unknown, string>();
    // Drawings of a live host are no use to anybody later.
    if (memo.size > MEMO) memo.clear();
    memos.set(tag, memo);
    return memo;
  };

  async function environment(tag: string, live: string | null, own: boolean): Promise<PageEnv> {
    const lang = await loadTranslator(tag, 'pages');
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
  ): Promise<Sight | null> => ((await mayLook(request)) ? lookout.port(port, transport) : null);

  app.get('/a/:name', (c) => {
    const name = c.req.param('name');
    const asset = parts.assets.get(name) ?? madeAssets().get(name);
    if (asset === undefined) return c.notFound();
    return c.body(asset.bytes, 200, {
      'content-type': asset.type,
      etag: asset.etag,
      'cache-control': 'no-cache',
    });
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

  app.get('/:tag/:kind{ranges|thousands|services|sources}/:name?', async (c) => {
    const { tag } = c.req.param();
    const page = TAGS.includes(tag) ? site.page(c.req.path.slice(tag.length + 1)) : null;
    if (page === null) return c.notFound();
    return c.html(await render(tag, page, null, await mayLook(c.env.incoming)));
  });

  app.get('/:tag/here', async (c) => {
    const { tag } = c.req.param();
    if (!TAGS.includes(tag)) return c.notFound();
    const own = await mayLook(c.env.incoming);
    const sight = own ? { host: lookout.host, snapshot: await lookout.all() } : null;
    return c.html(await render(tag, site.herePage(sight, null), null, own));
  });

  app.get('/api/live/ports/:port/:transport?', async (c) => {
    const { port: text, transport = null } = c.req.param();
    const port = portOf(text);
    const tag = c.req.query('lang') ?? 'en';
    if (port === null || !TAGS.includes(tag) || (transport !== null && !isTransport(transport))) {
      return c.notFound();
    }
    if (!(await mayLook(c.env.incoming))) return c.text('Refused: only the user that runs it.\n', 403);
    const env = await environment(tag, null, true);
    return liveLines(c, async () => {
      const page = site.portPage(port, transport, await lookout.port(port, transport));
      const card = page.rail.flatMap(({ blocks }) => blocks).find((block) => block.kind === 'card');
      return { card: card === undefined ? [] : cardElements(card.card, { ...env, marked: new Set() }) };
    });
  });

  app.get('/api/live/here', async (c) => {
    const tag = c.req.query('lang') ?? 'en';
    if (!TAGS.includes(tag)) return c.notFound();
    if (!(await mayLook(c.env.incoming))) return c.text('Refused: only the user that runs it.\n', 403);
    const env = await environment(tag, null, true);
    return liveLines(c, async () => {
      const page = site.herePage({ host: lookout.host, snapshot: await lookout.all() }, null);
      return hereElements(page, { ...env, marked: new Set() });
    });
  });

  app.get('/ports/:file{[0-9]+\\.json}', async (c) => {
    const port = portOf(c.req.param('file').replace(/\.json$/, ''));
    if (port === null) return c.notFound();
    const sight = await sightOf(port, null, c.env.incoming);
    const lang = await loadTranslator('en', 'pages');
    const json = printableJson(reportJson(site.portReport(port, null, sight), lang), 2);
    return c.body(`${json}\n`, 200, { 'content-type': 'application/json; charset=utf-8' });
  });

  app.get('/ports/:port/:transport?', (c) => {
    const tag = negotiate(c.req.header('accept-language') ?? null, TAGS);
    c.header('vary', 'accept-language');
    return c.redirect(`/${tag}${c.req.path}`, 302);
  });

  homeRoutes(app, { site, tags: TAGS, liveLines, mayLook, look: () => lookout.all(), render });

  app.onError((error, c) => {
    const words = error instanceof PortolanError ? error.message : 'A fault of ours.';
    return c.text(`${words}\n`, 500);
  });
  app.notFound((c) => c.text('There is no such page.\n', 404));
  return app;
}

/** A port as an address has it: digits alone, none too many. */
function portOf(text: string): number | null {
  if (!/^\d{1,5}$/.test(text) || (text.length > 1 && text.startsWith('0'))) return null;
  const port = Number(text);
  return port <= 65_535 ? port : null;
}
