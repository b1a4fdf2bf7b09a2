// `portolan ephemeral` on a real kernel: counts against what was opened, the allocator, and real resolvers judged.
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EphemeralV1 } from '@portolan/core';
import { describe, expect } from 'vitest';
import { checked } from '../cli/program.ts';
import { liveTest, type Namespace, pause, type Step } from './namespace.ts';

const SYSCTL = '/proc/sys/net/ipv4';
const ZONE = 'portolan-ports.example';
const PORT = 5300;

async function ephemeral(ns: Namespace, ...args: string[]): Promise<EphemeralV1> {
  const ran = await ns.portolan(['ephemeral', '--json', ...args]);
  expect(ran.code, ran.stderr).toBe(0);
  return checked<EphemeralV1>(ran.stdout);
}

async function set(ns: Namespace, name: string, text: string): Promise<void> {
  await ns.robot.step({ op: 'write', path: `${SYSCTL}/${name}`, text: `${text}\n` });
}

describe('ephemeral', () => {
  liveTest('counts ports by kind and destination, less the reserved ones', {}, async (ns) => {
    await set(ns, 'ip_local_port_range', '50000 50099');
    await set(ns, 'ip_local_reserved_ports', '50010-50019,8080');
    const open = (as: string, port: number): Step[] => [
      { op: 'open', as, family: 'ipv4', type: 'tcp', connect: ['127.0.0.1', port] },
    ];
    await ns.robot.steps(
      { op: 'open', as: 's', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 7100], listen: 64 },
      { op: 'open', as: 't', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 7200], listen: 64 },
      ...Array.from({ length: 20 }, (_, i) => open(`a${i}`, 7100)).flat(),
      ...Array.from({ length: 5 }, (_, i) => open(`b${i}`, 7200)).flat(),
      { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 0], listen: 8 },
      { op: 'open', as: 'u', family: 'ipv4', type: 'udp', bind: ['0.0.0.0', 0] },
      { op: 'open', as: 'd', family: 'ipv4', type: 'udp', connect: ['127.0.0.1', 53] },
    );
    const report = await ephemeral(ns, '--no-rate');
    expect(report).toMatchObject({
      range: [50_000, 50_099],
      available: 90,
      unprivilegedFrom: 1024,
      rate: null,
    });
    expect(report.tcp).toMatchObject({ bound: 1, timeWait: 0 });
    // connect() shares a port between destinations, so that there may be fewer ports than connections.
    expect(report.tcp.connected).toBeGreaterThanOrEqual(20);
    expect(report.destinations.map(({ peer, ports }) => [peer.port, ports])).toEqual([
      [7100, 20],
      [7200, 5],
    ]);
    expect(report.destinations[0]?.fill).toBeCloseTo(20 / 90);
    expect(report.destinations[0]?.users).toMatchObject([{ pid: ns.robot.pid, ports: 20 }]);
    expect(report.udp).toMatchObject({ open: 1, connected: 0, query: 1 });
    const inode = /net:\[(\d+)\]/.exec((await ns.run('readlink', ['/proc/self/ns/net'])).stdout)?.[1];
    expect(report.namespace.inode).toBe(Number(inode));
  });

  liveTest('a destination without a port left is said, and connect() agrees', {}, async (ns) => {
    await set(ns, 'ip_local_port_range', '50000 50009');
    const connect = (as: string): Step => ({
      op: 'open',
      as,
      family: 'ipv4',
      type: 'tcp',
      connect: ['127.0.0.1', 7100],
    });
    await ns.robot.steps(
      { op: 'open', as: 's', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 7100], listen: 64 },
      ...Array.from({ length: 10 }, (_, i) => connect(`c${i}`)),
    );
    await expect(ns.robot.step(connect('more'))).rejects.toThrow(/EADDRNOTAVAIL/);
    const [full] = (await ephemeral(ns, '--interval', '0.1')).destinations;
    expect(full).toMatchObject({ ports: 10, fill: 1, exhaustedIn: 0 });
    const page = await ns.portolan(['ephemeral', '--no-rate']);
    expect(page.stdout.split('\n')[0]).toBe('10 of 10 ports in use (100%); 127.0.0.1:7100 has none left.');
    expect(page.stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  liveTest('the rate is that of connections begun between the looks', { needs: ['python3'] }, async (ns) => {
    const script = `
import socket, sys, time
s = socket.socket(); s.bind(('127.0.0.1', 7100)); s.listen(512)
kept = []
print('ready', flush=True)
while True:
    c = socket.create_connection(('127.0.0.1', 7100)); kept += [c, s.accept()[0]]
    time.sleep(0.02)`;
    const child = ns.background('python3', ['-c', script]);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const report = await ephemeral(ns, '--interval', '1');
    child.kill('SIGKILL');
    expect(report.rate?.opened).toBeGreaterThan(5);
    expect(report.rate?.seen).toBeGreaterThan(5);
    const [to] = report.destinations;
    expect(to?.peer.port).toBe(7100);
    expect(to?.exhaustedIn).toBeGreaterThan(60);
    expect(to?.perSecond).toBeCloseTo((report.rate?.seen ?? 0) / (report.rate?.seconds ?? 1), 0);
  });

  liveTest('sockets with IP_BIND_ADDRESS_NO_PORT are counted', { needs: ['python3'] }, async (ns) => {
    const script = `
import socket
s = socket.socket(); s.bind(('127.0.0.1', 7100)); s.listen(8)
c = socket.socket(); c.setsockopt(0, 24, 1); c.bind(('127.0.0.1', 0)); c.connect(('127.0.0.1', 7100))
print('ready', flush=True); input()`;
    const child = ns.background('python3', ['-c', script]);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const report = await ephemeral(ns, '--no-rate');
    expect(report.noPort).toBe(1);
    expect(report.gaps.some(({ what }) => what.includes('IP_LOCAL_PORT_RANGE'))).toBe(true);
  });

  liveTest('without native code it counts as well', {}, async (ns) => {
    const report = await ephemeral(ns, '--no-ffi', '--interval', '0.1');
    expect(report).toMatchObject({ tcp: { ports: 0 }, noPort: null, rate: { seen: 0 } });
  });
});

