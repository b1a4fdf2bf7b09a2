// Builds everything: types and modules (tsc), packed facts, and the bundled program with its lazy parts.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { bundle, OWN_PROGRAMS, PARTS } from './bundle.mjs';
import { ROOT } from './setup.mjs';
import { styleSheet } from './style.mjs';

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
/** Other characters stand in strings and comments only, where an escape means the same. */
function toAscii(source) {
  return source.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// The program as CommonJS, which starts sooner; the library as the ES modules that importers expect.
await bundle('program', 'cjs', 'cjs', join(PROGRAM, 'src', 'bin.ts'), PARTS);
const program = join(PROGRAM, 'dist', 'program.cjs');
/** The bundler's few helpers stand in a file that all parts share; the first one has them itself, for a file takes time. */
function withHelpers(source) {
  return source.replace(/require\("\.\/(chunks\/rolldown-runtime-[^"]+)"\)/, (_, name) => {
    const helpers = readFileSync(join(PROGRAM, 'dist', name), 'utf8');
    return `((exports) => {\n${helpers}\nreturn exports;\n})({})`;
  });
}
const bundled = toAscii(withHelpers(readFileSync(program, 'utf8').replace(/^#!.*\n/, '')));
// What is run from compiled code cannot import: V8 has lost who asks. Modules of Node are imported statically there.
if (/\bimport\(/.test(bundled)) {
  process.stderr.write('portolan: program.cjs imports dynamically what is no part of it.\n');
  process.exitCode = 1;
}
writeFileSync(program, bundled);
cpSync(join(PROGRAM, 'src', 'load.cjs'), join(PROGRAM, 'dist', 'bin.cjs'));
await bundle('index', 'esm', 'js');
// What programs, Vite and vitest load is small, and loads the library when there is something to explain.
for (const part of ['register', 'vite', 'vitest']) await bundle(part, 'esm', 'js');
for (const [name, source] of Object.entries(OWN_PROGRAMS)) await bundle(name, 'cjs', 'cjs', source);
// The pages' own files: what runs in the browser, the style, the typeface.
const SITE = join(ROOT, 'packages', 'site');
const PAGES = join(PROGRAM, 'dist', 'site');
mkdirSync(PAGES, { recursive: true });
for (const name of ['theme', 'page', 'here', 'chart', 'paste']) {
  const bundler = await rolldown({
    input: { [name]: join(SITE, 'src', 'islands', `${name}.ts`) },
    platform: 'browser',
    resolve: { conditionNames: ['source', 'browser', 'import', 'default'] },
  });
  await bundler.write({
    dir: PAGES,
    format: name === 'theme' ? 'iife' : 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    minify: true,
  });
  await bundler.close();
}
writeFileSync(join(PAGES, 'style.css'), styleSheet());
const TYPEFACE = join(ROOT, 'node_modules', '@fontsource-variable', 'archivo');
for (const part of ['latin', 'latin-ext']) {
  cpSync(join(TYPEFACE, 'files', `archivo-${part}-wght-normal.woff2`), join(PAGES, `sans-${part}.woff2`));
}
cpSync(join(TYPEFACE, 'LICENSE'), join(PAGES, 'sans-LICENSE.txt'));
// The manual, made from the tables that help and completions are made from.
await bundle('manual', 'esm', 'mjs', join(PROGRAM, 'src', 'manual', 'manual.ts'), {
  dir: join(PROGRAM, 'dist', 'manual'),
});
const { manualPage } = await import(pathToFileURL(join(PROGRAM, 'dist', 'manual', 'manual.mjs')).href);
const { version } = JSON.parse(readFileSync(join(PROGRAM, 'package.json'), 'utf8'));
// Whoever must build the same bytes again sets this (reproducible-builds.org, SOURCE_DATE_EPOCH).
const epoch = process.env.SOURCE_DATE_EPOCH;
const built = epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);
writeFileSync(join(PROGRAM, 'dist', 'portolan.1'), await manualPage(version, built));
rmSync(join(PROGRAM, 'dist', 'manual'), { recursive: true });
mkdirSync(join(PROGRAM, 'dist', 'facts'), { recursive: true });
for (const name of ['registry.pack', 'claims.pack', 'profiles.json']) {
  cpSync(join(FACTS, 'dist', 'packs', name), join(PROGRAM, 'dist', 'facts', name));
}
chmodSync(join(PROGRAM, 'dist', 'bin.cjs'), 0o755);
const warm = spawnSync(process.execPath, [join(ROOT, 'tools', 'warm.cjs'), join(PROGRAM, 'dist')], {
  stdio: ['ignore', 'ignore', 2],
});
if (warm.status !== 0) process.stderr.write('portolan: the program starts without compiled code.\n');
process.stderr.write(
  `portolan: built with ${made.registryClaims} registry claims, ${made.ownClaims} own claims, ${made.sources} sources.\n`,
);
