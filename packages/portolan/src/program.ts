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
  const program = join(dirname(file), '..', 'bin', 'portolan.cjs');
  return isOnPath(program, 'portolan', env)
    ? 'portolan'
    : `${shellQuote(process.execPath)} ${shellQuote(file)}`;
}

/** The same for a single file, which needs no Node. */
export function callOfSingle(file: string, env: NodeJS.ProcessEnv): string {
  const name = process.platform === 'win32' ? 'portolan.exe' : 'portolan';
  return isOnPath(file, name, env) ? 'portolan' : shellQuote(file);
}

function isOnPath(program: string, name: string, env: NodeJS.ProcessEnv): boolean {
  const self = realpathOf(program);
  const fromNpm = env['npm_lifecycle_event'] !== undefined;
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !(fromNpm && folder.endsWith(NPM_FOLDER)))
    .some((folder) => self !== null && realpathOf(join(folder, name)) === self);
}

function realpathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
