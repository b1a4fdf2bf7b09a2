// The same sockets seen in several ways must be the same: by sock_diag and by /proc, and beside ss and lsof over
// many random sets of sockets. Every difference that is allowed has a name and a reason here; all others fail.
import type { Snapshot, Socket } from '@portolan/core';
import { holdersOf, useOf } from '@portolan/core';
import { expect } from 'vitest';
import { gapsWithoutNative, liveTest, type Namespace, type Robot, type Step } from './namespace.ts';

/** Most by which two readings of one TIME_WAIT timer may differ. */
const TIMER_MS = 3000;

liveTest('sock_diag and /proc give the same rows', {}, async (ns) => {
  const client = await ns.addRobot();
  const { robot } = ns;
  const tcp = { op: 'open', type: 'tcp' } as const;
  for (const [family, address, base] of [
    ['ipv4', '127.0.0.1', 6400],
    ['ipv6', '::1', 6500],
  ] as const) {
    await robot.steps(
      { ...tcp, as: `l${base}`, family, bind: [address, base], listen: 8 },
      { ...tcp, as: `b${base}`, family, bind: [address, base + 1] },
      { op: 'open', as: `u${base}`, family, type: 'udp', bind: [address, base] },
      {
        op: 'open',
        as: `c${base}`,
        family,
        type: 'udp',
        bind: [address, base + 1],
        connect: [address, base],
      },
    );
    await client.steps(
      { ...tcp, as: `open${base}`, family, bind: [address, base + 2], connect: [address, base] },
      { ...tcp, as: `half${base}`, family, bind: [address, base + 3], connect: [address, base] },
      { ...tcp, as: `shut${base}`, family, bind: [address, base + 4], connect: [address, base] },
    );
    for (const as of ['x', 'y', 'z']) await robot.step({ op: 'accept', of: `l${base}`, as: `${as}${base}` });
    await client.steps({ op: 'close', of: `half${base}` }, { op: 'close', of: `shut${base}` });
    await robot.step({ op: 'close', of: `z${base}` });
    // Never accepted: the kernel keeps it without a process.
    await client.step({
      ...tcp,
      as: `wait${base}`,
      family,
      bind: [address, base + 5],
      connect: [address, base],
    });
  }
  await robot.step({ ...tcp, as: 'dual', family: 'ipv6', v6only: false, bind: ['::', 6600], listen: 8 });
  await client.step({
    ...tcp,
    as: 'mapped',
    family: 'ipv4',
    bind: ['127.0.0.1', 6601],
    connect: ['127.0.0.1', 6600],
  });

  // Both walk: what BPF lists, on a machine with many descriptors, includes processes that refuse to be walked.
  const [byDiag, byProc] = (await ns.look({ ffi: true, bpf: false }, { ffi: false })) as [Snapshot, Snapshot];
  expect(byDiag.via).toBe('sock_diag');
  expect(byProc.via).toBe('procfs');
  expect(byDiag.gaps).toEqual([]);
  expect(byProc.gaps.map((gap) => gap.code)).toEqual(gapsWithoutNative());

  const seen = byDiag.sockets.filter((socket) => socket.state !== 'BOUND');
  expect(byDiag.sockets.length - seen.length).toBe(2);
  expect(bare(byProc.sockets)).toEqual(bare(seen));
  const states = new Set(seen.map((socket) => `${socket.family} ${socket.transport} ${socket.state}`));
  for (const family of ['ipv4', 'ipv6']) {
    for (const state of ['LISTEN', 'ESTABLISHED', 'FIN_WAIT2', 'CLOSE_WAIT', 'TIME_WAIT'])
      expect(states).toContain(`${family} tcp ${state}`);
    for (const state of ['UNCONN', 'ESTABLISHED']) expect(states).toContain(`${family} udp ${state}`);
  }
  const timed = byProc.sockets.filter((socket) => socket.freeInMs !== null);
  expect(timed.map(({ family, state }) => `${family} ${state}`).toSorted((x, y) => (x < y ? -1 : 1))).toEqual(
    ['ipv4 TIME_WAIT', 'ipv6 TIME_WAIT'],
  );
  const timers = byTuple(timed);
  for (const socket of seen.filter(({ freeInMs }) => freeInMs !== null)) {
    const other = timers.get(tuple(socket));
    expect(Math.abs((socket.freeInMs ?? 0) - (other?.freeInMs ?? 0))).toBeLessThanOrEqual(TIMER_MS);
  }
  // What is decided from both is the same as well.
  const kinds = (snapshot: Snapshot): string[] =>
    holdersOf(snapshot, null, ['tcp', 'udp'])
      .filter((holder) => holder.kind !== 'bound')
      .map((holder) => `${holder.kind} ${holder.transport} ${holder.local.address} ${holder.local.port}`);
  expect(kinds(byProc)).toEqual(kinds(byDiag));
  for (const port of [6400, 6402, 6404, 6500, 6504, 6600]) {
    expect(useOf(byDiag, [port, port], ['tcp', 'udp']).verdict, `port ${port}`).toBe('held');
    expect(useOf(byProc, [port, port], ['tcp', 'udp']).verdict, `port ${port}`).toBe('held');
  }
  expect(useOf(byDiag, [6401, 6401], ['tcp']).verdict).toBe('held');
  expect(useOf(byProc, [6401, 6401], ['tcp']).verdict).toBe('unknown');
});

