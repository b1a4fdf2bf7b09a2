// /proc/net/{tcp,udp}{,6}: lines as a kernel wrote them, and lines that it did not.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProcNet } from './linux-proc-net.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';
const HEAD6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

// Recorded on Linux 6.18, x86-64.
const LISTEN =
  '   0: 0100007F:EB03 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 19716 1 0000000000000000 100 0 0 10 0                     \n';
const TIME_WAIT =
  '   1: 0100007F:EB03 0100007F:A90E 06 00000000:00000000 03:00001648 00000000     0        0 0 3 0000000000000000                                      \n';
const V6_LISTEN =
  '   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23110 1 0000000000000000 100 0 0 10 0\n';
const V4_MAPPED =
  '   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:C3A2 01 00000000:00000000 00:00000000 00000000   999        0 23999 1 0000000000000000 20 4 30 10 -1\n';
const UDP =
  ' 9377: 00000000:EB03 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 19717 2 0000000000000000 0         \n';

describe('real lines', () => {
  test('a listener', () => {
    expect(parseProcNet(HEAD + LISTEN, 'tcp')).toEqual({
      unreadable: [],
      rows: [
        {
          transport: 'tcp',
          family: 'ipv4',
          local: { address: '127.0.0.1', port: 60_163 },
          peer: null,
          state: 'LISTEN',
          inode: 19_716,
          uid: 1000,
          freeInMs: null,
          ipv6Only: null,
          cgroupId: null,
          device: null,
          mptcp: false,
        },
      ],
    });
  });
  test('TIME_WAIT: ticks of 10 ms left, no owner, and uid 0 is not root’s', () => {
    expect(parseProcNet(HEAD + TIME_WAIT, 'tcp').rows[0]).toMatchObject({
      state: 'TIME_WAIT',
      local: { port: 60_163 },
      peer: { address: '127.0.0.1', port: 0xa90e },
      freeInMs: 0x1648 * 10,
      uid: null,
      inode: 0,
    });
  });
  test('v6 and IPv4-mapped', () => {
    const { rows, unreadable } = parseProcNet(HEAD6 + V6_LISTEN + V4_MAPPED, 'tcp');
    expect(unreadable).toEqual([]);
    expect(rows[0]).toMatchObject({
      family: 'ipv6',
      local: { address: '::1', port: 8080 },
      state: 'LISTEN',
      uid: 0,
    });
    expect(rows[1]).toMatchObject({
      family: 'ipv6',
      local: { address: '::ffff:127.0.0.1', port: 8080 },
      peer: { address: '::ffff:127.0.0.1', port: 50_082 },
      state: 'ESTABLISHED',
      uid: 999,
    });
  });
  test('UDP', () => {
    expect(parseProcNet(HEAD + UDP, 'udp').rows[0]).toMatchObject({
      transport: 'udp',
      state: 'UNCONN',
      local: { address: '0.0.0.0', port: 60_163 },
      uid: 101,
      inode: 19_717,
    });
  });
  test('the timer of another state is no TIME_WAIT', () => {
    const line = LISTEN.replace('00:00000000', '03:00001648');
    expect(parseProcNet(HEAD + line, 'tcp').rows[0]?.freeInMs).toBeNull();
  });
  test('a big-endian machine prints the bytes in order', () => {
    const line = LISTEN.replace('0100007F', '7F000001');
    expect(parseProcNet(HEAD + line, 'tcp', 'BE').rows[0]?.local.address).toBe('127.0.0.1');
    const six = V6_LISTEN.replace('00000000000000000000000001000000', '00000000000000000000000000000001');
    expect(parseProcNet(HEAD6 + six, 'tcp', 'BE').rows[0]?.local.address).toBe('::1');
  });
});

describe('lines that cannot be read are reported', () => {
  test.each([
    ['nonsense', 'nonsense\n'],
    ['a bad port', LISTEN.replace('EB03', 'XYZW')],
    ['a short address', LISTEN.replace('0100007F', '01007F')],
    ['a line cut before the inode', LISTEN.slice(0, 85)],
    ['two lines run together', LISTEN.trimEnd().slice(0, 40) + LISTEN.slice(60)],
  ])('%s', (_what, line) => {
    const table = parseProcNet(HEAD + LISTEN + line, 'tcp');
    expect(table.rows).toHaveLength(1);
    expect(table.unreadable).toHaveLength(1);
  });
  test('an empty table is empty; no table at all is not', () => {
    expect(parseProcNet(HEAD, 'tcp')).toEqual({ rows: [], unreadable: [] });
    // A kernel always writes the header, so text without one is not the table but a damaged copy of it.
    expect(parseProcNet('', 'tcp').unreadable).toHaveLength(1);
    expect(parseProcNet('\n', 'udp').unreadable).toHaveLength(1);
  });
});

describe('for any text', () => {
  const piece = fc.oneof(
    fc.constantFrom(HEAD, HEAD6, LISTEN, TIME_WAIT, V6_LISTEN, V4_MAPPED, UDP, '\n', '\u0000', ':'),
    fc.string({ maxLength: 60 }),
    fc
      .tuple(fc.constantFrom(LISTEN, V6_LISTEN), fc.nat(150), fc.string({ maxLength: 3 }))
      .map(([line, at, filler]) => line.slice(0, at) + filler + line.slice(at + 1)),
  );
  test('it never throws, and every line is a row, unreadable, blank or a header', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom('tcp', 'udp'), (parts, transport) => {
        const text = HEAD + parts.join('');
        const { rows, unreadable } = parseProcNet(text, transport);
        const others = text.split('\n').filter((line) => line.trim() === '' || /^\s*sl\s/.test(line)).length;
        expect(rows.length + unreadable.length + others).toBe(text.split('\n').length);
        for (const row of rows) {
          expect(row.local.port).toBeGreaterThanOrEqual(0);
          expect(row.local.port).toBeLessThanOrEqual(65_535);
          expect(Number.isFinite(row.inode)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
  test('every port and address comes back', () => {
    fc.assert(
      fc.property(fc.nat(65_535), fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), (port, bytes) => {
        const hex = Buffer.from(bytes.toReversed()).toString('hex').toUpperCase();
        const line = LISTEN.replace(
          '0100007F:EB03',
          `${hex}:${port.toString(16).toUpperCase().padStart(4, '0')}`,
        );
        expect(parseProcNet(HEAD + line, 'tcp').rows[0]?.local).toEqual({ address: bytes.join('.'), port });
      }),
    );
  });
});
