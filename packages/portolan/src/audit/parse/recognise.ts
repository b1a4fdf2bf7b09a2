// What kind of file a file is: by its name, and where that says nothing, by what stands in it.

/** Kinds of files that ports are read from. */
export type FileKind =
  | 'compose'
  | 'kubernetes'
  | 'systemd'
  | 'procfile'
  | 'package-json'
  | 'env'
  | 'devcontainer'
  | 'profile'
  | 'fsports';

/** Names that a folder of a project is looked through for, devcontainers of several configurations apart. */
export const PROJECT_FILES: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yaml',
  'docker-compose.yml',
  'compose.override.yaml',
  'compose.override.yml',
  'docker-compose.override.yaml',
  'docker-compose.override.yml',
  'Procfile',
  'Procfile.dev',
  'package.json',
  '.env',
  '.devcontainer/devcontainer.json',
  '.devcontainer.json',
];

/** Kind by the file's name alone; null where it could be anything. */
export function kindByName(path: string): FileKind | null {
  const name = path.split('/').at(-1) ?? path;
  if (name === 'package.json') return 'package-json';
  if (/^\.?devcontainer\.json$/.test(name)) return 'devcontainer';
  if (/^Procfile(?:\..+)?$/.test(name)) return 'procfile';
  if (/^\.env(?:\..+)?$|^(?!\.).+\.env$|^\.envrc$/.test(name)) return 'env';
  if (/^(?:docker-)?compose(?:[.-].+)?\.ya?ml$/.test(name)) return 'compose';
  if (/\.(?:socket|service)$/.test(name)) return 'systemd';
  if (name === 'fsports') return 'fsports';
  return null;
}

/** Kind by what stands in the file; null where nothing tells. */
export function kindByContent(text: string): FileKind | null {
  const head = text.slice(0, 200_000);
  if (/^\s*\{/.test(head)) {
    if (/"format"\s*:\s*"portolan\.profile\/1"/.test(head)) return 'profile';
    if (/"kind"\s*:/.test(head) && /"apiVersion"\s*:/.test(head)) return 'kubernetes';
    if (/"(?:forwardPorts|appPort|portsAttributes|dockerComposeFile|workspaceFolder)"\s*:/.test(head))
      return 'devcontainer';
    if (/"scripts"\s*:\s*\{/.test(head)) return 'package-json';
    return /"services"\s*:\s*\{/.test(head) ? 'compose' : null;
  }
  if (/^[ \t]*\[(?:Unit|Socket|Service)\][ \t\r]*$/m.test(head)) return 'systemd';
  if (/^(?:[ \t]*-[ \t]+)?apiVersion[ \t]*:/m.test(head) && /^(?:[ \t]*-)?[ \t]*kind[ \t]*:/m.test(head))
    return 'kubernetes';
  if (
    /^services[ \t]*:/m.test(head) ||
    (/^[ \t]+image[ \t]*:/m.test(head) && /^[ \t]+ports[ \t]*:/m.test(head))
  )
    return 'compose';
  if (/^[ \t]*(?:MinPort|MaxPort)[ \t]+\d+[ \t\r]*$/m.test(head)) return 'fsports';
  if (/^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=/m.test(head)) return 'env';
  if (/^[A-Za-z0-9_-]+:[ \t]+\S/m.test(head)) return 'procfile';
  return null;
}
