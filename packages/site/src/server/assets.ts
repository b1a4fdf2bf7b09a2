// The files beside the pages: a fixed table, read once, so that no path that somebody sends ever reaches a disk.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** One file, ready to be sent. */
export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

/** Files by name. */
export type Assets = ReadonlyMap<string, Asset>;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.woff2': 'font/woff2',
  '.bin': 'application/octet-stream',
  '.png': 'image/png',
  '.html': 'text/html; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.xml': 'application/xml; charset=utf-8',
};

/** An asset from its bytes; null for a kind that no page has. */
export function assetOf(name: string, content: Uint8Array): Asset | null {
  const type = typeOf(name);
  if (type === null) return null;
  const bytes = new Uint8Array(content);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, type, etag };
}

/** Files from their bytes. */
export function makeAssets(files: ReadonlyMap<string, Uint8Array>): Map<string, Asset> {
  return new Map(
    [...files].flatMap(([name, content]) => {
      const asset = assetOf(name, content);
      return asset === null ? [] : [[name, asset] as const];
    }),
  );
}

/** The type that a file of an export is sent as; null for a kind that there is none of. */
export function typeOf(name: string): string | null {
  return TYPES[extname(name)] ?? null;
}

/** Reads the folder that the build filled. */
export function readAssets(folder: string): Map<string, Asset> {
  const assets = new Map<string, Asset>();
  // In one order, whatever the file system's.
  for (const name of readdirSync(folder).toSorted()) {
    const asset = assetOf(name, readFileSync(join(folder, name)));
    if (asset !== null) assets.set(name, asset);
  }
  return assets;
}

/** Does a reader who sends this If-None-Match have the asset already (RFC 9110 s13.1.2, weak comparison)? */
export function isKnown(asset: Asset, ifNoneMatch: string | null): boolean {
  return (ifNoneMatch ?? '')
    .slice(0, 1000)
    .split(',')
    .some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === asset.etag);
}
