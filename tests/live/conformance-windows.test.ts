// The sections of the conformance suite on what one may not see and what is not to be relied on, for Windows: encoded tables in the
// place of the system's, and what its programs print.
import { type PortRange, type Snapshot, type Transport, useOf } from '@portolan/core';
import { describe, expect, test } from 'vitest';
import { type EncodedRow, encodeTable } from '../../fixtures/win32-tables.ts';
import { type FakeWindows, fakeApi, programs } from '../../fixtures/windows.ts';
import { windowsBackend } from '../../packages/probe/src/win32/backend.ts';
import type { WindowsApi } from '../../packages/probe/src/win32/native.ts';
import { only } from './namespace.ts';

const PORT = 6301;
const PORTS: PortRange = [PORT, PORT];
const BOTH: readonly Transport[] = ['tcp', 'udp'];
const LISTENER: EncodedRow = { local: [127, 0, 0, 1], port: PORT, pid: 812, state: 2 };
const TASKS = 'tasklist /svc /fo csv /nh';
/** PowerShell found no bound socket. */
const NONE_BOUND = { powershell: '[]\r\n' };

interface Over {
  readonly api?: (api: WindowsApi) => WindowsApi;
  readonly transports?: readonly Transport[];
  /** False: by PowerShell. */
  readonly native?: boolean;
}

async function look(
  fake: FakeWindows,
  tools: Readonly<Record<string, string>>,
  { api = (same) => same, transports = BOTH, native = true }: Over = {},
): Promise<{ seen: Snapshot; verdict: string; open: ReadonlySet<number> }> {
  const served = fakeApi(fake);
  const { run } = programs(tools);
  const backend = windowsBackend({
    api: () => (native ? api(served) : null),
    run,
    mirrored: () => false,
    release: () => '10.0.26100',
  });
  const seen = await backend.look({ ports: PORTS, transports });
  return { seen, verdict: useOf(seen, PORTS, transports).verdict, open: served.open };
}

const codes = ({ gaps }: Snapshot): string[] => gaps.map(({ code }) => code);

describe('another user’s socket, without rights', () => {
  test('it is seen, with pid and the name that tasklist has; its path and start are not', async () => {
    const { seen, verdict, open } = await look(
      { tcp: [LISTENER] },
      { ...NONE_BOUND, [TASKS]: '"node.exe","812","N/A"\r\n' },
    );
    expect(verdict).toBe('held');
    expect(only(seen.sockets)).toMatchObject({
      state: 'LISTEN',
      ownersComplete: false,
      owners: [{ pid: 812, name: 'node.exe', exe: null, startedAt: null, inferred: false }],
    });
    expect(codes(seen)).toEqual(['bound-untold']);
    // What could not be opened is not closed either.
    expect(open.size).toBe(0);
  });
  test('where tasklist does not name it either, it is held by somebody, and a gap says of whom that is not known', async () => {
    for (const tools of [NONE_BOUND, { ...NONE_BOUND, [TASKS]: '"other.exe","7","N/A"\r\n' }]) {
      const { seen, verdict } = await look({ tcp: [LISTENER] }, tools);
      expect(verdict).toBe('held');
      expect(only(seen.sockets).owners).toEqual([]);
      expect(seen.gaps).toContainEqual({
        code: 'owner-untold',
        values: { sockets: 1 },
        remedy: 'netstat -abno',
        coversUse: false,
        transports: [],
      });
    }
  });
  test('pid 0 of a listener is nobody, as Wine tells it', async () => {
    const { seen, verdict } = await look({ tcp: [{ ...LISTENER, pid: 0 }] }, NONE_BOUND);
    expect([verdict, only(seen.sockets).owners]).toEqual(['held', []]);
    expect(codes(seen)).toContain('owner-untold');
  });
  test('of a connection in TIME_WAIT pid 0 is no gap: no process has it', async () => {
    const waiting: EncodedRow = { ...LISTENER, pid: 0, state: 11, peer: [127, 0, 0, 1], peerPort: 80 };
    const { seen } = await look({ tcp: [waiting] }, NONE_BOUND);
    expect(codes(seen)).not.toContain('owner-untold');
  });
});

