// The answers of the home page: every port at once, what of it is in use here, and the search without script.
import type { IncomingMessage } from 'node:http';
import { printable, type Snapshot } from '@portolan/core';
import { type LiveChart, liveChartOf, portQuery, type WebPage } from '@portolan/core/web';
import type { Context, Hono } from 'hono';
import type { Site } from '../site.ts';
import type { AppEnv } from './app-env.ts';
import { negotiate } from './negotiate.ts';

/** What these answers need of the server. */
interface HomeParts {
  readonly site: Site;
  readonly tags: readonly string[];
  /** Tells what `look` finds line by line. */
  readonly liveLines: (c: Context<AppEnv>, look: () => Promise<unknown>) => Response;
  readonly maySee: (request: IncomingMessage) => boolean;
  /** Everything on the host. */
  readonly look: () => Promise<Snapshot>;
  readonly render: (tag: string, page: WebPage, live: string | null, own: boolean) => Promise<string>;
}

const LIVE = '/api/live/chart';

/** Adds them to the application. */
export function homeRoutes(app: Hono<AppEnv>, parts: HomeParts): void {
  const { site, tags, maySee, look, render } = parts;

  app.get('/', (c) => {
    c.header('vary', 'accept-language');
    return c.redirect(`/${negotiate(c.req.header('accept-language') ?? null, tags)}/`, 302);
  });

  // A language has no dot: files for programs lie beside it.
  app.get('/:tag{[a-z-]+}', (c) => {
    const tag = c.req.param('tag');
    return tags.includes(tag) ? c.redirect(`/${tag}/`, 302) : c.notFound();
  });

  app.get('/:tag/', async (c) => {
    const { tag } = c.req.param();
    if (!tags.includes(tag)) return c.notFound();
    const own = maySee(c.env.incoming);
    return c.html(await render(tag, site.homePage(own ? await look() : null), LIVE, own));
  });

  app.get('/:tag/find', async (c) => {
    const { tag } = c.req.param();
    if (!tags.includes(tag)) return c.notFound();
    const query = c.req.query('q') ?? '';
    const asked = portQuery(query);
    if (asked !== null) {
      const transport = asked.transport === null ? '' : `/${asked.transport}`;
      return c.redirect(`/${tag}/ports/${asked.port}${transport}`, 302);
    }
    return c.html(await render(tag, site.findPage(query), null, maySee(c.env.incoming)));
  });

  app.get(LIVE, (c) => parts.liveLines(c, async () => shown(liveChartOf(await look()))));
}

/** What a process calls itself may hold anything; direction marks and controls are shown as codes. */
function shown(chart: LiveChart): LiveChart {
  return { ...chart, held: chart.held.map(([port, mark, name]) => [port, mark, printable(name)] as const) };
}
