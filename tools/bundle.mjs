// Bundling of the program's parts, for Node and for the single files: one entry with what it loads later.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { ROOT } from './setup.mjs';

const PROGRAM = join(ROOT, 'packages', 'portolan');

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

/**
 * Bundles one entry with its lazy parts. `dir` in `output` is where to; else the built program's folder. Returns the files that
 * went into it.
 */
export async function bundle(
  entry,
  format,
  extension,
  source = join(PROGRAM, 'src', `${entry}.ts`),
  output = {},
  input = {},
) {
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
    ...input,
    onwarn(warning) {
      process.stderr.write(`rolldown: ${warning.message}\n`);
      process.exitCode = 1;
    },
  });
  const written = await bundler.write({
    dir: join(PROGRAM, 'dist'),
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `chunks/[name]-[hash].${extension}`,
    ...output,
  });
  await bundler.close();
  return written.output.flatMap((part) => part.moduleIds ?? []);
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
    'probe/src/ffi/',
    'probe/src/linux/(backend|bpf|cgroups|elsewhere|engine-needs|fd-walk|finish|kernels-word|limits|links|namespaces|native|open-descriptors|owners|process|read-link|read-text|redirect-signs|resting|shared-walk|sock-diag|systemd|tables|users)[./]',
    'probe/src/parse/(address|network|linux-(btf|diag-keys|inet-diag|limits|netfilter|proc|row|rtnetlink|tcp))',
  ].join('|'),
);
const SELDOM =
  /view\/web|messages\/web|core\/src\/web|render\/(html|sarif|json\/(why|kill|event|audit|reserve|ephemeral|pick|lease|export|mcp))|model\/(why|kill|event|audit|xsan|reserve|ephemeral|allocator|resolver|pick|lease|feedback)|portolan\/src\/(help|printed|snapshot-refused|why|confirm|report-on|reserve|dns-|pick|bind-trial|leas|feedback|config-root)/;

/** How the program is divided. */
export const PARTS = {
  codeSplitting: {
    groups: [{ name: 'often', test: (id) => OFTEN.test(id) && !SELDOM.test(id) && !LATER.test(id) }],
  },
};

/** Programs of their own, which the program starts: their names beside it and their sources. */
export const OWN_PROGRAMS = {
  // The child process that tries binds.
  'bind-child': join(ROOT, 'packages', 'probe', 'src', 'linux', 'bind-child.ts'),
  // The thread that helps to walk many descriptors.
  'walk-worker': join(ROOT, 'packages', 'probe', 'src', 'linux', 'walk-worker.ts'),
  // The second thread of an export.
  'export-mate': join(PROGRAM, 'src', 'export-mate.ts'),
};
