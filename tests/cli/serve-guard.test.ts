// Whom the server answers: each attack of a browser, another program or a broken client tried over a real socket.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStream, raw, request, STRICT, serve, statusOf, type TestServer } from './serving.ts';

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});
afterAll(async () => {
  await server.stop();
});

/** Sends a request and holds its answer against what every answer must be. */
async function ask(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  body = '',
): Promise<string> {
  return strict(await raw(server.port, request(server.port, target, headers, method, body)));
}

function strict(answer: string): string {
  for (const header of STRICT) expect(answer).toMatch(header);
  expect(answer).not.toMatch(/^access-control-|^set-cookie/im);
  return answer;
}

const PATHS = [
  '/',
  '/en/',
  '/en/here',
  '/en/find?q=80',
  '/en/services/postgresql',
  '/en/ports/80',
  '/ports/80',
  '/ports/80.json',
  '/a/style.css',
  '/a/none.css',
  '/api/live/ports/80',
  '/api/live/chart',
  '/api/live/here',
  '/api/useful',
  '/api/token',
  '/openapi.json',
  '/nowhere',
  '//en/ports/80',
  '/%65n/ports/80',
  '/en/../en/ports/80',
  '/a/..%2f..%2fpackage.json',
  '/a/%2e%2e/%2e%2e/package.json',
  `/${'x'.repeat(4000)}`,
];

describe('DNS rebinding', () => {
  test('another Host is refused on every path and for every method', async () => {
    for (const path of PATHS) {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'PATCH']) {
        const answer = await ask(path, { Host: `evil.test:${server.port}` }, method);
        expect([path, method, statusOf(answer)]).toEqual([path, method, 403]);
      }
    }
  });

  test('tricks with the Host header', async () => {
    const { port } = server;
    for (const host of [
      '',
      'evil.test',
      '127.0.0.1',
      'localhost',
      `localhost.:${port}`,
      `localhost.evil.test:${port}`,
      `evil.test.localhost:${port}`,
      `127.0.0.1.nip.io:${port}`,
      `127.0.0.2:${port}`,
      `0.0.0.0:${port}`,
      `[::]:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      `2130706433:${port}`,
      `user@127.0.0.1:${port}`,
      `127.0.0.1:${port}@evil.test`,
      `127.0.0.1:${port},evil.test`,
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:0${port}`,
      `[::1]`,
      '\u0000',
    ]) {
      expect([host, statusOf(await ask('/en/ports/80', { Host: host }))]).not.toEqual([host, 200]);
    }
    for (const host of [`LOCALHOST:${port}`, `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect([host, statusOf(await ask('/en/ports/80', { Host: host }))]).toEqual([host, 200]);
    }
  });

  test('no Host, two of them, and one in the request line', async () => {
    const { port } = server;
    const own = `Host: 127.0.0.1:${port}\r\n`;
    const close = 'Connection: close\r\n\r\n';
    const evil = `Host: evil.test:${port}\r\n`;
    for (const [text, status] of [
      [`GET /en/ports/80 HTTP/1.1\r\n${close}`, 403],
      [`GET /en/ports/80 HTTP/1.0\r\n\r\n`, 403],
      [`GET /en/ports/80 HTTP/1.0\r\n${evil}\r\n`, 403],
      [`GET /en/ports/80 HTTP/1.0\r\n${own}\r\n`, 200],
      [`GET /en/ports/80 HTTP/1.1\r\n${own}${evil}${close}`, 400],
      [`GET /en/ports/80 HTTP/1.1\r\n${evil}${own}${close}`, 403],
      [`GET /en/ports/80 HTTP/1.1\r\n${own}${own}${close}`, 400],
      [`GET http://127.0.0.1:${port}/en/ports/80 HTTP/1.1\r\n${own}${close}`, 400],
      [`GET http://evil.test/en/ports/80 HTTP/1.1\r\n${own}${close}`, 400],
      [`GET http://127.0.0.1:${port}/en/ports/80 HTTP/1.1\r\n${evil}${close}`, 403],
      [`OPTIONS * HTTP/1.1\r\n${own}${close}`, 400],
    ] as const) {
      expect([text, statusOf(strict(await raw(port, text)))]).toEqual([text, status]);
    }
    const tunnel = await raw(port, `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${own}${close}`, '127.0.0.1', 3000);
    expect(tunnel).toBe('');
  });
});

