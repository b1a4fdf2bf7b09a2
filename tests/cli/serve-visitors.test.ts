// Who sees what is live here: the server's own user and root, told by the kernel, and whoever has the token.
import { createServer, type Server } from 'node:net';
import type { ReportV1 } from '@portolan/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checked, environment, expectTold, portolan } from './program.ts';
import {
  bodyOf,
  curl,
  openStream,
  raw,
  request,
  STRICT,
  serve,
  statusOf,
  type TestServer,
} from './serving.ts';

const NOBODY = 65_534;
/** A user of no account, as a browser's may be for a server of root. */
const SOMEBODY = 1000;
const isRoot = process.geteuid?.() === 0;
/** Only root can play other users. */
const asRoot = test.skipIf(!isRoot);

let held: Server;
let heldPort: number;
beforeAll(async () => {
  held = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => held.once('listening', done));
  heldPort = (held.address() as { port: number }).port;
});
afterAll(() => {
  held.close();
});

/** What a program gets that asks for the report. */
async function report(port: number, uid?: number, headers: readonly string[] = []): Promise<ReportV1> {
  const args = headers.flatMap((header) => ['-H', header]);
  const { out } = await curl([...args, `http://127.0.0.1:${port}/ports/${heldPort}.json`], uid);
  return checked<ReportV1>(out);
}

function isOpen({ host, use }: ReportV1): boolean {
  return host.platform !== 'none' && use.holders.length > 0;
}

/** Codes of the addresses that were printed. */
function codesIn(text: string): string[] {
  return [...text.matchAll(/#code=([\w-]{43})$/gm)].map(([, code]) => code ?? '');
}

/** The code of a printed address. */
function codeOf(address: string): string {
  return /#code=([\w-]{43})$/.exec(address)?.[1] ?? '';
}

/** Exchanges a code as the page does. */
async function exchange(port: number, code: string): Promise<{ status: number | null; token: string }> {
  const headers = { Origin: `http://127.0.0.1:${port}`, 'Content-Type': 'application/json' };
  const answer = await raw(port, request(port, '/api/token', headers, 'POST', JSON.stringify({ code })));
  const status = statusOf(answer);
  return { status, token: status === 200 ? (JSON.parse(bodyOf(answer)) as { token: string }).token : '' };
}

describe.runIf(process.platform === 'linux')('by the kernel', () => {
  for (const flags of [[], ['--no-ffi']]) {
    asRoot(
      `the own user and root see live data, others do not (${flags.join() || 'sock_diag'})`,
      async () => {
        const server = await serve(flags, { uid: NOBODY, dataDir: '/nonexistent/portolan' });
        try {
          const { port } = server;
          expect(server.told.peerCheck).toBe(true);
          expect(isOpen(await report(port, NOBODY))).toBe(true);
          expect(isOpen(await report(port, 0))).toBe(true);
          const other = await report(port, SOMEBODY);
          expect(isOpen(other)).toBe(false);
          expect(other.use).toEqual({
            verdict: 'unknown',
            holders: [],
            gaps: [expect.objectContaining({ what: 'any host', remedy: `portolan ${heldPort}` })],
          });
          expect(other.host).toMatchObject({
            ephemeral: null,
            reserved: null,
            inEphemeral: null,
            isReserved: null,
          });
          if (server.told.listens.includes('::1')) {
            for (const [uid, open] of [
              [NOBODY, true],
              [SOMEBODY, false],
            ] as const) {
              const { out } = await curl([`http://[::1]:${port}/ports/${heldPort}.json`], uid);
              expect([uid, isOpen(checked<ReportV1>(out))]).toEqual([uid, open]);
            }
          }
        } finally {
          await server.stop();
        }
      },
    );
  }

  asRoot('a server of root shows nothing to the browser of another user', async () => {
    const server = await serve();
    try {
      const { port } = server;
      expect(isOpen(await report(port, SOMEBODY))).toBe(false);
      for (const path of ['/api/live/ports/9', '/api/live/chart', '/api/live/here']) {
        const address = `http://127.0.0.1:${port}${path}`;
        const live = await curl(['-o', '/dev/null', '-w', '%{http_code}', address], SOMEBODY);
        expect([path, live.out]).toEqual([path, '401']);
      }
      for (const path of ['/en/', '/en/here', '/en/find?q=node', '/en/services/postgresql']) {
        const { out } = await curl([`http://127.0.0.1:${port}${path}`], SOMEBODY);
        expect(out).toContain('</html>');
        // Neither who listens nor what this host hands out.
        expect(out).not.toMatch(/pid \d|32768–60999/);
        expect(out).not.toContain(String(heldPort));
      }
      const page = await curl([`http://127.0.0.1:${port}/en/ports/${heldPort}`], SOMEBODY);
      expect(page.out).toMatch(/data-state="none"/);
      expect(page.out).not.toMatch(/pid \d/);
      const text = await curl([`http://127.0.0.1:${port}/ports/${heldPort}`], SOMEBODY);
      expect(text.out).not.toMatch(/pid |is free|this host hands out/i);
      expect(text.out).toMatch(/^No host was looked at/);
      // Until it has the token.
      const { token } = await exchange(port, codeOf(server.told.open));
      expect(isOpen(await report(port, SOMEBODY, [`Authorization: Bearer ${token}`]))).toBe(true);
      expect(isOpen(await report(port, SOMEBODY, [`Authorization: Bearer ${token.slice(1)}x`]))).toBe(false);
    } finally {
      await server.stop();
    }
  });

  asRoot('an IPv6 socket that speaks to an IPv4 address is told apart as well', async () => {
    const server = await serve([], { uid: NOBODY, dataDir: '/nonexistent/portolan' });
    const { port } = server;
    const asks = `
      const socket = require('node:net').connect({ host: '::ffff:127.0.0.1', port: ${port} });
      socket.write(${JSON.stringify(request(port, `/ports/${heldPort}.json`))});
      socket.pipe(process.stdout);`;
    const { execFileSync } = await import('node:child_process');
    try {
      for (const [uid, open] of [
        [NOBODY, true],
        [SOMEBODY, false],
      ] as const) {
        const out = execFileSync(process.execPath, ['-e', asks], {
          uid,
          gid: uid,
          encoding: 'latin1',
          env: environment(),
        });
        expect([uid, isOpen(checked<ReportV1>(bodyOf(out)))]).toEqual([uid, open]);
      }
    } finally {
      await server.stop();
    }
  });
});

describe('by the token', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await serve();
  });
  afterAll(async () => {
    await server.stop();
  });

  test('a code is good once; the fragment that holds it is never sent', async () => {
    const { port, told } = server;
    expect(told.open).toBe(`${told.address}#code=${codeOf(told.open)}`);
    const code = codeOf(told.open);
    expect(Buffer.from(code, 'base64url')).toHaveLength(32);
    for (const wrong of ['', code.slice(1), `${code}x`, code.toLowerCase(), 'x'.repeat(43)]) {
      expect((await exchange(port, wrong)).status).toBe(403);
    }
    const { status, token } = await exchange(port, code);
    expect(status).toBe(200);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect((await exchange(port, code)).status).toBe(403);
    expect((await exchange(port, token)).status).toBe(403);
  });

  test('of many that bring the same code at once one gets a token', async () => {
    const other = await serve();
    try {
      const code = codeOf(other.told.open);
      const answers = await Promise.all(Array.from({ length: 24 }, () => exchange(other.port, code)));
      const tokens = answers.filter(({ token }) => token !== '');
      expect(tokens).toHaveLength(1);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 403]));
    } finally {
      await other.stop();
    }
  });

  test('the exchange takes JSON from the own origin alone', async () => {
    const { port } = server;
    const own = `http://127.0.0.1:${port}`;
    const body = JSON.stringify({ code: 'x' });
    for (const [headers, status] of [
      [{ 'Content-Type': 'application/json' }, 403],
      [{ Origin: 'http://evil.test', 'Content-Type': 'application/json' }, 403],
      [{ Origin: own, 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
      [{ Origin: own }, 415],
    ] as const) {
      const answer = await raw(port, request(port, '/api/token', headers, 'POST', body));
      expect(statusOf(answer)).toBe(status);
      for (const header of STRICT) expect(answer).toMatch(header);
    }
    expect(statusOf(await raw(port, request(port, '/api/token')))).toBe(404);
  });

  test.runIf(process.platform !== 'win32')(
    'SIGUSR2 prints an address with a code that takes the place of the one before',
    async () => {
      const codes: string[] = [];
      for (let round = 1; round <= 2; round++) {
        server.child.kill('SIGUSR2');
        await expect.poll(() => codesIn(server.output()).length, { timeout: 10_000 }).toBe(round);
        codes.push(codesIn(server.output())[round - 1] ?? '');
      }
      expect((await exchange(server.port, codes[0] ?? '')).status).toBe(403);
      expect((await exchange(server.port, codes[1] ?? '')).status).toBe(200);
    },
  );

  asRoot('a token of an earlier start opens nothing', async () => {
    const before = await serve();
    const { token } = await exchange(before.port, codeOf(before.told.open));
    const headers = { Authorization: `Bearer ${token}` };
    expect((await openStream(before.port, headers)).status).toBe(200);
    await before.stop();
    const after = await serve();
    try {
      expect(isOpen(await report(after.port, SOMEBODY, [`Authorization: Bearer ${token}`]))).toBe(false);
      for (const header of ['Bearer', 'Bearer ', 'Basic eDp4', `Bearer ${token}${token}`]) {
        expect(isOpen(await report(after.port, SOMEBODY, [`Authorization: ${header}`]))).toBe(false);
      }
    } finally {
      await after.stop();
    }
  });
});