describe('--sample', () => {
  liveTest(
    'connect() is hash-based with random steps, bind() random, and nothing is left behind',
    {},
    async (ns) => {
      const { allocator, range } = await ephemeral(ns, '--no-rate', '--sample', '--count', '2000');
      const kinds = Object.fromEntries(allocator?.findings.map((finding) => [finding.way, finding]) ?? []);
      const first = range?.[0] ?? 0;
      const connect = kinds['tcp-connect'];
      expect(['3', '4']).toContain(String(connect?.kind));
      expect(connect).toMatchObject({
        randomSteps: true,
        measure: { unit: 2, steps: { least: 2, most: 16 } },
      });
      expect(connect?.measure.even).toBe(first % 2 === 0 ? 1 : 0);
      for (const way of ['tcp-bind', 'udp-bind']) {
        expect(['1', '2', 'random'], way).toContain(String(kinds[way]?.kind));
        expect(kinds[way]?.measure.portBits, way).toBeGreaterThan(10);
      }
      const left = await ephemeral(ns, '--no-rate');
      expect(left.tcp.ports + left.udp.ports).toBe(0);
    },
  );

  liveTest('without native code it is a gap', {}, async (ns) => {
    const report = await ephemeral(ns, '--no-rate', '--sample', '--no-ffi');
    expect(report.allocator).toBeNull();
    expect(report.gaps.map(({ what }) => what)).toContain('how this kernel chooses ports');
  });
});

/** The lines that Portolan prints for a resolver. */
async function lines(ns: Namespace, resolver: string): Promise<readonly string[]> {
  const { resolver: answer } = await ephemeral(ns, '--resolver', '--port', String(PORT), '--for', '0');
  expect(answer).toMatchObject({ grade: 'unknown', udp: 0 });
  const found = answer?.setup.find((entry) => entry.resolver === resolver);
  if (found === undefined) throw new Error(resolver);
  return found.lines;
}

/** Asks the resolver once it answers at all. */
async function judged(ns: Namespace, child: ChildProcess): Promise<NonNullable<EphemeralV1['resolver']>> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await pause(250);
    const { resolver } = await ephemeral(
      ns,
      '--resolver',
      '--port',
      String(PORT),
      '--ask',
      '127.0.0.1',
      '--for',
      '30',
    );
    if (resolver !== null && resolver.udp > 0) {
      child.kill('SIGKILL');
      return resolver;
    }
  }
  throw new Error('the resolver never asked');
}

