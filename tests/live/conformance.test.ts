// One table of asks for every backend: Linux live in a namespace, with native code and without; macOS and Windows on encoded
// bytes, and on what their tools print. What one system cannot show is in the table as well, and must be a gap there.
import {
  type HolderKind,
  holderKind,
  printable,
  type Snapshot,
  type Socket,
  type Transport,
  useOf,
} from '@portolan/core';
import { backendFor, type ProbeRequest } from '@portolan/probe';
import { describe, expect, test } from 'vitest';
import {
  type MacOptions,
  type MacProcess,
  type MacSocket,
  macTools,
  openMac,
  zeros,
} from '../../fixtures/mac.ts';
import type { EncodedRow } from '../../fixtures/win32-tables.ts';
import { fakeApi, programs } from '../../fixtures/windows.ts';
import { lookDarwin } from '../../packages/probe/src/darwin/backend.ts';
import { windowsBackend } from '../../packages/probe/src/win32/backend.ts';
import { liveTest, type Namespace, NOBODY, only, type Step, scenario } from './namespace.ts';

const PORT = 6301;
const PEER = 6302;
const BOTH: readonly Transport[] = ['tcp', 'udp'];
const V4 = [127, 0, 0, 1];
const V6 = [...zeros(15), 1];
const ANY6 = zeros(16);

/** Ways of looking. */
const WAYS = [
  'linux',
  'linux without native code',
  'macOS',
  'macOS by its tools',
  'Windows',
  'Windows by PowerShell',
] as const;
type Way = (typeof WAYS)[number];

/** What must be seen of one holder on PORT. */
interface Sight {
  readonly kind: HolderKind;
  readonly transport: Transport;
  readonly state: string;
  readonly address: string;
  readonly ipv6Only?: boolean;
  readonly owned: boolean;
}

interface Ask {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly mac: readonly Partial<MacSocket>[];
  /** Sockets that no process has any more. */
  readonly macLoose?: readonly Partial<MacSocket>[];
  readonly sees: readonly Sight[];
  /** Where it is seen otherwise, and what stands for it. */
  readonly except?: Partial<Record<Way, { readonly sees: readonly Sight[]; readonly gap: string | null }>>;
}

const open = (over: Partial<Extract<Step, { op: 'open' }>>): Step => ({
  op: 'open', as: 's', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT], ...over,
}); // biome-ignore format: one shape
const listener: Sight = {
  kind: 'listener', transport: 'tcp', state: 'LISTEN', address: '127.0.0.1', owned: true,
}; // biome-ignore format: one shape

/** Neither /proc nor Windows tells an IPv6 listener for both families from one for its own. */
const UNTOLD: Ask['except'] = Object.fromEntries(
  (['linux without native code', 'Windows', 'Windows by PowerShell'] as const).map((way) => [
    way,
    { sees: [{ ...listener, address: '::' }], gap: null },
  ]),
);

