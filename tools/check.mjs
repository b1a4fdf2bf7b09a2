// `npm run check`: format, lint, types, dead code, package shape. Each must look at something and find nothing.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.mjs';

setUp();
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
const steps = [
  ['format', bin('biome'), ['ci', '--formatter-enabled=true', '--linter-enabled=false', '.']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings']],
  ['types of tests and tools', bin('tsc'), ['-p', 'tsconfig.test.json']],
  ['dead code and dependencies', bin('knip'), []],
  ...['core', 'facts', 'probe', 'portolan'].map((name) => [
    `package shape of ${name}`,
    bin('publint'),
    ['--strict', join('packages', name)],
  ]),
];
let failed = 0;
for (const [what, command, args] of steps) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim();
  const ok = result.status === 0;
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${what}\n`);
  if (!ok) {
    failed++;
    process.stdout.write(`${output}\n`);
  }
}
process.exit(failed === 0 ? 0 : 1);
