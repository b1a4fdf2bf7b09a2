// Installs and builds when what they depend on has changed, judged by content; says on stderr what it does.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const INSTALL_STAMP = join(ROOT, 'node_modules', '.portolan-install');
const BUILD_STAMP = join(ROOT, 'packages', 'portolan', 'dist', '.stamp');
const LOCK = join(ROOT, '.portolan-setup.lock');

/** Files that decide what `npm ci` installs. */
function installInputs() {
  return ['package.json', 'package-lock.json', ...packages().map((name) => `packages/${name}/package.json`)];
}

/** Files that decide what the build makes. */
function buildInputs() {
  return [
    ...installInputs(),
    'tsconfig.json',
    'tsconfig.base.json',
    'tools/build.mjs',
    'tools/bundle.mjs',
    'tools/style.mjs',
    ...packages().flatMap((name) => [
      `packages/${name}/tsconfig.json`,
      ...filesBelow(`packages/${name}/src`),
    ]),
    ...filesBelow('packages/facts/data'),
  ].filter((file) => !file.endsWith('.test.ts'));
}

function packages() {
  return readdirSync(join(ROOT, 'packages')).sort();
}

function filesBelow(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

function digest(files) {
  const hash = createHash('sha256').update(process.version);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

function stampIs(stamp, value) {
  try {
    return readFileSync(stamp, 'utf8') === value;
  } catch {
    return false;
  }
}

/** A step of the set-up that did not end well; `code` is the exit code to leave with. */
class SetUpFailed extends Error {
  constructor(code) {
    super(`set-up failed with exit code ${code}`);
    this.code = code;
  }
}

/** Signals that end us, and the exit code each stands for. */
const ENDINGS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Runs a program with its output on our stderr, so that stdout stays with the answer. A signal ends the child first
 * and us after it: else we would give the lock back while npm still writes into the folder that the next start
 * installs into.
 */
async function run(command, args, what) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  let ending = 0;
  const handlers = Object.entries(ENDINGS).map(([signal, code]) => {
    const handler = () => {
      ending = code;
      // Ctrl-C has reached the child already; a signal meant for us alone has not.
      if (signal !== 'SIGINT') child.kill(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  const { code, error } = await new Promise((done) => {
    child.once('error', (failure) => done({ code: 1, error: failure }));
    child.once('exit', (status, signal) => done({ code: status ?? ENDINGS[signal] ?? 1, error: null }));
  });
  for (const off of handlers) off();
  if (ending !== 0) throw new SetUpFailed(ending);
  if (code === 0) return;
  process.stderr.write(
    `portolan: ${what} failed (${error?.message ?? `exit code ${code}`}); the lines above say more.\n`,
  );
  throw new SetUpFailed(code);
}

/** Installs and builds what is stale; ends the process where that fails. */
export async function setUp() {
  // The fast way: nothing is stale and nobody has to wait for a lock.
  if (isFresh()) return;
  let failed = 0;
  let release = () => {};
  try {
    release = await lock();
    const install = digest(installInputs());
    if (!stampIs(INSTALL_STAMP, install)) {
      process.stderr.write('portolan: installing dependencies (npm ci) …\n');
      // prefer-offline: what the cache has is not asked for again, which without a network takes minutes.
      const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
      await run('npm', ['ci', ...flags], 'npm ci');
      writeFileSync(INSTALL_STAMP, install);
    }
    const build = digest(buildInputs());
    if (!stampIs(BUILD_STAMP, build)) {
      process.stderr.write('portolan: building …\n');
      await run(process.execPath, [join(ROOT, 'tools', 'build.mjs')], 'the build');
      mkdirSync(dirname(BUILD_STAMP), { recursive: true });
      writeFileSync(BUILD_STAMP, build);
    }
  } catch (error) {
    if (!(error instanceof SetUpFailed)) throw error;
    failed = error.code;
  } finally {
    release();
  }
  if (failed !== 0) process.exit(failed);
}

function isFresh() {
  return (
    stampIs(INSTALL_STAMP, digest(installInputs())) &&
    stampIs(BUILD_STAMP, digest(buildInputs())) &&
    existsSync(join(ROOT, 'node_modules', '.bin', 'portolan'))
  );
}

/** Two starts at once on a fresh clone must not install into each other. Returns the release. */
async function lock() {
  for (let waited = 0; ; waited++) {
    try {
      const fd = openSync(LOCK, 'wx');
      writeSync(fd, `${process.pid} ${startOf(process.pid)}`);
      closeSync(fd);
      return () => rmSync(LOCK, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        process.stderr.write(
          `portolan: cannot install and build here, ${ROOT} is not writable (${error.code}).\n`,
        );
        throw new SetUpFailed(1);
      }
    }
    if (isStale()) rmSync(LOCK, { force: true });
    else {
      if (waited === 0) process.stderr.write(`portolan: another start is setting up (${LOCK}); waiting …\n`);
      await new Promise((done) => setTimeout(done, 250));
    }
  }
}

/** When a process started, in the kernel's own words; with its pid that names it for good. Empty where not to be had. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** A lock whose process is gone or another by now, or that was never filled. */
function isStale() {
  try {
    const [pid = '', start = ''] = readFileSync(LOCK, 'utf8').split(' ');
    if (!/^[1-9]\d*$/.test(pid)) return Date.now() - statSync(LOCK).mtimeMs > 5000;
    if (Number(pid) === process.pid || start !== startOf(pid)) return true;
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