const ASKS: readonly Ask[] = [
  {
    name: 'a listener on IPv4',
    steps: [open({ listen: 8 })],
    mac: [{ address: V4 }],
    sees: [listener],
  },
  {
    name: 'a listener on IPv6',
    steps: [open({ family: 'ipv6', bind: ['::1', PORT], listen: 8 })],
    mac: [{ family: 'ipv6', address: V6 }],
    sees: [{ ...listener, address: '::1' }],
  },
  {
    name: 'a listener for both families',
    steps: [open({ family: 'ipv6', bind: ['::', PORT], v6only: false, listen: 8 })],
    mac: [{ family: 'ipv6', address: ANY6, vflag: 3 }],
    sees: [{ ...listener, address: '::', ipv6Only: false }],
    except: UNTOLD,
  },
  {
    name: 'a listener for IPv6 alone',
    steps: [open({ family: 'ipv6', bind: ['::', PORT], v6only: true, listen: 8 })],
    mac: [{ family: 'ipv6', address: ANY6, vflag: 2 }],
    sees: [{ ...listener, address: '::', ipv6Only: true }],
    except: UNTOLD,
  },
  {
    name: 'two families on one port are two listeners',
    steps: [open({ listen: 8 }), open({ as: 't', family: 'ipv6', bind: ['::1', PORT], listen: 8 })],
    mac: [{ address: V4 }, { family: 'ipv6', address: V6 }],
    sees: [listener, { ...listener, address: '::1' }],
  },
  {
    name: 'UDP',
    steps: [open({ type: 'udp' })],
    mac: [{ transport: 'udp', address: V4 }],
    sees: [{ ...listener, transport: 'udp', state: 'UNCONN' }],
  },
  {
    name: 'the local port of a connection',
    steps: [
      open({ as: 'l', bind: ['127.0.0.1', PEER], listen: 8 }),
      open({ as: 'c', connect: ['127.0.0.1', PEER] }),
    ],
    mac: [{ address: V4, state: 4, peer: { address: V4, port: PEER } }],
    sees: [{ ...listener, kind: 'connection', state: 'ESTABLISHED' }],
  },
  {
    name: 'a connection that is gone and keeps its port',
    steps: [
      open({ as: 'l', bind: ['127.0.0.1', PEER], listen: 8 }),
      open({ as: 'c', connect: ['127.0.0.1', PEER] }),
      { op: 'accept', of: 'l', as: 'a' },
      { op: 'close', of: 'c' },
      { op: 'close', of: 'a' },
    ],
    mac: [],
    macLoose: [{ address: V4, state: 10, peer: { address: V4, port: PEER } }],
    sees: [{ ...listener, kind: 'closing', state: 'TIME_WAIT', owned: false }],
  },
  {
    name: 'a socket that is bound and no more',
    steps: [open({})],
    mac: [{ address: V4, state: 0 }],
    sees: [{ ...listener, kind: 'bound', state: 'BOUND' }],
    except: {
      'linux without native code': { sees: [], gap: 'bound-invisible' },
      'macOS by its tools': { sees: [{ ...listener, kind: 'bound', state: 'CLOSE' }], gap: null },
    },
  },
  { name: 'nobody', steps: [], mac: [], sees: [] },
];

const NODE: MacProcess = {
  pid: 812,
  parent: 700,
  uid: 501,
  name: 'node',
  path: '/usr/local/bin/node',
  argv: ['node', 'x'],
};

/** A Mac with these sockets in one process of the looking user, among others. */
function mac(sockets: readonly Partial<MacSocket>[], over: Partial<MacOptions> = {}): MacOptions {
  return {
    pid: 900,
    euid: 0,
    range: [49_152, 65_535],
    users: { 0: 'root', 501: 'me', 65: '_mdnsresponder' },
    processes: [
      { pid: 1, parent: 0, uid: 0, name: 'launchd', path: '/sbin/launchd', argv: ['/sbin/launchd'] },
      { pid: 700, parent: 1, uid: 501, name: 'zsh', path: '/bin/zsh', argv: ['-zsh'] },
      { pid: 900, parent: 700, uid: over.euid ?? 0, name: 'portolan', path: '/usr/local/bin/portolan' },
      {
        pid: 300, parent: 1, uid: 65, name: 'mDNSResponder', path: '/usr/sbin/mDNSResponder',
        argv: ['mDNSResponder'], environment: ['XPC_SERVICE_NAME=com.apple.mDNSResponder.reloaded'],
        sockets: { 6: macSocket({ transport: 'udp', port: 5353, uid: 65, lastPid: 300 }, 90) },
      },
      { ...NODE, sockets: Object.fromEntries(sockets.map((socket, nth) => [20 + nth, macSocket(socket, nth)])) },
    ],
    ...over,
  };
} // biome-ignore format: a process a row

function macSocket(over: Partial<MacSocket>, nth: number): MacSocket {
  return {
    transport: 'tcp', family: 'ipv4', port: PORT, so: 0x1000n + BigInt(nth), generation: 100n + BigInt(nth), uid: 501,
    lastPid: 812, ...over,
  };
} // biome-ignore format: one shape

function lookAtMac(
  options: MacOptions,
  { native = true, ...request }: Partial<ProbeRequest> & { native?: boolean } = {},
): Promise<Snapshot> {
  return lookDarwin(
    { ports: [PORT, PORT], transports: BOTH, ...request },
    {
      calls: native ? openMac(options) : null,
      tools: macTools(options),
      pid: options.pid,
      euid: options.euid,
      release: '24.6.0',
    },
  );
}

/** Numbers of states: those of xnu's tcp_fsm.h, of tcpmib.h, and of Get-NetTCPConnection; a socket is listening unless told. */
const LISTENING = 1;
const WINDOWS_STATES: Readonly<Record<number, { readonly table: number; readonly objects: number }>> = {
  0: { table: 0, objects: 100 },
  1: { table: 2, objects: 2 },
  4: { table: 5, objects: 5 },
  10: { table: 11, objects: 11 },
};

