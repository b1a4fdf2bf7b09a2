// Which project a folder belongs to: the git worktree around it, else the folder itself.
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PortolanError } from '@portolan/core';
import { echo } from '../flags.ts';
import { codeOf } from './folder.ts';

/** A project's folder. */
export interface Project {
  /** Resolved path. */
  readonly folder: string;
  /** `DEVICE:INODE`, which a folder keeps when it is moved within its file system; null where it has none. */
  readonly place: string | null;
  /** User who owns the folder. */
  readonly owner: number;
}

/**
 * The project of `start`: the nearest folder above it that has a `.git` of its own (a folder, or a file in further
 * worktrees and submodules, man gitrepository-layout(5)); without one, `start` itself. No git is needed. A `.git` that
 * somebody else has put there is passed over, as git does.
 */
export function projectOf(start: string, uid: number | undefined): Project {
  let from: string;
  try {
    from = realpathSync(start);
    if (!statSync(from).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
  } catch (cause) {
    throw new PortolanError(
      'USAGE',
      `The project ${echo(start)} is not a folder that is there (${codeOf(cause)}).`,
      {
        cause,
      },
    );
  }
  for (let folder = from; ; folder = dirname(folder)) {
    if (hasGit(folder, uid)) return describe(folder);
    if (folder === dirname(folder)) return describe(from);
  }
}

/** Users whose leases are believed in a project, best first: the owner of its folder, root, oneself. */
export function trustedIn(project: Project, uid: number | undefined): readonly number[] {
  return uid === undefined ? [0] : [...new Set([project.owner, 0, uid])];
}

function hasGit(folder: string, uid: number | undefined): boolean {
  try {
    const git = lstatSync(join(folder, '.git'));
    if (!git.isDirectory() && !git.isFile()) return false;
    return (
      uid === undefined || uid === 0 || git.uid === uid || git.uid === 0 || git.uid === statSync(folder).uid
    );
  } catch {
    return false;
  }
}

function describe(folder: string): Project {
  const stat = statSync(folder);
  return { folder, place: placeIn(stat), owner: stat.uid };
}

/** `DEVICE:INODE` of a folder that is there, or null. */
export function placeOf(folder: string): string | null {
  try {
    return placeIn(statSync(folder));
  } catch {
    return null;
  }
}

function placeIn({ dev, ino }: { readonly dev: number; readonly ino: number }): string | null {
  return ino === 0 ? null : `${dev}:${ino}`;
}
