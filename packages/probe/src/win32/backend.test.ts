// The Windows backend on a native layer that serves encoded tables, and on programs whose output is written here.
import { useOf } from '@portolan/core';
import { describe, expect, test } from 'vitest';
import { fileTime } from '../../../../fixtures/win32-tables.ts';
import { DYNAMIC, type FakeWindows, fakeApi, programs, RULES } from '../../../../fixtures/windows.ts';
import type { ProbeRequest } from '../backend.ts';
import { windowsBackend } from './backend.ts';
import { isMirrored } from './wsl.ts';

const ANY = [0, 0, 0, 0];
const ANY6 = Array<number>(16).fill(0);
const NOON = '2026-03-01T12:00:00.000Z';
const EARLIER = fileTime('2026-03-01T11:00:00.000Z');
const LATER = fileTime('2026-03-01T13:00:00.000Z');

const ALL: ProbeRequest = { ports: null, transports: ['tcp', 'udp'] };

function backend(fake: FakeWindows | null, more: Readonly<Record<string, string>> = {}, mirrored = false) {
  const { run, ran } = programs(more);
  const api = fake === null ? null : fakeApi(fake);
  const made = windowsBackend({ api: () => api, run, mirrored: () => mirrored, release: () => '10.0.26100' });
  return { look: (request: ProbeRequest) => made.look(request), ran, open: api?.open ?? new Set<number>() };
}

const SVCHOST = 'C:\\Windows\\System32\\svchost.exe';
const FAKE: FakeWindows = {
  tcp: [
    { local: ANY, port: 3000, pid: 100, created: fileTime(NOON) },
    { state: 5, local: [10, 0, 0, 2], port: 50_001, peer: [1, 2, 3, 4], peerPort: 443, pid: 101, created: fileTime(NOON) },
    { state: 11, local: [127, 0, 0, 1], port: 60_163, peer: [127, 0, 0, 1], peerPort: 80, pid: 0 },
    { local: ANY, port: 135, pid: 200, created: fileTime(NOON) },
    { local: ANY, port: 5985, pid: 4, created: fileTime(NOON) },
    { local: ANY, port: 445, pid: 4, created: fileTime(NOON) },
  ],
  tcp6: [{ local: ANY6, port: 3000, pid: 100, created: fileTime(NOON), scope: 7 }],
  udp: [{ local: ANY, port: 5353, pid: 201, created: fileTime(NOON) }],
  udp6: 50,
  processes: {
    100: { exe: 'C:\\Program Files\\nodejs\\node.exe', started: EARLIER },
    // This pid is another process by now.
    101: { exe: 'C:\\new.exe', started: LATER },
    200: { exe: SVCHOST, started: EARLIER },
    201: { exe: SVCHOST, started: EARLIER },
    2952: { exe: SVCHOST, started: EARLIER },
  },
  modules: { 135: 'RpcSs' },
}; // biome-ignore format: a line a row
const HTTP = 'netsh http show servicestate view=requestq';
const TASKS = 'tasklist /svc /fo csv /nh';
const TOOLS = {
  [HTTP]: 'Queue: x\r\n    A:\r\n        2952\r\n    B:\r\n        HTTP://+:5985/WSMAN/\r\n',
  [TASKS]: '"svchost.exe","201","Dnscache"\r\n"svchost.exe","2952","WinRM"\r\n"wslrelay.exe","9","N/A"\r\n',
};