/** The same sockets on a Windows host: in its tables, and as the objects of its PowerShell. */
function lookAtWindows(
  sockets: readonly Partial<MacSocket>[],
  loose: readonly Partial<MacSocket>[],
  ffi: boolean,
): Promise<Snapshot> {
  const all = [
    ...sockets.map((socket) => ({ socket, pid: NODE.pid })),
    ...loose.map((socket) => ({ socket, pid: 0 })),
  ].map(({ socket, pid }) => {
    const { transport = 'tcp', family = 'ipv4', address = V4, port = PORT, state = LISTENING, peer } = socket;
    const none = family === 'ipv6' ? ANY6 : [0, 0, 0, 0];
    const number = WINDOWS_STATES[state] ?? { table: 2, objects: 2 };
    const other = { address: peer?.address ?? none, port: peer?.port ?? 0 };
    return { transport, family, address, port, number, other, pid };
  });
  const text = (bytes: readonly number[]): string =>
    bytes.length === 4 ? bytes.join('.') : bytes.every((byte) => byte === 0) ? '::' : '::1';
  const objects = (transport: Transport, bound: boolean): string =>
    JSON.stringify(
      all
        .filter((one) => one.transport === transport && (!bound || one.number.objects === 100))
        .map(({ address, port, number, other, pid }) => ({
          LocalAddress: text(address), LocalPort: port, OwningProcess: pid,
          ...(transport === 'tcp' ? { RemoteAddress: text(other.address), RemotePort: other.port, State: number.objects } : {}),
        })), // biome-ignore format: an object a row
    );
  const exe = 'C:\\Program Files\\nodejs\\node.exe';
  const processes = JSON.stringify([{ Id: NODE.pid, ProcessName: 'node', Path: exe, Started: null }]);
  const rows = (transport: Transport, family: string): EncodedRow[] =>
    all
      .filter((one) => one.transport === transport && one.family === family && one.number.table !== 0)
      .map(({ address, port, number, other, pid }) => ({
        local: address, port, pid, state: number.table, peer: other.address, peerPort: other.port,
      })); // biome-ignore format: a row a row
  const { run } = programs({
    powershell: ffi
      ? objects('tcp', true)
      : [objects('tcp', false), objects('udp', false), processes].join('\r\n'),
  });
  const api = fakeApi({
    tcp: rows('tcp', 'ipv4'),
    tcp6: rows('tcp', 'ipv6'),
    udp: rows('udp', 'ipv4'),
    udp6: rows('udp', 'ipv6'),
    processes: { [NODE.pid]: { exe, started: null } },
  });
  const parts = { api: () => (ffi ? api : null), run, mirrored: () => false, release: () => '10.0.26100' };
  return windowsBackend(parts).look({ ports: [PORT, PORT], transports: BOTH });
}

const sight = (socket: Socket): Sight => ({
  kind: holderKind(socket),
  transport: socket.transport,
  state: socket.state,
  address: socket.local.address,
  ...(socket.local.address === '::' && socket.ipv6Only !== null ? { ipv6Only: socket.ipv6Only } : {}),
  owned: socket.owners.some(({ inferred }) => !inferred),
});

/** What every backend promises of what it saw. */
function expectAnswer(snapshot: Snapshot, ask: Ask, way: Way, pid: number): void {
  const { sees, gap } = ask.except?.[way] ?? { sees: ask.sees, gap: null };
  const onPort = snapshot.sockets.filter(({ local }) => local.port === PORT);
  expect(onPort.map(sight).toSorted(bySight), way).toEqual([...sees].toSorted(bySight));
  for (const { owners } of onPort) for (const owner of owners) expect(owner.pid).toBe(pid);
  const use = useOf(snapshot, [PORT, PORT], BOTH);
  const covering = snapshot.gaps.filter(({ coversUse }) => coversUse).map(({ code }) => code);
  if (gap !== null) expect(covering).toContain(gap);
  // Free is said without holders and without gaps alone.
  const verdict = sees.length > 0 ? 'held' : covering.length > 0 ? 'unknown' : 'free';
  expect(use.verdict).toBe(verdict);
  expect(Date.parse(snapshot.takenAt)).not.toBeNaN();
}

