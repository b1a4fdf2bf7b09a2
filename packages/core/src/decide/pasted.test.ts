// Who reaches what a tool printed, and whose connections could be given its number.
import { describe, expect, test } from 'vitest';
import type { Holder } from '../model/report.ts';
import type { SocketState } from '../model/socket.ts';
import { concernsOf, systemRanges } from './pasted.ts';
import { toHolder } from './use.ts';

function holder(address: string, port: number, state: SocketState = 'LISTEN'): Holder {
  return toHolder({
    transport: 'tcp',
    family: address.includes(':') ? 'ipv6' : 'ipv4',
    local: { address, port },
    peer: state === 'ESTABLISHED' ? { address: '198.51.100.7', port: 443 } : null,
    state,
    inode: -1,
    uid: null,
    user: null,
    freeInMs: null,
    ipv6Only: null,
    owners: [],
    ownersComplete: false,
    moreOwners: false,
    kernel: false,
    namespace: null,
    device: null,
    mptcp: false,
    activation: null,
    publishes: null,
  });
}

describe('reach', () => {
  test.each([
    ['0.0.0.0', 'open'],
    ['::', 'open'],
    ['::ffff:0.0.0.0', 'open'],
    ['0.0.0.0%eth0', 'open'],
    ['127.0.0.1', 'local'],
    ['127.0.0.53%lo', 'local'],
    ['::1', 'local'],
    ['::ffff:127.0.0.1', 'local'],
    ['192.0.2.10', 'address'],
    ['fe80::127.0.0.1', 'address'],
    ['128.0.0.1', 'address'],
  ] as const)('%s: %s', (address, reach) => {
    expect(concernsOf(holder(address, 80), []).reach).toBe(reach);
  });
  test('of nobody who waits for nobody', () => {
    expect(concernsOf(holder('0.0.0.0', 80, 'BOUND'), []).reach).toBeNull();
    expect(concernsOf(holder('192.0.2.10', 80, 'ESTABLISHED'), []).reach).toBeNull();
  });
});

describe('ports that connections are given', () => {
  const ranges = systemRanges([
    { os: 'A', versions: 'current', transports: ['tcp'], ranges: [[32_768, 60_999]], source: 'x' },
    { os: 'B', versions: 'current', transports: ['tcp'], ranges: [[49_152, 65_535]], source: 'x' },
    { os: 'B', versions: '2000, XP', transports: ['tcp'], ranges: [[1025, 5000]], source: 'x' },
  ]);
  const systems = (port: number, state?: SocketState): string[] =>
    concernsOf(holder('127.0.0.1', port, state), ranges).handed.map(({ system }) => system);
  test('by the ranges of current systems, their ends included', () => {
    expect(systems(32_767)).toEqual([]);
    expect(systems(32_768)).toEqual(['A']);
    expect(systems(60_999)).toEqual(['A', 'B']);
    expect(systems(61_000)).toEqual(['B']);
    expect(systems(3000)).toEqual([]);
  });
  test('what is bound can lose it, a connection has it', () => {
    expect(systems(50_000, 'BOUND')).toEqual(['A', 'B']);
    expect(systems(50_000, 'ESTABLISHED')).toEqual([]);
    expect(systems(50_000, 'TIME_WAIT')).toEqual([]);
  });
});
