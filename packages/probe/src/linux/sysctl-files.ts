// Reads the files that set the reserved ports at boot, under a root folder that may be another one than /.
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BootFile, DROP_IN_NAME, settingsIn } from '@portolan/core';
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
const LINKS_FOLLOWED = 16;

/** Folder and path of Portolan's drop-in. */
export function dropInPath(root: string): { folder: string; path: string } {
  const folder = join(root, FOLDERS[0] ?? '');
  return { folder, path: join(folder, DROP_IN_NAME) };
}

/** All files that are read at boot; those that could not be read say so. */
export function readBootFiles(root: string): BootFile[] {
  const files: BootFile[] = [];
  FOLDERS.forEach((folder, rank) => {
    const path = join(root, folder);
    let names: string[];
    try {
      names = readdirSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A folder that is not there holds nothing.
      if (code !== 'ENOENT' && code !== 'ENOTDIR')
        files.push({ path, name: '', rank, last: false, settings: [], problem: code ?? 'EIO' });
      return;
    }
    for (const name of names)
      if (name.endsWith('.conf')) files.push(readOne(root, join(path, name), name, rank, false));
  });
  const last = join(root, LAST);
  if (lstatSync(last, { throwIfNoEntry: false }) !== undefined)
    files.push(readOne(root, last, 'sysctl.conf', FOLDERS.length, true));
  return files;
}

function readOne(root: string, path: string, name: string, rank: number, last: boolean): BootFile {
  const base = { path, name, rank, last };
  const target = resolveUnder(root, path);
  // Linked to /dev/null, a name is masked.
  if (target === null || target === '/dev/null') return { ...base, settings: [], problem: null };
  const found = readText(target, TEXT_LIMIT);
  if (found === null || found.cut)
    return { ...base, settings: [], problem: problemOf(target, found !== null) };
  return { ...base, settings: settingsIn(found.text), problem: null };
}

function problemOf(path: string, tooLarge: boolean): string | null {
  if (tooLarge) return 'EFBIG';
  try {
    const stat = lstatSync(path);
    return stat.isFile() ? 'EACCES' : 'EISDIR';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? null : (code ?? 'EIO');
  }
}

/** The file behind a link, whose absolute target is meant below the same root; null for a loop. */
function resolveUnder(root: string, path: string): string | null {
  let at = path;
  for (let count = 0; count < LINKS_FOLLOWED; count++) {
    let target: string;
    try {
      target = readlinkSync(at);
    } catch {
      return at;
    }
    if (target === '/dev/null') return target;
    at = target.startsWith('/') ? join(root, target) : join(dirname(at), target);
  }
  return null;
}