describe('the command', () => {
  test('ends with the number of the signal, and frees its port at once', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const server = await serve();
      const { socket } = await openStream(server.port);
      expect(await server.stop(signal)).toBe(code);
      socket.destroy();
      const again = await serve([], { port: server.port });
      await again.stop();
    }
  });

  test('says who has a port that is taken', async () => {
    expectTold(
      await portolan(['serve', '--port', String(heldPort)]),
      1,
      new RegExp(
        `Port ${heldPort} cannot be had \\(EADDRINUSE\\)\\. ${heldPort} is in use here: \\S+ \\(pid ${process.pid}\\)`,
      ),
    );
  });

  test('says so where “localhost” may lead to somebody else', async () => {
    const other = createServer().listen({ port: 0, host: '::1', ipv6Only: true });
    const listening = await new Promise<boolean>((done) => {
      other.once('listening', () => done(true));
      other.once('error', () => done(false));
    });
    if (!listening) return;
    const { port } = other.address() as { port: number };
    const server = await serve([], { port });
    expect(server.told.listens).toEqual(['127.0.0.1']);
    await server.stop();
    other.close();
  });

  test('takes no words and no recorded host', async () => {
    expectTold(await portolan(['serve', '--port', '7130/udp']), 2, /--port takes a TCP port/);
    expectTold(await portolan(['serve', 'me']), 2, /serve takes no “me”/);
    expectTold(await portolan(['serve', '--procfs-root', '/tmp']), 2, /not of a recorded one/);
  });
});
