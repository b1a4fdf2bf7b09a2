// The Linux probe on recorded machines: rows, owners, units, containers, and what it must not claim to know.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Snapshot, type Socket, useOf } from '@portolan/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openMachine, parseArchive, unpack } from '../../../../fixtures/archive.ts';
import { snapshot } from '../index.ts';
import { linuxBackend } from './backend.ts';
import { listsBound } from './tables.ts';

const BOTH = ['tcp', 'udp'] as const;
const trash: (() => void)[] = [];
afterAll(() => {
  for (const remove of trash) remove();
});

function machine(name: string): string {
  const { root, remove } = openMachine(name);
  trash.push(remove);
  return root;
}

/** A folder that holds only what the test writes. */
function folder(files: Readonly<Record<string, string | null>>): string {
  const root = mkdtempSync(join(tmpdir(), 'portolan-proc-'));
  trash.push(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    // null: a folder where a file should be, which nobody can read, root included.
    if (text === null) mkdirSync(join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return root;
}

const look = (procRoot: string, over: Partial<Parameters<typeof snapshot>[0]> = {}): Promise<Snapshot> =>
  snapshot({ ports: null, transports: BOTH, procRoot, ...over });
const at = (seen: Snapshot, port: number): Socket[] =>
  seen.sockets.filter((socket) => socket.local.port === port);
const codes = (seen: Snapshot): string[] => seen.gaps.map((gap) => gap.code);

describe('quiet-host, recorded from Linux 6.18', () => {
  let seen: Snapshot;
  beforeAll(async () => {
    seen = await look(machine('quiet-host'));
  });

  test('every row: two TCP listeners, an established pair, TIME_WAIT, UDP', () => {
    const rows = seen.sockets.map(
      (socket) => `${socket.transport} ${socket.local.address}:${socket.local.port} ${socket.state}`,
    );
    expect(rows.toSorted()).toEqual(
      [
        'tcp 127.0.0.1:60163 ESTABLISHED',
        'tcp 127.0.0.1:45878 ESTABLISHED',
        'tcp 127.0.0.1:60163 LISTEN',
        'tcp 127.0.0.1:60163 TIME_WAIT',
        'tcp :::8080 LISTEN',
        'udp 127.0.0.1:60163 UNCONN',
      ].toSorted(),
    );
  });
  test('its one process owns all but the TIME_WAIT', () => {
    for (const socket of seen.sockets) {
      if (socket.state === 'TIME_WAIT') {
        expect(socket).toMatchObject({
          owners: [],
          inode: 0,
          uid: null,
          kernel: false,
          freeInMs: 0x1765 * 10,
        });
        continue;
      }
      expect(socket.owners).toEqual([
        {
          pid: 19_118,
          startedAt: new Date((1_700_000_000 + 4076.26) * 1000).toISOString(),
          name: 'node',
          exe: '/usr/bin/node',
          argv: ['node', '/srv/demo/server.mjs', '--port', '60163'],
          cwd: '/srv/demo',
          user: '0',
          unit: 'session-1.scope',
          container: null,
          launchedBy: [],
          inferred: false,
        },
      ]);
    }
  });
  test('limits are the recorded ones', () => {
    expect(seen).toMatchObject({
      platform: 'linux',
      release: '6.18.44',
      via: 'procfs',
      limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024 },
    });
  });
  test('it says that it is a recording, and that bound sockets are not in it', () => {
    expect(codes(seen).toSorted()).toEqual(['bound-invisible', 'recorded-host']);
  });
  test('an unheld TCP port is unknown and never free; UDP is listed whole', () => {
    expect(useOf(seen, [4711, 4711], BOTH).verdict).toBe('unknown');
    expect(useOf(seen, [4711, 4711], ['tcp']).verdict).toBe('unknown');
    expect(useOf(seen, [4711, 4711], ['udp']).verdict).toBe('free');
    expect(useOf(seen, [60_163, 60_163], BOTH).verdict).toBe('held');
  });
  test('ports are filtered, transports too', async () => {
    const root = machine('quiet-host');
    const one = await look(root, { ports: [8080, 8080] });
    expect(one.sockets.map((socket) => socket.local.port)).toEqual([8080]);
    const udp = await look(root, { transports: ['udp'] });
    expect(udp.sockets.map((socket) => socket.transport)).toEqual(['udp']);
    expect(codes(udp)).toEqual(['recorded-host']);
  });
  test('ports of the ephemeral range are counted by transport and cell, each once', async () => {
    const counted = await look(machine('quiet-host'), { ports: [60_163, 60_163], countEphemeral: true });
    // TCP: 60163 (thrice) is odd and of the upper half, 45878 even and of the lower; 8080 lies outside.
    expect(counted.ephemeralUse?.tcp).toMatchObject({
      connect: { total: 14_116, used: 1 },
      bindLower: { total: 7058, used: 0 },
      bindUpper: { total: 7058, used: 1 },
    });
    expect(counted.ephemeralUse?.udp).not.toBeNull();
    const outside = await look(machine('quiet-host'), { ports: [80, 80], countEphemeral: true });
    expect(outside.ephemeralUse).toBeNull();
  });
});

describe('busy-server, made by hand', () => {
  let seen: Snapshot;
  beforeAll(async () => {
    seen = await look(machine('busy-server'));
  });

  test('80: one socket shared by three processes of a unit, by ascending pid', () => {
    const [socket, ...more] = at(seen, 80);
    expect(more).toEqual([]);
    expect(socket?.owners.map(({ pid, unit, user }) => [pid, unit, user])).toEqual([
      [200, 'nginx.service', '0'],
      [201, 'nginx.service', '33'],
      [202, 'nginx.service', '33'],
    ]);
    expect(socket?.owners[0]?.argv).toEqual(['nginx: master process /usr/sbin/nginx -g daemon on;']);
    expect(socket).toMatchObject({ ownersComplete: true, kernel: false });
  });
  test('5432: a template unit, with the connection it accepted', () => {
    expect(
      at(seen, 5432).map((socket) => [socket.state, socket.owners[0]?.unit, socket.peer?.address]),
    ).toEqual([
      ['LISTEN', 'postgresql@15-main.service', undefined],
      ['ESTABLISHED', 'postgresql@15-main.service', '10.0.0.9'],
    ]);
  });
  test('3000: a Docker container and no unit', () => {
    expect(at(seen, 3000)[0]?.owners[0]).toMatchObject({
      pid: 400,
      name: 'grafana',
      unit: null,
      container: { runtime: 'docker', id: expect.stringMatching(/^3f4e5d6c/), name: null },
    });
  });
  test('51820: that no process has root’s socket does not make it the kernel’s own; a gap says what it may be', () => {
    const sockets = at(seen, 51_820);
    expect(sockets).toHaveLength(2);
    for (const socket of sockets) expect(socket).toMatchObject({ kernel: false, owners: [], uid: 0 });
    expect(useOf(seen, [51_820, 51_820], ['udp']).verdict).toBe('held');
    expect(codes(seen)).toContain('owner-not-found');
  });
  test('60163: a name that looks like the rest of its line, an executable that is gone', () => {
    expect(at(seen, 60_163)[0]?.owners[0]).toMatchObject({
      pid: 500,
      name: 'srv',
      exe: '/home/dev/srv (deleted)',
      argv: ['./srv', 'two words', ''],
      unit: 'dev.service',
      startedAt: new Date(1_700_000_300_000).toISOString(),
    });
  });
  test('45000: TIME_WAIT with the time left', () => {
    expect(at(seen, 45_000)[0]).toMatchObject({ freeInMs: 12_340, owners: [], kernel: false });
  });
  test('reservations, range, privilege', () => {
    expect(seen.limits).toEqual({
      ephemeral: [10_000, 65_535],
      reserved: [
        [8080, 8080],
        [9000, 9010],
      ],
      unprivilegedFrom: 80,
    });
  });
  test('a kernel before 6.8 does not list bound sockets', () => {
    const gap = seen.gaps.find(({ code }) => code === 'bound-unlisted');
    expect(gap).toMatchObject({
      coversUse: true,
      transports: ['tcp'],
      values: { release: '6.1.0-18-amd64' },
    });
    expect(useOf(seen, [4711, 4711], BOTH).verdict).toBe('unknown');
  });

  test('seen from inside a container nothing is called the kernel’s: the owner may be outside', async () => {
    const root = mkdtempSync(join(tmpdir(), 'portolan-inside-'));
    trash.push(() => rmSync(root, { recursive: true, force: true }));
    const archive = readFileSync(new URL('../../../../fixtures/busy-server.txt', import.meta.url), 'utf8');
    unpack(
      parseArchive(archive).map((entry) =>
        entry.path === 'self/ns/pid' ? { ...entry, target: 'pid:[4026532999]' } : entry,
      ),
      root,
    );
    const inside = await look(root);
    expect(at(inside, 51_820).every((socket) => !socket.kernel)).toBe(true);
    expect(codes(inside)).toContain('owner-elsewhere');
    expect(useOf(inside, [51_820, 51_820], ['udp']).verdict).toBe('held');
  });
  test('without pid 1 (hidepid) owners are hidden and not the kernel’s', async () => {
    const root = mkdtempSync(join(tmpdir(), 'portolan-hidepid-'));
    trash.push(() => rmSync(root, { recursive: true, force: true }));
    const archive = readFileSync(new URL('../../../../fixtures/busy-server.txt', import.meta.url), 'utf8');
    unpack(
      parseArchive(archive).filter((entry) => !/^(1|2|300)\//.test(entry.path)),
      root,
    );
    const hidden = await look(root);
    expect(codes(hidden)).toContain('processes-hidden');
    for (const socket of [...at(hidden, 5432), ...at(hidden, 51_820)]) {
      expect(socket).toMatchObject({ owners: [], kernel: false, ownersComplete: false });
    }
  });
});

describe('a /proc that cannot be read is never an empty one', () => {
  const HEAD = '  sl  local_address rem_address   st\n';
  const good = { 'net/tcp': HEAD, 'net/udp': HEAD, 'net/tcp6': HEAD, 'net/udp6': HEAD };
  test.each<[string, Readonly<Record<string, string | null>>]>([
    ['empty folder', {}],
    ['net/tcp is a folder', { ...good, 'net/tcp': null }],
    ['net/tcp is empty', { ...good, 'net/tcp': '' }],
    ['net/tcp6 is a folder', { ...good, 'net/tcp6': null }],
    ['net/tcp has a line that cannot be read', { ...good, 'net/tcp': `${HEAD}   0: garbage\n` }],
    ['net/tcp is missing', { 'net/udp': HEAD }],
  ])('%s', async (_what, files) => {
    const seen = await look(folder(files));
    expect(seen.sockets).toEqual([]);
    const gap = seen.gaps.find(({ code }) => code === 'sockets-unreadable');
    expect(gap).toMatchObject({ coversUse: true, transports: ['tcp'] });
    // A command run here would show this host and not the recorded one.
    expect(gap?.remedy).toBeNull();
    expect(useOf(seen, [80, 80], ['tcp']).verdict).toBe('unknown');
  });
  test('the same for UDP, whose table is otherwise trusted', async () => {
    for (const broken of [null, '', 'garbage\n', `${HEAD}garbage\n`]) {
      const seen = await look(folder({ ...good, 'net/udp': broken }));
      expect(useOf(seen, [80, 80], ['udp']).verdict, JSON.stringify(broken)).toBe('unknown');
    }
    expect(useOf(await look(folder(good)), [80, 80], ['udp']).verdict).toBe('free');
  });
  test('a kernel without IPv6 has no such tables, and that is no gap', async () => {
    const seen = await look(folder({ 'net/tcp': HEAD, 'net/udp': HEAD }));
    expect(codes(seen)).not.toContain('sockets-unreadable');
  });
  test('limits that cannot be read are named', async () => {
    const seen = await look(folder({ ...good, 'sys/net/ipv4/ip_local_port_range': 'nonsense\n' }));
    expect(seen.limits).toEqual({ ephemeral: null, reserved: null, unprivilegedFrom: null });
    expect(seen.gaps.find(({ code }) => code === 'limits-unreadable')?.values['names']).toBe(
      'ip_local_port_range, ip_local_reserved_ports, ip_unprivileged_port_start',
    );
  });
  test('SCTP: nothing is known unless the kernel has none', async () => {
    const request = { transports: ['sctp'] as const };
    expect(useOf(await look(folder(good), request), [80, 80], ['sctp']).verdict).toBe('unknown');
    const without = folder({ ...good, 'net/protocols': 'protocol  size\nTCP 1\n' });
    expect(useOf(await look(without, request), [80, 80], ['sctp']).verdict).toBe('free');
    const loaded = folder({ ...good, 'net/protocols': 'protocol  size\nSCTPv6 1\nSCTP 1\n' });
    expect(useOf(await look(loaded, request), [80, 80], ['sctp']).verdict).toBe('unknown');
  });
});

describe('this machine, without native code', () => {
  test('reads /proc and says nothing of what it cannot load', async () => {
    const writes = [process.stderr, process.stdout].map((stream) => vi.spyOn(stream, 'write'));
    const seen = await linuxBackend.look({ ports: null, transports: BOTH, ffi: false });
    const written = writes.flatMap((write) => write.mock.calls);
    for (const write of writes) write.mockRestore();
    expect(written).toEqual([]);
    if (process.platform !== 'linux') return;
    expect(seen.via).toBe('procfs');
    expect(codes(seen)).toContain('bound-invisible');
    expect(codes(seen)).not.toContain('recorded-host');
    expect(useOf(seen, [1, 1], ['tcp']).verdict).not.toBe('free');
  });
  test('an aborted look does not look', async () => {
    await expect(
      (async () => linuxBackend.look({ ports: null, transports: BOTH, signal: AbortSignal.abort() }))(),
    ).rejects.toThrow(/abort/i);
  });
});

test('a system without a probe is unknown, not free, and names a command', async () => {
  const { unsupportedBackend } = await import('../unsupported.ts');
  for (const platform of ['darwin', 'sunos']) {
    const seen = await unsupportedBackend(platform).look({ ports: null, transports: BOTH });
    expect(useOf(seen, [80, 80], BOTH).verdict).toBe('unknown');
    expect(seen.gaps[0]?.remedy).toMatch(/\S/);
  }
});

test.each<[string | null, boolean]>([
  ['6.8.0', true],
  ['6.18.44-fc', true],
  ['7.0', true],
  ['6.7.12-amd64', false],
  ['5.15.0', false],
  ['4.19', false],
  [null, false],
  ['strange', false],
])('kernel %s lists bound sockets: %s', (release, expected) => {
  expect(listsBound(release)).toBe(expected);
});
