import type { Snapshot } from '@portolan/core';
import { expect, test } from 'vitest';
import { Lookout } from './lookout.ts';

const OWNER = {
  pid: 1,
  startedAt: null,
  name: 'x',
  exe: '/x',
  argv: ['x', '--password=hunter2'],
  cwd: '/secret',
  user: null,
  unit: 'x.service',
  container: null,
  launchedBy: [],
  inferred: false,
};

function snapshot(): Snapshot {
  return {
    platform: 'linux',
    release: null,
    takenAt: '',
    via: 'sock_diag',
    sockets: [{ local: { address: '::', port: 9 }, namespace: null, owners: [OWNER] } as never],
    redirects: [],
    limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
    ephemeralUse: null,
    gaps: [],
  };
}

test('no command line and no folder leaves the lookout; one look serves all who ask within a moment', async () => {
  let now = 0;
  let looks = 0;
  const look = (): Promise<Snapshot> => {
    looks++;
    return Promise.resolve(snapshot());
  };
  const lookout = new Lookout(
    { name: 'host', look, audit: () => Promise.resolve([]) },
    () => now,
    () => undefined,
  );
  const [first] = await Promise.all([lookout.port(9, null), lookout.port(9, null), lookout.all()]);
  expect(looks).toBe(2);
  expect(JSON.stringify(first)).not.toMatch(/hunter2|secret/);
  expect(first.snapshot.sockets[0]?.owners[0]).toEqual({ ...OWNER, argv: null, cwd: null });
  expect(first.inUse).toEqual([9]);
  now = 2000;
  await lookout.all();
  expect(looks).toBe(3);
});

test('a look that failed is no answer for the next', async () => {
  let fails = true;
  const look = (): Promise<Snapshot> =>
    fails ? Promise.reject(new Error('no')) : Promise.resolve(snapshot());
  const lookout = new Lookout(
    { name: 'host', look, audit: () => Promise.resolve([]) },
    () => 0,
    () => undefined,
  );
  expect((await lookout.all()).gaps).toHaveLength(1);
  fails = false;
  expect((await lookout.all()).sockets).toHaveLength(1);
});

test('an audit is kept for half a minute, and one that failed is none', async () => {
  let now = 0;
  let audits = 0;
  const audit = (): Promise<readonly []> => {
    audits++;
    return audits === 1 ? Promise.reject(new Error('no')) : Promise.resolve([]);
  };
  const host = { name: 'host', look: () => Promise.resolve(snapshot()), audit };
  const lookout = new Lookout(
    host,
    () => now,
    () => undefined,
  );
  expect(await lookout.audit()).toBeNull();
  expect(audits).toBe(1);
  now = 29_999;
  expect(await lookout.audit()).toBeNull();
  now = 30_000;
  expect(await lookout.audit()).toEqual([]);
  await lookout.audit();
  expect(audits).toBe(2);
});

test('a look that fails hides everything, is told as a fault, and the next one is made anew', async () => {
  let broken = true;
  const faults: string[] = [];
  const look = (): Promise<Snapshot> =>
    broken ? Promise.reject(Object.assign(new Error('no'), { code: 'EIO' })) : Promise.resolve(snapshot());
  const lookout = new Lookout(
    { name: 'host', look, audit: () => Promise.resolve([]) },
    () => 0,
    ({ message }) => faults.push(message),
  );
  const seen = await lookout.port(9, null);
  expect(seen.snapshot.gaps).toEqual([
    { code: 'look-failed', values: { reason: 'EIO' }, coversUse: true, remedy: null, transports: [] },
  ]);
  expect(seen.inUse).toEqual([]);
  expect(faults).toEqual(['no', 'no']);
  broken = false;
  expect((await lookout.port(9, null)).snapshot.gaps).toEqual([]);
});
