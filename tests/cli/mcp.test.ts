// `portolan mcp` asked by the SDK's own client: the contract's answers, real sockets and leases, hostile input, many at once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ForecastReportV1,
  KillV1,
  LeasesV1,
  LeaseV1,
  PickV1,
  PlanV1,
  ReportV1,
  ReserveV1,
  WhyV1,
} from '@portolan/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMachine } from '../../fixtures/archive.ts';
import { type Session, session } from './mcp-client.ts';
import { checked, environment, expectTold, PROGRAM, portolan } from './program.ts';

interface List {
  readonly holders: ReportV1['use']['holders'];
  readonly gaps: ReportV1['use']['gaps'];
}

const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'portolan-mcp-')));
const leases = join(temporary, 'leases');
const env = { PORTOLAN_LEASE_DIR: leases };
let server: Server;
let port = 0;
let plain: Session;

beforeAll(async () => {
  mkdirSync(leases);
  chmodSync(leases, 0o1777);
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
  plain = await session([], { env });
});
afterAll(async () => {
  await plain.close();
  server.close();
  rmSync(temporary, { recursive: true, force: true });
});

const LOOKS = ['audit', 'explain', 'forecast', 'lease', 'list', 'pick', 'search', 'why'];
const ACTS = ['confirm', 'plan_kill', 'plan_reserve', 'plan_unreserve'];

describe('what is offered', () => {
  test('tools that look, and no other without --allow-actions', async () => {
    const { tools } = await plain.client.listTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual(LOOKS);
    for (const tool of tools) {
      expect(tool.inputSchema.type).toBe('object');
      expect(tool.annotations?.readOnlyHint, tool.name).toBe(tool.name !== 'lease');
      expect(tool.description).toMatch(/portolan\.\w+\/1/);
    }
    for (const name of ACTS) expect(await plain.refused(name, { port, id: 'x' })).toMatch(/not found/);
  });
  test('with --allow-actions plans and confirm, which alone may destroy', async () => {
    const acting = await session(['--allow-actions']);
    try {
      const { tools } = await acting.client.listTools();
      expect(tools.map(({ name }) => name).toSorted()).toEqual([...LOOKS, ...ACTS].toSorted());
      const destructive = tools.filter(({ annotations }) => annotations?.destructiveHint === true);
      expect(destructive.map(({ name }) => name)).toEqual(['confirm']);
    } finally {
      await acting.close();
    }
  });
  test('resources: the sources, and each port', async () => {
    const read = async (uri: string): Promise<Record<string, unknown>> => {
      const { contents } = await plain.client.readResource({ uri });
      const [first] = contents as { text: string; mimeType?: string }[];
      expect(first?.mimeType).toBe('application/json');
      return checked(first?.text ?? '');
    };
    const listed = await plain.client.listResources();
    expect(listed.resources.map(({ uri }) => uri)).toEqual(['portolan://sources']);
    const sources = await read('portolan://sources');
    expect(sources['format']).toBe('portolan.facts-sources/1');
    expect(Object.keys(sources['sources'] as object)).toContain('rfc6335');
    const { resourceTemplates } = await plain.client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['portolan://ports/{port}']);
    expect(await read('portolan://ports/5432')).toMatchObject({ format: 'portolan.report/1', port: 5432 });
    await expect(read('portolan://ports/70000')).rejects.toThrow(/70000/);
    await expect(read('portolan://nothing')).rejects.toThrow(/not found/i);
  });
});

