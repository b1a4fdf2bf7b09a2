// Tables of iphlpapi, encoded here, and everything that such bytes may be instead.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeTable, fileTime } from '../../../../fixtures/win32-tables.ts';
import { parseOwnerModule } from './win32-owner-module.ts';
import { fileTimeToIso, parseOwnerTable, type TableKind } from './win32-tables.ts';

const LOOPBACK6 = [...Array<number>(15).fill(0), 1];
const LINK_LOCAL = [0xfe, 0x80, ...Array<number>(13).fill(0), 9];
const STARTED = '2026-03-01T10:00:00.123Z';

test('TCP over IPv4: ports in network byte order, dirt above them, states, peers, times', () => {
  const bytes = encodeTable(
    'tcp',
    [
      { local: [0, 0, 0, 0], port: 445, pid: 4, peer: [9, 9, 9, 9], peerPort: 7, dirt: 0xbeef },
      { state: 5, local: [10, 0, 0, 2], port: 50_001, peer: [1, 2, 3, 4], peerPort: 443, pid: 77, created: fileTime(STARTED) },
      { state: 11, local: [127, 0, 0, 1], port: 60_163, peer: [127, 0, 0, 1], peerPort: 80, pid: 0 },
    ],
    false,
  ); // biome-ignore format: rows read better as lines
  const { rows, whole } = parseOwnerTable(bytes, { transport: 'tcp', family: 'ipv4' });
  expect(whole).toBe(true);
  expect(rows).toMatchObject([
    { local: { address: '0.0.0.0', port: 445 }, peer: null, state: 'LISTEN', pid: 4, createdAt: null, offset: 8 },
    {
      local: { address: '10.0.0.2', port: 50_001 },
      peer: { address: '1.2.3.4', port: 443 },
      state: 'ESTABLISHED',
      pid: 77,
      offset: 168,
    },
    { state: 'TIME_WAIT', pid: 0, peer: { address: '127.0.0.1', port: 80 } },
  ]); // biome-ignore format: rows read better as lines
  expect(fileTimeToIso(rows[1]?.createdAt ?? 0n)).toBe(STARTED);
});

test('TCP over IPv6: the scope in either byte order', () => {
  const row = { local: LINK_LOCAL, port: 5985, pid: 4 };
  const bytes = encodeTable(
    'tcp',
    [
      { ...row, scope: 12 },
      { ...row, scope: 0x0c00_0000 },
      { local: LOOPBACK6, port: 3000, pid: 9, state: 2 },
    ],
    true,
  );
  expect(parseOwnerTable(bytes, { transport: 'tcp', family: 'ipv6' }).rows).toMatchObject([
    { local: { address: 'fe80::9', port: 5985 }, scope: 12, state: 'LISTEN' },
    { scope: 12 },
    { local: { address: '::1', port: 3000 }, scope: null, pid: 9, offset: 8 + 2 * 192 },
  ]);
});

test.each([
  ['ipv4', false, [0, 0, 0, 0], '0.0.0.0'],
  ['ipv6', true, LOOPBACK6, '::1'],
] as const)('UDP over %s has no state and no peer', (family, six, local, address) => {
  const created = fileTime(STARTED);
  const bytes = encodeTable(
    'udp',
    [
      { local, port: 5353, pid: 1234, created },
      { local, port: 53, pid: 8 },
    ],
    six,
  );
  expect(parseOwnerTable(bytes, { transport: 'udp', family }).rows).toMatchObject([
    { local: { address, port: 5353 }, peer: null, state: 'UNCONN', pid: 1234, createdAt: created },
    { local: { address, port: 53 }, pid: 8 },
  ]);
});

test('a table cut short gives its whole rows and says so; so does an unknown state', () => {
  const rows = [1, 2, 3].map((pid) => ({ local: [127, 0, 0, 1], port: 1000 + pid, pid }));
  const bytes = encodeTable('tcp', rows, false);
  const cut = parseOwnerTable(bytes.subarray(0, bytes.length - 1), { transport: 'tcp', family: 'ipv4' });
  expect([cut.rows.length, cut.whole]).toEqual([2, false]);
  bytes.writeUInt32LE(99, 8);
  const odd = parseOwnerTable(bytes, { transport: 'tcp', family: 'ipv4' });
  expect([odd.rows.map(({ pid }) => pid), odd.whole]).toEqual([[2, 3], false]);
});

const KINDS: readonly TableKind[] = (['tcp', 'udp'] as const).flatMap((transport) =>
  (['ipv4', 'ipv6'] as const).map((family) => ({ transport, family })),
);

describe('hostile bytes', () => {
  test('never throw, never give more rows than there is room for, never read outside', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.uint8Array({ maxLength: 1200 }),
        fc.option(fc.nat(0xffff_ffff)),
        fc.nat(16),
        (kind, bytes, count, before) => {
          // What stands around the table must never be seen: 0xff would show as states and ports.
          const around = new Uint8Array(before + bytes.length + 400).fill(0xff);
          around.set(bytes, before);
          const table = around.subarray(before, before + bytes.length);
          if (count !== null && table.length >= 4) {
            new DataView(table.buffer, table.byteOffset).setUint32(0, count, true);
          }
          const { rows } = parseOwnerTable(table, kind);
          expect(rows).toEqual(parseOwnerTable(Uint8Array.from(table), kind).rows);
          expect(rows.length * 160).toBeLessThanOrEqual(table.length);
          for (const { local, createdAt } of rows) {
            expect(local.port).toBeLessThanOrEqual(65_535);
            if (createdAt !== null) fileTimeToIso(createdAt);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
  test('the pointer of an owner module leads into its own buffer or nowhere', () => {
    const text = 'Dnscache';
    const bytes = Buffer.alloc(64);
    bytes.writeBigUInt64LE(0x7000n + 16n, 0);
    bytes.write(text, 16, 'utf16le');
    expect(parseOwnerModule(bytes, 0x7000)).toBe(text);
    expect(parseOwnerModule(bytes.subarray(0, 30), 0x7000)).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.bigInt(0n, (1n << 64n) - 1n), fc.nat(99), (blob, pointer, base) => {
        const given = Buffer.from(blob);
        if (given.length >= 8) given.writeBigUInt64LE(pointer % 2n === 0n ? pointer : pointer % 128n, 0);
        const name = parseOwnerModule(given, base);
        expect(name === null || name.length <= given.length / 2).toBe(true);
      }),
      { numRuns: 3000 },
    ); // biome-ignore format: one property reads better
  });
});
