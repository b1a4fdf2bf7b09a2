// Packages of npm that are fetched when they are needed and kept: each is tens of MB, which nobody who only wants to build and
// test the program should wait for at every `npm ci`.
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
import { ROOT } from './setup.mjs';

const KEPT = join(ROOT, 'node_modules', '.cache', 'portolan', 'runtimes');

/** A package cannot be had: no network, no such package, other bytes than pinned. */
export class NotFetched extends Error {}

/** `name`, `version`, and `integrity`: the SHA-512 of the tarball as the registry signs it. */
function folderOf({ name, version, integrity }) {
  // Named by the pinned bytes, so that what was kept for another pin is not taken.
  const pin = createHash('sha256').update(integrity).digest('hex').slice(0, 16);
  return join(KEPT, `${basename(name)}-${version}-${pin}`);
}

/** Where `member` of the package is kept; null where it was not fetched yet. */
export function keptMember(pinned, member) {
  const file = join(folderOf(pinned), 'package', member);
  return existsSync(file) ? file : null;
}

/** The one file or folder `member` of the package, fetched where it is not there yet. Throws NotFetched. */
export async function fetchMember(pinned, member) {
  const kept = keptMember(pinned, member);
  if (kept !== null) return kept;
  const { name, version, integrity } = pinned;
  const folder = folderOf(pinned);
  mkdirSync(KEPT, { recursive: true });
  const fetched = mkdtempSync(join(KEPT, 'new-'));
  try {
    run(
      'npm',
      ['pack', `${name}@${version}`, '--pack-destination', fetched, '--loglevel=error'],
      `${name} cannot be fetched`,
    );
    const [tarball] = readdirSync(fetched);
    if (tarball === undefined) throw new NotFetched(`${name}: npm fetched nothing`);
    const found = await integrityOf(join(fetched, tarball));
    if (found !== integrity) {
      throw new NotFetched(`${name}@${version} is not what was pinned: ${found} instead of ${integrity}`);
    }
    run(
      'tar',
      ['-xzf', join(fetched, tarball), '-C', fetched, `package/${member}`],
      `${tarball} cannot be unpacked`,
    );
    rmSync(join(fetched, tarball));
    // Another run may have been faster.
    if (!existsSync(folder)) renameSync(fetched, folder);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return join(folder, 'package', member);
}

function run(program, args, what) {
  const result = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0) throw new NotFetched(`${what}: ${result.error?.message ?? result.stderr.trim()}`);
}

async function integrityOf(file) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return `sha512-${hash.digest('base64')}`;
}
