// What a page has to load to understand pasted output: the doors of @portolan/probe/printed, bundled as a browser gets them.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

const ROOM = fileURLToPath(new URL('../../packages/probe/src/parse/printed/', import.meta.url));

/** Bundles doors for a browser: their modules, and the size of everything, gzipped. */
async function bundled(...doors: string[]): Promise<{ modules: string[]; bytes: number }> {
  const bundler = await rolldown({
    input: doors.map((door) => `${ROOM}${door}.ts`),
    platform: 'browser',
    resolve: { conditionNames: ['source', 'import', 'default'] },
  });
  const { output } = await bundler.generate({ format: 'esm', minify: true });
  await bundler.close();
  const chunks = output.filter((each) => each.type === 'chunk');
  return {
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)),
    bytes: chunks.reduce((total, { code }) => total + gzipSync(code).length, 0),
  };
}

test('lines alone, and with documents', async () => {
  const lines = await bundled('index');
  const all = await bundled('index', 'documents');
  // Of these 1.7 KiB are for netsh's lists of ports.
  expect(lines.bytes).toBeLessThan(13 * 1024);
  expect(all.bytes).toBeLessThan(18.5 * 1024);
  // Of the core only what says which kind of hold a socket is; of the rest of the probe nothing.
  const outside = all.modules.filter((module) => !module.startsWith(ROOM));
  expect(outside.map((module) => module.replace(/^.*\/packages\//, '')).toSorted()).toEqual([
    'core/src/decide/use.ts',
    'core/src/model/report.ts',
  ]);
  expect(lines.modules.filter((module) => /json|xml/.test(module))).toEqual([]);
});
