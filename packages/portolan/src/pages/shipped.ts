// What the program ships for its pages: files beside them, the schema of reports, the second thread of exports.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Described, MateProgram } from '@portolan/site';
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

/** The second thread of an export. */
export function exportMate({
  shippedFacts,
  dataDir,
}: Pick<Context, 'shippedFacts' | 'dataDir'>): MateProgram {
  return { file: join(shippedFacts, '..', 'export-mate.cjs'), shipped: shippedFacts, dataDir };
}