describe('tables', () => {
  test('sockets with owners, services, what answers behind HTTP.sys, and nobody for a pid that was given again', async () => {
    const { look, open } = backend(FAKE, TOOLS);
    const seen = await look(ALL);
    const by = (port: number) => seen.sockets.filter(({ local }) => local.port === port);
    expect(seen).toMatchObject({ platform: 'win32', via: 'iphlpapi', release: '10.0.26100' });
    expect(by(3000)).toMatchObject([
      {
        family: 'ipv4',
        state: 'LISTEN',
        owners: [{ pid: 100, name: 'node.exe', startedAt: '2026-03-01T11:00:00.000Z' }],
      },
      { family: 'ipv6', device: '7', owners: [{ pid: 100 }] },
    ]);
    expect(by(50_001)).toMatchObject([{ peer: { address: '1.2.3.4', port: 443 }, owners: [] }]);
    expect(by(60_163)).toMatchObject([{ state: 'TIME_WAIT', owners: [], inode: 0 }]);
    expect(by(135)).toMatchObject([{ owners: [{ name: 'svchost.exe', unit: 'RpcSs' }] }]);
    expect(by(5353)).toMatchObject([{ transport: 'udp', owners: [{ unit: 'Dnscache' }] }]);
    expect(by(5985)).toMatchObject([
      {
        owners: [
          { pid: 2952, unit: 'WinRM', inferred: true },
          { pid: 4, name: 'System', inferred: false },
        ],
      },
    ]);
    expect(by(445)).toMatchObject([{ owners: [{ pid: 4 }] }]);
    expect(seen.gaps.map(({ code }) => code)).toEqual(['owner-untold', 'bound-untold', 'wsl']);
    expect(open.size).toBe(0);
  });
  test('a table that grows between two calls is read whole; one that fails is a gap over its transport', async () => {
    const grown = await backend({ grows: true, processes: { 9: { exe: 'C:\\a.exe', started: null } } }).look({
      ...ALL,
      transports: ['tcp'],
    });
    expect(grown.sockets.length).toBeGreaterThanOrEqual(1000);
    const failed = await backend({ udp6: 5 }).look({ ...ALL, transports: ['udp'] });
    expect(failed.gaps).toMatchObject([{ code: 'sockets-unreadable', coversUse: true, transports: ['udp'] }]);
  });
  test('a free port is free only once PowerShell was asked for bound sockets', async () => {
    const one: ProbeRequest = { ports: [8080, 8080], transports: ['tcp'] };
    const silent = await backend(FAKE, TOOLS).look(one);
    expect(useOf(silent, [8080, 8080], ['tcp']).verdict).toBe('unknown');
    const told = await backend(FAKE, { ...TOOLS, powershell: '[]\r\n' }).look(one);
    expect(useOf(told, [8080, 8080], ['tcp']).verdict).toBe('free');
    const bound =
      '[{"LocalAddress":"0.0.0.0","LocalPort":8080,"RemoteAddress":"0.0.0.0","RemotePort":0,"State":100,"OwningProcess":100}]';
    const held = await backend(FAKE, { ...TOOLS, powershell: bound }).look(one);
    expect(held.sockets).toMatchObject([{ state: 'BOUND', owners: [{ name: 'node.exe' }] }]);
  });
});

describe('ranges', () => {
  const excluded = (family: string, transport: string): string =>
    `netsh interface ${family} show excludedportrange protocol=${transport}`;
  const rows = `${RULES}     50000       50059     *\r\n     50100       50199      \r\n`;
  const lists = {
    [excluded('ipv4', 'tcp')]: rows,
    [excluded('ipv6', 'tcp')]: rows,
    [excluded('ipv4', 'udp')]: rows,
    [excluded('ipv6', 'udp')]: `${RULES}     50000       50059     *\r\n`,
  };
  test('those of no administrator hold their ports; never chosen is what stands in every list', async () => {
    const seen = await backend({}, lists).look(ALL);
    expect(seen.limits).toEqual({
      ephemeral: [49_152, 65_535],
      reserved: [[50_000, 50_059]],
      unprivilegedFrom: 0,
    });
    expect(seen.exclusions).toEqual([
      { transport: 'tcp', family: 'ipv4', ports: [50_100, 50_199] },
      { transport: 'tcp', family: 'ipv6', ports: [50_100, 50_199] },
      { transport: 'udp', family: 'ipv4', ports: [50_100, 50_199] },
    ]);
    const use = useOf(seen, [50_150, 50_150], ['tcp']);
    expect(use.verdict).toBe('held');
    expect(use.holders).toMatchObject([
      { kind: 'excluded', state: 'EXCLUDED', local: { address: '0.0.0.0', port: 50_150 } },
      { kind: 'excluded', local: { address: '::' } },
    ]);
    const tcp = await backend({}, lists).look({ ...ALL, transports: ['tcp'] });
    expect(tcp.limits.reserved).toEqual([
      [50_000, 50_059],
      [50_100, 50_199],
    ]);
  });
  test('ranges of UDP that differ are told; lists that cannot be read leave nothing free', async () => {
    const seen = await backend(
      {},
      { 'netsh interface ipv4 show dynamicport udp': DYNAMIC(10_000, 1000), [excluded('ipv6', 'udp')]: '?' },
    ).look(ALL);
    const gap = (code: string) => seen.gaps.find((each) => each.code === code);
    expect(gap('ranges-differ')?.values).toEqual({ given: 'TCP/IPv4', others: 'UDP/IPv4 (10000–10999)' });
    expect(gap('exclusions-unreadable')).toMatchObject({ coversUse: true, transports: ['udp'] });
    expect(seen.limits.reserved).toBeNull();
  });
  test('no limits are read where none are asked for, exclusions are', async () => {
    const { look, ran } = backend({}, lists);
    const seen = await look({ ...ALL, limits: false });
    expect(seen.limits.ephemeral).toBeNull();
    expect(seen.exclusions).toHaveLength(3);
    expect(ran.filter((command) => command.includes('dynamicport'))).toEqual([]);
  });
});

