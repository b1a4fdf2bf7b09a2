// The facts as the build packed them, for tests of the pages.
import { join } from 'node:path';
import { type Facts, openFacts } from '@portolan/facts';
import { PACKAGE } from '../cli/program.ts';

/** Opens the built facts, whole and without anything that a user fetched. */
export function builtFacts(): Facts {
  return openFacts({ shipped: join(PACKAGE, 'dist', 'facts'), dataDir: null, whole: true });
}
