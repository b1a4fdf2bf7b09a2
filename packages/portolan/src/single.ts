// The entry of the single files: the program and its child programs in one, with their data embedded.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { processIo } from './io.ts';
import { main } from './main.ts';
import { callOfSingle } from './program.ts';

/** Where the build embeds what the package has beside its program, in the same order of folders. */
const PACKAGE = dirname(process.argv[1] ?? '');
const DIST = join(PACKAGE, 'dist');
const BIND_CHILD = join(DIST, 'bind-child.cjs');

if (process.argv[2] === BIND_CHILD) {
  // Started as Node starts a file: the program's own place goes, and the child finds its arguments where it expects them.
  process.argv.splice(1, 1);
  createRequire(import.meta.url)(BIND_CHILD);
} else {
  void main({
    args: process.argv.slice(2),
    io: processIo(),
    shippedFacts: join(DIST, 'facts'),
    bindChild: BIND_CHILD,
    walkWorker: join(DIST, 'walk-worker.cjs'),
    version() {
      const text = readFileSync(join(PACKAGE, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    },
    call: () => callOfSingle(process.execPath, process.env),
  }).then((code) => {
    process.exitCode = code;
  });
}
