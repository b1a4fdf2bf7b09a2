// `npm run soak -- [--minutes N] [--seed S]`: the differential test for longer than a test run has time for. A failure
// names its seed; the same seed makes the same sockets again. Needs what the live tests need, root above all.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './setup.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Math.floor(Date.now() / 1000) % 1_000_000);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: npm run soak -- [--minutes N] [--seed S]\n');
  process.exit(2);
}
process.stderr.write(`soak: ${minutes} minutes from seed ${seed}\n`);
const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const ran = spawnSync(process.execPath, [vitest, 'run', 'tests/live/differential.test.ts'], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, PORTOLAN_SOAK_MINUTES: String(minutes), PORTOLAN_SOAK_SEED: String(seed) },
});
process.exit(ran.status ?? 1);
