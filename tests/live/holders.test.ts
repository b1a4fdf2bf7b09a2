// What holds a port besides a plain listener, and what listener-only tools call free: each kind of hold is made
// in a namespace of its own, and the built program must say what it is and whose.
import { expect } from 'vitest';
import { liveTest, type Namespace, only, pause, pidsOf, type Robot, scenario } from './namespace.ts';

const V4 = '127.0.0.1';

/** A server and a client on loopback, the client from a local port that was chosen; the server accepts. */
async function connection(server: Robot, client: Robot, from: number, to: number): Promise<void> {
  await server.step({ op: 'open', as: 'server', family: 'ipv4', type: 'tcp', bind: [V4, to], listen: 8 });
  await client.step({
    op: 'open',
    as: 'client',
    family: 'ipv4',
    type: 'tcp',
    bind: [V4, from],
    connect: [V4, to],
  });
  await server.step({ op: 'accept', of: 'server', as: 'accepted' });
}

liveTest('nobody is on a port of an empty namespace', {}, async (ns) => {
  const answer = await ns.who(60_163);
  expect(answer).toMatchObject({ verdict: 'free', holders: [], gaps: [] });
  const { holders } = await ns.list();
  expect(holders).toEqual([]);
  const report = await ns.report(60_163);
  expect(report.use).toMatchObject({ verdict: 'free', holders: [] });
});

liveTest('an outgoing connection alone holds its local port (V1)', {}, async (ns) => {
  const client = await ns.addRobot();
  await connection(ns.robot, client, 41_163, 7000);

  for (const args of [[], ['--no-ffi']]) {
    const { verdict, holders } = await ns.who(41_163, args);
    expect(verdict).toBe('held');
    const holder = only(holders);
    expect(holder).toMatchObject({
      kind: 'connection',
      transport: 'tcp',
      state: 'ESTABLISHED',
      local: { address: V4, port: 41_163 },
      peer: { address: V4, port: 7000 },
      freeInMs: null,
    });
    expect(pidsOf(holder)).toEqual([client.pid]);
  }
  const text = await ns.portolan(['who', '41163']);
  expect(text.stdout).toContain(String(client.pid));
  expect(text.stdout).not.toMatch(/listen/i);

  // The other side: the server's port has the listener and the accepted connection, both the server's.
  const server = await ns.who(7000);
  expect(server.holders.map((holder) => [holder.kind, pidsOf(holder)])).toEqual([
    ['listener', [ns.robot.pid]],
    ['connection', [ns.robot.pid]],
  ]);
  // The kernel agrees that it is a hold: a listener is refused there.
  await expect(
    ns.robot.step({
      op: 'open',
      as: 'x',
      family: 'ipv4',
      type: 'tcp',
      reuse: true,
      bind: [V4, 41_163],
      listen: 1,
    }),
  ).rejects.toThrow('EADDRINUSE');
});

liveTest('an accepted connection keeps the port after its listener has gone', {}, async (ns) => {
  const client = await ns.addRobot();
  await connection(ns.robot, client, 41_164, 7001);
  await ns.robot.step({ op: 'close', of: 'server' });
  const { verdict, holders } = await ns.who(7001);
  expect(verdict).toBe('held');
  expect(only(holders)).toMatchObject({ kind: 'connection', peer: { address: V4, port: 41_164 } });
  expect(pidsOf(holders[0])).toEqual([ns.robot.pid]);
});

liveTest('a connection nobody has accepted yet holds the port without an owner', {}, async (ns) => {
  const client = await ns.addRobot();
  await ns.robot.step({
    op: 'open',
    as: 'server',
    family: 'ipv4',
    type: 'tcp',
    bind: [V4, 7002],
    listen: 8,
  });
  await client.step({ op: 'open', as: 'client', family: 'ipv4', type: 'tcp', connect: [V4, 7002] });
  const { holders } = await ns.who(7002);
  expect(holders.map((holder) => [holder.kind, holder.state, pidsOf(holder)])).toEqual([
    ['listener', 'LISTEN', [ns.robot.pid]],
    ['connection', 'ESTABLISHED', []],
  ]);
});

liveTest('a port in TIME_WAIT is closing, and says how long it still takes', {}, async (ns) => {
  const client = await ns.addRobot();
  await connection(ns.robot, client, 41_165, 7003);
  await client.step({ op: 'close', of: 'client' });
  await ns.robot.steps({ op: 'close', of: 'accepted' }, { op: 'close', of: 'server' });

  for (const args of [[], ['--no-ffi']]) {
    const first = await closing(ns, 41_165, args);
    await pause(400);
    const second = await closing(ns, 41_165, args);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(61_000);
    expect(second).toBeLessThan(first);
    expect(second).toBeGreaterThan(0);
  }
  const text = await ns.portolan(['who', '41165']);
  expect(text.stdout).toMatch(/\d+\.\d/);
});

