// Plans: what is stopped and, above all, what never is.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeGap, makeOwner, makeSnapshot, makeSocket } from '../../../../fixtures/makers.ts';
import type { Asker, KillPlan, Manager, Managers } from '../model/kill.ts';
import type { Transport } from '../model/port.ts';
import type { Owner, Snapshot, Socket, SocketState } from '../model/socket.ts';
import { isNewcomer, killEnd, killPlan, launchDepth, respawner } from './kill.ts';
import { holderKind, useOf } from './use.ts';

const PORT = 80;
const BOTH: readonly Transport[] = ['tcp', 'udp'];
const PEER = { address: '10.0.0.9', port: 51_000 };
const ASKER: Asker = { pids: [900, 901, 902], unit: 'session-1.scope', container: null };
const CONTAINER = { runtime: 'docker', id: 'a'.repeat(64), name: null };

let inode = 1000;

function owner(pid: number, over: Partial<Owner> = {}): Owner {
  return makeOwner({ pid, ...over });
}

function socket(owners: readonly Owner[], over: Partial<Socket> = {}): Socket {
  return makeSocket({ local: { address: '0.0.0.0', port: PORT }, owners, inode: inode++, ...over });
}

const connection = (owners: readonly Owner[], over: Partial<Socket> = {}): Socket =>
  socket(owners, { state: 'ESTABLISHED', peer: PEER, ...over });

function managers(over: Partial<Managers> = {}): Managers {
  return { processes: new Map(), activations: new Map(), publishers: new Map(), ...over };
}

function plan(
  sockets: readonly Socket[],
  {
    with: how = managers(),
    asker = ASKER,
    named = false,
    snapshot = {},
  }: {
    with?: Managers;
    asker?: Asker;
    named?: boolean;
    snapshot?: Partial<Snapshot>;
  } = {},
): KillPlan {
  const all = makeSnapshot({ sockets, ...snapshot });
  return killPlan({ use: useOf(all, [PORT, PORT], BOTH), all, asker, managers: how, named });
}

const pids = ({ targets }: KillPlan): number[][] => targets.map(({ owners }) => owners.map(({ pid }) => pid));
const reasons = ({ refusals }: KillPlan): string[] => refusals.map(({ reason }) => reason);

describe('processes', () => {
  test('a listener’s owner, with what else it has', () => {
    const server = owner(7);
    const found = plan([
      socket([server]),
      connection([server]),
      connection([server]),
      socket([server], { local: { address: '127.0.0.1', port: 9229 } }),
      connection([server], { local: { address: '10.0.0.1', port: 41_000 } }),
      socket([owner(8)], { local: { address: '0.0.0.0', port: 8080 } }),
    ]);
    expect(pids(found)).toEqual([[7]]);
    expect(found.targets[0]).toMatchObject({
      how: 'process',
      elsewhere: [{ transport: 'tcp', local: { address: '127.0.0.1', port: 9229 } }],
      elsewhereConnections: 1,
    });
    expect(found.targets[0]?.connections).toHaveLength(2);
    expect(found.refusals).toEqual([]);
  });
  test('80 is neither 8080 nor 180 nor 8', () => {
    const others = [8080, 180, 8, 800].map((port, index) =>
      socket([owner(20 + index)], { local: { address: '0.0.0.0', port } }),
    );
    expect(plan(others)).toEqual({ targets: [], refusals: [] });
    expect(pids(plan([...others, socket([owner(7)])]))).toEqual([[7]]);
  });
  test('bound sockets and UDP ones', () => {
    expect(pids(plan([socket([owner(7)], { state: 'BOUND' })]))).toEqual([[7]]);
    expect(pids(plan([socket([owner(7)], { state: 'UNCONN', transport: 'udp' })]))).toEqual([[7]]);
  });
  test('all who share a socket, the launcher first', () => {
    const master = owner(50);
    const chain = [{ pid: 50, startedAt: master.startedAt, name: 'nginx' }];
    const workers = [owner(4, { launchedBy: chain }), owner(3, { launchedBy: chain })];
    const found = plan([socket([...workers, master])]);
    expect(pids(found)).toEqual([[50, 3, 4]]);
    const depths = found.targets[0]?.owners.map((one) => launchDepth(one, [...workers, master]));
    expect(depths).toEqual([0, 1, 1]);
  });
  test('sockets that share an owner are one target, others are not', () => {
    const [a, b, c] = [owner(2), owner(3), owner(4)];
    expect(pids(plan([socket([a, b]), socket([b]), socket([c])]))).toEqual([[2, 3], [4]]);
    expect(pids(plan([socket([a]), socket([c]), socket([a, c])]))).toEqual([[2, 4]]);
  });
});