describe('other sites', () => {
  const evil = 'http://evil.test';

  test('what a browser sends for a page of another site, or of another port of this host', async () => {
    for (const site of ['cross-site', 'same-site']) {
      for (const [mode, dest] of [
        ['cors', 'empty'],
        ['no-cors', 'script'],
        ['no-cors', 'image'],
        ['no-cors', 'style'],
        ['navigate', 'iframe'],
        ['navigate', 'embed'],
        ['websocket', 'websocket'],
      ] as const) {
        for (const path of [
          '/en/ports/80',
          '/ports/80.json',
          '/a/page.js',
          '/api/live/ports/80',
          '/nowhere',
        ]) {
          const headers = { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': mode, 'Sec-Fetch-Dest': dest };
          expect([site, mode, path, statusOf(await ask(path, headers))]).toEqual([site, mode, path, 403]);
        }
      }
    }
  });

  test('a link to a page may be followed, and to nothing of the interface however it is written', async () => {
    const visit = {
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
    };
    for (const path of ['/en/ports/80', '/en/ports/80/tcp', '/en/ports/80?from=there']) {
      expect([path, statusOf(await ask(path, visit))]).toEqual([path, 200]);
    }
    for (const path of [
      '/api/live/ports/80',
      '/%61pi/live/ports/80',
      '//api/live/ports/80',
      '/en/../api/live/ports/80',
      '/API/live/ports/80',
    ]) {
      expect([path, statusOf(await ask(path, visit))]).toEqual([path, 403]);
    }
  });

  test('browsers without Fetch Metadata say where a request comes from by its Origin', async () => {
    for (const origin of [
      evil,
      'null',
      `http://127.0.0.1:${server.port + 1}`,
      `https://127.0.0.1:${server.port}`,
    ]) {
      expect([origin, statusOf(await ask('/ports/80.json', { Origin: origin }))]).toEqual([origin, 403]);
    }
    const preflight = await ask(
      '/api/useful',
      {
        Origin: evil,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Private-Network': 'true',
      },
      'OPTIONS',
    );
    expect(statusOf(preflight)).toBe(403);
  });

  test('six forged answers: none is counted', async () => {
    const form = 'page=%2Fports%2F80&lang=en&useful=no';
    const json = JSON.stringify({ page: '/ports/80', lang: 'en', useful: 'no' });
    const own = `http://127.0.0.1:${server.port}`;
    for (const [headers, body] of [
      [{ Origin: evil, 'Content-Type': 'application/x-www-form-urlencoded' }, form],
      [{ Origin: 'null', 'Content-Type': 'application/x-www-form-urlencoded' }, form],
      [{ Origin: 'http://localhost:1', 'Content-Type': 'application/json' }, json],
      [{ 'Content-Type': 'text/plain' }, json],
      [{ Origin: own, 'Sec-Fetch-Site': 'same-site', 'Content-Type': 'application/json' }, json],
      [{ Origin: own, 'Sec-Fetch-Site': 'cross-site', 'Content-Type': 'application/json' }, json],
    ] as const) {
      expect(statusOf(await ask('/api/useful', headers, 'POST', body))).toBe(403);
    }
    expect(
      statusOf(await ask('/api/useful', { Origin: own, 'Content-Type': 'text/plain' }, 'POST', json)),
    ).toBe(415);
  });
});

describe('broken and greedy clients', () => {
  test('what Node answers by itself has the headers, too', async () => {
    const { port } = server;
    expect(statusOf(strict(await raw(port, 'nonsense\r\n\r\n')))).toBe(400);
    expect(statusOf(strict(await raw(port, '\u0016\u0003\u0001\u0002\u0000')))).toBe(400);
    expect(statusOf(strict(await raw(port, request(port, '/', { 'X-Long': 'x'.repeat(20_000) }))))).toBe(431);
    expect(statusOf(strict(await raw(port, request(port, '/', { Expect: 'the unexpected' }))))).toBe(417);
    expect(statusOf(await ask('/en/ports/80', { Upgrade: 'websocket', Connection: 'Upgrade, close' }))).toBe(
      200,
    );
    expect(statusOf(await ask('/en/ports/80', {}, 'PUT'))).toBe(405);
    expect(statusOf(await ask('/nowhere'))).toBe(404);
  });

  test('bodies: none to read, four kilobytes to change something, and their length in front', async () => {
    const own = { Origin: `http://127.0.0.1:${server.port}`, 'Content-Type': 'application/json' };
    const large = JSON.stringify({ page: '/ports/80', lang: 'en', useful: 'x'.repeat(5000) });
    expect(statusOf(await ask('/api/useful', own, 'POST', large))).toBe(413);
    expect(statusOf(await ask('/nowhere', own, 'POST', large))).toBe(413);
    const announced = { ...own, 'Content-Length': '99999999999', Expect: '100-continue' };
    expect(await ask('/api/useful', announced, 'POST')).toMatch(/^HTTP\/1\.1 413 /);
    const chunked = { ...own, 'Transfer-Encoding': 'chunked' };
    expect(statusOf(await ask('/api/useful', chunked, 'POST'))).toBe(411);
    expect(statusOf(await ask('/en/ports/80', {}, 'GET', 'x'))).toBe(413);
    for (const body of ['', '{', '[]', 'null', '"x"', '{"page":1}', '{"page":"/ports/80"}']) {
      const answer = await ask(
        '/api/useful',
        { ...own, 'Content-Length': String(body.length) },
        'POST',
        body,
      );
      expect([body, statusOf(answer)]).toEqual([body, 400]);
    }
  });

  test('a client that trickles its headers or its body is sent away', async () => {
    const { port } = server;
    const trickled = (text: string): Promise<string> =>
      new Promise((done) => {
        let answer = '';
        const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text));
        const timer = setInterval(() => socket.write('x'), 400);
        socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
        socket.on('error', () => undefined);
        socket.on('close', () => {
          clearInterval(timer);
          done(answer);
        });
      });
    const own = { Origin: `http://127.0.0.1:${port}`, 'Content-Type': 'application/json' };
    const [headers, body] = await Promise.all([
      trickled(`GET /en/ports/80 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `),
      trickled(request(port, '/api/useful', { ...own, 'Content-Length': '4000' }, 'POST')),
    ]);
    expect(statusOf(strict(headers))).toBe(408);
    expect([408, null]).toContain(statusOf(body));
  });

  test('a client that asks on and never reads its answers is sent away', async () => {
    const { port } = server;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.pause();
    const one = request(port, '/a/sans-latin.woff2', { Connection: 'keep-alive' });
    // Megabytes lie in the kernel before the server notices; below the rate at which it would refuse.
    socket.write(one.repeat(100));
    const begun = performance.now();
    const timer = setInterval(() => socket.write(one.repeat(5)), 100);
    await new Promise((done) => socket.once('close', done));
    clearInterval(timer);
    expect(performance.now() - begun).toBeGreaterThan(14_000);
    expect(statusOf(await ask('/en/ports/80'))).toBe(200);
  });
});