/** Rows in one order, without what only one of the two readers can tell. */
function bare(sockets: readonly Socket[]): unknown[] {
  return sockets
    .map((socket) => ({ ...socket, ipv6Only: null, freeInMs: socket.freeInMs === null ? null : 'some' }))
    .toSorted((a, b) => (tuple(a) < tuple(b) ? -1 : 1));
}

/** What tells sockets apart. */
function tuple({
  transport,
  local,
  peer,
  inode,
}: Pick<Socket, 'transport' | 'local' | 'peer' | 'inode'>): string {
  return `${transport} ${local.address} ${local.port} ${peer?.address ?? '*'} ${peer?.port ?? '*'} ${inode}`;
}

function byTuple(sockets: readonly Socket[]): Map<string, Socket> {
  return new Map(sockets.map((socket) => [tuple(socket), socket]));
}

/** A socket as every tool can be read: endpoints in our spelling. */
interface Row {
  readonly transport: string;
  readonly local: string;
  readonly peer: string;
  readonly state: string;
  /** Owner's pid where one process is known to have it; several rows where several have. */
  readonly pid: number | null;
  readonly family: string;
}

const line = ({ transport, family, local, peer, state, pid }: Row): string =>
  `${transport} ${family} ${local} -> ${peer} ${state}${pid === null ? '' : ` pid ${pid}`}`;

/** A differing row: whose it is and what it says. */
interface Difference {
  readonly only: 'portolan' | 'ss' | 'lsof';
  /** The tool compared with. */
  readonly beside: 'ss' | 'lsof';
  readonly row: Row;
}

/** Why rows may differ. A difference that no rule explains fails the test. */
const RULES: readonly { name: string; explains: (difference: Difference) => boolean }[] = [
  {
    // ss has had --bound-inactive since iproute2 6.8 only.
    name: 'ss does not list sockets that are bound and not in use',
    explains: ({ only, beside, row }) => only === 'portolan' && beside === 'ss' && row.state === 'BOUND',
  },
  {
    name: 'lsof finds addresses in /proc/net, where bound sockets are not',
    explains: ({ only, beside, row }) => only === 'portolan' && beside === 'lsof' && row.state === 'BOUND',
  },
  {
    name: 'lsof lists descriptors: what no process has (TIME_WAIT, FIN_WAIT2, not accepted) is not there',
    explains: ({ only, beside, row }) => only === 'portolan' && beside === 'lsof' && row.pid === null,
  },
];

