// Runs a single file in place of the built program: tests start Node with a program's file, and this one becomes the single
// file at once (execv(2)), with the same process id, descriptors and environment.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/** The single file that the tests are told to try; null: they try the program that Node runs. */
export const SINGLE: string | null =
  process.env['PORTOLAN_BIN'] === undefined ? null : resolve(process.env['PORTOLAN_BIN']);

/** A program for Node that becomes the single file; it lies beside it. */
export function launcherOf(single: string): string {
  const file = `${single}.launch.cjs`;
  const koffi = createRequire(import.meta.url).resolve('koffi');
  const text = `const koffi = require(${JSON.stringify(koffi)});
const libc = koffi.load(null);
const execv = libc.func('execv', 'int', ['str', 'str *']);
// Node keeps its standard streams for itself: F_SETFD without FD_CLOEXEC.
const fcntl = libc.func('fcntl', 'int', ['int', 'int', 'int']);
for (const fd of [0, 1, 2]) fcntl(fd, 2, 0);
execv(${JSON.stringify(single)}, [${JSON.stringify(single)}, ...process.argv.slice(2), null]);
process.stderr.write('${single} cannot be started, errno ' + koffi.errno() + '\\n');
process.exit(127);
`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  return file;
}
