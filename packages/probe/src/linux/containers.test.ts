// Engines on unix sockets: well ones, slow ones, those that refuse or talk nonsense; what is joined, and what is not.
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Socket as NetSocket, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetNamespace, Redirect, Socket } from '@portolan/core';
import { expect, onTestFinished, test } from 'vitest';
import { makeOwner, makeSocket } from '../../../../fixtures/makers.ts';
import { listContainerd } from './containerd.ts';
import { type EngineSocket, engineSockets, nameContainers } from './containers.ts';
import { engineRequest } from './engine-http.ts';
import { enginesNeeded } from './engine-needs.ts';

const recorded = (name: string): string =>
  readFileSync(new URL(`../../../../fixtures/engines/${name}.json`, import.meta.url), 'utf8');

const DOCKER = recorded('docker-20.10.24');
const PODMAN = recorded('podman-4.3.1');
const CONTAINERD = JSON.parse(recorded('containerd-1.6.20')) as {
  namespaces: string;
  containers: Readonly<Record<string, string>>;
};

function idOf(answer: string, name: string): string {
  const all = JSON.parse(answer) as { Id: string; Names: string[] }[];
  const found = all.find(({ Names }) => Names.includes(name));
  if (found === undefined) throw new Error(`no ${name}`);
  return found.Id;
}

const WEB = idOf(DOCKER, '/web');

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'portolan-engine-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function listen(server: Server, path = join(folder(), 'engine.sock')): Promise<string> {
  const open = new Set<NetSocket>();
  server.on('connection', (socket: NetSocket) => open.add(socket));
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return path;
}

type HttpAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** An engine that answers every request alike, and the paths it was asked for. */
async function engine(answer: HttpAnswer | string): Promise<{ path: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (typeof answer === 'string') response.end(answer);
    else answer(request, response);
  });
  return { path: await listen(server), asked };
}

const docker = async (answer: HttpAnswer | string): Promise<EngineSocket> => ({
  kind: 'docker',
  path: (await engine(answer)).path,
});

const proxied = (over: Partial<Socket> = {}): Socket =>
  makeSocket({
    local: { address: '0.0.0.0', port: 8080 },
    owners: [makeOwner({ name: 'docker-proxy' })],
    ...over,
  });

const inContainer = (id: string, runtime = 'docker'): Socket =>
  makeSocket({ owners: [makeOwner({ container: { runtime, id, name: null } })] });

const redirect = (over: Partial<Redirect> = {}): Redirect => ({
  transport: 'tcp',
  family: 'ipv4',
  address: null,
  ports: [8080, 8080],
  target: { address: '172.17.0.2', port: 80 },
  hooks: ['prerouting', 'output'],
  by: 'iptables',
  table: 'nat',
  chain: 'DOCKER',
  maker: 'docker',
  name: null,
  publishes: null,
  ...over,
});

test('a container’s owner, namespace, proxy and redirect get the engine’s name, and pids stay the kernel’s', async () => {
  const { path, asked } = await engine(DOCKER);
  const namespace: NetNamespace = {
    inode: 4026532000,
    names: [],
    container: { runtime: 'docker', id: WEB, name: null },
    process: null,
  };
  const sockets = [
    inContainer(WEB),
    makeSocket({ namespace }),
    proxied(),
    proxied({ family: 'ipv6', local: { address: '::', port: 8080 }, ipv6Only: true }),
    proxied({ transport: 'udp', state: 'UNCONN', local: { address: '127.0.0.1', port: 5353 } }),
  ];
  const before = JSON.stringify(sockets);
  const named = await nameContainers(sockets, [redirect()], {
    engines: [{ kind: 'docker', path }],
    again: null,
  });
  const container = { runtime: 'docker', id: WEB, name: 'web' };
  expect(named.gaps).toEqual([]);
  expect(named.sockets[0]?.owners[0]).toEqual({ ...sockets[0]?.owners[0], container });
  expect(named.sockets[1]?.namespace).toEqual({ ...namespace, container });
  expect(named.sockets.slice(2).map(({ publishes }) => publishes)).toEqual([
    { container, port: 80 },
    { container, port: 80 },
    { container, port: 53 },
  ]);
  expect(named.sockets[2]?.owners).toEqual(sockets[2]?.owners);
  expect(named.redirects).toEqual([redirect({ publishes: { container, port: 80 }, name: 'web' })]);
  expect(asked).toEqual(['GET /containers/json']);
  expect(JSON.stringify(sockets)).toBe(before);
});

