// Installs and builds when what they depend on has changed, judged by content; says on stderr what it does.
import { spawnSync } from 'node:child_process';
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

/** Runs a program with its output on our stderr, so that stdout stays with the answer. */
function run(command, args, what) {
  // Ctrl-C reaches the child as well as us. Without a handler we would end at once and give the lock back while npm
  // still writes into the folder that the next start installs into; so the child ends first and we after it.
  const wait = () => {};
  process.on('SIGINT', wait);
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  process.off('SIGINT', wait);
  if (result.status === 0) return;
  if (result.signal === 'SIGINT' || result.status === 130) throw new SetUpFailed(130);
  const why = result.error === undefined ? `exit code ${result.status}` : result.error.message;
  process.stderr.write(`portolan: ${what} failed (${why}); the lines above say more.\n`);
  throw new SetUpFailed(result.status ?? 1);
}

/** Installs and builds what is stale; ends the process where that fails. */
export function setUp() {
  // The fast way: nothing is stale and nobody has to wait for a lock.
  if (isFresh()) return;
  const release = lock();
  let failed = 0;
  try {
    const install = digest(installInputs());
    if (!stampIs(INSTALL_STAMP, install)) {
      process.stderr.write('portolan: installing dependencies (npm ci) …\n');
      run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], 'npm ci');
      writeFileSync(INSTALL_STAMP, install);
    }
    const build = digest(buildInputs());
    if (!stampIs(BUILD_STAMP, build)) {
      process.stderr.write('portolan: building …\n');
      run(process.execPath, [join(ROOT, 'tools', 'build.mjs')], 'the build');
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
function lock() {
  for (let waited = 0; ; waited++) {
    try {
      const fd = openSync(LOCK, 'wx');
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => rmSync(LOCK, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale()) rmSync(LOCK, { force: true });
    else {
      if (waited === 0) process.stderr.write('portolan: another start is setting up; waiting …\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
    }
  }
}

/** A lock whose process is gone, or that was never filled. */
function isStale() {
  try {
    const pid = Number(readFileSync(LOCK, 'utf8'));
    if (pid > 0) {
      process.kill(pid, 0);
      return false;
    }
    return Date.now() - statSync(LOCK).mtimeMs > 5000;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
