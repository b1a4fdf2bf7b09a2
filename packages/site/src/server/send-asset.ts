// A file beside the pages as an answer: browsers keep it and ask whether it is still the same.
import type { Context } from 'hono';
import type { AppEnv } from './app-env.ts';
import { type Asset, isKnown } from './assets.ts';

/** Sends it, or that the reader has it already. */
export function sendAsset(c: Context<AppEnv>, asset: Asset): Response {
  const headers = { etag: asset.etag, 'cache-control': 'no-cache' };
  if (isKnown(asset, c.req.header('if-none-match') ?? null)) return c.body(null, 304, headers);
  return c.body(asset.bytes, 200, { ...headers, 'content-type': asset.type });
}
