// A project with the built package in it, whose programs fail to listen in every way, and their runs.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, PACKAGE } from './program.ts';

const ROOT = join(PACKAGE, '..', '..');

/** What came of a program. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A project. */
export interface Project {
  readonly folder: string;
  /** Path of a new file in it. */
  file(name: string, text: string): string;
  /** Runs Node there. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Runs a program with the hook and without it. */
  both(text: string): Promise<{ bare: Ran; hooked: Ran }>;
  remove(): void;
}

/** Makes a project that has the package as npm would install it, and `more` of the packages of this repository. */
export function makeProject(more: readonly string[] = []): Project {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'portolan-listening-')));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'portolan'), { recursive: true });
  for (const part of ['dist', 'bin', 'package.json'])
    cpSync(join(PACKAGE, part), join(modules, 'portolan', part), {
      recursive: true,
      filter: (path) => !path.includes('/dist/types'),
    });
  for (const name of ['koffi', '@koromix', ...more]) {
    const place = [ROOT, PACKAGE]
      .map((root) => join(root, 'node_modules', name))
      .find((path) => existsSync(path));
    if (place === undefined) throw new Error(`${name} is not installed`);
    symlinkSync(place, join(modules, name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  // Other users of the tests read it.
  chmodSync(folder, 0o755);
  let count = 0;
  const project: Project = {
    folder,
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    node: (args, env = {}) =>
      new Promise((resolve) => {
        execFile(
          process.execPath,
          args,
          { cwd: folder, env: environment(env), encoding: 'utf8', timeout: 50_000 },
          (error, out, err) => {
            resolve({
              code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
              out,
              err,
            });
          },
        );
      }),
    async both(text) {
      const path = project.file(`program-${count++}.mjs`, text);
      return {
        bare: await project.node([path]),
        hooked: await project.node(['--import', 'portolan/register', path]),
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  return project;
}

/** A listener of this process. */
export async function held(address = '127.0.0.1'): Promise<{ port: number; close(): void }> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}
