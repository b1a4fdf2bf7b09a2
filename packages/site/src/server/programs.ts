// Routes for programs: descriptions of the site, its sitemap, and the exchange of a code for the token.
import { PAGE_LANGUAGES } from '@portolan/core/web';
import type { Hono } from 'hono';
import { type Described, llmsText, openApi } from '../for-programs.ts';
import { robots, sitemaps } from '../for-search.ts';
import { serverLinks } from '../links.ts';
import { indexedPaths } from '../paths.ts';
import type { Site } from '../site.ts';
import type { AppEnv } from './app-env.ts';
import { fieldsOf } from './asked.ts';
import type { Keys } from './keys.ts';

/** What these routes need. */
export interface ProgramParts {
  readonly site: Site;
  readonly keys: Keys;
  readonly port: number;
  readonly schema: Described['schema'];
  readonly version: string;
}

/** Adds them. */
export function programRoutes(app: Hono<AppEnv>, { site, keys, port, schema, version }: ProgramParts): void {
  const base = `http://127.0.0.1:${port}`;
  // Made when first asked for: most servers are never asked.
  let maps: ReadonlyMap<string, string> | null = null;

  app.get('/openapi.json', (c) => c.json(openApi({ schema, version, base, outlet: 'server' })));
  app.get('/llms.txt', (c) =>
    c.text(llmsText({ base, outlet: 'server', data: true, everyPort: true, pages: '/en/' })),
  );
  app.get('/robots.txt', (c) => c.text(robots(base, 'server')));
  app.get('/:name{sitemap(?:-[0-9]+)?\\.xml}', (c) => {
    maps ??= sitemaps(
      PAGE_LANGUAGES.flatMap(({ tag }) =>
        indexedPaths(site.atlas, site.paths()).map(
          (path) => serverLinks(tag, base).absolute(tag, path) ?? '',
        ),
      ),
      base,
    );
    const text = maps.get(c.req.param('name'));
    return text === undefined
      ? c.notFound()
      : c.body(text, 200, { 'content-type': 'application/xml; charset=utf-8' });
  });

  app.post('/api/token', async (c) => {
    const asked = await fieldsOf(c.req, false);
    if (asked.kind !== 'json') return c.text('JSON, please.\n', asked.kind === 'broken' ? 400 : 415);
    const { code } = asked.fields;
    const token = typeof code === 'string' ? keys.exchange(code) : null;
    return token === null ? c.text('The code is wrong, spent or too old.\n', 403) : c.json({ token });
  });
}
