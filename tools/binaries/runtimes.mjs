// The runtimes, fetched from the registry of npm when they are needed and kept: each is 50 MB, which nobody who only wants to
// build and test the program should wait for at every `npm ci`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ROOT } from '../setup.mjs';
import { TARGETS, VERSION } from './targets.mjs';

const KEPT = join(ROOT, 'node_modules', '.cache', 'portolan', 'runtimes');

/** A runtime cannot be had: no network, no such package, other bytes than pinned. */
export class NoRuntime extends Error {}

/** The program of a target's runtime, fetched where it is not there yet. Throws NoRuntime. */
export async function runtimeOf(target) {
  const { runtime, integrity } = TARGETS[target];
  const program = target.startsWith('windows') ? 'bun.exe' : 'bun';
  // Named by the pinned bytes, so that what was kept for another pin is not taken.
  const pin = createHash('sha256').update(integrity).digest('hex').slice(0, 16);
  const folder = join(KEPT, `${basename(runtime)}-${VERSION}-${pin}`);
  const file = join(folder, 'package', 'bin', program);
  if (existsSync(file)) return file;
  mkdirSync(KEPT, { recursive: true });
  const fetched = mkdtempSync(join(KEPT, 'new-'));
  try {
    run(
      'npm',
      ['pack', `${runtime}@${VERSION}`, '--pack-destination', fetched, '--loglevel=error'],
      `${runtime} cannot be fetched`,
    );
    const [tarball] = readdirSync(fetched);
    if (tarball === undefined) throw new NoRuntime(`${runtime}: npm fetched nothing`);
    const found = await integrityOf(join(fetched, tarball));
    if (found !== integrity) {
      throw new NoRuntime(`${runtime}@${VERSION} is not what was pinned: ${found} instead of ${integrity}`);
    }
    run(
      'tar',
      ['-xzf', join(fetched, tarball), '-C', fetched, `package/bin/${program}`],
      `${tarball} cannot be unpacked`,
    );
    rmSync(join(fetched, tarball));
    // Another build may have been faster.
    if (!existsSync(folder)) renameSync(fetched, folder);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return file;
}

function run(program, args, what) {
  const result = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0) throw new NoRuntime(`${what}: ${result.error?.message ?? result.stderr.trim()}`);
}

async function integrityOf(file) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return `sha512-${hash.digest('base64')}`;
}
