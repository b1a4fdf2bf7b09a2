// Where things are kept that only save time: the XDG cache folder, as long as it is the user's own.
import { statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/**
 * `$XDG_CACHE_HOME/portolan`, else `~/.cache/portolan` (XDG Base Directory Specification). Null where neither is told,
 * and under sudo with the caller's home, where files of root would be in their way.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv, uid: number | undefined): string | null {
  const told = env['XDG_CACHE_HOME'];
  if (told !== undefined && isAbsolute(told)) return join(told, 'portolan');
  const home = env['HOME'];
  if (home === undefined || !isAbsolute(home)) return null;
  try {
    return statSync(home).uid === uid ? join(home, '.cache', 'portolan') : null;
  } catch {
    return null;
  }
}
