// What the program ships for its pages: files beside them, the schema of reports, the thread that writes exports.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Described } from '@portolan/site';
import type { Context } from '../command.ts';

/** Folder of style, programs and typefaces. */
export function assetFolder({ shippedFacts }: Pick<Context, 'shippedFacts'>): string {
  return join(shippedFacts, '..', 'site');
}

/** The shipped schema, which the pages' description for programs is made from. */
export function shippedSchema({ shippedFacts }: Pick<Context, 'shippedFacts'>): Described['schema'] {
  const file = join(shippedFacts, '..', '..', 'schema', 'v1.schema.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Described['schema'];
}

/** Program of the thread that writes the files of an export. */
export function writeWorker({ shippedFacts }: Pick<Context, 'shippedFacts'>): string {
  return join(shippedFacts, '..', 'write-worker.cjs');
}
