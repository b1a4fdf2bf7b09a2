// Builds everything: types and modules (tsc), packed facts, and the bundled program with its lazy parts.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { ROOT } from './setup.mjs';

const PROGRAM = join(ROOT, 'packages', 'portolan');
const FACTS = join(ROOT, 'packages', 'facts');

const tsc = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', '--force'],
  {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const { compileFacts } = await import(pathToFileURL(join(FACTS, 'dist', 'compile.js')).href);
const made = compileFacts(join(FACTS, 'data'), join(FACTS, 'dist', 'packs'));

// Old chunks would stay beside new ones; the types that tsc keeps track of stay.
for (const name of readdirSync(join(PROGRAM, 'dist'))) {
  if (name !== 'types') rmSync(join(PROGRAM, 'dist', name), { recursive: true, force: true });
}
/** Bundles one entry with its lazy parts. */
async function bundle(entry, format, extension) {
  const bundler = await rolldown({
    input: { [entry]: join(PROGRAM, 'src', `${entry}.ts`) },
    platform: 'node',
    // The native module stays outside: its file is loaded by path at run time.
    external: ['koffi', /^@koromix\//],
    resolve: { conditionNames: ['source', 'node', 'import', 'default'] },
    onwarn(warning) {
      process.stderr.write(`rolldown: ${warning.message}\n`);
      process.exitCode = 1;
    },
  });
  await bundler.write({
    dir: join(PROGRAM, 'dist'),
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `chunks/[name]-[hash].${extension}`,
  });
  await bundler.close();
}

// The program as CommonJS, which starts sooner; the library as the ES modules that importers expect.
await bundle('bin', 'cjs', 'cjs');
await bundle('index', 'esm', 'js');
mkdirSync(join(PROGRAM, 'dist', 'facts'), { recursive: true });
for (const name of ['registry.pack', 'claims.pack']) {
  cpSync(join(FACTS, 'dist', 'packs', name), join(PROGRAM, 'dist', 'facts', name));
}
chmodSync(join(PROGRAM, 'dist', 'bin.cjs'), 0o755);
process.stderr.write(
  `portolan: built with ${made.registryClaims} registry claims, ${made.ownClaims} own claims, ${made.sources} sources.\n`,
);