test('what an engine publishes is joined only where a proxy really holds it there', async () => {
  const engines = [await docker(DOCKER)];
  const cases: Socket[] = [
    proxied({ local: { address: '127.0.0.1', port: 8080 } }),
    proxied({ local: { address: '0.0.0.0', port: 8081 } }),
    proxied({ transport: 'udp', state: 'UNCONN' }),
    proxied({ owners: [makeOwner({ name: 'nginx' })] }),
    proxied({ peer: { address: '10.0.0.1', port: 5 }, state: 'ESTABLISHED' }),
    proxied({ namespace: { inode: 1, names: [], container: null, process: null } }),
    proxied({ local: { address: '::', port: 5353 }, transport: 'udp', state: 'UNCONN' }),
  ];
  // One that is right makes sure that the engine is asked.
  const { sockets, redirects } = await nameContainers(
    [...cases, proxied()],
    [
      redirect({ maker: null }),
      redirect({ ports: [8080, 8090] }),
      redirect({ target: { address: null, port: 81 } }),
    ],
    { engines, again: null },
  );
  expect(sockets.map(({ publishes }) => publishes?.port ?? null)).toEqual([...cases.map(() => null), 80]);
  expect(redirects.map(({ publishes }) => publishes)).toEqual([null, null, null]);
});

test('Podman: every port of a run, a pod’s port by its infra container, docker.sock as a link', async () => {
  const { path, asked } = await engine(PODMAN);
  const link = join(folder(), 'podman-as-docker.sock');
  symlinkSync(path, link);
  const held = (port: number): Socket =>
    proxied({ local: { address: '0.0.0.0', port }, owners: [makeOwner({ name: 'conmon' })] });
  const { sockets, gaps } = await nameContainers([9100, 9102, 9103, 7000, 8080].map(held), [], {
    engines: [
      { kind: 'podman', path },
      { kind: 'docker', path: link },
    ],
    again: null,
  });
  expect(gaps).toEqual([]);
  expect(sockets.map(({ publishes }) => [publishes?.container.name, publishes?.port])).toEqual([
    ['rng', 9100],
    ['rng', 9102],
    [undefined, undefined],
    [expect.stringContaining('-infra'), 70],
    ['web2', 80],
  ]);
  // The link leads to the same engine, which is asked once.
  expect(asked).toEqual(['GET /v4.0.0/libpod/containers/json']);
});

test('two containers that could be meant are none', async () => {
  const one = (id: string): object => ({
    Id: id,
    Names: [`/${id}`],
    Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
  });
  const engines = [await docker(JSON.stringify([one('a'), one('b')]))];
  const { sockets } = await nameContainers([proxied()], [], { engines, again: null });
  expect(sockets[0]?.publishes).toBeNull();
});

test('nobody is asked where there is nothing to ask about', async () => {
  const { path, asked } = await engine(DOCKER);
  const sockets = [makeSocket({ owners: [makeOwner()] }), inContainer('x', 'lxc'), inContainer('y', 'cri-o')];
  const named = await nameContainers(
    sockets,
    [redirect({ maker: 'kubernetes' }), redirect({ maker: null })],
    {
      engines: [{ kind: 'docker', path }],
      again: null,
    },
  );
  expect(named.sockets).toEqual(sockets);
  expect(asked).toEqual([]);
  expect([...enginesNeeded([inContainer('z', 'podman')], [redirect()])]).toEqual(['podman', 'docker']);
});

