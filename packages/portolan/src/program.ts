// How this very program can be called again, for remedies that must work when they are copied.
import { realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Characters that a POSIX shell leaves alone. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Where npm links the programs of packages. */
const NPM_FOLDER = join('node_modules', '.bin');

/** The text quoted for a POSIX shell. */
export function shellQuote(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * `portolan` where that name is found on PATH and is this program; else Node and this file by their paths, which
 * works under sudo as well, whatever its PATH. The folders that npm and npx put on PATH for what they start are not
 * there for the shell that a remedy is copied into.
 */
export function callOf(file: string, env: NodeJS.ProcessEnv): string {
  // npm links bin/portolan.cjs, which loads the file of this program.
  const self = realpathOf(join(dirname(file), '..', 'bin', 'portolan.cjs'));
  const fromNpm = env['npm_lifecycle_event'] !== undefined;
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (fromNpm && folder.endsWith(NPM_FOLDER)) continue;
    if (folder !== '' && self !== null && realpathOf(join(folder, 'portolan')) === self) return 'portolan';
  }
  return `${shellQuote(process.execPath)} ${shellQuote(file)}`;
}

function realpathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