/** Rows of each side that the other does not have, one for one. */
function differences(ours: readonly Row[], theirs: readonly Row[], beside: 'ss' | 'lsof'): Difference[] {
  const left = new Map<string, Row[]>();
  for (const row of theirs) left.set(line(row), [...(left.get(line(row)) ?? []), row]);
  const found: Difference[] = [];
  for (const row of ours) {
    if (left.get(line(row))?.pop() === undefined) found.push({ only: 'portolan', beside, row });
  }
  for (const rows of left.values()) for (const row of rows) found.push({ only: beside, beside, row });
  return found;
}

/** Our rows, one per owner, as lsof has them; or one per socket. */
function ourRows(sockets: readonly Socket[], perOwner: boolean): Row[] {
  return sockets.flatMap((socket): Row[] => {
    const row = {
      transport: socket.transport,
      family: socket.family,
      local: `${socket.local.address} ${socket.local.port}`,
      peer: socket.peer === null ? '*' : `${socket.peer.address} ${socket.peer.port}`,
      state: socket.state,
    };
    if (!perOwner || socket.owners.length === 0) return [{ ...row, pid: null }];
    return socket.owners.map(({ pid }) => ({ ...row, pid }));
  });
}

/** State names of ss (misc/ss.c) in the kernel's spelling. */
const SS_STATES: Readonly<Record<string, string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT1',
  'FIN-WAIT-2': 'FIN_WAIT2',
  'TIME-WAIT': 'TIME_WAIT',
  UNCONN: 'UNCONN',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
};

async function ssRows(ns: Namespace, transport: 'tcp' | 'udp'): Promise<Row[]> {
  const rows: Row[] = [];
  // By family, because `*` stands for `::` of a dual-stack socket and would not tell otherwise.
  for (const family of ['ipv4', 'ipv6'] as const) {
    const flags = `-Hn${transport === 'tcp' ? 't' : 'u'}a${family === 'ipv4' ? '4' : '6'}`;
    const ran = await ns.run('ss', [flags]);
    expect(ran.code, ran.stderr).toBe(0);
    for (const text of ran.stdout.split('\n').filter((each) => each.trim() !== '')) {
      const [state = '', , , local = '', peer = ''] = text.trim().split(/\s+/);
      const known = SS_STATES[state];
      if (known === undefined) throw new Error(`ss has a state we do not know: ${text}`);
      const peerPort = peer.slice(peer.lastIndexOf(':') + 1);
      rows.push({
        transport,
        family,
        local: endpoint(local, family),
        peer: peerPort === '*' ? '*' : endpoint(peer, family),
        state: transport === 'tcp' && known === 'UNCONN' ? 'BOUND' : known,
        pid: null,
      });
    }
  }
  return rows;
}

/** `127.0.0.1:80`, `[::1]:80` or `*:80` as `address port`. */
function endpoint(text: string, family: 'ipv4' | 'ipv6'): string {
  const at = text.lastIndexOf(':');
  const address = text
    .slice(0, at)
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '');
  const any = family === 'ipv4' ? '0.0.0.0' : '::';
  return `${address === '*' ? any : address} ${text.slice(at + 1)}`;
}

async function lsofRows(ns: Namespace): Promise<Row[]> {
  const ran = await ns.run('lsof', ['-nP', '-i', '-F', 'pftPnT']);
  // 1 with nothing printed means that nothing was found.
  expect(ran.code === 0 || (ran.code === 1 && ran.stdout === ''), ran.stderr).toBe(true);
  const rows: Row[] = [];
  let pid = 0;
  let file: Record<string, string> = {};
  const end = (): void => {
    if (file['P'] !== undefined) rows.push(lsofRow(file, pid));
    file = {};
  };
  for (const text of ran.stdout.split('\n')) {
    const key = text.slice(0, 1);
    const value = text.slice(1);
    if (key === 'p') {
      end();
      pid = Number(value);
    } else if (key === 'f') {
      end();
      file = { f: value };
    } else if (key === 'T') {
      if (value.startsWith('ST=')) file['state'] = value.slice(3);
    } else if (key !== '') file[key] = value;
  }
  end();
  return rows;
}

