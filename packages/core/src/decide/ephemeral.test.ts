// How full the range is, by kind, destination and process; query sockets; and when it runs out.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeOwner, makeSnapshot, makeSocket } from '../../../../fixtures/makers.ts';
import type { EphemeralInput, EphemeralRow, EphemeralSample } from '../model/ephemeral.ts';
import type { Socket } from '../model/socket.ts';
import { ephemeralOf, exhaustion, isQuerySocket, resolverPids } from './ephemeral.ts';

const SERVER = { address: '192.0.2.7', port: 443 };

function connection(port: number, over: Partial<Socket> = {}): Socket {
  return makeSocket({
    local: { address: '192.0.2.1', port },
    peer: SERVER,
    state: 'ESTABLISHED',
    inode: port,
    owners: [makeOwner({ pid: 10, name: 'curl' })],
    ...over,
  });
}

const waiting = (port: number, freeInMs: number): Socket =>
  connection(port, { state: 'TIME_WAIT', inode: 0, freeInMs, owners: [] });

function rows(sockets: readonly Socket[]): EphemeralRow[] {
  return sockets.map(({ transport, local, peer, state, inode, freeInMs }) => ({
    transport: transport === 'udp' ? 'udp' : 'tcp',
    local,
    peer,
    state,
    inode,
    freeInMs,
    noPort: false,
  }));
}

const sample = (
  at: number,
  sockets: readonly Socket[],
  activeOpens: number | null = null,
): EphemeralSample => ({
  at,
  rows: rows(sockets),
  activeOpens,
});

function input(sockets: readonly Socket[], over: Partial<EphemeralInput> = {}): EphemeralInput {
  const limits = {
    ephemeral: [40_000, 40_099] as const,
    reserved: [[40_010, 40_019]] as const,
    unprivilegedFrom: 1024,
  };
  return {
    platform: 'linux',
    limits,
    settings: { twReuse: 2, namespace: { kind: 'host', inode: 7, names: [], container: null } },
    first: null,
    second: sample(1000, sockets),
    snapshot: makeSnapshot({ sockets: [...sockets], limits }),
    ...over,
  };
}

describe('the range', () => {
  it('is counted by distinct ports that may be chosen, by kind', () => {
    const report = ephemeralOf(
      input([
        connection(40_000),
        connection(40_000, { peer: { address: '192.0.2.8', port: 443 } }),
        connection(40_002),
        waiting(40_004, 1000),
        connection(40_006, { state: 'FIN_WAIT2', inode: 0, owners: [] }),
        makeSocket({ local: { address: '0.0.0.0', port: 40_007 }, state: 'LISTEN' }),
        connection(40_007, {
          local: { address: '192.0.2.1', port: 40_007 },
          peer: { address: '192.0.2.9', port: 5 },
        }),
        // Reserved, outside, and of another namespace.
        connection(40_012),
        connection(30_000),
        connection(40_050, { namespace: { inode: 8, names: [], container: null, process: null } }),
      ]),
    );
    expect(report.available).toBe(90);
    expect(report.tcp).toEqual({
      ports: 5,
      parity: { even: 4, odd: 1 },
      connected: 2,
      accepted: 1,
      timeWait: 1,
      closing: 1,
      bound: 1,
    });
    // What was accepted uses up nothing: its port is the listener's.
    expect(report.destinations.map(({ peer, ports, timeWait }) => [peer.address, ports, timeWait])).toEqual([
      ['192.0.2.7', 4, 1],
      ['192.0.2.8', 1, 0],
    ]);
    expect(report.destinations[0]?.fill).toBeCloseTo(4 / 90);
    expect(report.users[0]).toEqual({
      pid: 10,
      name: 'curl',
      user: expect.anything() as unknown,
      kind: 'process',
      ports: 3,
    });
    expect(report.gaps.map(({ code }) => code)).toContain('port-range-option');
  });

  it('counts IPv4 through IPv6 sockets with the rest: they share four-tuples (measured on Linux 6.18)', () => {
    const mapped = (port: number): Socket =>
      connection(port, {
        local: { address: '::ffff:192.0.2.1', port },
        peer: { address: '::ffff:192.0.2.7', port: 443 },
      });
    const plain = connection(40_004, {
      local: { address: '192.0.2.1', port: 40_004 },
      peer: { address: '192.0.2.7', port: 443 },
    });
    const { destinations } = ephemeralOf(input([mapped(40_000), mapped(40_002), plain]));
    expect(destinations).toHaveLength(1);
    expect(destinations[0]).toMatchObject({ local: '192.0.2.1', ports: 3, peer: { address: '192.0.2.7' } });
  });

  it('with nothing left is full, and unknown stays unknown', () => {
    const all = {
      ephemeral: [40_000, 40_001] as const,
      reserved: [[40_000, 40_001]] as const,
      unprivilegedFrom: null,
    };
    expect(ephemeralOf(input([], { limits: all })).available).toBe(0);
    const none = { ephemeral: null, reserved: null, unprivilegedFrom: null };
    expect(ephemeralOf(input([connection(40_000)], { limits: none }))).toMatchObject({
      available: null,
      range: null,
      tcp: { ports: 0 },
    });
  });

  it('TIME_WAIT that is taken over keeps nobody from connecting', () => {
    const loopback = {
      local: { address: '127.0.0.1', port: 40_000 },
      peer: { address: '127.0.0.1', port: 80 },
    };
    const socket = connection(40_000, {
      ...loopback,
      state: 'TIME_WAIT',
      inode: 0,
      freeInMs: 5000,
      owners: [],
    });
    const blocking = (sockets: Socket[], twReuse: number): number | undefined =>
      ephemeralOf(input(sockets, { settings: { ...input([]).settings, twReuse } })).destinations[0]?.blocking;
    expect(blocking([socket], 2)).toBe(0);
    expect(blocking([socket], 0)).toBe(1);
    expect(blocking([waiting(40_000, 5000)], 2)).toBe(1);
    expect(blocking([waiting(40_000, 5000)], 1)).toBe(0);
  });
});

