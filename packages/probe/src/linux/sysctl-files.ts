// Reads the files that set the reserved ports at boot, under a root folder that may be another one than /.
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type BootFile, belowRoot, DROP_IN_NAME, settingsIn } from '@portolan/core';
import { readText } from './read-text.ts';

/** Folders of sysctl.d(5), first masks the later. */
const FOLDERS = [
  'etc/sysctl.d',
  'run/sysctl.d',
  'usr/local/lib/sysctl.d',
  'usr/lib/sysctl.d',
  'lib/sysctl.d',
];
const LAST = 'etc/sysctl.conf';
/** A list of every second port takes 200 kB. */
const TEXT_LIMIT = 1 << 20;

/** Folder and path of Portolan's drop-in, as they are shown, and where below the root that folder really is. */
export function dropInPath(root: string): { folder: string; path: string; real: string | null } {
  const folder = join(root, FOLDERS[0] ?? '');
  return { folder, path: join(folder, DROP_IN_NAME), real: realPath(root, FOLDERS[0] ?? '') };
}

/** All files that are read at boot; those that could not be read say so. */
export function readBootFiles(root: string): BootFile[] {
  const files: BootFile[] = [];
  FOLDERS.forEach((folder, rank) => {
    const path = join(root, folder);
    const real = realPath(root, folder);
    let names: string[];
    try {
      if (real === null) throw Object.assign(new Error('a loop of links'), { code: 'ELOOP' });
      names = readdirSync(real);
    } catch (error) {
      const code = codeOf(error);
      // A folder that is not there holds nothing.
      if (code !== 'ENOENT' && code !== 'ENOTDIR')
        files.push({ path, name: '', rank, last: false, settings: [], problem: code });
      return;
    }
    for (const name of names)
      if (name.endsWith('.conf')) files.push(readOne(root, join(folder, name), name, rank, false));
  });
  const last = readOne(root, LAST, 'sysctl.conf', FOLDERS.length, true);
  if (last.settings.length > 0 || last.problem !== null) files.push(last);
  return files;
}

/** A file by its path from the root on. */
function readOne(root: string, within: string, name: string, rank: number, last: boolean): BootFile {
  const base = { path: join(root, within), name, rank, last };
  const target = realPath(root, within);
  // Linked to /dev/null, a name is masked.
  if (target === null || target === join(root, 'dev/null')) return { ...base, settings: [], problem: null };
  const found = readText(target, TEXT_LIMIT);
  if (found === null || found.cut)
    return { ...base, settings: [], problem: problemOf(target, found !== null) };
  return { ...base, settings: settingsIn(found.text), problem: null };
}

function problemOf(path: string, tooLarge: boolean): string | null {
  if (tooLarge) return 'EFBIG';
  try {
    const stat = lstatSync(path);
    return stat.isFile() ? 'EACCES' : stat.isDirectory() ? 'EISDIR' : 'ENOTSUP';
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : code;
  }
}

/** Where a path below the root really is, absolute links being meant below the same root; null for a loop. */
function realPath(root: string, within: string): string | null {
  const found = belowRoot(within, (at) => {
    try {
      return readlinkSync(join(root, at));
    } catch {
      return null;
    }
  });
  return found === null ? null : join(root, found);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}