describe('never', () => {
  test('a client with the same local port', () => {
    const found = plan([socket([owner(7)]), connection([owner(8)])]);
    expect(pids(found)).toEqual([[7]]);
    expect(found.refusals).toMatchObject([{ reason: 'connection', owner: { pid: 8 } }]);
    expect(plan([connection([owner(8)])])).toMatchObject({
      targets: [],
      refusals: [{ reason: 'connection' }],
    });
  });
  test('a connection that the listener shares with another process', () => {
    const server = owner(7);
    const found = plan([socket([server]), connection([server, owner(8)])]);
    expect(pids(found)).toEqual([[7]]);
    expect(found.targets[0]?.connections).toEqual([]);
    expect(reasons(found)).toEqual(['connection']);
  });
  test.each<[string, Partial<Socket>, string]>([
    ['pid 1', { owners: [owner(1)] }, 'init'],
    ['Portolan itself', { owners: [owner(900)] }, 'self'],
    ['its shell', { owners: [owner(901)] }, 'ancestor'],
    ['what started its shell', { owners: [owner(902)] }, 'ancestor'],
    ['who was only inferred', { owners: [owner(7, { inferred: true })] }, 'inferred'],
    ['who was not seen', { owners: [] }, 'hidden'],
    [
      'another network namespace',
      { owners: [owner(7)], namespace: { inode: 5, names: ['x'], container: null, process: null } },
      'namespace',
    ],
    ['the kernel', { kernel: true, owners: [] }, 'kernel'],
    ['TIME_WAIT', { state: 'TIME_WAIT', peer: PEER, inode: 0, owners: [], freeInMs: 900 }, 'closing'],
  ])('%s', (_who, over, reason) => {
    const found = plan([socket([], over)]);
    expect(found.targets).toEqual([]);
    expect(reasons(found)).toEqual([reason]);
    // A socket is free only when all its owners are gone: the others are not stopped for nothing.
    const shared = (over.owners ?? []).length > 0 && over.namespace === undefined;
    if (shared) expect(plan([socket([owner(7), ...(over.owners ?? [])])]).targets).toEqual([]);
  });
  test('a redirect', () => {
    const redirect = {
      transport: 'tcp' as const,
      family: 'ipv4' as const,
      address: null,
      ports: [PORT, PORT] as const,
      target: { address: '10.0.0.2', port: 80 },
      hooks: ['prerouting' as const],
      by: 'nftables' as const,
      table: 'ip nat',
      chain: 'x',
      maker: null,
      name: null,
      publishes: null,
    };
    expect(reasons(plan([], { snapshot: { redirects: [redirect] } }))).toEqual(['redirect']);
  });
  test('a connection nobody has accepted ends with its listener', () => {
    const queued = connection([], { inode: 0 });
    expect(reasons(plan([socket([owner(7)]), queued]))).toEqual(['queued']);
  });
  test('what may be a UDP client, unless UDP was named or it serves TCP too', () => {
    const host = { limits: { ephemeral: [70, 90] as const, reserved: [], unprivilegedFrom: 0 } };
    const udp = (who: Owner): Socket => socket([who], { state: 'UNCONN', transport: 'udp' });
    expect(reasons(plan([udp(owner(7))], { snapshot: host }))).toEqual(['datagram']);
    expect(pids(plan([udp(owner(7))], { snapshot: host, named: true }))).toEqual([[7]]);
    const mixed = plan([socket([owner(7)]), udp(owner(8))], { snapshot: host });
    expect([pids(mixed), reasons(mixed)]).toEqual([[[7]], ['datagram']]);
    expect(pids(plan([socket([owner(7)]), udp(owner(7))], { snapshot: host }))).toEqual([[7]]);
  });
});

