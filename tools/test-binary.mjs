// `npm run test:binary`: builds the single file of this machine and runs the acceptance suite, and what makes sense of the live
// one, on it. Further arguments go to vitest in place of these files.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOf, hostTarget } from './binaries/targets.mjs';
import { ROOT, setUp } from './setup.mjs';

/** Files of tests that run the program: those of the library and of the package do not. */
const FILES = [
  'tests/cli',
  'tests/site/export.test.ts',
  ...[
    'audit',
    'ephemeral',
    'holders',
    'kill',
    'leases',
    'limits',
    'mcp',
    'names',
    'namespaces',
    'read',
    'redirects',
    'remote',
    'reserve',
    'rights',
    'switches',
    'watch',
    'why',
  ].map((name) => `tests/live/${name}.test.ts`),
];

await setUp();
const target = hostTarget();
if (target === null) {
  process.stderr.write(`test:binary: no single file is made for ${process.platform} ${process.arch}\n`);
  process.exit(3);
}
// A short path: remedies name it, and are to fit into 80 columns.
const folder = mkdtempSync(join(tmpdir(), 'ptl-'));
// Tests of what a user without rights sees run it as nobody.
chmodSync(folder, 0o755);
const report = join(folder, 'report.json');
let code = 1;
try {
  const build = [join(ROOT, 'tools', 'binaries.mjs'), '--target', target, '--out', folder];
  const built = spawnSync(process.execPath, build, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  code = built.status ?? 1;
  if (code === 0) code = runTests();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = code;

/** Runs them, says which failed and how many did; gives the exit code. */
function runTests() {
  const asked = process.argv.slice(2);
  const vitest = [
    join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(asked.length === 0 ? FILES : asked),
  ];
  const env = { ...process.env, PORTOLAN_BIN: join(folder, fileOf(target)) };
  const { status } = spawnSync(process.execPath, vitest, { cwd: ROOT, stdio: 'inherit', env });
  // Where vitest only told something, as for --help, it reports nothing.
  if (!existsSync(report)) return status ?? 1;
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  for (const { name, assertionResults } of testResults)
    for (const result of assertionResults)
      if (result.status === 'failed')
        process.stdout.write(`failed: ${name.slice(ROOT.length + 1)}: ${result.fullName}\n`);
  process.stdout.write(
    `tests of the single file: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`,
  );
  return status ?? 1;
}
