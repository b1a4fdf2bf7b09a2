// The answers of a server that has a pack: its files as they are, for every visitor alike. It knows no host and no facts.
import { PortolanError } from '@portolan/core';
import { type Context, Hono } from 'hono';
import type { Pack } from '../export/pack.ts';
import { ASSET_FOLDER } from '../links.ts';
import { portPath } from '../paths.ts';
import type { AppEnv } from './app-env.ts';
import { type Asset, assetOf, typeOf } from './assets.ts';
import { negotiate } from './negotiate.ts';
import { sendAsset } from './send-asset.ts';

/** The application; tests call its `fetch` as the server does. */
export function makePackApp(pack: Pack, onFault: (error: Error) => void): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const assets = new Map<string, Asset>();
  const tagFor = (c: Context<AppEnv>): string =>
    negotiate(c.req.header('accept-language') ?? null, pack.languages);
  /** To the same page in the reader's language. */
  const inOwnLanguage = (c: Context<AppEnv>, path: string): Response => {
    c.header('vary', 'accept-language');
    return c.redirect(`/${tagFor(c)}${path}`, 302);
  };
  const assetAt = (path: string): Asset | null => {
    const known = assets.get(path);
    if (known !== undefined) return known;
    const bytes = pack.read(path);
    const asset = bytes === null ? null : assetOf(path, bytes);
    if (asset !== null) assets.set(path, asset);
    return asset;
  };

  app.get('/', (c) => inOwnLanguage(c, '/'));

  app.get('*', (c) => {
    const { path } = c.req;
    const name = path.slice(1);
    if (name.startsWith(`${ASSET_FOLDER}/`)) {
      const asset = assetAt(name);
      return asset === null ? c.notFound() : sendAsset(c, asset);
    }
    // As addresses of the live server, and as those of files.
    for (const file of name.endsWith('/') ? [`${name}index.html`] : [name, `${name}.html`]) {
      const type = typeOf(file);
      const bytes = type === null ? null : pack.read(file);
      if (type !== null && bytes !== null) {
        return c.body(new Uint8Array(bytes), 200, { 'content-type': type });
      }
    }
    if (pack.languages.includes(name)) return c.redirect(`/${name}/`, 302);
    const port = portPath(path.replace(/\.html$/, ''))?.port;
    const page = port === undefined ? null : `/ports/${port}.html`;
    if (page !== null && pack.read(`${tagFor(c)}${page}`) !== null) return inOwnLanguage(c, page);
    return c.notFound();
  });

  app.onError((error, c) => {
    if (error instanceof PortolanError) return c.text(`${error.message}\n`, 500);
    onFault(error);
    return c.text('A fault of ours; the terminal that serves these pages says more.\n', 500);
  });
  app.notFound((c) => {
    const [, first = ''] = c.req.path.split('/');
    const tag = pack.languages.includes(first) ? first : tagFor(c);
    const page = c.req.path.startsWith(`/${ASSET_FOLDER}/`) ? null : pack.read(`${tag}/404.html`);
    if (page === null) return c.text('There is no such page.\n', 404);
    return c.body(new Uint8Array(page), 404, { 'content-type': 'text/html; charset=utf-8' });
  });
  return app;
}
