// `portolan watch --metrics` on real sockets: what a scraper reads, and who is answered.
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { MetricsV1 } from '@portolan/core';
import { describe, expect } from 'vitest';
import { type ReadFamily, readExposition } from '../cli/exposition.ts';
import { checked } from '../cli/program.ts';
import { listener } from './kill-place.ts';
import { BIN, liveTest, type Namespace, pause } from './namespace.ts';

const TRIES = 200;

/** Begins a watch in the namespace; gives where its metrics are, and the process. */
async function metrics(ns: Namespace, ...args: string[]) {
  const child = ns.background(process.execPath, [BIN, 'watch', '--json', ...args]);
  const line = await new Promise<string>((resolve, reject) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the watch ended with ${code}`)));
  });
  return { child, place: checked<MetricsV1>(line) };
}

/** An answer over HTTP, asked for inside the namespace. */
async function fetched(
  ns: Namespace,
  url: string,
  options: object = {},
): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  const script = `const { request } = require('node:http');
    request(process.argv[1], JSON.parse(process.argv[2]), (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part) => { body += part; });
      answer.on('end', () => console.log(JSON.stringify({ status: answer.statusCode, headers: answer.headers, body })));
    }).end();`;
  const ran = await ns.run(process.execPath, ['-e', script, url, JSON.stringify(options)]);
  return JSON.parse(ran.stdout) as Awaited<ReturnType<typeof fetched>>;
}

function valueOf(
  families: readonly ReadFamily[],
  name: string,
  labels: Record<string, string> = {},
): number | null {
  const samples = families.find((family) => family.name === name)?.samples;
  if (samples === undefined) throw new Error(`no ${name}`);
  return (
    samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
      ?.value ?? null
  );
}

describe('metrics', () => {
  liveTest('what is here is counted, events are, and the format is kept', {}, async (ns) => {
    await ns.run('sysctl', ['-w', 'net.ipv4.ip_local_port_range=40000 40099']);
    const { place } = await metrics(ns, '--metrics', '--interval', '100');
    expect(place.port).toBeGreaterThan(1023);
    const first = await fetched(ns, place.url);
    expect(first.status).toBe(200);
    expect(first.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const before = readExposition(first.body);
    // The server itself is the only listener.
    expect(
      valueOf(before, 'portolan_holders', { kind: 'listener', transport: 'tcp', namespace: 'self' }),
    ).toBe(1);
    expect(valueOf(before, 'portolan_ephemeral_available_ports')).toBe(100);
    await listener(ns, 40_007);
    await listener(ns, 3000);
    let after = before;
    for (let tries = 0; tries < TRIES; tries++) {
      after = readExposition((await fetched(ns, place.url)).body);
      const opened =
        valueOf(after, 'portolan_events_total', { change: 'opened', kind: 'listener', transport: 'tcp' }) ??
        0;
      const listeners = valueOf(after, 'portolan_holders', {
        kind: 'listener',
        transport: 'tcp',
        namespace: 'self',
      });
      if (opened >= 2 && listeners === 3) break;
      await pause(100);
    }
    expect(
      valueOf(after, 'portolan_holders', { kind: 'listener', transport: 'tcp', namespace: 'self' }),
    ).toBe(3);
    expect(
      valueOf(after, 'portolan_events_total', { change: 'opened', kind: 'listener', transport: 'tcp' }),
    ).toBeGreaterThanOrEqual(2);
    expect(valueOf(after, 'portolan_listeners_in_range')).toBe(1);
    expect(
      valueOf(after, 'portolan_forecast_taken_ratio', { port: '40007', address: '127.0.0.1' }),
    ).toBeGreaterThan(0);
    const used = valueOf(after, 'portolan_ephemeral_used_ports', { transport: 'tcp' }) ?? 0;
    expect(used).toBeGreaterThan(0);
    expect(valueOf(after, 'portolan_ephemeral_fill_ratio', { transport: 'tcp' })).toBeCloseTo(used / 100);
    expect(valueOf(after, 'portolan_ephemeral_opened_per_second')).not.toBeNull();
    expect(valueOf(after, 'portolan_gaps', { code: 'port-range-option' })).toBe(1);
  });

  liveTest('promtool has nothing against it', { needs: ['promtool'] }, async (ns) => {
    const { place } = await metrics(ns, '--metrics');
    const { body } = await fetched(ns, place.url);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: body,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  liveTest('loopback and its own name alone are answered, and nothing is changed', {}, async (ns) => {
    const { place, child } = await metrics(ns, '--metrics', '7130');
    expect(place).toMatchObject({ port: 7130, url: 'http://127.0.0.1:7130/metrics' });
    const status = async (options: object, url = place.url) => (await fetched(ns, url, options)).status;
    expect(await status({ headers: { host: 'localhost:7130' } })).toBe(200);
    for (const host of [
      'evil.example',
      'evil.example:7130',
      '127.0.0.1.evil.example:7130',
      'localhost',
      '127.0.0.1:7131',
      'localhost:7130.evil.example',
    ])
      expect([host, await status({ headers: { host } })]).toEqual([host, 403]);
    expect(await status({ headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
    expect(await status({ headers: { origin: 'http://evil.example' } })).toBe(403);
    expect(await status({ method: 'POST' })).toBe(405);
    expect(await status({ method: 'HEAD' })).toBe(200);
    expect(await status({}, 'http://127.0.0.1:7130/')).toBe(404);
    const { holders } = await ns.list(['--port', '7130']);
    expect(holders.filter(({ kind }) => kind === 'listener').map(({ local }) => local.address)).toEqual([
      '127.0.0.1',
    ]);
    // A port that somebody has is told, with what to do.
    const ran = await ns.run(process.execPath, [BIN, 'watch', '--metrics', '7130']);
    expect(ran.code).toBe(1);
    expect(ran.stderr.replace(/\s+/g, ' ')).toMatch(
      /Port 7130 cannot be bound.*EADDRINUSE.*portolan why 7130/,
    );
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => {
      child.once('exit', resolve);
    });
    expect(code).toBe(143);
  });

  liveTest('what goes with it and what does not', {}, async (ns) => {
    const told = async (...args: string[]) => {
      const ran = await ns.run(process.execPath, [BIN, 'watch', ...args]);
      return [ran.code, ran.stderr.replace(/\s+/g, ' ')];
    };
    expect(await told('3000', '--metrics')).toEqual([2, expect.stringContaining('leave the PORT out')]);
    expect(await told('--metrics', '--text')).toEqual([2, expect.stringContaining('leave --text out')]);
    expect(await told('--metrics', 'nonsense!')).toEqual([2, expect.stringMatching(/^portolan: /)]);
    expect(await told('--metrics', '7130/udp')).toEqual([2, expect.stringMatching(/takes a TCP port/)]);
    expect(await told('--metrics', '3000-3001')).toEqual([
      2,
      expect.stringContaining('One port is asked for'),
    ]);
  });
});