const bySight = (a: Sight, b: Sight): number => JSON.stringify(a).localeCompare(JSON.stringify(b));

describe.each(ASKS)('$name', (ask) => {
  liveTest(`linux: ${ask.name}`, {}, async (ns) => {
    await ns.robot.steps(...ask.steps);
    const [native, files] = await ns.look({ ports: [PORT, PORT] }, { ports: [PORT, PORT], ffi: false });
    if (native === undefined || files === undefined) throw new Error('two looks were asked for');
    expectAnswer(native, ask, 'linux', ns.robot.pid);
    expectAnswer(files, ask, 'linux without native code', ns.robot.pid);
  });
  test('macOS', async () => {
    const options = mac(ask.mac, {
      loose: (ask.macLoose ?? []).map((socket, nth) => macSocket(socket, 50 + nth)),
    });
    expectAnswer(await lookAtMac(options), ask, 'macOS', NODE.pid);
  });
  test('macOS by its tools', async () => {
    const options = mac(ask.mac, {
      loose: (ask.macLoose ?? []).map((socket, nth) => macSocket({ ...socket, lastPid: 0 }, 50 + nth)),
    });
    expectAnswer(await lookAtMac(options, { native: false }), ask, 'macOS by its tools', NODE.pid);
  });
  test('Windows', async () => {
    expectAnswer(await lookAtWindows(ask.mac, ask.macLoose ?? [], true), ask, 'Windows', NODE.pid);
  });
  test('Windows by PowerShell', async () => {
    const seen = await lookAtWindows(ask.mac, ask.macLoose ?? [], false);
    expectAnswer(seen, ask, 'Windows by PowerShell', NODE.pid);
  });
});

describe('another user’s socket, without rights', () => {
  liveTest('linux: it is seen, whose it is is not', { needs: ['nobody'] }, async (ns) => {
    await ns.robot.steps(open({ listen: 8 }));
    const seen = await lookAs(ns, NOBODY);
    expect(useOf(seen, [PORT, PORT], BOTH).verdict).toBe('held');
    expect(only(seen.sockets).owners.every(({ inferred }) => inferred)).toBe(true);
    expect(seen.gaps.map(({ code, coversUse }) => [code, coversUse])).toContainEqual([
      'owners-hidden',
      false,
    ]);
  });
  const other = { address: V4, uid: 501, lastPid: 812 };
  const asOther = { euid: 502, pid: 900 };
  test('macOS that lists it: it is seen, and its process is inferred', async () => {
    const seen = await lookAtMac(mac([other], asOther));
    const socket = only(seen.sockets);
    expect(socket).toMatchObject({ state: 'LISTEN', uid: 501, user: 'me', ownersComplete: false });
    expect(socket.owners).toMatchObject([{ pid: 812, name: 'node', inferred: true, argv: null }]);
    expect(seen.gaps).toMatchObject([
      { code: 'owners-hidden', coversUse: false, remedy: `sudo portolan who ${PORT}` },
    ]);
  });
  test('macOS 27, which does not: nothing is called free', async () => {
    for (const native of [true, false]) {
      const seen = await lookAtMac(mac([other], { ...asOther, lists: 'own' }), { native });
      expect(seen.sockets).toEqual([]);
      expect(useOf(seen, [PORT, PORT], BOTH).verdict).toBe('unknown');
      expect(seen.gaps).toMatchObject(
        BOTH.map((transport) => ({
          code: 'sockets-others',
          coversUse: true,
          transports: [transport],
          remedy: `sudo portolan who ${PORT}`,
        })),
      );
    }
  });
});

async function lookAs(ns: Namespace, uid: number): Promise<Snapshot> {
  const request = { ports: [PORT, PORT], transports: BOTH, namespaces: false };
  const ran = await ns.run(process.execPath, [scenario('look.mjs'), JSON.stringify([request])], { uid });
  expect(ran.code, ran.stderr).toBe(0);
  return only(JSON.parse(ran.stdout) as Snapshot[]);
}

