// What the tests of leases stand on: a folder of leases for all users, a project, and the program run inside.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LeasesV1, LeaseV1 } from '@portolan/core';
import { expect } from 'vitest';
import { BIN, type Namespace } from './namespace.ts';

/** Where a test's leases and project lie. */
export interface Place {
  readonly leases: string;
  readonly app: string;
  readonly root: string;
}

/** A folder of leases for all users, and a project; gone afterwards. */
export async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'portolan-lease-'));
  // Others pass through on their way to the leases.
  chmodSync(root, 0o755);
  const place = { root, leases: join(root, 'leases'), app: join(root, 'app') };
  mkdirSync(place.leases);
  chmodSync(place.leases, 0o1777);
  mkdirSync(place.app);
  try {
    await work(place);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What came of a program. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program inside. */
export function cli(ns: Namespace, { leases }: Place, args: readonly string[], uid?: number): Promise<Ran> {
  return ns.run(
    'env',
    [`PORTOLAN_LEASE_DIR=${leases}`, process.execPath, BIN, ...args],
    uid === undefined ? {} : { uid },
  );
}

/** The lease of a name of the project. */
export async function lease(ns: Namespace, place: Place, name: string, ...more: string[]): Promise<LeaseV1> {
  const ran = await cli(ns, place, ['lease', name, '--project', place.app, '--json', ...more]);
  expect(ran.stderr).toBe('');
  return JSON.parse(ran.stdout) as LeaseV1;
}

/** Every lease of the folder. */
export async function all(ns: Namespace, place: Place): Promise<LeasesV1> {
  return JSON.parse((await cli(ns, place, ['leases', '--json'])).stdout) as LeasesV1;
}
