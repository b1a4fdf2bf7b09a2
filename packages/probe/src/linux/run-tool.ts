// Runs a program of the system to its end: from a fixed list of folders, without a shell, bounded in time and size.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where packet filter tools are installed; PATH is not asked. */
const FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/usr/local/sbin'];
const TIMEOUT_MS = 10_000;
/** 10,000 Kubernetes Services take 40 MB of rules as JSON. */
const OUTPUT_LIMIT = 128 << 20;

/** What a program printed, or in a word why there is nothing: an errno name, a signal or `exit N`. */
export type ToolRun =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** The program's file, or null where it is not installed. */
export function findTool(name: string): string | null {
  return FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

/** Runs the file and waits for it; never throws. */
export function runTool(file: string, args: readonly string[]): ToolRun {
  // Loaded here: hosts without rules do not pay for it.
  const { spawnSync } = createRequire(import.meta.url)(
    'node:child_process',
  ) as typeof import('node:child_process');
  const result = spawnSync(file, [...args], {
    env: { LC_ALL: 'C', PATH: FOLDERS.join(':') },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_LIMIT,
  });
  if (result.error !== undefined) {
    const { code } = result.error as NodeJS.ErrnoException;
    return { ok: false, reason: code ?? 'EIO' };
  }
  if (result.status === 0) return { ok: true, text: result.stdout };
  return { ok: false, reason: result.signal ?? `exit ${result.status}` };
}