describe('managers', () => {
  const unit = (...units: string[]): Manager => ({ kind: 'units', units, scope: 'system' });
  test('a unit is stopped once, whatever it has open', () => {
    const [master, worker] = [owner(5, { unit: 'web.service' }), owner(6, { unit: 'web.service' })];
    const other = owner(7, { unit: 'web.service' });
    const found = plan(
      [
        socket([master, worker]),
        socket([master], { local: { address: '::', port: PORT } }),
        socket([other], { local: { address: '0.0.0.0', port: 443 } }),
      ],
      { with: managers({ processes: new Map([5, 6].map((pid) => [pid, unit('web.service')])) }) },
    );
    expect(found.targets).toMatchObject([
      { how: 'unit', units: ['web.service'], elsewhere: [{ local: { port: 443 } }] },
    ]);
    expect(found.targets[0]?.holders).toHaveLength(2);
  });
  test('socket activation: the units, although pid 1 has the socket', () => {
    const activation = { socketUnit: 'web.socket', serviceUnit: 'web.service' };
    const held = socket([owner(1), owner(9, { unit: 'web.service' })], { activation });
    const units = managers({ activations: new Map([['web.socket', unit('web.socket', 'web.service')]]) });
    expect(plan([held], { with: units }).targets).toMatchObject([
      { how: 'unit', units: ['web.socket', 'web.service'] },
    ]);
    expect(reasons(plan([held]))).toEqual(['init']);
    const unsure = managers({
      activations: new Map([['web.socket', { kind: 'unreachable', reason: 'activation', command: 'x' }]]),
    });
    expect(plan([held], { with: unsure })).toMatchObject({
      targets: [],
      refusals: [{ reason: 'init' }],
    });
  });
  test('the unit or container that Portolan runs in', () => {
    const asker = { ...ASKER, unit: 'ci.service' };
    const inUnit = managers({ processes: new Map([[5, unit('ci.service')]]) });
    expect(reasons(plan([socket([owner(5)])], { with: inUnit, asker }))).toEqual(['self']);
    const inside = managers({
      processes: new Map([[5, { kind: 'container', container: CONTAINER, engine: '/run/docker.sock' }]]),
    });
    const own = { ...ASKER, container: { ...CONTAINER, name: 'x' } };
    expect(reasons(plan([socket([owner(5)])], { with: inside, asker: own }))).toEqual(['self']);
    expect(plan([socket([owner(5)])], { with: inside }).targets).toMatchObject([{ how: 'container' }]);
  });
  test('a container behind a proxy, and everything of it', () => {
    const published = socket([owner(5, { name: 'docker-proxy' })], {
      publishes: { container: CONTAINER, port: 8000 },
    });
    const inside = socket([owner(6, { container: CONTAINER })], { local: { address: '::', port: 9000 } });
    const how = managers({
      publishers: new Map([
        [CONTAINER.id, { kind: 'container', container: CONTAINER, engine: '/run/docker.sock' }],
      ]),
    });
    expect(plan([published, inside], { with: how }).targets).toMatchObject([
      { how: 'container', container: CONTAINER, elsewhere: [{ local: { port: 9000 } }] },
    ]);
  });
  test('one that cannot be asked leaves all as it is, with the command', () => {
    const how = managers({
      processes: new Map([[5, { kind: 'unreachable', reason: 'container', command: 'crictl stop x' }]]),
    });
    const found = plan([socket([owner(5), owner(6)])], { with: how });
    expect(found).toMatchObject({
      targets: [],
      refusals: [{ reason: 'container', command: 'crictl stop x' }],
    });
  });
});