async function closing(ns: Namespace, port: number, args: readonly string[]): Promise<number> {
  const { verdict, holders } = await ns.who(port, args);
  expect(verdict).toBe('held');
  const holder = only(holders);
  expect(holder).toMatchObject({ kind: 'closing', state: 'TIME_WAIT', owners: [], uid: null });
  return holder.freeInMs ?? Number.NaN;
}

liveTest('a half-closed connection without a process is closing as well', {}, async (ns) => {
  const client = await ns.addRobot();
  await connection(ns.robot, client, 41_166, 7004);
  await client.step({ op: 'close', of: 'client' });
  // The server keeps its end open: the client's end waits in FIN_WAIT2 without a process.
  for (const args of [[], ['--no-ffi']]) {
    const holder = only((await ns.who(41_166, args)).holders);
    expect(holder).toMatchObject({ kind: 'closing', state: 'FIN_WAIT2', owners: [], uid: null });
  }
  const server = (await ns.who(7004)).holders.find((holder) => holder.kind === 'connection');
  expect(server?.state).toBe('CLOSE_WAIT');
  expect(pidsOf(server)).toEqual([ns.robot.pid]);
});

liveTest('a connection that cannot get through holds its local port', {}, async (ns) => {
  // A backlog of 0 takes one connection; a further one is left knocking.
  const open = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
  const client = await ns.addRobot();
  await ns.robot.step({ ...open, as: 'full', bind: [V4, 7005], listen: 0 });
  await client.steps(
    { ...open, as: 'first', connect: [V4, 7005] },
    { ...open, as: 'second', nonblock: true, bind: [V4, 41_167], connect: [V4, 7005] },
  );
  const holder = only((await ns.who(41_167)).holders);
  expect(holder).toMatchObject({
    kind: 'connection',
    state: 'SYN_SENT',
    peer: { address: V4, port: 7005 },
  });
  expect(pidsOf(holder)).toEqual([client.pid]);
});

liveTest('a port that is bound and not listened on is held (V2)', {}, async (ns) => {
  await ns.robot.steps(
    { op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: [V4, 5999] },
    { op: 'open', as: 'b', family: 'ipv6', type: 'tcp', bind: ['::1', 5998] },
  );
  for (const [port, address] of [
    [5999, V4],
    [5998, '::1'],
  ] as const) {
    const { verdict, holders, gaps } = await ns.who(port);
    expect(verdict).toBe('held');
    const holder = only(holders);
    expect(holder).toMatchObject({
      kind: 'bound',
      transport: 'tcp',
      state: 'BOUND',
      local: { address, port },
      peer: null,
    });
    expect(pidsOf(holder)).toEqual([ns.robot.pid]);
    expect(gaps).toEqual([]);

    // By /proc alone it cannot be seen, so nothing may be said to be free.
    const blind = await ns.who(port, ['--no-ffi']);
    expect(blind.verdict).toBe('unknown');
    expect(blind.holders).toEqual([]);
    expect(blind.gaps.length).toBeGreaterThan(0);
    for (const gap of blind.gaps) expect(gap.why).not.toBe('');
    const text = await ns.portolan(['who', String(port), '--no-ffi']);
    expect(text.code).toBe(3);
    expect(text.stdout).not.toMatch(/\b(is free|nobody holds)\b/i);
  }
  // UDP cannot hide that way: without native code it still may be called free.
  expect((await ns.who('5999/udp', ['--no-ffi'])).verdict).toBe('free');
  await ns.robot.steps({ op: 'close', of: 'a' });
  expect((await ns.who(5999)).verdict).toBe('free');
});

liveTest('a socket whose connection was reset still has the port it was bound to', {}, async (ns) => {
  const client = await ns.addRobot();
  await connection(ns.robot, client, 41_169, 7006);
  await ns.robot.steps({ op: 'reset', of: 'accepted' });
  const holder = only((await ns.who(41_169)).holders);
  expect(holder).toMatchObject({ kind: 'bound', state: 'BOUND', peer: null });
  expect(pidsOf(holder)).toEqual([client.pid]);
  expect((await ns.who(41_169, ['--no-ffi'])).verdict).toBe('unknown');
  await expect(
    ns.robot.step({ op: 'open', as: 'x', family: 'ipv4', type: 'tcp', bind: [V4, 41_169], listen: 1 }),
  ).rejects.toThrow('EADDRINUSE');
});

