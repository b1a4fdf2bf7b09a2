// The demonstration of the README: a service that is restarted while clients come and go.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { liveTest } from './namespace.ts';

const DEMO = join(fileURLToPath(import.meta.url), '..', '..', '..', 'bench', 'restarts.mjs');

liveTest(
  'five hundred starts of a service on 60163: many fail, and with the port reserved none does',
  { needs: ['root'], timeout: 600_000 },
  async () => {
    const ran = spawnSync(process.execPath, [DEMO], { encoding: 'utf8', timeout: 590_000 });
    expect(ran.status, ran.stderr).toBe(0);
    const [open, reserved] = [...ran.stdout.matchAll(/(\d+) starts failed/g)].map(([, count]) =>
      Number(count),
    );
    expect(open).toBeGreaterThan(20);
    expect(reserved).toBe(0);
  },
);
