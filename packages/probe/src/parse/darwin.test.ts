// What macOS fills in, on bytes that are built here by the headers' layouts, whole, cut and hostile.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeArguments,
  encodeBsdInfo,
  encodeFds,
  encodeList,
  encodePids,
  encodeShortBsdInfo,
  encodeSocketFd,
  encodeUnixSocketFd,
  type MacProcess,
  type MacSocket,
  zeros,
} from '../../../../fixtures/mac.ts';
import {
  applicationOf,
  parseBsdInfo,
  parsePidList,
  parsePidPath,
  parseProcessArguments,
  parseShortBsdInfo,
  parseSocketFd,
  parseSocketFds,
  parseWorkingFolder,
} from './darwin-libproc.ts';
import { parsePcbList } from './darwin-pcblist.ts';
import { darwinState } from './darwin-row.ts';

const LOOPBACK = [127, 0, 0, 1];
const V6_LOOPBACK = [...zeros(15), 1];
/** fe80::1 on interface 4, as KAME keeps it. */
const LINK_LOCAL = [0xfe, 0x80, 0, 4, ...zeros(11), 1];

const socket = (over: Partial<MacSocket> = {}): MacSocket => ({
  transport: 'tcp',
  family: 'ipv4',
  address: LOOPBACK,
  port: 60_163,
  so: 0xffff_fe12_3456_789an,
  generation: 4711n,
  uid: 501,
  lastPid: 812,
  ...over,
});

/** Both ways of telling the same socket. */
const both = (one: MacSocket): [unknown, unknown] => {
  const fd = parseSocketFd(encodeSocketFd(one));
  const [row] = parsePcbList(encodeList([one]), one.transport).rows;
  const told = (from: object | undefined): object => ({ ...from, uid: 0, lastPid: 0, effectivePid: 0 });
  return [told(fd.kind === 'row' ? fd.row : undefined), told(row)];
};

describe('one socket, by descriptor and by list', () => {
  const cases: [string, MacSocket, object][] = [
    ['IPv4 listener', socket(), { family: 'ipv4', local: { address: '127.0.0.1', port: 60_163 }, peer: null, state: 'LISTEN', ipv6Only: null, device: null, so: 'fffffe123456789a', generation: '4711' }],
    ['any address', socket({ address: [0, 0, 0, 0] }), { local: { address: '0.0.0.0', port: 60_163 } }],
    ['IPv6 listener', socket({ family: 'ipv6', address: V6_LOOPBACK }), { family: 'ipv6', local: { address: '::1', port: 60_163 }, ipv6Only: null }],
    ['dual stack', socket({ family: 'ipv6', address: zeros(16), vflag: 3 }), { family: 'ipv6', local: { address: '::', port: 60_163 }, ipv6Only: false }],
    ['IPv6 only', socket({ family: 'ipv6', address: zeros(16), vflag: 2 }), { ipv6Only: true }],
    ['IPv6 socket that serves IPv4', socket({ family: 'ipv6', address: LOOPBACK, vflag: 1, state: 4, peer: { address: [10, 0, 0, 9], port: 443 } }), { family: 'ipv6', local: { address: '::ffff:127.0.0.1', port: 60_163 }, peer: { address: '::ffff:10.0.0.9', port: 443 }, state: 'ESTABLISHED' }],
    ['link-local', socket({ family: 'ipv6', address: LINK_LOCAL }), { local: { address: 'fe80::1', port: 60_163 }, device: '4' }],
    ['closing', socket({ state: 10, peer: { address: LOOPBACK, port: 50_000 } }), { state: 'TIME_WAIT', peer: { address: '127.0.0.1', port: 50_000 } }],
    ['bound and no more', socket({ state: 0 }), { state: 'BOUND', peer: null }],
    ['UDP', socket({ transport: 'udp' }), { transport: 'udp', state: 'UNCONN', peer: null }],
    ['connected UDP', socket({ transport: 'udp', peer: { address: [8, 8, 8, 8], port: 53 } }), { state: 'ESTABLISHED' }],
    ['hidden identity', socket({ so: 0n }), { so: null }],
  ]; // biome-ignore format: a row a case
  test.each(cases)('%s', (_name, one, expected) => {
    const [byFd, byList] = both(one);
    expect(byFd).toMatchObject(expected);
    expect(byList).toEqual(byFd);
  });

  test('one without a port holds none, and is there all the same', () => {
    const one = socket({ port: 0, state: 0 });
    expect(parseSocketFd(encodeSocketFd(one))).toEqual({
      kind: 'unbound', transport: 'tcp', so: 'fffffe123456789a', generation: '4711',
    }); // biome-ignore format: short
    const list = parsePcbList(encodeList([one]), 'tcp');
    expect(list).toMatchObject({ rows: [], whole: true, counted: 1 });
    expect(list.unbound).toEqual([{ so: 'fffffe123456789a', generation: '4711', uid: 501, lastPid: 812 }]);
  });
  test('a socket of the file system is another kind', () => {
    expect(parseSocketFd(encodeUnixSocketFd())).toEqual({ kind: 'other' });
  });
  test('states by number', () => {
    const names = Array.from({ length: 11 }, (_, state) => darwinState('tcp', state, true));
    expect(names).toEqual([
      'CLOSE', 'LISTEN', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT1', 'CLOSING', 'LAST_ACK',
      'FIN_WAIT2', 'TIME_WAIT',
    ]); // biome-ignore format: in the order of the kernel
    expect(darwinState('tcp', 99, true)).toBe('CLOSE');
  });
});

