// How remedies call this program: by its name only where the shell they are copied into has it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { callOf, callOfSingle } from './program.ts';

const root = mkdtempSync(join(tmpdir(), 'portolan-call-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(...parts: string[]): string {
  const path = join(root, ...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

const file = join(folder('package', 'dist'), 'bin.cjs');
const self = join(folder('package', 'bin'), 'portolan.cjs');
writeFileSync(self, '');
const linked = folder('node_modules', '.bin');
symlinkSync(self, join(linked, 'portolan'));
const usual = folder('bin');
symlinkSync(self, join(usual, 'portolan'));
const other = folder('other');
writeFileSync(join(other, 'portolan'), '');

const byPath = `${process.execPath} ${file}`;

test.each<[string, NodeJS.ProcessEnv, string]>([
  ['a PATH that has it', { PATH: `/bin${delimiter}${usual}` }, 'portolan'],
  ['a PATH that has another of the name', { PATH: other }, byPath],
  ['no PATH', {}, byPath],
  ['a node_modules/.bin that the user put there', { PATH: linked }, 'portolan'],
  ['the same put there by npm for a script', { PATH: linked, npm_lifecycle_event: 'start' }, byPath],
  [
    'a PATH of the user’s under npm',
    { PATH: `${linked}${delimiter}${usual}`, npm_lifecycle_event: 'npx' },
    'portolan',
  ],
])('%s', (_what, env, call) => {
  expect(callOf(file, env)).toBe(call);
});

test('a single file is called by its name where PATH has it, and by its path elsewhere', () => {
  const single = join(folder('single file'), 'portolan');
  writeFileSync(single, '');
  expect(callOfSingle(single, { PATH: `${other}${delimiter}${join(root, 'single file')}` })).toBe('portolan');
  expect(callOfSingle(single, { PATH: `${usual}${delimiter}${other}` })).toBe(`'${single}'`);
});