function lsofRow(file: Readonly<Record<string, string>>, pid: number): Row {
  const transport = (file['P'] ?? '').toLowerCase();
  const family = file['t'] === 'IPv4' ? 'ipv4' : 'ipv6';
  const [local = '', peer] = (file['n'] ?? '').split('->');
  // lsof writes an IPv4 address mapped into IPv6 as plain IPv4.
  const ours = (text: string): string => {
    const read = endpoint(text, family);
    return family === 'ipv6' && /^\d+\.\d+\.\d+\.\d+ /.test(read) ? `::ffff:${read}` : anyOf(read, family);
  };
  const udp = peer === undefined ? 'UNCONN' : 'ESTABLISHED';
  return {
    transport,
    family,
    local: ours(local),
    peer: peer === undefined ? '*' : ours(peer),
    state: transport === 'udp' ? udp : (file['state'] ?? '?'),
    pid,
  };
}

/** lsof writes `*` for both wildcards. */
function anyOf(text: string, family: 'ipv4' | 'ipv6'): string {
  return text.replace(/^\* /, family === 'ipv4' ? '0.0.0.0 ' : ':: ');
}

/** Numbers from 0 to 1 that a seed decides (mulberry32, public domain). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Listener {
  readonly name: string;
  readonly robot: Robot;
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly port: number;
  readonly dual: boolean;
}

const SOCKETS = 40;

/** Opens about forty sockets as the seed has it. Gives how many bound ones it made, by `address port`. */
async function openSome(robots: readonly Robot[], turn: number): Promise<{ bound: string[] }> {
  const next = random(SEED + turn);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
  const listeners: Listener[] = [];
  const bound: string[] = [];
  for (let made = 0; made < SOCKETS; made++) {
    const robot = pick(robots);
    const family = pick(['ipv4', 'ipv6'] as const);
    const address = family === 'ipv4' ? pick(['127.0.0.1', '127.0.0.2', '0.0.0.0']) : pick(['::1', '::']);
    // Never a port of an earlier turn, which may still be closing.
    const port = 10_000 + 10 * (turn * SOCKETS + made);
    const name = `s${made}`;
    const v6only = family === 'ipv6' && address === '::' ? { v6only: next() < 0.5 } : {};
    const open = { op: 'open', as: name, family, ...v6only } as const;
    const server = listeners.length > 0 ? pick(listeners) : null;
    const what = pick([
      'listen',
      'listen',
      'bound',
      'udp',
      'udp-to',
      'connect',
      'connect',
      'connect',
    ] as const);
    if (what === 'listen' || (what === 'connect' && server === null)) {
      await robot.step({ ...open, type: 'tcp', bind: [address, port], listen: 8 });
      const dual = 'v6only' in v6only && v6only.v6only === false;
      listeners.push({ name, robot, family, address, port, dual });
    } else if (what === 'bound') {
      await robot.step({ ...open, type: 'tcp', bind: [address, port] });
      bound.push(`${address} ${port}`);
    } else if (what === 'udp') {
      await robot.step({ ...open, type: 'udp', bind: [address, port] });
    } else if (what === 'udp-to') {
      const from = family === 'ipv4' ? '127.0.0.1' : '::1';
      await robot.step({ ...open, type: 'udp', bind: [from, port], connect: [from, 9] });
    } else if (server !== null) {
      await connect(robot, name, server, next);
    }
  }
  return { bound };
}