describe('many at once', () => {
  test('a thousand parallel requests are all answered, and the server goes on', async () => {
    const { port } = server;
    const text = request(port, '/en/ports/80');
    const answers = await Promise.all(Array.from({ length: 1000 }, () => raw(port, text)));
    const statuses = answers.map(statusOf);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(100);
    // 408: on a host so busy that the server did not get to read for seconds.
    expect(statuses.filter((status) => status === null || ![200, 408, 429].includes(status))).toEqual([]);
    for (const answer of answers.filter((given) => statusOf(given) === 429))
      expect(answer).toMatch(/retry-after: 1/i);
    await new Promise((done) => setTimeout(done, 2500));
    expect(statusOf(await ask('/en/ports/80'))).toBe(200);
    expect(server.child.exitCode).toBe(null);
  });

  test('one connection may not ask without end', async () => {
    const { port } = server;
    const many = request(port, '/nowhere', { Connection: 'keep-alive' }).repeat(300);
    const answer = await raw(port, many);
    expect(answer.match(/^HTTP\/1\.1 429 /gm)?.length).toBe(1);
  });

  test('sixteen streams and no more; those whose reader left are not counted', async () => {
    const { port } = server;
    await new Promise((done) => setTimeout(done, 2500));
    for (let round = 0; round < 3; round++) {
      const streams = [];
      for (let index = 0; index < 16; index++) streams.push(await openStream(port));
      expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 200));
      const over = await openStream(port);
      expect(over.status).toBe(429);
      over.socket.destroy();
      // Half close as a crashed tab would, the others say goodbye.
      for (const [index, { socket }] of streams.entries()) {
        if (index % 2 === 0) socket.resetAndDestroy();
        else socket.end();
      }
      await new Promise((done) => setTimeout(done, 500));
    }
    // Readers who ask and leave before the first line, and requests for the headers alone.
    for (let index = 0; index < 40; index++) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.write(request(port, '/api/live/ports/9', { Connection: 'keep-alive' }), () =>
        socket.resetAndDestroy(),
      );
      await raw(port, request(port, '/api/live/ports/9', {}, 'HEAD'));
    }
    await new Promise((done) => setTimeout(done, 500));
    const after = await Promise.all(Array.from({ length: 16 }, () => openStream(port)));
    expect(after.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 200));
    for (const { socket } of after) socket.destroy();
  });
});
