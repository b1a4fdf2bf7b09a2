// A single file of this machine's system, built for the tests of one run; or the reason why it cannot be.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SINGLE } from './launcher.ts';

export const ROOT: string = join(import.meta.dirname, '..', '..');

/** What `npm run build:binaries` ends with where a runtime cannot be fetched. */
const NO_RUNTIME = 3;

/** The folder of a build and the file in it. */
export interface Built {
  readonly folder: string;
  readonly file: string;
  remove(): void;
}

/** Builds it, in some seconds; a text is the reason why that cannot be. Throws where it fails for any other reason. */
export function buildSingle(): Built | string {
  if (process.platform !== 'linux') return `this is ${process.platform}, and single files are built on Linux`;
  if (SINGLE !== null) return 'these tests build their own, beside the program of the package';
  const folder = mkdtempSync(join(tmpdir(), 'portolan-single-'));
  const target = `linux-${process.arch}`;
  const args = [join(ROOT, 'tools', 'binaries.mjs'), '--target', target, '--out', folder];
  const built = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (built.status === 0) return { folder, file: join(folder, `portolan-${target}`), remove };
  remove();
  if (built.status === NO_RUNTIME) return built.stderr.trim();
  throw new Error(`the build failed: ${built.stderr}`);
}