/** A connection to a listener, left in one of the states that a connection can rest in. */
async function connect(robot: Robot, as: string, server: Listener, next: () => number): Promise<void> {
  const mapped = server.dual && next() < 0.5;
  const family = mapped ? 'ipv4' : server.family;
  const loopback = family === 'ipv4' ? '127.0.0.1' : '::1';
  const wildcard = server.address === '0.0.0.0' || server.address === '::';
  const target = wildcard ? loopback : server.address;
  await robot.step({ op: 'open', as, family, type: 'tcp', connect: [target, server.port] });
  const turn = next();
  const accepted = `${as}-accepted`;
  const steps: Step[] = [];
  await server.robot.step({ op: 'accept', of: server.name, as: accepted });
  if (turn < 0.3) return;
  if (turn < 0.5) {
    await robot.step({ op: 'close', of: as });
  } else if (turn < 0.7) {
    await robot.step({ op: 'close', of: as });
    steps.push({ op: 'close', of: accepted });
  } else if (turn < 0.9) {
    steps.push({ op: 'close', of: accepted });
  }
  await server.robot.steps(...steps);
}

const TURNS = 24;
const SEED = 60_163;

liveTest(
  `rows are those of ss and lsof, ${TURNS} times ${SOCKETS} sockets`,
  {
    needs: ['ss', 'lsof'],
    timeout: 300_000,
  },
  async (ns) => {
    const used = new Map<string, number>();
    const states = new Set<string>();
    let compared = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const robots = [await ns.addRobot(), await ns.addRobot()];
      const { bound } = await openSome(robots, turn);
      // One connection that nobody accepts, after all that do.
      const [first, second] = robots as [Robot, Robot];
      const queue = ['127.0.0.9', 9000 + turn] as const;
      await first.step({ op: 'open', as: 'q', family: 'ipv4', type: 'tcp', bind: queue, listen: 4 });
      await second.step({ op: 'open', as: 'qc', family: 'ipv4', type: 'tcp', connect: queue });

      const snapshots = await ns.look({ ffi: true }, { ffi: false });
      const beside = {
        ss: [...(await ssRows(ns, 'tcp')), ...(await ssRows(ns, 'udp'))],
        lsof: await lsofRows(ns),
      };
      for (const snapshot of snapshots) {
        const ours = snapshot.sockets;
        expect(ours.length, `seed ${SEED + turn}`).toBeGreaterThan(SOCKETS / 2);
        const mine = ours.filter((socket) => socket.state === 'BOUND');
        expect(
          mine.map(({ local }) => `${local.address} ${local.port}`).toSorted(),
          `seed ${SEED + turn}`,
        ).toEqual(snapshot.via === 'sock_diag' ? bound.toSorted() : []);
        for (const tool of ['ss', 'lsof'] as const) {
          const found = differences(ourRows(ours, tool === 'lsof'), beside[tool], tool);
          compared += beside[tool].length;
          const unexplained = found.filter((difference) => {
            const rule = RULES.find(({ explains }) => explains(difference));
            if (rule !== undefined) used.set(rule.name, (used.get(rule.name) ?? 0) + 1);
            return rule === undefined;
          });
          const shown = unexplained.map((difference) => `only ${difference.only}: ${line(difference.row)}`);
          const where = `seed ${SEED + turn}, ${snapshot.via} beside ${tool}`;
          expect(shown, `${where}\n${shown.join('\n')}`).toEqual([]);
        }
        for (const socket of ours) states.add(`${socket.family} ${socket.transport} ${socket.state}`);
      }
      await Promise.all(robots.map((robot) => robot.end()));
    }
    expect(compared).toBeGreaterThan(TURNS * SOCKETS);
    // A rule that explains nothing is not known to be true.
    expect([...used.keys()].toSorted()).toEqual(RULES.map((rule) => rule.name).toSorted());
    for (const family of ['ipv4', 'ipv6']) {
      for (const state of ['LISTEN', 'ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT2', 'TIME_WAIT', 'BOUND'])
        expect(states).toContain(`${family} tcp ${state}`);
      for (const state of ['UNCONN', 'ESTABLISHED']) expect(states).toContain(`${family} udp ${state}`);
    }
  },
);
