// `portolan/register` in a program of a user without rights: what it may not see is said, and the program ends as it would.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { makeProject } from '../cli/listening-place.ts';
import { listener } from './kill-place.ts';
import { liveTest, NOBODY } from './namespace.ts';

liveTest('a port of root, and a System Port', { needs: ['root', 'nobody'] }, async (ns) => {
  const project = makeProject();
  ns.finally(() => project.remove());
  const program = project.file(
    'server.mjs',
    "import { createServer } from 'node:net'; createServer().listen(Number(process.argv[2]), '127.0.0.1');",
  );
  const hook = pathToFileURL(join(project.folder, 'node_modules/portolan/dist/register.js')).href;
  await listener(ns, 8080);
  const as = { uid: NOBODY };
  const fails = async (port: string, words: RegExp): Promise<void> => {
    const bare = await ns.run(process.execPath, [program, port], as);
    const hooked = await ns.run(process.execPath, ['--import', hook, program, port], as);
    expect(hooked.code).toBe(bare.code);
    expect(hooked.stdout).toBe(bare.stdout);
    expect(bare.stderr).not.toMatch(words);
    expect(hooked.stderr).toMatch(words);
  };
  await fails('8080', /EADDRINUSE[\s\S]*8080\/tcp cannot be bound[\s\S]*root[\s\S]*Not seen:[\s\S]*sudo/);
  await fails('80', /EACCES[\s\S]*80\/tcp cannot be bound[\s\S]*1024/);
});
