// `npm run check`: format, lint, types, facts, layers, dead code, package shape. Each must look at something and find nothing.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.mjs';

await setUp();

/** A step: what it is for, the program in node_modules/.bin, its arguments. */
const STEPS = [
  { what: 'format and order of imports', program: 'biome', args: ['ci', '--colors=off', '.'] },
  { what: 'lint', program: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { what: 'types, tests and tools included', program: 'tsc', args: ['-p', 'tsconfig.test.json'] },
  {
    what: 'types of what runs in the browser',
    program: 'tsc',
    args: ['-p', 'packages/site/src/islands/tsconfig.json'],
  },
  {
    what: 'types of what tests run in the browser',
    program: 'tsc',
    args: ['-p', 'tests/browser/tsconfig.json'],
  },
  { what: 'facts lint and layers', program: 'vitest', args: ['run', 'packages/facts/lint', 'tools'] },
  { what: 'dead code and dependencies', program: 'knip', args: ['--no-config-hints'] },
  ...['core', 'facts', 'probe', 'site', 'portolan'].map((name) => ({
    what: `package shape of ${name}`,
    program: 'publint',
    args: ['--strict', join('packages', name)],
  })),
];

let failed = 0;
for (const { what, program, args } of STEPS) {
  const command = join(ROOT, 'node_modules', '.bin', program);
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  const ok = result.status === 0;
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${what}\n`);
  if (ok) continue;
  failed++;
  process.stdout.write(`${result.error?.message ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}\n`);
}
process.exit(failed === 0 ? 0 : 1);
