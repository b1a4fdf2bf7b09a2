// Builds everything: types and modules (tsc), packed facts, and the bundled program with its lazy parts.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
/** Other characters stand in strings and comments only, where an escape means the same. */
function toAscii(source) {
  return source.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A catalog that is loaded later is one value: as names of a module its sentences would stand in the chunk twice. */
const CATALOGS = {
  name: 'catalogs',
  load(id) {
    if (!LATER.test(id)) return null;
    const catalog = JSON.stringify(JSON.parse(readFileSync(id, 'utf8')));
    return { code: `export default JSON.parse(${JSON.stringify(catalog)});`, moduleType: 'js' };
  },
};

/** Every catalog but the one that the program starts with. */
const LATER = /core\/src\/text\/messages\/(?!en\.)/;

/** Bundles one entry with its lazy parts. */
async function bundle(entry, format, extension, source = join(PROGRAM, 'src', `${entry}.ts`), more = {}) {
  const bundler = await rolldown({
    input: { [entry]: source },
    // What lazy parts share with the entry stays in it, whose own place its data is looked for by.
    preserveEntrySignatures: 'allow-extension',
    platform: 'node',
    plugins: [CATALOGS],
    // The native module stays outside: its file is loaded by path at run time.
    // So do the runner whose setup a part is, and the library, which that part loads when there is something to explain.
    external: ['koffi', /^@koromix\//, 'vitest', 'portolan'],
    resolve: {
      conditionNames: ['source', 'node', 'import', 'default'],
      // Its main file is UMD, whose require() of its own parts no bundler can follow.
      alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    },
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
    ...more,
  });
  await bundler.close();
}

/**
 * What `who` and `list` need goes into one file, whose compiled code is kept beside it; all else into parts of its own,
 * for every kilobyte of the first counts at each start.
 */
const OFTEN = new RegExp(
  [
    'core/src/(model|text|render)/',
    'core/src/decide/(use|claims)\\.',
    'core/src/view/(tree|holder-words|list|report)\\.',
    'facts/src/data-dir',
    'portolan/src/([^/]+|commands/(list|who)/[^/]+)$',
    'probe/src/(index|backend)\\.',
    'probe/src/linux/(backend|bpf|cgroups|elsewhere|engine-needs|fd-walk|finish|kernels-word|limits|links|namespaces|native|open-descriptors|owners|process|read-link|read-text|redirect-signs|resting|shared-walk|sock-diag|systemd|tables|users)[./]',
    'probe/src/parse/(address|network|linux-(btf|diag-keys|inet-diag|limits|netfilter|proc|row|rtnetlink|tcp))',
  ].join('|'),
);
const SELDOM =
  /view\/web|messages\/web|core\/src\/web|render\/(html|sarif|json\/(why|kill|event|audit|reserve|ephemeral|pick|lease|export|mcp))|model\/(why|kill|event|audit|xsan|reserve|ephemeral|allocator|resolver|pick|lease|feedback)|portolan\/src\/(help|printed|snapshot-refused|why|confirm|report-on|reserve|dns-|pick|bind-trial|leas|feedback|config-root)/;
// The program as CommonJS, which starts sooner; the library as the ES modules that importers expect.
await bundle('program', 'cjs', 'cjs', join(PROGRAM, 'src', 'bin.ts'), {
  codeSplitting: {
    groups: [{ name: 'often', test: (id) => OFTEN.test(id) && !SELDOM.test(id) && !LATER.test(id) }],
  },
});
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
// The child process that both start to try binds.
await bundle('bind-child', 'cjs', 'cjs', join(ROOT, 'packages', 'probe', 'src', 'linux', 'bind-child.ts'));
// The thread that helps to walk many descriptors.
await bundle('walk-worker', 'cjs', 'cjs', join(ROOT, 'packages', 'probe', 'src', 'linux', 'walk-worker.ts'));
// The second thread of an export.
await bundle('export-mate', 'cjs', 'cjs');
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
cpSync(join(SITE, 'src', 'assets', 'style.css'), join(PAGES, 'style.css'));
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