describe('macOS: an answer that is not to be relied on', () => {
  test.each([
    ['empty', 'sockets-silent'],
    ['none', 'sockets-unreadable'],
    ['cut', 'sockets-unreadable'],
  ] as const)('a list that is %s', async (lists, code) => {
    for (const euid of [0, 501]) {
      const options = mac([], { lists, euid });
      const calls = openMac(options);
      const host = { calls, tools: macTools(options), pid: 900, euid, release: '27.0.0' };
      const seen = await lookDarwin({ ports: [PORT, PORT], transports: ['tcp'] }, host);
      expect(useOf(seen, [PORT, PORT], ['tcp']).verdict).toBe('unknown');
      expect(seen.gaps).toMatchObject([
        {
          code,
          coversUse: true,
          transports: ['tcp'],
          remedy: euid === 0 ? `sudo lsof -nP -i :${PORT}` : `sudo portolan who ${PORT}`,
        },
      ]);
      // What was opened for the proof is closed again.
      expect(calls.open.size).toBe(0);
    }
  });
  test('a list that is empty takes nothing from what descriptors show', async () => {
    const seen = await lookAtMac(mac([{ address: V4 }], { lists: 'empty' }));
    expect(only(seen.sockets).owners).toMatchObject([{ pid: 812, inferred: false }]);
  });
  test('blobs that are short', async () => {
    const seen = await lookAtMac(mac([{ address: V4, listed: false }], { blobBytes: 500 }));
    expect(useOf(seen, [PORT, PORT], BOTH).verdict).toBe('unknown');
    expect(seen.gaps.map(({ code }) => code)).toContain('sockets-unreadable');
  });
  test('tools that are not there, or print nothing', async () => {
    const options = mac([]);
    for (const [over, codes] of [
      [{ missing: ['netstat', 'lsof', 'sysctl'] }, ['sockets-unreadable']],
      [{ mute: true }, ['sockets-silent', 'sockets-silent']],
    ] as const) {
      const host = { calls: null, tools: macTools(options, over), pid: 900, euid: 0, release: '24.6.0' };
      const seen = await lookDarwin({ ports: [PORT, PORT], transports: BOTH }, host);
      expect(useOf(seen, [PORT, PORT], BOTH).verdict).toBe('unknown');
      expect(seen.gaps.map((gap) => gap.code)).toEqual([...codes, 'limits-unreadable']);
    }
  });
});