liveTest('dual-stack, IPv6-only and single addresses are told apart', {}, async (ns) => {
  const { robot } = ns;
  const tcp = { op: 'open', type: 'tcp', listen: 8 } as const;
  await robot.steps(
    { ...tcp, as: 'dual', family: 'ipv6', v6only: false, bind: ['::', 6001] },
    { ...tcp, as: 'v6', family: 'ipv6', v6only: true, bind: ['::', 6002] },
    { ...tcp, as: 'v4', family: 'ipv4', bind: ['0.0.0.0', 6002] },
    { ...tcp, as: 'lo4', family: 'ipv4', bind: [V4, 6003] },
    { ...tcp, as: 'lo4b', family: 'ipv4', bind: ['127.0.0.2', 6003] },
    { ...tcp, as: 'lo6', family: 'ipv6', bind: ['::1', 6003] },
    { ...tcp, as: 'mapped', family: 'ipv6', v6only: false, bind: ['::ffff:127.0.0.1', 6004] },
  );
  const listeners = async (port: number): Promise<[string, boolean | null][]> =>
    (await ns.who(port)).holders.map((holder) => {
      expect(holder).toMatchObject({ kind: 'listener', state: 'LISTEN' });
      expect(pidsOf(holder)).toEqual([robot.pid]);
      return [holder.local.address, holder.ipv6Only];
    });
  expect(await listeners(6001)).toEqual([['::', false]]);
  expect(await listeners(6002)).toEqual([
    ['0.0.0.0', null],
    ['::', true],
  ]);
  expect(await listeners(6003)).toEqual([
    [V4, null],
    ['127.0.0.2', null],
    // A socket on one IPv6 address can serve no IPv4, and the kernel marks it so.
    ['::1', true],
  ]);
  expect(await listeners(6004)).toEqual([['::ffff:127.0.0.1', false]]);
});

liveTest('an IPv4 connection on a dual-stack listener is shown mapped, on both ends', {}, async (ns) => {
  const client = await ns.addRobot();
  await ns.robot.step({
    op: 'open',
    as: 'dual',
    family: 'ipv6',
    type: 'tcp',
    v6only: false,
    bind: ['::', 6005],
    listen: 8,
  });
  await client.step({
    op: 'open',
    as: 'client',
    family: 'ipv4',
    type: 'tcp',
    bind: [V4, 41_168],
    connect: [V4, 6005],
  });
  await ns.robot.step({ op: 'accept', of: 'dual', as: 'accepted' });
  for (const args of [[], ['--no-ffi']]) {
    const { holders } = await ns.who(6005, args);
    expect(holders.map(({ kind, local, peer }) => [kind, local.address, peer])).toEqual([
      ['listener', '::', null],
      ['connection', '::ffff:127.0.0.1', { address: '::ffff:127.0.0.1', port: 41_168 }],
    ]);
    expect(holders.map(pidsOf)).toEqual([[ns.robot.pid], [ns.robot.pid]]);
    const other = only((await ns.who(41_168, args)).holders);
    expect(other).toMatchObject({ kind: 'connection', local: { address: V4 }, peer: { address: V4 } });
    expect(pidsOf(other)).toEqual([client.pid]);
  }
});

liveTest('UDP sockets are seen with a peer and without one', {}, async (ns) => {
  await ns.robot.steps(
    { op: 'open', as: 'a', family: 'ipv4', type: 'udp', bind: [V4, 6010] },
    { op: 'open', as: 'b', family: 'ipv6', type: 'udp', v6only: false, bind: ['::', 6011] },
    { op: 'open', as: 'c', family: 'ipv4', type: 'udp', bind: [V4, 6012], connect: [V4, 6010] },
    { op: 'open', as: 'd', family: 'ipv6', type: 'udp', bind: ['::1', 6013], connect: ['::1', 6011] },
  );
  for (const args of [[], ['--no-ffi']]) {
    const seen = [];
    for (const port of [6010, 6011, 6012, 6013]) {
      const { verdict, holders } = await ns.who(`${port}/udp`, args);
      expect(verdict).toBe('held');
      const holder = only(holders);
      expect(holder.transport).toBe('udp');
      expect(pidsOf(holder)).toEqual([ns.robot.pid]);
      seen.push([holder.kind, holder.state, holder.local.address, holder.peer]);
    }
    expect(seen).toEqual([
      ['listener', 'UNCONN', V4, null],
      ['listener', 'UNCONN', '::', null],
      ['connection', 'ESTABLISHED', V4, { address: V4, port: 6010 }],
      ['connection', 'ESTABLISHED', '::1', { address: '::1', port: 6011 }],
    ]);
  }
  // A port of one transport says nothing about the other.
  expect((await ns.who('6010/tcp')).verdict).toBe('free');
});