describe('the rate', () => {
  it('is that of the kernel’s counter where that saw more, by destination what was seen', () => {
    const before = [connection(40_000), waiting(40_002, 900)];
    const after = [...before, ...Array.from({ length: 10 }, (_, i) => connection(40_020 + 2 * i))];
    const report = ephemeralOf(
      input(after, { first: sample(0, before, 100), second: sample(2000, after, 140) }),
    );
    expect(report.rate).toEqual({ seconds: 2, opened: 40, seen: 10, perSecond: 20 });
    expect(report.destinations[0]).toMatchObject({ perSecond: 5, ports: 12 });
    expect(report.destinations[0]?.exhaustedIn).toBeCloseTo((90 - 12 + 1) / 5);
  });

  it('takes a single new connection for no trend', () => {
    const before = [connection(40_000)];
    const after = [...before, connection(40_002)];
    const report = ephemeralOf(input(after, { first: sample(0, before), second: sample(60_000, after) }));
    expect(report.destinations[0]).toMatchObject({ exhaustedIn: null });
  });
});

describe('exhaustion', () => {
  const base = {
    inUse: 0,
    capacity: 1000,
    opensPerSecond: 0,
    growthPerSecond: 0,
    holdSeconds: 60,
    expiries: [],
  };
  it.each([
    ['nothing happens', {}, null],
    ['it is full', { inUse: 1000 }, 0],
    ['more come in a minute than there are', { opensPerSecond: 50 }, 20],
    ['as many end as begin and all wait', { opensPerSecond: 10 }, null],
    ['connections stay', { opensPerSecond: 10, growthPerSecond: 10 }, 100],
    [
      'what waits comes free',
      { inUse: 990, opensPerSecond: 1, expiries: Array.from({ length: 900 }, (_, i) => i / 20) },
      null,
    ],
    ['what waits comes free too late', { inUse: 990, opensPerSecond: 1, expiries: [50, 51, 52] }, 10],
  ])('%s', (_name, over, seconds) => {
    const found = exhaustion({ ...base, ...over }).seconds;
    if (seconds === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(seconds, 3);
  });

  it('comes when a simulation has it come', () => {
    const some = fc.integer({ min: 0, max: 300 });
    fc.assert(
      fc.property(
        some,
        some,
        fc.array(fc.integer({ min: 1, max: 59 }), { maxLength: 100 }),
        (live, opens, expiries) => {
          const inUse = live + expiries.length;
          const { seconds } = exhaustion({ ...base, inUse, opensPerSecond: opens, expiries });
          // Each second: those due come free, new ones are taken and wait for a minute.
          let full: number | null = inUse >= base.capacity ? 0 : null;
          for (let t = 1; t <= 60 && full === null; t++) {
            const gone = expiries.filter((expiry) => expiry < t).length;
            if (inUse + opens * t - gone >= base.capacity) full = t;
          }
          if (full === null) expect(seconds).toBeNull();
          else expect(Math.abs((seconds ?? Number.POSITIVE_INFINITY) - full)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe('query sockets', () => {
  const udp = (over: Partial<Socket>): Socket =>
    makeSocket({ transport: 'udp', state: 'UNCONN', local: { address: '0.0.0.0', port: 40_001 }, ...over });
  it('are those of resolvers, and those that talk to a DNS port', () => {
    const unbound = [makeOwner({ pid: 5, name: 'unbound' })];
    const own = [makeOwner({ pid: 6, name: 'my-dns' })];
    const other = [makeOwner({ pid: 7, name: 'game' })];
    const sockets = [
      udp({ owners: own, local: { address: '0.0.0.0', port: 53 } }),
      udp({ owners: unbound }),
      udp({ owners: own }),
      udp({ owners: other }),
      udp({ owners: other, peer: { address: '192.0.2.1', port: 53 }, state: 'ESTABLISHED' }),
    ];
    const pids = resolverPids(sockets);
    expect([...pids]).toEqual([6, 5]);
    expect(sockets.map((socket) => isQuerySocket(socket, pids))).toEqual([false, true, true, false, true]);
    const counted = ephemeralOf(input(sockets)).udp;
    expect(counted).toMatchObject({ open: 1, connected: 0, query: 3 });
  });
});
