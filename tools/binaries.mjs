// `npm run build:binaries`: the program as one file for each system, with checksums and a list of what is in them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runtimeOf } from './binaries/runtimes.mjs';
import { sbomOf } from './binaries/sbom.mjs';
import { stage } from './binaries/stage.mjs';
import { fileOf, hostTarget, TARGETS } from './binaries/targets.mjs';
import { NotFetched } from './kept.mjs';
import { ROOT, setUp } from './setup.mjs';

const USAGE = `Usage: npm run build:binaries -- [--target NAME]... [--out FOLDER]

  --target NAME  only this one; may be given several times:
                 ${Object.keys(TARGETS).join(', ')}
  --out FOLDER   where to (dist/binaries); files of an earlier build there go
  -h, --help     show this

Beside the files stand SHA256SUMS, for sha256sum -c, and portolan.cdx.json, what is in them (CycloneDX).

Exit codes: 1 it could not be built, 2 usage, 3 a runtime cannot be fetched.
`;

const SBOM = 'portolan.cdx.json';
const SUMS = 'SHA256SUMS';

function readOptions() {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true, default: [] },
      out: { type: 'string', default: join(ROOT, 'dist', 'binaries') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = values.target.find((name) => !Object.hasOwn(TARGETS, name));
  if (unknown !== undefined) throw new Error(`there is no target "${unknown}"`);
  return {
    help: values.help,
    targets: values.target.length === 0 ? Object.keys(TARGETS) : [...new Set(values.target)],
    out: resolve(process.env.INIT_CWD ?? '.', values.out),
  };
}

/** Compiles one target; `bun` is the compiler, the runtime of this machine. */
async function compile(bun, folder, { entries, assets }, target, file) {
  const result = spawnSync(
    bun,
    [
      'build',
      '--compile',
      // What it has compiled for itself goes into the file: start-up takes a third of the time.
      '--bytecode',
      `--target=${TARGETS[target].bun}`,
      `--compile-executable-path=${await runtimeOf(target)}`,
      // Whatever lies in the folder that the program is called in must not change what it does.
      '--no-compile-autoload-dotenv',
      '--no-compile-autoload-bunfig',
      '--entry-naming=[dir]/[name].cjs',
      ...entries,
      ...assets.map((asset) => `--asset=${asset}`),
      `--outfile=${file}`,
    ],
    // An empty place for its settings and its cache: nothing of this user's counts.
    { cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder } },
  );
  if (result.status !== 0) {
    throw new Error(`${target}: ${result.error?.message ?? `${result.stdout}${result.stderr}`.trim()}`);
  }
}

/** Builds into `out`, which gets its files only when all of them are made. */
async function build(targets, out) {
  const host = hostTarget();
  if (host === null) throw new Error(`no runtime for ${process.platform} ${process.arch} can compile here`);
  const bun = await runtimeOf(host);
  const work = mkdtempSync(join(tmpdir(), 'portolan-binaries-'));
  try {
    const laid = await stage(work);
    const made = join(work, 'made');
    mkdirSync(made);
    for (const target of targets) {
      const file = join(made, fileOf(target));
      await compile(bun, work, laid, target, file);
      chmodSync(file, 0o755);
      process.stderr.write(`portolan: ${fileOf(target)}, ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
    }
    writeFileSync(join(made, SBOM), `${sbomOf(laid.packages, targets)}\n`);
    const names = readdirSync(made).toSorted();
    const sums = names.map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(made, name)))
          .digest('hex')}  ${name}\n`,
    );
    mkdirSync(out, { recursive: true });
    for (const name of [...Object.keys(TARGETS).map(fileOf), SBOM, SUMS])
      rmSync(join(out, name), { force: true });
    for (const name of names) copyFileSync(join(made, name), join(out, name));
    writeFileSync(join(out, SUMS), sums.join(''));
    process.stderr.write(
      `portolan: ${names.length} files and ${SUMS} in ${relative(process.cwd(), out) || '.'}\n`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

let options;
try {
  options = readOptions();
} catch (error) {
  process.stderr.write(`build:binaries: ${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
await setUp();
try {
  await build(options.targets, options.out);
} catch (error) {
  process.stderr.write(`build:binaries: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof NotFetched ? 3 : 1;
}