liveTest('all four processes that share one listening socket are named (V8)', {}, async (ns) => {
  const { robot } = ns;
  await robot.step({ op: 'open', as: 'shared', family: 'ipv4', type: 'tcp', bind: [V4, 6020], listen: 8 });
  const workers: number[] = [];
  for (const as of ['w1', 'w2', 'w3']) {
    workers.push(await robot.step({ op: 'spawn', as, file: 'cat', inherit: ['shared'] }));
  }
  const all = [robot.pid, ...workers].toSorted((a, b) => a - b);
  expect(new Set(all).size).toBe(4);
  for (const args of [[], ['--no-ffi']]) {
    const holder = only((await ns.who(6020, args)).holders);
    expect(holder.kind).toBe('listener');
    expect(pidsOf(holder)).toEqual(all);
    expect(holder.owners.every((owner) => !owner.inferred)).toBe(true);
  }
  const text = await ns.portolan(['who', '6020']);
  for (const pid of all) expect(text.stdout).toContain(String(pid));

  // The parent may go: its socket lives on in the workers.
  await robot.step({ op: 'close', of: 'shared' });
  expect(pidsOf(only((await ns.who(6020)).holders))).toEqual(workers.toSorted((a, b) => a - b));
  await robot.step({ op: 'end', of: 'w2' });
  const left = [workers[0], workers[2]].toSorted((a, b) => Number(a) - Number(b));
  expect(pidsOf(only((await ns.who(6020)).holders))).toEqual(left);
});

liveTest('the workers of a Node cluster that were handed the listener are all named', {}, async (ns) => {
  const child = ns.background(process.execPath, [scenario('handover.mjs')]);
  const line = await new Promise<string>((resolve, reject) => {
    const err: Buffer[] = [];
    child.stdout?.once('data', (text: Buffer) => resolve(text.toString()));
    child.stderr?.on('data', (text: Buffer) => err.push(text));
    child.once('exit', (code) => reject(new Error(`handover.mjs ended with ${code}: ${err.join('')}`)));
  });
  const { port, pids } = JSON.parse(line) as { port: number; pids: number[] };
  expect(new Set(pids).size).toBe(4);
  const holder = only((await ns.who(port)).holders);
  expect(holder.kind).toBe('listener');
  expect(pidsOf(holder)).toEqual(pids.toSorted((a, b) => a - b));
});

liveTest('several sockets that share a port with SO_REUSEPORT are several holders', {}, async (ns) => {
  const other = await ns.addRobot();
  const step = {
    op: 'open',
    family: 'ipv4',
    type: 'tcp',
    reusePort: true,
    bind: [V4, 6021],
    listen: 8,
  } as const;
  await ns.robot.steps({ ...step, as: 'a' }, { ...step, as: 'b' });
  await other.step({ ...step, as: 'c' });
  const { holders } = await ns.who(6021);
  expect(holders.map((holder) => holder.kind)).toEqual(['listener', 'listener', 'listener']);
  const pids = holders.flatMap(pidsOf).toSorted((a, b) => a - b);
  expect(pids).toEqual([ns.robot.pid, ns.robot.pid, other.pid].toSorted((a, b) => a - b));
});

liveTest('a port that a kernel tunnel holds is the kernel’s (vxlan)', { needs: ['vxlan'] }, async (ns) => {
  const script = 'ip link add vx0 type vxlan id 1 dstport 4789 && ip link set vx0 up';
  const made = await ns.run('sh', ['-c', script]);
  expect(made.code, made.stderr).toBe(0);
  await ns.robot.step({ op: 'open', as: 'mine', family: 'ipv4', type: 'udp', bind: [V4, 4790] });
  const { verdict, holders } = await ns.who('4789/udp');
  expect(verdict).toBe('held');
  expect(holders.length).toBeGreaterThan(0);
  for (const holder of holders) {
    expect(holder).toMatchObject({ kind: 'kernel', transport: 'udp', owners: [] });
  }
  const text = await ns.portolan(['who', '4789/udp']);
  expect(text.stdout).toMatch(/kernel/i);
  // The neighbour is a process's and stays one.
  expect(only((await ns.who('4790/udp')).holders).kind).toBe('listener');
});

liveTest('a range of ports is looked at as one port is', {}, async (ns) => {
  const open = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
  await ns.robot.steps(
    { ...open, as: 'below', bind: [V4, 6029], listen: 8 },
    { ...open, as: 'first', bind: [V4, 6030], listen: 8 },
    { ...open, as: 'bound', bind: [V4, 6035] },
    { ...open, as: 'last', bind: [V4, 6040], listen: 8 },
    { ...open, as: 'above', bind: [V4, 6041], listen: 8 },
  );
  for (const args of [[], ['--no-ffi']]) {
    const { holders } = await ns.list(['--port', '6030-6040', ...args]);
    const ports = holders.map((holder) => [holder.local.port, holder.kind]);
    const bound = args.length === 0 ? [[6035, 'bound']] : [];
    expect(ports).toEqual([[6030, 'listener'], ...bound, [6040, 'listener']]);
  }
});