describe('answers are those of the commands', () => {
  test('on a recorded machine, to the last field', async () => {
    const machine = openMachine('busy-server');
    const recorded = await session(['--procfs-root', machine.root]);
    try {
      const at = ['--json', '--procfs-root', machine.root];
      const same = async (name: string, input: Record<string, unknown>, args: string[]): Promise<void> => {
        const { told, ...answer } = await recorded.ask<object>(name, input);
        expect(told).not.toBe('');
        expect(answer).toEqual(checked((await portolan([...args, ...at])).out));
      };
      await same('explain', { port: 80 }, ['80']);
      await same('explain', { port: '443/tcp' }, ['443/tcp']);
      await same('why', { port: 80, family: '4' }, ['why', '80', '--family', '4']);
      await same('search', { words: 'xsan', limit: 500 }, ['search', 'xsan']);
      await same('audit', { profiles: ['xsan'] }, ['audit', '--profile', 'xsan']);
      const list = await recorded.ask<List>('list', { all: true, limit: 2000 });
      const { holders } = checked<List>((await portolan(['list', ...at])).out);
      expect(list.holders).toEqual(holders);
      expect(await recorded.refused('pick')).toMatch(/recorded host/);
    } finally {
      await recorded.close();
      machine.remove();
    }
  });
  test('a real listener is found, and why its port cannot be bound', async () => {
    const report = await plain.ask<ReportV1>('explain', { port });
    expect(report.use.verdict).toBe('held');
    const holder = report.use.holders.find(({ kind }) => kind === 'listener');
    expect(holder?.owners.map(({ pid }) => pid)).toEqual([process.pid]);
    const why = await plain.ask<WhyV1>('why', { port: `127.0.0.1:${port}` });
    expect(why).toMatchObject({ port, address: '127.0.0.1', bindable: false, errno: 'EADDRINUSE' });
    expect(why.told).toContain(`${port}/tcp cannot be bound`);
    expect(why.told).toContain(String(process.pid));
    const list = await plain.ask<List>('list', { process: String(process.pid) });
    expect(list.holders.map(({ local }) => local.port)).toContain(port);
  });
  test.each(['127.0.0.2:PORT', 'http://127.0.0.2:PORT/', '[::1]:PORT', 'ws://[::1]:PORT/x'])(
    'why of %s is about that address',
    async (form) => {
      const answer = await plain.ask<{ address: string }>('why', { port: form.replace('PORT', '7135') });
      expect(answer.address).toBe(form.includes('::1') ? '::1' : '127.0.0.2');
    },
  );
  test('what a limit leaves out is a gap, and hides nobody silently', async () => {
    const others = await Promise.all(
      [0, 1, 2].map(async () => {
        const other = createServer().listen(0, '127.0.0.1');
        await once(other, 'listening');
        return other;
      }),
    );
    const list = await plain.ask<List>('list', { limit: 2 });
    for (const other of others) other.close();
    expect(list.holders).toHaveLength(2);
    expect(list.gaps.some(({ what, why }) => /more socket/.test(what) && /2 of them/.test(why))).toBe(true);
  });
  test('a forecast of a port, and of the listeners in the range', async () => {
    const one = await plain.ask<ForecastReportV1>('forecast', { port: 60163 });
    expect(one).toMatchObject({ format: 'portolan.forecast/1', port: 60163, forecasts: [] });
    const report = checked<ReportV1>((await portolan(['60163', '--json'])).out);
    expect(one.ephemeral).toEqual(report.host.ephemeral);
    const ids = report.risks.map(({ id }) => id).filter((id) => id !== 'in-use');
    expect(one.risks.map(({ id }) => id)).toEqual(ids);
    const all = await plain.ask<ForecastReportV1>('forecast');
    const [first, last] = all.ephemeral ?? [1, 0];
    // The kernel chose the port of our listener, so it lies in the range unless the host reserves that number.
    if (port >= first && port <= last) expect(all.forecasts.map(({ local }) => local.port)).toContain(port);
  });
  test('a picked port is one that pick would give', async () => {
    const { ports } = await plain.ask<PickV1>('pick', { count: 3, name: 'web', project: temporary });
    expect(ports).toHaveLength(3);
    const told = await portolan(['pick', '--count', '3', '--name', 'web', '--project', temporary, '--json'], {
      env,
    });
    expect(checked<PickV1>(told.out).ports.map((each) => each.port)).toEqual(ports.map((each) => each.port));
  });
  test('a lease is really there, for the server’s process', async () => {
    const first = await plain.ask<LeaseV1>('lease', { name: 'web', project: temporary });
    expect(first).toMatchObject({ name: 'web', project: temporary, transport: 'tcp', fresh: true });
    const known = checked<LeasesV1>((await portolan(['leases', '--json'], { env })).out);
    const found = known.leases.find(({ name }) => name === 'web');
    expect(found).toMatchObject({ port: first.port, holder: { pid: plain.pid, state: 'alive' } });
    const again = await plain.ask<LeaseV1>('lease', { name: 'web', project: temporary });
    expect(again).toMatchObject({ port: first.port, fresh: false });
  });
  test('--lang cs answers in Czech', async () => {
    const czech = await session(['--lang', 'cs']);
    try {
      expect((await czech.ask('forecast', { port: 60163 })).told).toMatch(/Tento stroj přiděluje/);
    } finally {
      await czech.close();
    }
  });
});