describe('without native code', () => {
  const tcp = [
    { LocalAddress: '::', LocalPort: 3000, RemoteAddress: '::', RemotePort: 0, State: 2, OwningProcess: 100 },
    { LocalAddress: '0.0.0.0', LocalPort: 50_001, RemoteAddress: '0.0.0.0', RemotePort: 0, State: 100, OwningProcess: 101 },
    { LocalAddress: '10.0.0.2', LocalPort: 50_001, RemoteAddress: '1.2.3.4', RemotePort: 443, State: 5, OwningProcess: 101 },
  ]; // biome-ignore format: a line a row
  const udp = [{ LocalAddress: 'fe80::1%12', LocalPort: 5353, OwningProcess: 201 }];
  const processes = [
    { Id: 100, ProcessName: 'node', Path: 'C:\\nodejs\\node.exe', Started: '2026-03-01T11:00:00.0000000Z' },
    { Id: 201, ProcessName: 'svchost', Path: null, Started: null },
  ];
  const print = (...lists: unknown[]): string => lists.map((list) => JSON.stringify(list)).join('\r\n');
  test('objects of PowerShell, without the shadow that it lists beside each connection', async () => {
    const seen = await backend(null, { powershell: print(tcp, udp, processes) }).look(ALL);
    expect(seen.via).toBe('powershell');
    expect(seen.sockets).toMatchObject([
      {
        state: 'LISTEN',
        local: { address: '::', port: 3000 },
        owners: [{ pid: 100, name: 'node.exe', startedAt: '2026-03-01T11:00:00.000Z' }],
      },
      { state: 'ESTABLISHED', local: { port: 50_001 }, owners: [{ pid: 101 }] },
      { transport: 'udp', device: '12', owners: [{ pid: 201, name: 'svchost' }] },
    ]);
    expect(seen.gaps).toEqual([]);
    const { ran, look } = backend(FAKE, { powershell: print(tcp, udp, processes) });
    expect((await look({ ...ALL, ffi: false })).via).toBe('powershell');
    expect(ran).toContain('powershell');
  });
  test.each([
    ['no PowerShell', {}],
    ['a message instead', { powershell: 'Zugriff verweigert\r\n' }],
    ['cut in the middle', { powershell: print(tcp, udp, processes).slice(0, 150) }],
    ['JSON of something else', { powershell: print([{ a: 1 }], [], []) }],
    ['processes cut', { powershell: print(tcp, udp, processes).slice(0, -3) }],
  ])('%s: nothing is called free', async (_, tools) => {
    const seen = await backend(null, tools).look(ALL);
    expect(seen).toMatchObject({ via: 'none', sockets: [] });
    expect(useOf(seen, [1234, 1234], ['tcp']).verdict).toBe('unknown');
  });
});

test('WSL in mirrored mode shares the ports of this host', async () => {
  expect(isMirrored('[wsl2]\r\nnetworkingMode=mirrored\r\n')).toBe(true);
  expect(isMirrored('# networkingMode=mirrored\nnetworkingMode = nat\n')).toBe(false);
  const seen = await backend(FAKE, TOOLS, true).look(ALL);
  expect(seen.gaps.find(({ code }) => code === 'wsl')).toMatchObject({ coversUse: true });
});
