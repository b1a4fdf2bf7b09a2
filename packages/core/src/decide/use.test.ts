// From sockets to holders and the verdict; above all: nothing is called free where a gap could hide a holder.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeGap, makeRedirect, makeSnapshot, makeSocket } from '../../../../fixtures/makers.ts';
import type { Transport } from '../model/port.ts';
import type { Gap, NetNamespace, Socket, SocketState } from '../model/socket.ts';
import { holderKind, holdersOf, useOf } from './use.ts';

const PEER = { address: '10.0.0.1', port: 443 };
const STATES: SocketState[] = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
  'BOUND',
  'UNCONN',
];

describe('holderKind', () => {
  test.each<[SocketState, Partial<Socket>, string]>([
    ['LISTEN', {}, 'listener'],
    ['UNCONN', { transport: 'udp' }, 'listener'],
    ['BOUND', {}, 'bound'],
    ['CLOSE', {}, 'bound'],
    ['CLOSE', { peer: PEER }, 'connection'],
    ['CLOSE', { inode: 0 }, 'closing'],
    ['ESTABLISHED', { peer: PEER }, 'connection'],
    ['ESTABLISHED', { transport: 'udp', peer: PEER }, 'connection'],
    ['SYN_SENT', { peer: PEER }, 'connection'],
    ['SYN_RECV', { peer: PEER }, 'connection'],
    ['NEW_SYN_RECV', { peer: PEER, inode: 0 }, 'connection'],
    ['CLOSE_WAIT', { peer: PEER }, 'connection'],
    ['FIN_WAIT1', { peer: PEER }, 'connection'],
    ['FIN_WAIT1', { peer: PEER, inode: 0 }, 'closing'],
    ['FIN_WAIT2', { peer: PEER }, 'connection'],
    ['FIN_WAIT2', { peer: PEER, inode: 0 }, 'closing'],
    ['CLOSING', { peer: PEER, inode: 0 }, 'closing'],
    ['LAST_ACK', { peer: PEER, inode: 0 }, 'closing'],
    ['TIME_WAIT', { peer: PEER, inode: 0, freeInMs: 100 }, 'closing'],
    // sock_diag gives a TIME_WAIT its old inode on some kernels; it is closing all the same.
    ['TIME_WAIT', { peer: PEER }, 'closing'],
  ])('%s %j is %s', (state, over, kind) => {
    expect(holderKind(makeSocket({ state, ...over }))).toBe(kind);
  });
  test('the kernel’s own socket is the kernel’s in any state', () => {
    for (const state of STATES) expect(holderKind(makeSocket({ state, kernel: true }))).toBe('kernel');
  });
});

const transport = fc.constantFrom<Transport>('tcp', 'udp', 'sctp', 'dccp');
const port = fc.integer({ min: 0, max: 20 });
const anySocket = fc
  .record({
    transport,
    port,
    state: fc.constantFrom(...STATES),
    inode: fc.constantFrom(0, 7),
    kernel: fc.boolean(),
    peer: fc.constantFrom(null, PEER),
  })
  .map((of) => makeSocket({ ...of, local: { address: '127.0.0.1', port: of.port } }));
const anyGap: fc.Arbitrary<Gap> = fc
  .record({ coversUse: fc.boolean(), transports: fc.subarray<Transport>(['tcp', 'udp', 'sctp', 'dccp']) })
  .map(makeGap);
const asked = fc.subarray<Transport>(['tcp', 'udp', 'sctp', 'dccp'], { minLength: 1 });