test('no engine is no gap; one that does not answer is one, with a command', async () => {
  const dead = join(folder(), 'gone.sock');
  const absent = await nameContainers([proxied()], [], {
    engines: [{ kind: 'docker', path: dead }],
    again: 'x',
  });
  expect(absent.gaps).toEqual([]);

  const gapOf = async (answer: HttpAnswer | string): Promise<unknown> => {
    const { gaps, sockets } = await nameContainers([proxied()], [], {
      engines: [await docker(answer)],
      again: 'portolan who 8080',
    });
    expect(sockets).toEqual([proxied()]);
    const [gap] = gaps;
    expect(gap).toMatchObject({ code: 'containers-unreadable', remedy: 'docker ps', coversUse: false });
    return gap?.values['reason'];
  };
  expect(await gapOf((_, response) => response.writeHead(500).end('no'))).toBe('HTTP status 500');
  expect(await gapOf('<html>')).toBe('the answer is no JSON');
  expect(await gapOf(() => undefined)).toBe('ETIMEDOUT');
  expect(await gapOf((request) => request.socket.destroy())).toBe('ECONNRESET');
  expect(await gapOf((request) => request.socket.end('garbage\r\n\r\n'))).toMatch(/^HPE_/);
  // Half an answer, then silence; and headers without end.
  expect(await gapOf((_, response) => response.writeHead(200, { 'Content-Length': 10 }).write('[{'))).toBe(
    'ETIMEDOUT',
  );
  expect(
    await gapOf((request) => request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{')),
  ).toBe('ECONNRESET');
  expect(
    await gapOf((request) => request.socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`)),
  ).toBe('HPE_HEADER_OVERFLOW');
  expect(
    await gapOf((_, response) => {
      const part = Buffer.alloc(1 << 20, 32);
      for (let i = 0; i < 20; i++) response.write(part);
      response.end();
    }),
  ).toBe('EFBIG');
  // An answer that would change the protocol is none.
  expect(
    await gapOf((request) =>
      request.socket.end('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ),
  ).toBe('ECONNRESET');
});

test('an engine that refuses is no gap where another one has told everything', async () => {
  const well = await docker(DOCKER);
  const broken = await docker('no');
  const options = { engines: [broken, well], again: null };
  expect((await nameContainers([proxied()], [], options)).gaps).toEqual([]);
  expect((await nameContainers([proxied(), inContainer('other')], [], options)).gaps).toHaveLength(1);
});

test('one request and its answer', async () => {
  const { path, asked } = await engine((_, response) => response.writeHead(304).end());
  expect(await engineRequest(path, 'POST', '/containers/abc/stop', 1000)).toEqual({ status: 304, body: '' });
  expect(asked).toEqual(['POST /containers/abc/stop']);
  await expect(engineRequest('/nonexistent/x.sock', 'GET', '/', 1000)).rejects.toMatchObject({
    code: 'ENOENT',
  });
  await expect(engineRequest(path, 'GET', '/a b\r\n', 1000)).rejects.toMatchObject({
    code: 'ERR_UNESCAPED_CHARACTERS',
  });
});

test('where engines are looked for', () => {
  const paths = (env: Record<string, string>): string[] =>
    engineSockets((name) => env[name]).map(({ path }) => path);
  expect(paths({})).toEqual([
    '/var/run/docker.sock',
    '/run/docker.sock',
    '/run/podman/podman.sock',
    '/run/containerd/containerd.sock',
    '/run/k3s/containerd/containerd.sock',
  ]);
  expect(paths({ XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual(
    expect.arrayContaining(['/run/user/1000/docker.sock', '/run/user/1000/podman/podman.sock']),
  );
  expect(paths({ DOCKER_HOST: 'unix:///tmp/x.sock' })[0]).toBe('/tmp/x.sock');
  expect(paths({ DOCKER_HOST: 'tcp://10.0.0.1:2375', XDG_RUNTIME_DIR: 'relative' })).toEqual(paths({}));
});

type Answer = (stream: ServerHttp2Stream, path: string, namespace: string | undefined) => void;

/** A gRPC server that answers calls as told. */
async function grpc(answer: Answer): Promise<string> {
  const server = createHttp2Server();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    answer(stream, String(headers[':path']), headers['containerd-namespace']?.toString());
  });
  return await listen(server);
}

function message(stream: ServerHttp2Stream, base64: string, status = '0'): void {
  const body = Buffer.from(base64, 'base64');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(Buffer.concat([head, body]));
}

const wellContainerd: Answer = (stream, path, namespace) => {
  if (path.endsWith('.Namespaces/List')) message(stream, CONTAINERD.namespaces);
  else message(stream, CONTAINERD.containers[namespace ?? ''] ?? '');
};

test('containerd: every namespace is listed, by name', async () => {
  const path = await grpc(wellContainerd);
  const id = '2'.repeat(64);
  const { sockets, gaps } = await nameContainers(
    [inContainer(id, 'containerd')],
    [redirect({ maker: 'cni' })],
    {
      engines: [{ kind: 'containerd', path }],
      again: null,
    },
  );
  expect(gaps).toEqual([]);
  expect(sockets[0]?.owners[0]?.container).toEqual({
    runtime: 'containerd',
    id,
    name: 'kube-system/coredns-1/dns',
  });
  expect((await listContainerd(path, 2000)).map(({ name }) => name)).toEqual([
    'web',
    null,
    'kube-system/coredns-1/dns',
  ]);
});

test('containerd that refuses, hangs, or talks nonsense', async () => {
  const codeOf = async (answer: Answer): Promise<unknown> => {
    const path = await grpc(answer);
    return await listContainerd(path, 400).then(
      () => 'answered',
      (error: NodeJS.ErrnoException) => error.code,
    );
  };
  expect(await codeOf((stream) => message(stream, '', '7'))).toBe('GRPC_7');
  const trailersOnly: Answer = (stream) => {
    stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true });
  };
  expect(await codeOf(trailersOnly)).toBe('GRPC_12');
  expect(await codeOf(() => undefined)).toBe('ETIMEDOUT');
  expect(await codeOf((stream) => message(stream, '/w=='))).toBe('EPROTO');
  expect(await codeOf((stream) => stream.respond({ ':status': 404 }, { endStream: true }))).toBe('EPROTO');
  expect(await codeOf((stream) => stream.session?.destroy())).toBe('ECONNRESET');
  await expect(listContainerd('/nonexistent/x.sock', 400)).rejects.toMatchObject({ code: 'ENOENT' });
  // No HTTP/2 at all.
  const plain = await listen(createServer((socket) => socket.end('hello')));
  await expect(listContainerd(plain, 400)).rejects.toHaveProperty('code');
});
