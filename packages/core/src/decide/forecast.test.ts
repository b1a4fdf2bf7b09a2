// The cells of the ephemeral range, what is counted in them, and what is foretold from the counts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeSnapshot, makeSocket, makeUse } from '../../../../fixtures/makers.ts';
import { inRange, type PortRange } from '../model/port.ts';
import type { Socket } from '../model/socket.ts';
import {
  type CountedSocket,
  cellOf,
  countTcp,
  countUdp,
  forecastOf,
  listenerForecasts,
  upperHalf,
} from './forecast.ts';
import { holdersOf } from './use.ts';

const LINUX: PortRange = [32_768, 60_999];
const on = (port: number, state = 'ESTABLISHED', address = '10.0.0.1'): CountedSocket => ({
  local: { address, port },
  state,
});

describe('cells', () => {
  test('as measured on Linux 6.18: servers that set SO_REUSEADDR get no port from 46884 up', () => {
    expect(upperHalf(LINUX)).toBe(46_884);
    expect(cellOf(60_163, LINUX)).toBe('bindUpper');
    expect(cellOf(46_883, LINUX)).toBe('bindLower');
    expect(cellOf(32_768, LINUX)).toBe('connect');
    expect(cellOf(32_769, [32_769, 60_999])).toBe('connect');
  });

  test('a range too small is not halved (less than four numbers, inet_csk_find_open_port)', () => {
    expect(upperHalf([5000, 5002])).toBe(5003);
    expect(upperHalf([5000, 5003])).toBe(5002);
  });

  test('totals add up to the range less the reservations, whatever both are', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(
        port,
        port,
        fc.uniqueArray(fc.integer({ min: 0, max: 31 }), { maxLength: 8 }),
        (a, b, blocks) => {
          const range: PortRange = [Math.min(a, b), Math.max(a, b)];
          // Runs that do not overlap, as the kernel lists them.
          const reserved = blocks.map((n): PortRange => [n * 2048 + 5, n * 2048 + 5 + ((n * 37) % 2000)]);
          let free = 0;
          for (let p = range[0]; p <= range[1]; p++) if (!reserved.some((part) => inRange(p, part))) free++;
          const cells = Object.values(countTcp([], range, reserved, null));
          expect(cells.reduce((sum, { total }) => sum + total, 0)).toBe(free);
          for (const { total } of cells) expect(total).toBeGreaterThanOrEqual(0);
          expect(countUdp([], range, reserved, null).total).toBe(free);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('counting', () => {
  test('a port counts once, and as waiting where nothing but TIME_WAIT is on it', () => {
    const sockets = [
      on(32_768, 'TIME_WAIT'),
      on(32_768, 'TIME_WAIT'),
      on(32_770, 'TIME_WAIT'),
      on(32_770),
      on(32_772),
      on(32_772, 'TIME_WAIT'),
      on(80),
    ];
    expect(countTcp(sockets, LINUX, [], null).connect).toEqual({ total: 14_116, used: 3, waiting: 1 });
  });

  test('reserved ports count neither as used nor at all', () => {
    const { connect } = countTcp([on(32_768), on(32_770)], LINUX, [[32_768, 32_769]], null);
    expect(connect).toEqual({ total: 14_115, used: 1, waiting: 0 });
  });

  test('sockets of addresses that the service does not want do not count', () => {
    const sockets = [
      on(40_000, 'ESTABLISHED', '10.0.0.1'),
      on(40_002, 'ESTABLISHED', '127.0.0.1'),
      on(40_004, 'LISTEN', '0.0.0.0'),
      on(40_006, 'LISTEN', '::'),
      on(40_008, 'ESTABLISHED', 'fd00::1'),
    ];
    const used = (address: string | null): number => countTcp(sockets, LINUX, [], address).connect.used;
    expect(used(null)).toBe(5);
    expect(used('::')).toBe(5);
    expect(used('0.0.0.0')).toBe(4);
    expect(used('127.0.0.1')).toBe(3);
    expect(used('fd00::1')).toBe(2);
    expect(countUdp(sockets, LINUX, [], '127.0.0.1').used).toBe(3);
  });

  test('IPv4 through an IPv6 socket is IPv4: bind() of 0.0.0.0 is refused for it (measured on Linux 6.18)', () => {
    const sockets = [
      on(40_000, 'ESTABLISHED', '::ffff:127.0.0.1'),
      on(40_002, 'TIME_WAIT', '::ffff:10.0.0.1'),
    ];
    const used = (address: string): number => countTcp(sockets, LINUX, [], address).connect.used;
    expect(used('0.0.0.0')).toBe(2);
    expect(used('127.0.0.1')).toBe(1);
    expect(used('::ffff:127.0.0.1')).toBe(1);
    expect(used('::1')).toBe(0);
    expect(countUdp(sockets, LINUX, [], '10.0.0.1').used).toBe(1);
  });
});

describe('forecast', () => {
  test('the rate is that of TIME_WAIT, a minute’s worth, or the host’s since its start if that is more', () => {
    const use = makeUse({ connect: { used: 1000, waiting: 600 } });
    const waiting = forecastOf(60_162, 'tcp', LINUX, use);
    expect(waiting).toMatchObject({ rate: 10, firstTakenSeconds: 1311.6 });
    const opened = forecastOf(60_162, 'tcp', LINUX, { ...use, opened: { count: 10_000, seconds: 100 } });
    expect(opened).toMatchObject({ rate: 100, firstTakenSeconds: 131.16 });
    // They say nothing of what bind() to port 0 takes.
    expect(
      forecastOf(60_163, 'tcp', LINUX, { ...use, opened: { count: 10_000, seconds: 100 } }),
    ).toMatchObject({
      chance: 0,
      rate: null,
      firstTakenSeconds: null,
    });
  });

  test('a full cell is taken now, an empty one never as far as anything tells', () => {
    const full = forecastOf(60_163, 'tcp', LINUX, makeUse({ bindUpper: { used: 7058, waiting: 7058 } }));
    expect(full).toMatchObject({ chance: 1, firstTakenSeconds: 0, restartChance: 1 });
    expect(forecastOf(60_163, 'tcp', LINUX, makeUse({}))).toMatchObject({
      chance: 0,
      firstTakenSeconds: null,
    });
  });

  test('no count, no forecast; no ports left by reservations, none either', () => {
    expect(forecastOf(60_163, 'udp', LINUX, makeUse({}))).toBeNull();
    expect(forecastOf(60_163, 'sctp', LINUX, makeUse({}))).toBeNull();
    expect(forecastOf(60_163, 'tcp', LINUX, makeUse({ bindUpper: { total: 0 } }))).toBeNull();
  });

  test('chances are probabilities', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: LINUX[0], max: LINUX[1] }),
        fc.nat(7058),
        fc.nat(7058),
        fc.nat(1000),
        (port, used, waiting, opens) => {
          const cell = { used, waiting: Math.min(used, waiting) };
          const use = makeUse({ connect: cell, bindLower: cell, bindUpper: cell });
          const found = forecastOf(port, 'tcp', LINUX, { ...use, opened: { count: opens, seconds: 60 } });
          if (found === null) throw new Error('no forecast');
          expect(found.chance).toBeGreaterThanOrEqual(0);
          expect(found.chance).toBeLessThanOrEqual(1);
          expect(found.restartChance === null).toBe(found.firstTakenSeconds === null);
          expect(found.restartChance ?? 0).toBeGreaterThanOrEqual(0);
          expect(found.restartChance ?? 1).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe('listeners', () => {
  const limits = { ephemeral: LINUX, reserved: [[50_001, 50_001]] as const, unprivilegedFrom: 1024 };
  const listener = (port: number, address = '0.0.0.0', over: Partial<Socket> = {}): Socket =>
    makeSocket({ local: { address, port }, state: 'LISTEN', ...over });
  const of = (sockets: Socket[]): string[] => {
    const snapshot = makeSnapshot({ sockets, limits });
    return listenerForecasts(snapshot, holdersOf(snapshot, null, ['tcp', 'udp'])).map(
      ({ local, forecast }) =>
        `${local.address}:${local.port} ${Math.round(forecast.chance * forecastTotal(local.port))}`,
    );
  };
  const forecastTotal = (port: number): number => (port % 2 === 0 ? 14_116 : 7058);

  test('those in the range and not reserved, each for its own address, the likeliest first', () => {
    const elsewhere = { inode: 7, names: [], container: null, process: null };
    expect(
      of([
        listener(60_163),
        listener(50_000),
        listener(50_001),
        listener(8080),
        listener(50_002, '10.0.0.1'),
        listener(50_004, '0.0.0.0', { namespace: elsewhere }),
        listener(50_006, '0.0.0.0', { transport: 'udp', state: 'UNCONN' }),
        makeSocket({ local: { address: '127.0.0.1', port: 40_000 }, state: 'TIME_WAIT', inode: 0 }),
      ]),
    ).toEqual(['0.0.0.0:50000 3', '0.0.0.0:60163 1', '10.0.0.1:50002 2']);
  });

  test('without limits nothing is foretold', () => {
    const snapshot = makeSnapshot({
      sockets: [listener(60_163)],
      limits: { ...limits, ephemeral: null },
    });
    expect(listenerForecasts(snapshot, holdersOf(snapshot, null, ['tcp']))).toEqual([]);
  });
});
