// `npm test`: sets up what is stale, then runs every test; further arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, setUp } from './setup.mjs';

await setUp();
const folder = mkdtempSync(join(tmpdir(), 'portolan-test-'));
const report = join(folder, 'report.json');
const result = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
try {
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A file that cannot be loaded fails without a failed test in it.
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  // One plain line that says in any runner's terms how it went.
  process.stdout.write(
    `tests: ${numPassedTests} passed, ${numFailedTests + unloaded} failed, ${numPendingTests} skipped\n`,
  );
} catch {
  process.stderr.write('portolan: the test runner left no report; see its own lines above.\n');
}
rmSync(folder, { recursive: true, force: true });
process.exit(result.status ?? 1);