describe('useOf', () => {
  test('held with a holder; free only with neither holder nor a gap that could hide one; else unknown', () => {
    fc.assert(
      fc.property(
        fc.array(anySocket, { maxLength: 6 }),
        fc.array(anyGap, { maxLength: 4 }),
        port,
        asked,
        (sockets, gaps, number, transports) => {
          const use = useOf(makeSnapshot({ sockets, gaps }), [number, number], transports);
          const there = sockets.filter(
            (socket) => socket.local.port === number && transports.includes(socket.transport),
          );
          const hiding = gaps.some(
            (gap) =>
              gap.coversUse &&
              (gap.transports.length === 0 || gap.transports.some((word) => transports.includes(word))),
          );
          expect(use.holders).toHaveLength(there.length);
          expect(use.verdict).toBe(there.length > 0 ? 'held' : hiding ? 'unknown' : 'free');
          if (hiding) expect(use.verdict).not.toBe('free');
          // A gap that is about what was asked is always passed on.
          if (hiding) expect(use.gaps.some((gap) => gap.coversUse)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a gap about UDP does not make TCP unknown', () => {
    const snapshot = makeSnapshot({ gaps: [makeGap({ transports: ['udp'] })] });
    expect(useOf(snapshot, [80, 80], ['tcp']).verdict).toBe('free');
    expect(useOf(snapshot, [80, 80], ['tcp', 'udp']).verdict).toBe('unknown');
  });

  test('a closing socket holds the port as any other', () => {
    const sockets = [makeSocket({ state: 'TIME_WAIT', inode: 0, peer: PEER, freeInMs: 1500 })];
    const use = useOf(makeSnapshot({ sockets }), [5000, 5000], ['tcp']);
    expect(use.verdict).toBe('held');
    expect(use.holders[0]).toMatchObject({ kind: 'closing', freeInMs: 1500 });
  });

  test('the peer’s port holds nothing here', () => {
    const sockets = [makeSocket({ state: 'ESTABLISHED', peer: { address: '10.0.0.1', port: 8443 } })];
    expect(useOf(makeSnapshot({ sockets }), [8443, 8443], ['tcp']).verdict).toBe('free');
  });
});

test('holders come by port, then the gravest kind first', () => {
  const at = (number: number, over: Partial<Socket>) =>
    makeSocket({ local: { address: '127.0.0.1', port: number }, ...over });
  const sockets = [
    at(9, { state: 'TIME_WAIT', inode: 0, peer: PEER }),
    at(9, { state: 'ESTABLISHED', peer: PEER }),
    at(9, { state: 'BOUND' }),
    at(9, { transport: 'udp', state: 'UNCONN', kernel: true }),
    at(9, {}),
    at(3, { state: 'TIME_WAIT', inode: 0, peer: PEER }),
  ];
  const holders = holdersOf(makeSnapshot({ sockets }), null, ['tcp', 'udp']);
  expect(holders.map((holder) => `${holder.local.port} ${holder.kind}`)).toEqual([
    '3 closing',
    '9 listener',
    '9 bound',
    '9 kernel',
    '9 connection',
    '9 closing',
  ]);
});

describe('redirects', () => {
  const only = (over: Parameters<typeof makeRedirect>[0], wanted: [number, number] | null) =>
    holdersOf(makeSnapshot({ redirects: [makeRedirect(over)] }), wanted, ['tcp', 'udp']);

  test('a rule holds the port, whoever may bind it', () => {
    const use = useOf(makeSnapshot({ redirects: [makeRedirect()] }), [5000, 5000], ['tcp']);
    expect(use.verdict).toBe('held');
    expect(use.holders).toMatchObject([
      {
        kind: 'redirect',
        state: 'REDIRECT',
        local: { address: '0.0.0.0', port: 5000 },
        peer: { address: '0.0.0.0', port: 80 },
        owners: [],
        namespace: null,
        redirect: { table: 'mine' },
      },
    ]);
  });
  test('of a range it is the wanted port that stands on the holder', () => {
    const range = { ports: [5000, 5009], target: { address: '10.0.0.1', port: null } } as const;
    expect(only(range, [5004, 5004])).toMatchObject([
      { local: { port: 5004 }, peer: { address: '10.0.0.1', port: 5004 } },
    ]);
    expect(only(range, [4000, 5004])).toMatchObject([{ local: { port: 5000 } }]);
    expect(only(range, null)).toMatchObject([{ local: { port: 5000 } }]);
  });
  test('another port or transport is not touched', () => {
    for (const wanted of [4999, 5001]) expect(only({}, [wanted, wanted])).toEqual([]);
    expect(only({ transport: 'sctp' }, [5000, 5000])).toEqual([]);
  });
  test('the address it matches, and its family’s any', () => {
    expect(only({ address: '10.0.0.0/8' }, null)).toMatchObject([{ local: { address: '10.0.0.0/8' } }]);
    expect(only({ family: 'ipv6' }, null)).toMatchObject([
      { local: { address: '::' }, peer: { address: '::' } },
    ]);
  });
  test('a listener comes before the rule, a connection after it', () => {
    const snapshot = makeSnapshot({
      sockets: [makeSocket({ state: 'ESTABLISHED', peer: PEER }), makeSocket()],
      redirects: [makeRedirect()],
    });
    const kinds = holdersOf(snapshot, null, ['tcp']).map(({ kind }) => kind);
    expect(kinds).toEqual(['listener', 'redirect', 'connection']);
  });
});

const elsewhere = (over: Partial<NetNamespace> = {}): NetNamespace => ({
  inode: 4_026_532_000,
  names: [],
  container: null,
  process: null,
  ...over,
});

describe('other network namespaces', () => {
  const foreign = makeSocket({ namespace: elsewhere() });

  test('what they hold is shown and holds nothing here', () => {
    const use = useOf(makeSnapshot({ sockets: [foreign] }), [5000, 5000], ['tcp']);
    expect(use.verdict).toBe('free');
    expect(use.holders).toMatchObject([{ kind: 'listener', namespace: { inode: 4_026_532_000 } }]);
    const gap = makeSnapshot({ sockets: [foreign], gaps: [makeGap()] });
    expect(useOf(gap, [5000, 5000], ['tcp']).verdict).toBe('unknown');
  });

  test('the verdict is the same with them and without', () => {
    const somewhere = fc.constantFrom(null, elsewhere(), elsewhere({ inode: 5 }), elsewhere({ inode: null }));
    const placed = fc.tuple(anySocket, somewhere).map(([socket, namespace]) => ({ ...socket, namespace }));
    fc.assert(
      fc.property(
        fc.array(placed, { maxLength: 8 }),
        fc.array(anyGap, { maxLength: 2 }),
        port,
        asked,
        (sockets, gaps, number, transports) => {
          const all = useOf(makeSnapshot({ sockets, gaps }), [number, number], transports);
          const here = sockets.filter(({ namespace }) => namespace === null);
          const alone = useOf(makeSnapshot({ sockets: here, gaps }), [number, number], transports);
          expect(all.verdict).toBe(alone.verdict);
          // Here comes before elsewhere, and in the very order in which it comes alone.
          expect(all.holders.slice(0, alone.holders.length)).toEqual(alone.holders);
          for (const holder of all.holders.slice(alone.holders.length))
            expect(holder.namespace).not.toBeNull();
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('the order is one order, whatever order the sockets come in', () => {
    const somewhere = fc.constantFrom(null, elsewhere(), elsewhere({ inode: 5 }));
    const device = fc.constantFrom(null, 'eth0', 'eth1');
    const placed = fc
      .tuple(anySocket, somewhere, device)
      .map(([socket, namespace, on]) => ({ ...socket, namespace, device: on }));
    const words = (sockets: readonly Socket[]): string[] =>
      holdersOf(makeSnapshot({ sockets }), null, ['tcp', 'udp', 'sctp', 'dccp']).map(
        (holder) =>
          `${holder.namespace?.inode} ${holder.local.port} ${holder.kind} ${holder.transport} ${holder.device} ${holder.group}`,
      );
    fc.assert(
      fc.property(
        fc
          .array(placed, { maxLength: 8 })
          .chain((sockets) =>
            fc.tuple(
              fc.constant(sockets),
              fc.shuffledSubarray(sockets, { minLength: sockets.length, maxLength: sockets.length }),
            ),
          ),
        ([sockets, shuffled]) => {
          expect(words(shuffled)).toEqual(words(sockets));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('groups', () => {
  const groups = (sockets: readonly Socket[]): number[] =>
    holdersOf(makeSnapshot({ sockets }), null, ['tcp', 'udp']).map(({ group }) => group);

  test('listeners on the very same endpoint share it', () => {
    expect(groups([makeSocket(), makeSocket({ inode: 2 }), makeSocket({ inode: 3 })])).toEqual([3, 3, 3]);
    const udp = { transport: 'udp', state: 'UNCONN' } as const;
    expect(groups([makeSocket(udp), makeSocket({ ...udp, inode: 2 })])).toEqual([2, 2]);
  });
  test.each<[string, Partial<Socket>]>([
    ['another address', { local: { address: '0.0.0.0', port: 5000 } }],
    ['another port', { local: { address: '127.0.0.1', port: 5001 } }],
    ['another transport', { transport: 'udp', state: 'UNCONN' }],
    ['another interface', { device: 'eth0' }],
    ['another namespace', { namespace: elsewhere() }],
    ['a connection', { state: 'ESTABLISHED', peer: PEER }],
    ['bound only', { state: 'BOUND' }],
  ])('%s is not of the group', (_, over) => {
    expect(groups([makeSocket(), makeSocket({ inode: 2, ...over })])).toEqual([1, 1]);
  });
  test('a namespace is the same by its inode, not as an object', () => {
    const two = [
      makeSocket({ namespace: elsewhere() }),
      makeSocket({ inode: 2, namespace: elsewhere({ inode: 7 }) }),
      makeSocket({ inode: 3, namespace: elsewhere() }),
    ];
    expect(groups(two).toSorted((a, b) => a - b)).toEqual([1, 2, 2]);
  });
  test('each group has as many as it says', () => {
    const device = fc.constantFrom(null, 'eth0');
    const somewhere = fc.constantFrom(null, elsewhere());
    const many = fc.array(
      fc
        .tuple(
          fc.nat(1),
          fc.constantFrom('127.0.0.1', '::'),
          device,
          somewhere,
          fc.constantFrom('LISTEN', 'BOUND'),
        )
        .map(([number, address, on, namespace, state]) =>
          makeSocket({
            local: { address, port: number },
            device: on,
            namespace,
            state: state as SocketState,
          }),
        ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(many, (sockets) => {
        const holders = holdersOf(makeSnapshot({ sockets }), null, ['tcp']);
        for (const holder of holders) {
          const same = holders.filter(
            (other) =>
              other.kind === 'listener' &&
              other.local.port === holder.local.port &&
              other.local.address === holder.local.address &&
              other.device === holder.device &&
              other.namespace === holder.namespace,
          );
          expect(holder.group).toBe(holder.kind === 'listener' ? same.length : 1);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
