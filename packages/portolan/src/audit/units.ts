// Finds the units of systemd: which file stands for each, what adds to it, and whether anything starts it.
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { underRoot } from './read-file.ts';

/** A unit and the files it is made of. */
export interface UnitFiles {
  readonly name: string;
  /** Real paths, the unit's own first, then its drop-ins in the order in which they apply. */
  readonly paths: readonly string[];
  readonly enabled: boolean;
}

/** Folders in the order in which they count (man systemd.unit(5), unit file load path). */
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

const UNIT = /\.(?:service|socket)$/;

/** Every service and socket below a root; null where there is no folder of units at all. */
export function findUnits(root: string): UnitFiles[] | null {
  const folders = [
    ...new Set(FOLDERS.map((folder) => underRoot(root, folder)).filter((path) => path !== null)),
  ]
    .map((path) => ({ path, names: listed(path) }))
    .filter(({ names }) => names.length > 0);
  if (folders.length === 0) return null;
  const own = new Map<string, string | null>();
  const started = new Set<string>();
  for (const { path, names } of folders) {
    for (const name of names) {
      if (/\.(?:wants|requires|upholds)$/.test(name))
        for (const unit of listed(join(path, name))) started.add(unit);
      if (!UNIT.test(name) || own.has(name)) continue;
      const file = join(path, name);
      const alias = aliasOf(file, name);
      if (alias === null) own.set(name, realFile(root, file));
      else {
        // A link by another name: what it points to is what is started by this one.
        started.add(alias);
        own.set(name, null);
      }
    }
  }
  const names = [...own.keys()].filter((name) => own.get(name) !== null);
  const instances = [...started].filter((name) => UNIT.test(name) && /@.+\./.test(name) && !own.has(name));
  return [...names, ...instances].toSorted().flatMap((name): UnitFiles[] => {
    const template = name.replace(/@.+\./, '@.');
    const file = own.get(name) ?? own.get(template);
    // The template itself is nothing that runs, once it has instances.
    const standsAlone = !(
      name === template &&
      name.includes('@.') &&
      instances.some((one) => one.replace(/@.+\./, '@.') === name)
    );
    if (file == null || !standsAlone) return [];
    const socket = name.replace(/\.service$/, '.socket');
    return [
      {
        name,
        paths: [file, ...dropIns(root, folders, name)],
        enabled: started.has(name) || started.has(socket),
      },
    ];
  });
}

/** Drop-ins of one unit file that is named by itself: those of the folder beside it. */
export function dropInsBeside(path: string): string[] {
  return listed(`${path}.d`)
    .filter((name) => name.endsWith('.conf'))
    .map((name) => join(`${path}.d`, name))
    .filter((file) => !isMasked(file));
}

/** `web-admin@blue.service` takes those of service.d, web-.service.d, its template's and its own. */
function dropIns(
  root: string,
  folders: readonly { path: string; names: readonly string[] }[],
  name: string,
): string[] {
  const [, stem = '', instance = '', type = ''] = /^([^@]*)(@.*)?\.([a-z]+)$/.exec(name) ?? [];
  const prefixes = stem
    .split('-')
    .map((_part, index, parts) => `${parts.slice(0, index).join('-')}-`)
    .slice(1);
  const wanted = [
    `${type}.d`,
    ...prefixes.map((prefix) => `${prefix}.${type}.d`),
    ...(instance === '' ? [] : [`${stem}@.${type}.d`]),
    `${name}.d`,
  ];
  const found = new Map<string, string | null>();
  // Of two by one name the one of the earlier folder, and of the more exact name, counts.
  for (const folder of wanted.toReversed()) {
    for (const { path, names } of folders) {
      if (!names.includes(folder)) continue;
      const beside = withinRoot(root, join(path, folder));
      for (const file of beside === null ? [] : listed(beside)) {
        if (!file.endsWith('.conf') || found.has(file)) continue;
        const at = join(beside ?? '', file);
        // A masked one still stands before those of later folders.
        found.set(file, isMasked(at) ? null : withinRoot(root, at));
      }
    }
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, path]) => (path === null ? [] : [path]));
}

/** The unit that a link by another name points to; null for a unit of its own. */
function aliasOf(file: string, name: string): string | null {
  try {
    if (!lstatSync(file).isSymbolicLink()) return null;
    const target = basename(readlinkSync(file));
    return target !== name && UNIT.test(target) && !/@/.test(name) ? target : null;
  } catch {
    return null;
  }
}

/** The file behind a unit; null for one that is masked, by a link to /dev/null or an empty file. */
function realFile(root: string, file: string): string | null {
  try {
    if (isMasked(file)) return null;
    const inside = withinRoot(root, file);
    return inside !== null && statSync(inside).size > 0 ? inside : null;
  } catch {
    return file;
  }
}

/** Is the name linked to nothing at all (man systemd.unit(5))? */
function isMasked(file: string): boolean {
  try {
    return readlinkSync(file) === '/dev/null';
  } catch {
    return false;
  }
}

/** Where a path below the root really is: links of another system lead to its own files and not to this host's. */
function withinRoot(root: string, path: string): string | null {
  return root === '/' ? path : underRoot(root, path.slice(root.length));
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
