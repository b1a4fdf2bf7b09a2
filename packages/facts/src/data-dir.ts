// Where the user's own data lives, by the conventions of each system.
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The user's data directory for Portolan: `PORTOLAN_DATA_DIR`, else `$XDG_DATA_HOME/portolan` (XDG Base
 * Directory Specification), `~/Library/Application Support/portolan` on macOS, `%LOCALAPPDATA%\portolan` on Windows.
 */
export function dataDirectory(
  env: NodeJS.ProcessEnv = process.env,
  platform: string = process.platform,
): string {
  const own = env['PORTOLAN_DATA_DIR'];
  if (own !== undefined && own !== '') return own;
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'portolan');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'portolan');
  const xdg = env['XDG_DATA_HOME'];
  return join(
    xdg !== undefined && xdg.startsWith('/') ? xdg : join(homedir(), '.local', 'share'),
    'portolan',
  );
}

/** The updated registry below a data directory. */
export function updatedRegistryPath(dataDir: string): string {
  return join(dataDir, 'registry.pack');
}