describe('what cannot be asked', () => {
  test.each([
    ['explain', {}, /port/],
    ['explain', { port: 65_536 }, /65536|65535/],
    ['explain', { port: 'no such service' }, /no such service/],
    ['explain', { port: '1-5' }, /One port/],
    ['explain', { port: { $ref: 'x' } }, /port/],
    ['explain', { port: 80, more: true }, /more/],
    ['explain', { port: 'x'.repeat(100_000) }, /300/],
    ['explain', { port: '\u202e80\u0000' }, /Write it as/],
    ['why', { port: 80, address: 'example.org' }, /not an IP address/],
    ['why', { port: 80, reuse: '__proto__' }, /reuse/],
    ['list', { limit: 1e9 }, /limit/],
    ['search', { words: '   ' }, /missing/],
    ['search', { words: 'a'.repeat(401) }, /400/],
    ['pick', { count: 1e6 }, /count/],
    ['pick', { allow: ['in-use'] }, /allow/],
    ['lease', { name: ' x' }, /cannot be a name/],
    ['lease', { name: 'x', project: '/nonexistent/project' }, /nonexistent/],
    ['audit', { files: ['/nonexistent/compose.yaml'] }, /nonexistent/],
    ['audit', { files: Array.from({ length: 101 }, () => 'x') }, /files/],
    ['no-such-tool', {}, /not found/],
  ])('%s %j', async (name, input, message) => {
    expect(await plain.refused(name, input)).toMatch(message);
  });
  test('50 questions at once, each answered for itself', async () => {
    const ports = Array.from({ length: 50 }, (_, index) => (index % 5 === 0 ? port : 1024 + index));
    const answers = await Promise.all(
      ports.map((asked, index) =>
        index % 2 === 0
          ? plain.ask<ReportV1>('explain', { port: asked })
          : plain.ask<WhyV1>('why', { port: `127.0.0.1:${asked}` }),
      ),
    );
    expect(answers.map((answer) => answer.port)).toEqual(ports);
    for (const [index, answer] of answers.entries()) {
      if (ports[index] !== port) continue;
      if ('use' in answer) expect(answer.use.verdict).toBe('held');
      else expect(answer.bindable).toBe(false);
    }
  });
});

/** Writes bytes to a server, ends its input, and gives all that came. */
async function raw(
  input: string | Buffer,
  args: readonly string[] = [],
): Promise<{ code: number | null; lines: string[]; err: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'mcp', ...args], { env: environment(env) });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    out += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    err += part;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: out.split('\n').filter((line) => line !== ''), err };
}

