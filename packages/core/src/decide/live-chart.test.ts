// What the chart shows of a host: one mark a port, connections apart, nothing of other namespaces.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeGap, makeOwner, makeRedirect, makeSnapshot, makeSocket } from '../../../../fixtures/makers.ts';
import type { NetNamespace, Socket } from '../model/socket.ts';
import { connectionPorts, liveChartOf } from './live-chart.ts';

const at = (port: number, over: Partial<Socket> = {}): Socket =>
  makeSocket({ local: { address: '127.0.0.1', port }, ...over });
const PEER = { address: '10.0.0.1', port: 443 };
const CONTAINER = { runtime: 'docker', id: 'abcdef0123456789', name: 'web' };

test('who listens, who is bound, what the kernel holds, each by the word it is known by', () => {
  const { held, complete } = liveChartOf(
    makeSnapshot({
      sockets: [
        at(8080, { owners: [makeOwner({ name: 'java' })] }),
        at(22),
        at(5000, { state: 'BOUND', owners: [makeOwner({ name: 'python3' })] }),
        at(2049, { kernel: true }),
        at(80, {
          publishes: { container: CONTAINER, port: 8000 },
          owners: [makeOwner({ name: 'docker-proxy' })],
        }),
        at(81, { publishes: { container: { ...CONTAINER, name: null }, port: 8000 } }),
        at(631, { activation: { socketUnit: 'cups.socket', serviceUnit: 'cups.service' } }),
      ],
    }),
  );
  expect(held).toEqual([
    [22, 'listening', ''],
    [80, 'listening', 'web'],
    [81, 'listening', 'abcdef012345'],
    [631, 'listening', 'cups.service'],
    [2049, 'kernel', ''],
    [5000, 'bound', 'python3'],
    [8080, 'listening', 'java'],
  ]);
  expect(complete).toBe(true);
});

test('of several holders the listener is shown, and the name that is known', () => {
  const { held, connections } = liveChartOf(
    makeSnapshot({
      sockets: [
        at(9000, { state: 'BOUND' }),
        at(9000),
        at(9000, { family: 'ipv6', owners: [makeOwner({ name: 'php-fpm' })] }),
        at(9000, { state: 'ESTABLISHED', peer: PEER }),
      ],
    }),
  );
  expect(held).toEqual([[9000, 'listening', 'php-fpm']]);
  // A connection that was accepted on it takes no port of its own.
  expect(connections).toEqual([]);
});

test('rules: a few ports are marked one by one, more as a run', () => {
  const { held, redirects } = liveChartOf(
    makeSnapshot({
      redirects: [
        makeRedirect({ ports: [8000, 8001], name: 'to-the-web' }),
        makeRedirect({ ports: [30_000, 32_767] }),
        makeRedirect({ ports: [90, 90], publishes: { container: CONTAINER, port: 80 } }),
      ],
    }),
  );
  expect(held).toEqual([
    [90, 'redirect', 'web'],
    [8000, 'redirect', 'to-the-web'],
    [8001, 'redirect', 'to-the-web'],
  ]);
  expect(redirects).toEqual([[30_000, 32_767]]);
});

test('sockets of another network namespace, and those without a port, are not on it', () => {
  const namespace: NetNamespace = { inode: 7, names: [], container: null, process: null };
  const { held, connections } = liveChartOf(
    makeSnapshot({ sockets: [at(80, { namespace }), at(0), at(0, { state: 'ESTABLISHED', peer: PEER })] }),
  );
  expect([held, connections]).toEqual([[], []]);
});

test('nothing may be called free where a gap could hide a holder', () => {
  expect(liveChartOf(makeSnapshot({ gaps: [makeGap()] })).complete).toBe(false);
  expect(liveChartOf(makeSnapshot({ gaps: [makeGap({ coversUse: false })] })).complete).toBe(true);
});

test('limits that could not be read are not guessed', () => {
  const limits = { ephemeral: null, reserved: null, unprivilegedFrom: null };
  expect(liveChartOf(makeSnapshot({ limits }))).toMatchObject({ range: null, reserved: [] });
});

test('connections survive being told by their distances', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 })), (ports) => {
      const sockets = ports.map((port) => at(port, { state: 'TIME_WAIT', peer: PEER, inode: 0 }));
      const chart = liveChartOf(makeSnapshot({ sockets }));
      expect(connectionPorts(chart)).toEqual(ports.toSorted((a, b) => a - b));
    }),
  );
});