describe('lists', () => {
  const three = [
    socket(),
    socket({ generation: 4712n, so: 2n, uid: 0, lastPid: 1, effectivePid: 77, port: 22 }),
    socket({ generation: 4713n, so: 3n, port: 0 }),
  ];
  test.each(['now', 'before-22', 'later'] as const)('records of the layout %s', (layout) => {
    const list = parsePcbList(encodeList(three, layout), 'tcp');
    expect(list).toMatchObject({ counted: 3, whole: true });
    expect(
      list.rows.map(({ local, uid, lastPid, effectivePid }) => [local.port, uid, lastPid, effectivePid]),
    ).toEqual([
      [60_163, 501, 812, 0],
      [22, 0, 1, 77],
    ]);
    expect(list.unbound).toHaveLength(1);
  });
  test('a socket takes the bytes that the layouts add up to', () => {
    const size = (transport: 'tcp' | 'udp', layout: 'now' | 'before-22'): number =>
      encodeList([socket({ transport })], layout).length - 48;
    expect([size('udp', 'now'), size('tcp', 'now'), size('udp', 'before-22')]).toEqual([408, 616, 384]);
  });
  test('none at all', () => {
    expect(parsePcbList(encodeList([]), 'tcp')).toMatchObject({ rows: [], counted: 0, whole: true });
    expect(parsePcbList(Buffer.concat([encodeList([]), encodeList([])]), 'tcp').whole).toBe(true);
    expect(parsePcbList(new Uint8Array(0), 'tcp')).toEqual({
      rows: [],
      unbound: [],
      counted: null,
      whole: false,
    });
  });
  test('cut anywhere, it is not whole, and what was read is right', () => {
    const bytes = encodeList(three);
    const all = parsePcbList(bytes, 'tcp').rows;
    for (let length = 0; length < bytes.length; length++) {
      const list = parsePcbList(bytes.subarray(0, length), 'tcp');
      // Eight bytes of the last header say all that is asked of it.
      if (length <= bytes.length - 24) expect(list.whole, String(length)).toBe(false);
      expect(list.rows).toEqual(all.slice(0, list.rows.length));
    }
  });
  test('a part that is missing or short is told, and the others are read', () => {
    const bytes = Buffer.from(encodeList(three));
    // The first socket's record of the socket becomes one of an unknown kind.
    bytes.writeUInt32LE(0x4000, 24 + 104 + 4);
    const list = parsePcbList(bytes, 'tcp');
    expect(list.whole).toBe(false);
    expect(list.rows.map(({ local }) => local.port)).toEqual([22]);
  });
  test('a TCP list without control blocks of TCP is none', () => {
    expect(parsePcbList(encodeList([socket({ transport: 'udp' })]), 'tcp')).toMatchObject({
      rows: [],
      whole: false,
    });
  });
});

describe('processes', () => {
  const mac: MacProcess = { pid: 812, parent: 1, uid: 501, name: 'a name of twenty-odd' };
  test('long and short', () => {
    expect(parseBsdInfo(encodeBsdInfo(mac))).toEqual({
      pid: 812, parent: 1, uid: 501, name: 'a name of twenty-odd', startSeconds: 1_700_000_000.25,
    }); // biome-ignore format: short
    expect(parseShortBsdInfo(encodeShortBsdInfo(mac))).toEqual({
      pid: 812, parent: 1, uid: 501, name: 'a name of twent', startSeconds: null,
    }); // biome-ignore format: short
    expect(parseBsdInfo(encodeBsdInfo(mac).subarray(0, 135))).toBeNull();
    expect(parseShortBsdInfo(encodeShortBsdInfo(mac).subarray(0, 63))).toBeNull();
  });
  test('pids and descriptors', () => {
    expect(parsePidList(encodePids([0, 9, 3, 9, -1, 0]))).toEqual([3, 9]);
    expect(parseSocketFds(encodeFds([[0, 1], [3, 2], [4, 6], [7, 2], [-1, 2]]))).toEqual([3, 7]); // biome-ignore format: short
    expect(parseSocketFds(encodeFds([[3, 2], [7, 2]]).subarray(0, 15))).toEqual([3]); // biome-ignore format: short
  });
  test('paths', () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(parsePidPath(bytes('/usr/bin/ssh\0rest'))).toBe('/usr/bin/ssh');
    expect(parsePidPath(bytes('relative'))).toBeNull();
    expect(applicationOf('/Applications/Some App.app/Contents/MacOS/Electron')).toBe('Some App');
    expect(applicationOf('/Applications/X.app/Contents/Resources/bin/node')).toBeNull();
    expect(applicationOf('/usr/sbin/sshd')).toBeNull();
  });
  test('arguments, and the label of a job', () => {
    const args = encodeArguments(
      '/bin/x',
      ['x', '', 'b c'],
      ['A=1', 'XPC_SERVICE_NAME=com.example.x', 'B=2'],
    );
    expect(parseProcessArguments(args)).toEqual({ argv: ['x', '', 'b c'], label: 'com.example.x' });
    expect(parseProcessArguments(encodeArguments('/bin/x', ['x'], ['XPC_SERVICE_NAME=0']))?.label).toBeNull();
    expect(parseProcessArguments(encodeArguments('/bin/x', [], []))).toEqual({ argv: [], label: null });
    for (let length = 0; length < 20; length++)
      expect(parseProcessArguments(args.subarray(0, length))).toBeNull();
    const many = Buffer.from(args);
    many.writeInt32LE(0x7fff_ffff, 0);
    expect(parseProcessArguments(many)).toBeNull();
  });
});

