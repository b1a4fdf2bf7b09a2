// Metrics: what could not be looked at has no sample, and what was looked at is counted once.
import { expect, test } from 'vitest';
import type { WatchState } from '../model/event.ts';
import type { Gap, Snapshot, Socket } from '../model/socket.ts';
import { ephemeralOf } from './ephemeral.ts';
import { metricsOf } from './metrics.ts';

const WATCH: WatchState = {
  trace: false, destroy: false, intervalMs: 250, boundMs: 0, ownersMs: 0, cpuShare: null, holders: 0, lost: 0,
  unplaced: 0, notices: [],
}; // biome-ignore format: one line reads better

const socket = (port: number, over: Partial<Socket> = {}): Socket => ({
  family: 'ipv4', transport: 'tcp', local: { address: '127.0.0.1', port }, peer: null, state: 'LISTEN', inode: port, uid: 0, user: 'root',
  freeInMs: null, ipv6Only: null, namespace: null, owners: [], ownersComplete: true, moreOwners: false, device: null, mptcp: false,
  activation: null, publishes: null, kernel: false, ...over,
}); // biome-ignore format: one line reads better

function measured(
  sockets: readonly Socket[],
  gaps: readonly Gap[] = [],
  limits: Partial<Snapshot['limits']> = {},
) {
  const snapshot: Snapshot = {
    platform: 'linux',
    release: null,
    takenAt: '2026-01-01T00:00:00.000Z',
    via: 'sock_diag',
    limits: { ephemeral: [40_000, 40_009], reserved: [[40_009, 40_009]], unprivilegedFrom: 1024, ...limits },
    ephemeralUse: null,
    sockets,
    redirects: [],
    gaps,
  };
  const settings = {
    twReuse: null,
    namespace: { kind: 'unknown', inode: null, names: [], container: null },
  } as const;
  const ephemeral = ephemeralOf({
    platform: 'linux',
    limits: snapshot.limits,
    settings,
    first: null,
    second: null,
    snapshot,
  });
  const families = metricsOf({ snapshot, ephemeral, events: [], watch: WATCH, version: '1', lookSeconds: 0 });
  return Object.fromEntries(families.map(({ name, samples }) => [name, samples]));
}

const gap = (code: Gap['code'], coversUse: boolean): Gap => ({
  code,
  values: {},
  remedy: null,
  coversUse,
  transports: [],
});

test('holders by kind, transport and namespace; a container by its name, whatever its inode', () => {
  const container = { runtime: 'docker', id: 'abcdef', name: 'db' };
  const namespace = (inode: number) => ({ inode, names: [], container, process: null });
  const { portolan_holders: holders } = measured([
    socket(80),
    socket(81),
    socket(82, { transport: 'udp', state: 'UNCONN' }),
    socket(83, { namespace: namespace(1) }),
    socket(84, { namespace: namespace(2) }),
    socket(85, { namespace: { inode: 3, names: ['self'], container: null, process: null } }),
  ]);
  expect(holders).toEqual([
    { labels: { kind: 'listener', transport: 'tcp', namespace: 'self' }, value: 2 },
    { labels: { kind: 'listener', transport: 'udp', namespace: 'self' }, value: 1 },
    { labels: { kind: 'listener', transport: 'tcp', namespace: 'docker:db' }, value: 2 },
    // One that is called as ours is counted apart.
    { labels: { kind: 'listener', transport: 'tcp', namespace: 'net:[3]' }, value: 1 },
  ]);
});

test('how full the range is, reserved ports apart', () => {
  const found = measured([
    socket(40_001),
    socket(40_002, { state: 'TIME_WAIT', inode: 0 }),
    socket(40_009),
    socket(80),
  ]);
  expect(found['portolan_ephemeral_available_ports']).toEqual([{ labels: {}, value: 9 }]);
  expect(found['portolan_ephemeral_used_ports']?.[0]?.value).toBe(2);
  expect(found['portolan_ephemeral_fill_ratio']?.[0]?.value).toBeCloseTo(2 / 9);
  expect(found['portolan_ephemeral_time_wait_ports']?.[0]?.value).toBe(1);
  expect(found['portolan_listeners_in_range']?.[0]?.value).toBe(1);
});

test('what could not be looked at is no zero', () => {
  const blind = measured([], [gap('sockets-unreadable', true)]);
  for (const name of [
    'portolan_ephemeral_used_ports',
    'portolan_ephemeral_fill_ratio',
    'portolan_ephemeral_time_wait_ports',
  ])
    expect([name, blind[name]]).toEqual([name, []]);
  expect(blind['portolan_gaps']).toEqual([
    { labels: { code: 'sockets-unreadable', may_hide: 'true' }, value: 1 },
  ]);
  const unknown = measured([socket(80)], [], { ephemeral: null, reserved: null });
  for (const name of [
    'portolan_ephemeral_range_ports',
    'portolan_ephemeral_available_ports',
    'portolan_reserved_ports',
    'portolan_listeners_in_range',
    'portolan_ephemeral_opened_per_second',
  ])
    expect([name, unknown[name]]).toEqual([name, []]);
});
