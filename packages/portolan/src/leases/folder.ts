// Where leases lie: a folder that every user of the machine can write to and in which nobody can touch another's files,
// else the user's own.
import { accessSync, constants, existsSync, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type Gap, type LeasePlace, PortolanError } from '@portolan/core';
import { echo } from '../flags.ts';

/** A place for leases, with the gap it leaves. */
export interface LeaseFolder extends LeasePlace {
  readonly gaps: readonly Gap[];
}

/**
 * Folders that are there on every system, world-writable and sticky, so that leases need no set-up by root. The first
 * outlives a reboot (Filesystem Hierarchy Standard 3.0 s5.15), and names keep their ports over it.
 */
const SHARED = ['/var/tmp', '/run/lock', '/tmp'];

const STICKY = 0o1000;
const GROUP_OR_OTHERS_WRITE = 0o022;
const OTHERS_WRITE = 0o002;

/**
 * `PORTOLAN_LEASE_DIR`; else the first of the shared folders that is root's, sticky and writable for all; else
 * `$XDG_STATE_HOME/portolan/leases`, with a gap. Throws LEASES where none will do.
 */
export function leaseFolder(env: NodeJS.ProcessEnv, uid: number | undefined): LeaseFolder {
  const told = env['PORTOLAN_LEASE_DIR'];
  if (told !== undefined && told !== '') return { folder: checkTold(told, uid), shared: true, gaps: [] };
  // Where files have no such owners, every account has its own.
  const folder = uid === undefined ? undefined : SHARED.find(isShared);
  if (folder !== undefined) return { folder: realpathSync(folder), shared: true, gaps: [] };
  const gap: Gap = {
    code: 'leases-private',
    values: { folders: SHARED.join(', ') },
    remedy: null,
    coversUse: false,
    transports: [],
  };
  return { folder: ownFolder(env, uid), shared: false, gaps: [gap] };
}

function isShared(folder: string): boolean {
  try {
    const stat = statSync(realpathSync(folder));
    accessSync(folder, constants.W_OK | constants.X_OK);
    return (
      stat.isDirectory() && stat.uid === 0 && (stat.mode & STICKY) !== 0 && (stat.mode & OTHERS_WRITE) !== 0
    );
  } catch {
    return false;
  }
}

function checkTold(told: string, uid: number | undefined): string {
  const name = 'PORTOLAN_LEASE_DIR';
  if (!isAbsolute(told)) {
    throw new PortolanError('LEASES', `${name} is “${echo(told)}”, which is no absolute path.`, {
      hint: 'Every process must mean the same folder by it.',
    });
  }
  const stat = folderStat(told, name);
  if (uid !== undefined && stat.uid !== 0 && stat.uid !== uid) {
    throw new PortolanError(
      'LEASES',
      `${echo(told)} belongs to user ${stat.uid}, who could change every lease.`,
      {
        hint: `${name} must be a folder of yours or of root's.`,
      },
    );
  }
  if ((stat.mode & GROUP_OR_OTHERS_WRITE) !== 0 && (stat.mode & STICKY) === 0) {
    throw new PortolanError(
      'LEASES',
      `Others may write to ${echo(told)}, which is not sticky: they could change every lease.`,
      { hint: `chmod +t makes it safe to share, chmod go-w makes it yours alone.` },
    );
  }
  return realpathSync(told);
}

/** The folder, made where it is not there yet. */
function folderStat(folder: string, what: string): Stats {
  try {
    makeFolder(folder);
    const stat = statSync(folder);
    if (stat.isDirectory()) return stat;
  } catch (cause) {
    throw new PortolanError(
      'LEASES',
      `${what}: ${echo(folder)} is no folder and cannot be made one (${codeOf(cause)}).`,
      { hint: 'Leases need a folder to lie in; PORTOLAN_LEASE_DIR names one.', cause },
    );
  }
  throw new PortolanError('LEASES', `${what}: ${echo(folder)} is no folder.`);
}

/** Level by level: Node's own recursion never ends where the system says ENOENT of a parent that is there, as in /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || existsSync(dirname(folder))) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

function ownFolder(env: NodeJS.ProcessEnv, uid: number | undefined): string {
  const told = env['XDG_STATE_HOME'];
  const home = env['HOME'] ?? env['USERPROFILE'];
  const base =
    told !== undefined && isAbsolute(told)
      ? told
      : home !== undefined && isAbsolute(home)
        ? join(home, '.local', 'state')
        : null;
  if (base === null) {
    throw new PortolanError('LEASES', 'There is no folder in which leases could lie.', {
      hint: `None of ${SHARED.join(', ')} is root's, sticky and writable for all, and HOME is not set. PORTOLAN_LEASE_DIR names a folder.`,
    });
  }
  const folder = join(base, 'portolan', 'leases');
  const stat = folderStat(folder, 'Leases');
  if (uid !== undefined && stat.uid !== uid) {
    throw new PortolanError('LEASES', `${echo(folder)} belongs to user ${stat.uid} and not to you.`, {
      hint: 'HOME is that of another user, as under sudo. PORTOLAN_LEASE_DIR names a folder.',
    });
  }
  if ((stat.mode & GROUP_OR_OTHERS_WRITE) !== 0 && (stat.mode & STICKY) === 0) {
    throw new PortolanError('LEASES', `Others may write to ${echo(folder)}: they could change every lease.`, {
      hint: 'chmod go-w makes it yours alone.',
    });
  }
  return realpathSync(folder);
}

/** What the system called a failure. */
export function codeOf(error: unknown): string {
  return (
    (error as NodeJS.ErrnoException | null)?.code ??
    (error instanceof Error ? error.message : 'unknown error')
  );
}