/** Bytes in the middle of a larger buffer, whose other bytes must not be seen. */
function walled(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(bytes.length + 64).fill(0xa5);
  all.set(bytes, 32);
  return all.subarray(32, 32 + bytes.length);
}

/** Encoded things, with bytes changed, cut anywhere, and any bytes. */
function hostile(...whole: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(
      fc.constantFrom(...whole),
      fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 6 }),
      fc.nat(4000),
    )
    .map(([bytes, changes, length]) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return walled(copy.subarray(0, length));
    });
  return fc.oneof(changed, fc.uint8Array({ maxLength: 900 }).map(walled));
}

describe('hostile bytes: an answer always, an end always, nothing from beyond', () => {
  const runs = { numRuns: 3000 };
  const valid = (row: { local: { port: number }; peer: { port: number } | null; state: string }): void => {
    expect(row.local.port).toBeGreaterThan(0);
    expect(row.local.port).toBeLessThan(65_536);
    expect(row.state).toMatch(/^[A-Z_0-9]+$/);
  };
  const list = encodeList(
    [socket(), socket({ family: 'ipv6', address: LINK_LOCAL, generation: 5n })],
    'later',
  );
  test('lists', () => {
    fc.assert(
      fc.property(
        hostile(list, encodeList([socket({ transport: 'udp' })])),
        fc.constantFrom('tcp', 'udp'),
        (bytes, transport) => {
          const first = parsePcbList(bytes, transport);
          for (const row of first.rows) valid(row);
          expect(first.rows.length + first.unbound.length).toBeLessThanOrEqual(bytes.length / 24);
          // The same bytes with nothing around them.
          expect(parsePcbList(Uint8Array.from(bytes), transport)).toEqual(first);
        },
      ),
      runs,
    );
  });
  test('a UDP socket with a TCP record that is too short is a UDP socket', () => {
    const tcp = encodeList([socket()]);
    const at = tcp.findIndex((_, index) => tcp[index] === 204 && tcp[index + 4] === 0x20);
    expect(at).toBeGreaterThan(0);
    const short = Uint8Array.from([28, 0, 0, 0, 0x20, 0, 0, 0]);
    const bytes = Buffer.concat([tcp.subarray(0, at), short, tcp.subarray(at + 8, at + 32)]);
    expect(parsePcbList(bytes, 'udp').whole).toBe(false);
    const ended = Buffer.concat([bytes, Uint8Array.from([24, 0, 0, 0]), new Uint8Array(20)]);
    expect(parsePcbList(ended, 'udp').rows).toMatchObject([{ transport: 'udp' }]);
    expect(parsePcbList(ended, 'tcp').whole).toBe(false);
  });
  test('descriptors and sockets', () => {
    const whole = encodeSocketFd(socket());
    fc.assert(
      fc.property(hostile(whole, encodeUnixSocketFd(), encodeFds([[3, 2]])), (bytes) => {
        const found = parseSocketFd(bytes);
        if (bytes.length < 792) expect(found.kind).toBe('short');
        if (found.kind === 'row') valid(found.row);
        expect(parseSocketFd(Uint8Array.from(bytes))).toEqual(found);
        expect(parseSocketFds(bytes).length).toBeLessThanOrEqual(bytes.length / 8);
        for (const pid of parsePidList(bytes)) expect(pid).toBeGreaterThan(0);
      }),
      runs,
    );
  });
  test('processes', () => {
    const mac: MacProcess = { pid: 1, parent: 0, uid: 0, name: 'launchd' };
    const args = encodeArguments('/sbin/launchd', ['launchd'], ['XPC_SERVICE_NAME=x']);
    fc.assert(
      fc.property(hostile(encodeBsdInfo(mac), encodeShortBsdInfo(mac), args), (bytes) => {
        const copy = Uint8Array.from(bytes);
        for (const parse of [
          parseBsdInfo,
          parseShortBsdInfo,
          parsePidPath,
          parseWorkingFolder,
          parseProcessArguments,
        ]) {
          expect(parse(copy)).toEqual(parse(bytes));
        }
      }),
      runs,
    );
  });
});