function folder(ns: Namespace): string {
  const path = mkdtempSync(join(tmpdir(), 'portolan-resolver-'));
  ns.finally(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('--resolver', () => {
  async function unbound(ns: Namespace, more: string): Promise<ChildProcess> {
    const path = folder(ns);
    const [server, ...rest] = await lines(ns, 'unbound');
    const base = `  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  chroot: ""
  username: ""
  directory: "${path}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
${more}`;
    writeFileSync(join(path, 'unbound.conf'), `${server}\n${base}\n${rest.join('\n')}\n`);
    return ns.background('unbound', ['-c', join(path, 'unbound.conf')]);
  }

  liveTest(
    'unbound as it comes is random, by the lines that are printed',
    { needs: ['root', 'unbound'] },
    async (ns) => {
      const resolver = await judged(ns, await unbound(ns, ''));
      expect(resolver).toMatchObject({
        grade: 'random',
        sent: 400,
        answered: 400,
        tcp: 0,
        ids: { order: 'none' },
      });
      expect(resolver.bits).toBeGreaterThan(15);
    },
  );

  liveTest(
    'unbound pinned to one port is fixed, to sixteen is few',
    { needs: ['root', 'unbound'], timeout: 180_000 },
    async (ns) => {
      const pinned = '  outgoing-port-avoid: 0-65535\n  outgoing-port-permit: 40000\n  outgoing-range: 1';
      expect(await judged(ns, await unbound(ns, pinned))).toMatchObject({
        grade: 'fixed',
        spread: [40_000, 40_000],
      });
      const few = pinned.replace('40000', '40000-40015').replace('range: 1', 'range: 16');
      const resolver = await judged(ns, await unbound(ns, few));
      expect(resolver.grade).toBe('few');
      expect(resolver.pool).toBeLessThanOrEqual(20);
    },
  );

  async function dnsmasq(ns: Namespace, ...more: string[]): Promise<ChildProcess> {
    const path = folder(ns);
    writeFileSync(join(path, 'dnsmasq.conf'), `${(await lines(ns, 'dnsmasq')).join('\n')}\n`);
    const fixed = [
      '--keep-in-foreground',
      '--no-resolv',
      '--no-hosts',
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
    ];
    const own = ['--pid-file=', '--user=root', `--conf-file=${join(path, 'dnsmasq.conf')}`];
    return ns.background('dnsmasq', [...fixed, ...own, ...more]);
  }

  liveTest('dnsmasq as it comes is random', { needs: ['root', 'dnsmasq'] }, async (ns) => {
    const resolver = await judged(ns, await dnsmasq(ns));
    expect(resolver).toMatchObject({ grade: 'random', answered: 400 });
  });

  liveTest(
    'dnsmasq pinned by --query-port is fixed, narrowed by --min-port is few',
    { needs: ['root', 'dnsmasq'], timeout: 180_000 },
    async (ns) => {
      expect(await judged(ns, await dnsmasq(ns, '--query-port=40000'))).toMatchObject({ grade: 'fixed' });
      const resolver = await judged(ns, await dnsmasq(ns, '--min-port=40000', '--max-port=40063'));
      expect(resolver).toMatchObject({ grade: 'few' });
      expect(resolver.spread?.[0]).toBeGreaterThanOrEqual(40_000);
      expect(resolver.spread?.[1]).toBeLessThanOrEqual(40_063);
    },
  );

  liveTest(
    'unbound with queries under way: its sockets are query sockets, no services',
    { needs: ['root', 'unbound'] },
    async (ns) => {
      // A server that never answers keeps them under way.
      await ns.robot.step({ op: 'open', as: 'deaf', family: 'ipv4', type: 'udp', bind: ['127.0.0.1', PORT] });
      const path = folder(ns);
      const conf = `server:
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  chroot: ""
  username: ""
  directory: "${path}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  do-not-query-localhost: no
  domain-insecure: "${ZONE}"
  outgoing-port-avoid: 0-65535
  outgoing-port-permit: 40000-50000
stub-zone:
  name: "${ZONE}"
  stub-addr: 127.0.0.1@${PORT}
`;
      writeFileSync(join(path, 'unbound.conf'), conf);
      ns.background('unbound', ['-c', join(path, 'unbound.conf')]);
      const ask = `
const dgram = require('dgram');
const s = dgram.createSocket('udp4');
const label = (t) => Buffer.concat([Buffer.from([t.length]), Buffer.from(t)]);
setInterval(() => {
  const id = Math.floor(Math.random() * 65536);
  const name = Buffer.concat(['n' + id, ...'${ZONE}'.split('.')].map(label).concat(Buffer.from([0, 0, 1, 0, 1])));
  s.send(Buffer.concat([Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name]), 53, '127.0.0.1', () => {});
}, 50);
s.on('error', () => {});`;
      ns.background(process.execPath, ['-e', ask]);
      let seen = 0;
      for (let attempt = 0; attempt < 40 && seen === 0; attempt++) {
        await pause(250);
        seen = (await ephemeral(ns, '--no-rate')).udp.query;
      }
      expect(seen).toBeGreaterThan(0);
    },
  );

  liveTest('nobody there is said, and rubbish stops nothing', {}, async (ns) => {
    const { resolver } = await ephemeral(ns, '--resolver', '--ask', '127.0.0.1:5399', '--for', '5');
    expect(resolver).toMatchObject({ grade: 'unknown', answered: 0, udp: 0 });
    const rubbish = `
const s = require('dgram').createSocket('udp4');
setInterval(() => s.send(require('crypto').randomBytes(1 + Math.floor(Math.random() * 300)), ${PORT}, '127.0.0.1', () => {}), 5);
s.on('error', () => {});`;
    ns.background(process.execPath, ['-e', rubbish]);
    const waited = await ephemeral(ns, '--resolver', '--port', String(PORT), '--for', '2');
    expect(waited.resolver?.malformed).toBeGreaterThan(0);
    expect(waited.resolver?.udp).toBe(0);
  });
});
