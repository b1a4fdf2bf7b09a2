// --config-root DIR: the root below which files of the system are read and written, the same for every command.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { PortolanError } from '@portolan/core';
import type { Context } from './command.ts';
import { CONFIG_ROOT_FLAG, echo } from './flags.ts';

/** The folder that was given, absolute; null for none. Throws USAGE for one that is none; `hint` says what it is for. */
export function configRoot({ args }: Pick<Context, 'args'>, hint: string): string | null {
  const folder = args.values.get(CONFIG_ROOT_FLAG.name);
  return folder === undefined ? null : rootFolder(folder, `--${CONFIG_ROOT_FLAG.name}`, hint);
}

/** The same for the library, by the name that its option has. */
export function rootFolder(folder: string, option: string, hint: string): string {
  const path = resolve(folder);
  try {
    if (statSync(path).isDirectory()) return path;
  } catch {
    // Told below.
  }
  throw new PortolanError('USAGE', `${option}: ${echo(folder)} is not a folder.`, { hint });
}