describe('an answer that is not to be relied on', () => {
  const ERRORS = [
    ['is refused', 5],
    ['is always too small', 122],
    ['fails in another way', 87],
  ] as const;
  test.each(ERRORS)('a table that %s: nothing is called free', async (_, error) => {
    const failing = (api: WindowsApi): WindowsApi => ({
      ...api,
      tcpTable: (_table, size) => {
        size.writeUInt32LE(1 << 20);
        return error;
      },
    });
    const { seen, verdict } = await look({}, NONE_BOUND, { api: failing, transports: ['tcp'] });
    expect([seen.sockets, verdict]).toEqual([[], 'unknown']);
    // Both families, each with the command that shows them.
    expect(seen.gaps.filter(({ code }) => code === 'sockets-unreadable')).toMatchObject([
      {
        coversUse: true,
        transports: ['tcp'],
        values: { reason: `error ${error}` },
        remedy: 'netstat -ano -p tcp',
      },
      {
        coversUse: true,
        transports: ['tcp'],
        values: { reason: `error ${error}` },
        remedy: 'netstat -ano -p tcpv6',
      },
    ]);
  });
  test('a table without IPv6 hides nothing, an IPv4 table that is not supported does', async () => {
    const unsupported =
      (wanted: number) =>
      (api: WindowsApi): WindowsApi => ({
        ...api,
        tcpTable: (table, size, family, kind) =>
          family === wanted ? 50 : api.tcpTable(table, size, family, kind),
      });
    const tcp: readonly Transport[] = ['tcp'];
    const without = await look({}, NONE_BOUND, { api: unsupported(23), transports: tcp });
    expect(without.verdict).toBe('free');
    const broken = await look({}, NONE_BOUND, { api: unsupported(2), transports: tcp });
    expect(broken.verdict).toBe('unknown');
  });
  test('a table that says more rows than it has is a gap, and what it has is told', async () => {
    const cut = (api: WindowsApi): WindowsApi => ({
      ...api,
      tcpTable: (table, _size, family) => {
        if (family === 23 || table === null) return 50;
        const bytes = encodeTable('tcp', [LISTENER], false);
        // More than the room that the caller gave can hold.
        bytes.writeUInt32LE(1_000_000, 0);
        bytes.copy(table);
        return 0;
      },
    });
    const { seen } = await look({ processes: { 812: { exe: 'C:\\node.exe', started: null } } }, NONE_BOUND, {
      api: cut,
      transports: ['tcp'],
    });
    expect(seen.sockets).toContainEqual(
      expect.objectContaining({ local: { address: '127.0.0.1', port: PORT } }),
    );
    expect(seen.gaps).toContainEqual(
      expect.objectContaining({ code: 'sockets-unreadable', coversUse: true, transports: ['tcp'] }),
    );
  });
  test('without PowerShell nothing is free: bound sockets stand in no table', async () => {
    const tcp: readonly Transport[] = ['tcp'];
    expect((await look({}, {}, { transports: tcp })).verdict).toBe('unknown');
    expect((await look({}, { powershell: 'x' }, { transports: tcp })).verdict).toBe('unknown');
    expect((await look({}, NONE_BOUND, { transports: tcp })).verdict).toBe('free');
  });
  test('netsh that is not there, or prints a message, leaves nothing free', async () => {
    const list = 'netsh interface ipv4 show excludedportrange protocol=tcp';
    const { seen, verdict } = await look({}, { ...NONE_BOUND, [list]: 'The parameter is incorrect.\r\n' });
    expect(verdict).toBe('unknown');
    expect(seen.gaps.find(({ code }) => code === 'exclusions-unreadable')).toMatchObject({
      values: { lists: 'TCP/IPv4' },
      remedy: list,
      coversUse: true,
    });
  });
  test('PowerShell in place of the tables: nothing, a part, or no JSON is no answer', async () => {
    const whole = ['[]', '[]', '[]'];
    expect((await look({}, { powershell: whole.join('\r\n') }, { native: false })).verdict).toBe('free');
    for (const text of [
      '',
      '[]\r\n[]',
      'x\r\n[]\r\n[]',
      '[{"LocalAddress":"0.0.0.0","Loc\r\n[]\r\n[]',
      '[]\r\n[]\r\nx',
    ]) {
      const { seen, verdict } = await look({}, { powershell: text }, { native: false });
      expect([text, verdict, seen.via]).toEqual([text, 'unknown', 'none']);
      expect(seen.gaps.filter(({ code }) => code === 'sockets-unreadable')).toMatchObject([
        { transports: ['tcp'], coversUse: true, remedy: 'netstat -ano -p tcp' },
        { transports: ['udp'], coversUse: true, remedy: 'netstat -ano -p udp' },
      ]);
    }
    const { verdict } = await look({}, {}, { native: false });
    expect(verdict).toBe('unknown');
  });
});