const STATES: SocketState[] = ['LISTEN', 'UNCONN', 'BOUND', 'ESTABLISHED', 'SYN_SENT', 'TIME_WAIT', 'CLOSE'];
const anySocket = fc
  .record({
    port: fc.constantFrom(PORT, 8080, 8),
    transport: fc.constantFrom<Transport>('tcp', 'udp'),
    state: fc.constantFrom(...STATES),
    pids: fc.uniqueArray(fc.constantFrom(1, 2, 3, 4, 5, 900, 901), { maxLength: 3 }),
    inferred: fc.boolean(),
    peer: fc.constantFrom(null, PEER),
  })
  .map(({ port, state, transport, peer, inferred, pids: ids }) =>
    socket(
      ids.map((pid) => owner(pid, { inferred })),
      { local: { address: '0.0.0.0', port }, state, transport, peer },
    ),
  );

test('whatever is there: every target was seen to listen on this very port, and nobody else is one', () => {
  fc.assert(
    fc.property(fc.array(anySocket, { maxLength: 8 }), fc.boolean(), (sockets, named) => {
      const found = plan(sockets, { named });
      const stopped = new Set(pids(found).flat());
      for (const pid of [1, ...ASKER.pids]) expect(stopped.has(pid)).toBe(false);
      for (const pid of stopped) {
        const own = sockets.filter(
          (one) =>
            one.local.port === PORT &&
            ['listener', 'bound'].includes(holderKind(one)) &&
            one.owners.some((who) => who.pid === pid && !who.inferred),
        );
        expect(own.length).toBeGreaterThan(0);
      }
      // Each holder is either freed, or goes with a target, or is refused with a reason.
      const use = useOf(makeSnapshot({ sockets }), [PORT, PORT], BOTH);
      const told = [
        ...found.targets.flatMap((target) => [...target.holders, ...target.connections]),
        ...found.refusals.map(({ holder }) => holder),
      ];
      expect(new Set(told.map((holder) => holder.inode))).toEqual(
        new Set(use.holders.map((holder) => holder.inode)),
      );
    }),
  );
});

describe('afterwards', () => {
  const server = owner(7, { launchedBy: [{ pid: 6, startedAt: 'x', name: 'loop' }] });
  const listener = socket([server]);
  const before = plan([listener, connection([owner(8)], { inode: 77 })]);
  const end = (sockets: readonly Socket[], over: Partial<Snapshot> = {}): string =>
    killEnd(useOf(makeSnapshot({ sockets, ...over }), [PORT, PORT], BOTH), before);
  test('free, unknown, closing, held, taken', () => {
    const wait = socket([], { state: 'TIME_WAIT', peer: PEER, inode: 0, freeInMs: 5 });
    expect(end([])).toBe('free');
    expect(end([], { gaps: [makeGap()] })).toBe('unknown');
    expect(end([wait])).toBe('closing');
    expect(end([wait], { gaps: [makeGap()] })).toBe('unknown');
    expect(end([listener])).toBe('held');
    expect(end([connection([owner(8)], { inode: 77 })])).toBe('held');
    expect(end([socket([owner(99)])])).toBe('taken');
    // The very socket, in other hands.
    expect(end([{ ...listener, owners: [owner(99)] }])).toBe('taken');
    // One of two owners has gone.
    const both = plan([socket([server, owner(9)], { inode: 55 })]);
    const left = useOf(makeSnapshot({ sockets: [socket([server], { inode: 55 })] }), [PORT, PORT], BOTH);
    expect(killEnd(left, both)).toBe('held');
  });
  test('who starts it again is known by the same launcher', () => {
    const launchedBy = server.launchedBy;
    const again = useOf(
      makeSnapshot({ sockets: [socket([owner(99, { launchedBy })])] }),
      [PORT, PORT],
      BOTH,
    ).holders;
    const outcome = [
      {
        how: 'process',
        owner: server,
        units: [],
        container: null,
        signals: [],
        result: 'ended',
        detail: null,
        command: null,
      },
    ] as const;
    const [newcomer] = again;
    if (newcomer === undefined) throw new Error('no newcomer');
    expect(isNewcomer(newcomer, before)).toBe(true);
    expect(respawner(newcomer, outcome)).toMatchObject({ pid: 6 });
    expect(respawner({ ...newcomer, owners: [owner(98)] }, outcome)).toBeNull();
  });
});
