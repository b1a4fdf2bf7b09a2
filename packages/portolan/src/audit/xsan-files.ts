// Finds what there is of Xsan or StorNext: its folder, fsports, fsnameservers, and its processes.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { XSAN_PROCESSES, type XsanFound } from '@portolan/core';
import type { Gathering } from './gather.ts';
import { readFsnameservers, readFsports } from './parse/fsports.ts';
import { LINES_LIMIT, underRoot } from './read-file.ts';

/**
 * Folders that hold fsports: of Xsan (macOS man page fsports(4)), of Xsan 1, and of StorNext on Linux; at last the
 * root itself, for a folder that was copied alone.
 */
const FOLDERS = ['/Library/Preferences/Xsan', '/Library/Filesystems/Xsan/config', '/usr/cvfs/config'];

/** Where fsports goes where there is none. */
const DEFAULT_FILE = join('/', 'Library', 'Preferences', 'Xsan', 'fsports');

/**
 * What was found, and the file that a remedy would write. `hidden`: not every process can be seen; `procRoot` is null where
 * none can be looked for.
 */
export async function findXsan(
  gathering: Gathering,
  root: string,
  procRoot: string | null | undefined,
  hidden: boolean,
): Promise<{ found: XsanFound; target: string }> {
  const named = gathering.fsports;
  const folders = [...FOLDERS, ...(root === '/' ? [] : ['/'])].map(
    (folder) => underRoot(root, folder) ?? join(root, folder),
  );
  const at = (name: string): string | null =>
    folders.map((folder) => join(folder, name)).find(exists) ?? null;
  const fsportsPath = named ?? at('fsports');
  const serversPath = named === null ? at('fsnameservers') : null;
  const fsports = fsportsPath === null ? null : gathering.text(fsportsPath, LINES_LIMIT, false, null);
  const servers = serversPath === null ? null : gathering.text(serversPath, LINES_LIMIT, false, null);
  const { processesNamed } = await import('@portolan/probe');
  const processes = procRoot === null ? null : await processesNamed(XSAN_PROCESSES, procRoot);
  if (processes === null) {
    gathering.gap('xsan-processes', { reason: 'the processes of this system cannot be listed yet' });
  }
  for (const file of [fsports, servers])
    if (file !== null && !gathering.files.includes(file.file)) gathering.files.push(file.file);
  return {
    target: fsportsPath ?? join(root, DEFAULT_FILE),
    found: {
      folder: [...folders].find(exists) ?? null,
      looked: named === null ? folders.map((folder) => join(folder, 'fsports')) : [named],
      fsports: fsports === null ? null : { ...readFsports(fsports), file: fsports.file, text: fsports.text },
      nameservers: servers === null ? null : readFsnameservers(servers),
      nameserversFile: servers?.file ?? null,
      processes: processes === null || (processes.length === 0 && hidden) ? null : processes,
    },
  };
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