const HELLO = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
})}\n${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`;
const PING = `${JSON.stringify({ jsonrpc: '2.0', id: 'last', method: 'ping' })}\n`;

describe('bytes', () => {
  test.each([
    ['no JSON', 'hello\n{"jsonrpc":\n\u0000\u0001\n', -32_700],
    ['JSON that is no message', '[]\n42\n{"id":{}}\n{"jsonrpc":"1.0","id":3,"method":"ping"}\n', -32_600],
    [
      'a message of 3 MB',
      `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping', params: { x: 'y'.repeat(3e6) } })}\n`,
      -32_600,
    ],
    ['nesting without end', `${'['.repeat(500_000)}\n`, -32_700],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3, 0x28, 0x0a]), -32_700],
  ])('%s: refused, and the session goes on', async (_name, bytes, code) => {
    const input = Buffer.concat([Buffer.from(HELLO), Buffer.from(bytes), Buffer.from(PING)]);
    const answer = await raw(input);
    expect(answer.code).toBe(0);
    const messages = answer.lines.map(
      (line) => JSON.parse(line) as { id?: unknown; error?: { code: number } },
    );
    for (const message of messages) expect(message).toMatchObject({ jsonrpc: '2.0' });
    const refusals = messages.filter(({ id }) => id === undefined);
    expect(refusals.length).toBeGreaterThan(0);
    for (const { error } of refusals) expect(error?.code).toBe(code);
    expect(messages.at(-1)).toMatchObject({ id: 'last', result: {} });
    expect(answer.err).toMatch(/^portolan: /);
    expect(answer.err).not.toMatch(/fault|\n\s+at /);
  });
  test('nonsense without end is not told without end', async () => {
    const answer = await raw(`${HELLO}${'nonsense\n'.repeat(5000)}${PING}`);
    expect(answer.err.split('\n').length).toBeLessThan(50);
    expect(JSON.parse(answer.lines.at(-1) ?? '')).toMatchObject({ id: 'last' });
  });
  test('what was asked before the end of input is answered, a last line without newline too', async () => {
    const ask = (id: number): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        method: 'tools/call',
        params: { name: 'explain', arguments: { port: id } },
      });
    const answer = await raw(`${HELLO}${ask(21)}\n${ask(22)}\n${ask(23)}`);
    expect(answer).toMatchObject({ code: 0, err: '' });
    const ids = answer.lines.map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids.toSorted((a, b) => a - b)).toEqual([1, 21, 22, 23]);
  });
  test('no input at all ends it at once', async () => {
    expect(await raw('')).toEqual({ code: 0, lines: [], err: '' });
  });
  test('a reader that goes away ends it', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'mcp'], { env: environment(env) });
    child.stdin.write(HELLO);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.stdin.on('error', () => undefined);
    child.stdin.write(PING);
    expect(await once(child, 'close')).toEqual([0, null]);
  });
  test('a reader that is slow gets all of it, and Node has nothing to say of that', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'mcp'], { env: environment(env) });
    let err = '';
    child.stderr.setEncoding('utf8');
    child.stdin.write(`${HELLO}${PING.repeat(5000)}nonsense\n`);
    // All before it has been read, and more than a pipe holds answered.
    for await (const part of child.stderr as AsyncIterable<string>) {
      err += part;
      if (err.includes('no JSON')) break;
    }
    child.stdin.end();
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      out += part;
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(err).toBe('portolan: a line is no JSON\n');
    expect(out.split('\n').filter((line) => line.includes('"last"'))).toHaveLength(5000);
  });
  test('wrong words on the command line', async () => {
    expectTold(await portolan(['mcp', '3000']), 2, /mcp takes no “3000”/);
    expectTold(await portolan(['mcp', '--allow-actions', '--procfs-root', '/']), 2, /recorded host/);
    expectTold(await portolan(['mcp', '--snapshot', '/dev/null']), 2, /snapshot/);
  });
});

/** A process that listens on a port of the system's choice. */
async function listens(): Promise<{ child: ChildProcess; port: number }> {
  const code =
    "require('net').createServer().listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, port: Number(String(line)) };
}