describe('macOS: owners and limits', () => {
  test('who it is, from where, started by whom; the label of a job alone', async () => {
    const app: MacProcess = {
      pid: 812, parent: 700, uid: 501, name: 'Electron', folder: '/Users/me/work',
      path: '/Applications/Some Tool.app/Contents/MacOS/Electron',
      argv: ['Electron', '.'], environment: ['XPC_SERVICE_NAME=inherited.from.a.job'],
      sockets: { 20: macSocket({ address: V4 }, 0) },
    }; // biome-ignore format: short
    const base = mac([]);
    const options = { ...base, processes: [...base.processes.filter(({ pid }) => pid !== 812), app] };
    const seen = await lookAtMac(options, { ports: null });
    const owners = seen.sockets.flatMap((socket) => socket.owners);
    expect(owners.find(({ pid }) => pid === 812)).toEqual({
      pid: 812,
      startedAt: '2023-11-14T22:13:20.250Z',
      name: 'Some Tool',
      exe: app.path,
      argv: app.argv,
      cwd: '/Users/me/work',
      user: 'me',
      unit: null,
      container: null,
      launchedBy: [{ pid: 700, startedAt: '2023-11-14T22:13:20.250Z', name: 'zsh' }],
      inferred: false,
    });
    expect(owners.find(({ pid }) => pid === 300)).toMatchObject({
      unit: 'com.apple.mDNSResponder.reloaded',
      launchedBy: [],
    });
    expect(seen.limits).toEqual({ ephemeral: [49_152, 65_535], reserved: [], unprivilegedFrom: null });
    expect(seen).toMatchObject({ platform: 'darwin', release: '24.6.0', via: 'libproc', gaps: [] });
  });
  test('a socket that two processes have is one socket with two owners', async () => {
    const shared = macSocket({ address: V4 }, 0);
    const base = mac([]);
    const processes = [
      ...base.processes,
      { ...NODE, pid: 813, sockets: { 3: shared } },
      { ...NODE, pid: 814, sockets: { 9: shared } },
    ];
    const seen = await lookAtMac({ ...base, processes });
    expect(only(seen.sockets).owners.map(({ pid }) => pid)).toEqual([813, 814]);
  });
  test('a socket that no descriptor stands for is told, with whoever used it last', async () => {
    const loose = [macSocket({ transport: 'udp', address: V4 }, 60)];
    const seen = await lookAtMac(mac([], { loose }));
    expect(only(seen.sockets)).toMatchObject({ kernel: false, owners: [{ pid: 812, inferred: true }] });
    expect(seen.gaps).toMatchObject([
      { code: 'owner-undescribed', coversUse: false, values: { sockets: 1 } },
    ]);
  });
  test('a socket that is closed while processes are walked is told no more', async () => {
    const loose = [macSocket({ address: V4 }, 60)];
    const options = mac([], { loose });
    const calls = openMac(options);
    const closing = {
      ...calls,
      listPids: (out: Uint8Array) => {
        loose.length = 0;
        return calls.listPids(out);
      },
    };
    const host = { calls: closing, tools: macTools(options), pid: 900, euid: 0, release: '24.6.0' };
    const seen = await lookDarwin({ ports: [PORT, PORT], transports: BOTH }, host);
    expect(seen).toMatchObject({ sockets: [], gaps: [] });
  });
  test('a socket that comes to a process after its walk is looked for where it was used last', async () => {
    const passed = macSocket({ address: V4 }, 60);
    const sockets: Record<number, MacSocket> = {};
    const base = mac([], { loose: [passed] });
    const others = base.processes.filter(({ pid }) => pid !== 812);
    const options = { ...base, processes: [...others, { ...NODE, sockets }] };
    const calls = openMac(options);
    const passing = {
      ...calls,
      pidInfo: (pid: number, flavor: number, out: Uint8Array | null) => {
        // The last to be walked.
        if (pid === 900) sockets[20] = passed;
        return calls.pidInfo(pid, flavor, out);
      },
    };
    const host = { calls: passing, tools: macTools(options), pid: 900, euid: 0, release: '24.6.0' };
    const seen = await lookDarwin({ ports: [PORT, PORT], transports: BOTH }, host);
    expect(only(seen.sockets).owners).toMatchObject([{ pid: 812, inferred: false }]);
    expect(seen.gaps).toEqual([]);
  });
  test('a socket without an identity is told by its generation', async () => {
    const seen = await lookAtMac(
      mac([
        { address: V4, so: 0n },
        { family: 'ipv6', address: V6, so: 0n },
      ]),
    );
    expect(seen.sockets).toHaveLength(2);
    for (const { owners } of seen.sockets) expect(owners).toHaveLength(1);
  });
  test('without a range there is a gap', async () => {
    const { range: _, ...rest } = mac([]);
    const seen = await lookAtMac(rest);
    expect(seen.limits.ephemeral).toBeNull();
    expect(seen.gaps).toMatchObject([{ code: 'limits-unreadable', coversUse: false }]);
  });
});

test('names that are hostile are data', async () => {
  const name = 'x\nFORGED 22 \u001b[2J';
  const hostile: MacProcess = {
    ...NODE,
    name,
    path: `/tmp/${name}`,
    argv: [name],
    sockets: { 4: macSocket({ address: V4 }, 0) },
  };
  const base = mac([]);
  const options = { ...base, processes: [...base.processes.filter(({ pid }) => pid !== 812), hostile] };
  const native = only((await lookAtMac(options)).sockets);
  expect(native.owners).toMatchObject([{ pid: 812, name, exe: `/tmp/${name}`, argv: [name] }]);
  expect(printable(native.owners[0]?.name ?? '')).not.toMatch(/[\n\u001b]/);
  const tools = only((await lookAtMac(options, { native: false })).sockets);
  expect(tools.owners).toMatchObject([{ pid: 812 }]);
});

test('capabilities are false unless a backend says otherwise', async () => {
  expect((await backendFor('sunos')).capabilities).toEqual({
    bound: false, timeWait: false, owners: false, inferredOwners: false,
  }); // biome-ignore format: short
  expect((await backendFor('darwin')).capabilities).toEqual({
    bound: true, timeWait: false, owners: true, inferredOwners: true,
  }); // biome-ignore format: short
  expect((await backendFor('win32')).capabilities).toEqual({
    bound: false, timeWait: false, owners: true, inferredOwners: false,
  }); // biome-ignore format: short
  expect((await backendFor('linux')).capabilities).toEqual({
    bound: true, timeWait: true, owners: true, inferredOwners: true,
  }); // biome-ignore format: short
});