describe('plan and confirm', { concurrent: true }, () => {
  test('a listener is stopped by the id of its plan, once', async () => {
    const acting = await session(['--allow-actions'], { env });
    const victim = await listens();
    const bystander = await listens();
    try {
      const plan = await acting.ask<PlanV1>('plan_kill', { port: victim.port });
      const change = plan.change as KillV1;
      expect(change).toMatchObject({ format: 'portolan.kill/1', dryRun: true });
      expect(change.plan.targets.flatMap(({ owners }) => owners.map(({ pid }) => pid))).toEqual([
        victim.child.pid,
      ]);
      expect(plan.told).toContain(plan.id);
      expect(victim.child.exitCode).toBe(null);
      expect(await acting.refused('confirm', { id: 'another' })).toMatch(/No plan waits/);
      const gone = once(victim.child, 'exit');
      const done = await acting.ask<KillV1>('confirm', { id: plan.id });
      expect(done).toMatchObject({ format: 'portolan.kill/1', dryRun: false, done: true, end: 'free' });
      expect(await gone).toEqual([null, 'SIGTERM']);
      expect(bystander.child.exitCode).toBe(null);
      expect(await acting.refused('confirm', { id: plan.id })).toMatch(/once/);
    } finally {
      victim.child.kill('SIGKILL');
      bystander.child.kill('SIGKILL');
      await acting.close();
    }
  });
  test('two confirmations at once do it once', async () => {
    const acting = await session(['--allow-actions'], { env });
    const victim = await listens();
    try {
      const { id } = await acting.ask<PlanV1>('plan_kill', { port: victim.port });
      const results = await Promise.all(
        [0, 1, 2].map(() => acting.client.callTool({ name: 'confirm', arguments: { id } })),
      );
      expect(results.filter(({ isError }) => isError !== true)).toHaveLength(1);
    } finally {
      victim.child.kill('SIGKILL');
      await acting.close();
    }
  });
  test('who came onto the port after the plan is left alone', async () => {
    const acting = await session(['--allow-actions'], { env });
    const victim = await listens();
    let heir: Server | null = null;
    try {
      const { id } = await acting.ask<PlanV1>('plan_kill', { port: victim.port });
      const gone = once(victim.child, 'exit');
      victim.child.kill('SIGKILL');
      await gone;
      heir = createServer().listen(victim.port, '127.0.0.1');
      await once(heir, 'listening');
      const done = await acting.ask<KillV1>('confirm', { id });
      expect(done).toMatchObject({ done: false, end: 'taken' });
      expect(done.outcome.map(({ result, signals }) => [result, signals])).toEqual([['gone', []]]);
      expect(heir.listening).toBe(true);
    } finally {
      heir?.close();
      victim.child.kill('SIGKILL');
      await acting.close();
    }
  });
  test('an id is too old after 30 seconds', async () => {
    const acting = await session(['--allow-actions'], { env });
    const victim = await listens();
    try {
      const { id, expiresAt } = await acting.ask<PlanV1>('plan_kill', { port: victim.port });
      const left = Date.parse(expiresAt ?? '') - Date.now();
      expect(left).toBeLessThanOrEqual(30_000);
      await new Promise((resolve) => {
        setTimeout(resolve, left + 50);
      });
      expect(await acting.refused('confirm', { id })).toMatch(/No plan waits/);
      expect(victim.child.exitCode).toBe(null);
    } finally {
      victim.child.kill('SIGKILL');
      await acting.close();
    }
  });
  test('nobody there, the asker’s own, and no more than 16 plans', async () => {
    const acting = await session(['--allow-actions'], { env });
    const victim = await listens();
    try {
      const own = await acting.ask<PlanV1>('plan_kill', { port });
      expect(own).toMatchObject({ id: null, expiresAt: null });
      expect((own.change as KillV1).plan.refusals.map(({ reason }) => reason)).toEqual(['ancestor']);
      for (let count = 0; count < 16; count++)
        expect((await acting.ask<PlanV1>('plan_kill', { port: victim.port })).id).not.toBe(null);
      expect(await acting.refused('plan_kill', { port: victim.port })).toMatch(/16 plans wait/);
      expect(victim.child.exitCode).toBe(null);
    } finally {
      victim.child.kill('SIGKILL');
      await acting.close();
    }
  });
  test('a plan to reserve changes nothing', async () => {
    const acting = await session(['--allow-actions'], { env });
    try {
      const before = (await portolan(['60163', '--json'])).out;
      const plan = await acting.ask<PlanV1>('plan_reserve', { ports: ['60163', '7000-7002'], now: true });
      expect((plan.change as ReserveV1).plan).toMatchObject({
        files: [],
        after: expect.arrayContaining([[60163, 60163]]),
      });
      const after = (await portolan(['60163', '--json'])).out;
      expect(checked<ReportV1>(after).host.reserved).toEqual(checked<ReportV1>(before).host.reserved);
      expect(await acting.refused('plan_reserve', { ports: ['0'] })).toMatch(/Port 0/);
      expect(await acting.refused('plan_reserve', { ports: [] })).toMatch(/ports/);
    } finally {
      await acting.close();
    }
  });
});
