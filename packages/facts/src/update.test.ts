// `facts update`: from files and from servers that misbehave; a failed update changes nothing.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Claim, PortolanError } from '@portolan/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeAssigned, makeClaim } from '../../../fixtures/makers.ts';
import { openFacts } from './load.ts';
import { namesOf } from './names.ts';
import { encodePack, type PackHeader } from './pack.ts';
import { FRESH_SOURCE } from './registry/npm.ts';
import { resetRegistry, type UpdateOptions, updateRegistry } from './update.ts';

const NOW = new Date('2026-11-22T12:00:00.000Z');
const root = mkdtempSync(join(tmpdir(), 'portolan-update-'));
const shipped = join(root, 'shipped');
let dataDir = '';
let nth = 0;

/** Ten assignments, 1001 to 1010, as the fresh package of 2026-09-17 has them. */
const SHIPPED: Claim[] = Array.from({ length: 10 }, (_, i) =>
  makeAssigned(1001 + i, `svc-${1001 + i}`, 'shipped', { source: FRESH_SOURCE, transports: ['tcp'] }),
);

function pack(path: string, kind: PackHeader['kind'], claims: readonly Claim[], extras: unknown): void {
  const sources = {
    [FRESH_SOURCE]: { title: 'Fresh', url: 'https://example.org/', date: '2026-09-17', edition: '8.0.35' },
    'a-source': { title: 'A', url: 'https://example.org/a', date: null, edition: null },
  };
  const header: PackHeader = {
    kind,
    edition: '8.0.35',
    date: '2026-09-17',
    builtAt: '2026-09-17T00:00:00.000Z',
    claims: claims.length,
    etag: null,
    from: 'npm',
  };
  writeFileSync(path, encodePack({ header, claims, sources, names: namesOf(claims), extras }));
}

beforeAll(() => {
  mkdirSync(shipped);
  pack(join(shipped, 'registry.pack'), 'registry', SHIPPED, {});
  const own = makeClaim({ id: 'own', ports: [1001, 1001], product: 'Mine' });
  pack(join(shipped, 'claims.pack'), 'claims', [own], {
    blocked: { source: 'a-source', asOf: '2026', ports: [] },
    ephemeral: [],
  });
});
beforeEach(() => {
  dataDir = join(root, `data-${nth++}`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A registry of one TCP record a number. */
function xml(ports: readonly number[], { updated = '2026-10-01', name = 'new' } = {}): string {
  const records = ports.map(
    (port) =>
      `<record><name>${name}-${port}</name><protocol>tcp</protocol><description>from the file</description><number>${port}</number></record>`,
  );
  return `<?xml version='1.0'?>\n<registry id="service-names-port-numbers"><updated>${updated}</updated>${records.join('')}</registry>`;
}
const TEN = Array.from({ length: 10 }, (_, i) => 1001 + i);

let serial = 0;
function file(bytes: string | Buffer): string {
  const path = join(root, `file-${serial++}`);
  writeFileSync(path, bytes);
  return path;
}
const update = (from: string, over: Partial<UpdateOptions> = {}) =>
  updateRegistry({ shipped, dataDir, from, now: NOW, fewest: 1, ...over });
async function failure(promise: Promise<unknown>): Promise<PortolanError> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ name: 'PortolanError', hint: expect.stringMatching(/Nothing was changed/) });
  return error as PortolanError;
}
function serviceAt(port: number): string[] {
  const facts = openFacts({ shipped, dataDir });
  try {
    return facts
      .claimsFor(port)
      .claims.filter((claim) => claim.authority === 'registry')
      .map((claim) => claim.service);
  } finally {
    facts.close();
  }
}
const files = (): string[] => {
  try {
    return readdirSync(dataDir);
  } catch {
    return [];
  }
};

describe('from a file', () => {
  test.each<[string, (text: string) => string | Buffer]>([
    ['plain', (text) => text],
    ['gzip', (text) => gzipSync(text)],
    ['with a byte order mark', (text) => `\ufeff${text}`],
  ])('%s', async (_what, wrap) => {
    const result = await update(file(wrap(xml(TEN))));
    expect(result).toMatchObject({
      changed: true,
      kept: 0,
      after: { date: '2026-10-01', claims: 10, etag: null },
    });
    expect(result.before.edition).toBe('8.0.35');
    expect(serviceAt(1001)).toEqual(['new-1001']);
    expect(files()).toEqual(['registry.pack']);
    const facts = openFacts({ shipped, dataDir });
    expect(facts.info()).toMatchObject({ registryUpdated: true });
    expect(facts.portsOfName('new-1005')).toEqual(['1005/tcp']);
    expect(facts.source('iana-registry').date).toBe('2026-10-01');
    // The project's own claims stay beside it.
    expect(facts.claimsFor(1001).claims.map(({ id }) => id)).toContain('own');
    facts.close();
  });
  test.each<[string, () => string, RegExp]>([
    ['that is not there', () => join(root, 'nowhere'), /ENOENT/],
    ['that is a folder', () => root, /folder|EISDIR/],
    ['that is empty', () => file(''), /XML|registry/],
    ['that is cut short', () => file(xml(TEN).slice(0, -40)), /not well-formed/],
    ['that is damaged gzip', () => file(gzipSync(xml(TEN)).subarray(0, 200)), /gzip/],
    [
      'that is not UTF-8',
      () => file(Buffer.concat([Buffer.from(xml(TEN)), Buffer.from([0xff, 0xfe])])),
      /UTF-8/,
    ],
    ['that is a gzip bomb', () => file(gzipSync(Buffer.alloc(65 * 1024 * 1024, 0x20))), /larger than 64 MiB/],
    ['of another scheme', () => 'ftp://example.org/registry.xml', /neither/],
    ['with far fewer records', () => file(xml(TEN.slice(0, 8))), /8 claims where 10/],
  ])('%s is refused, and nothing is left behind', async (_what, from, why) => {
    const error = await failure(update(from()));
    expect(error.code).toBe('FACTS_UPDATE');
    expect(error.message).toMatch(why);
    expect(files()).toEqual([]);
    expect(serviceAt(1001)).toEqual(['svc-1001']);
  });
  test('one record fewer in ten is still the registry', async () => {
    expect((await update(file(xml(TEN.slice(1))))).after.claims).toBe(9);
  });
  test('a failed update leaves the one before as it was, to the byte', async () => {
    await update(file(xml(TEN)));
    const before = readFileSync(join(dataDir, 'registry.pack'));
    await failure(update(file(xml(TEN.slice(0, 3)))));
    await failure(update(file('rubbish')));
    expect(readFileSync(join(dataDir, 'registry.pack')).equals(before)).toBe(true);
    expect(files()).toEqual(['registry.pack']);
  });
  test('a damaged registry from before does not keep a new one out', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'registry.pack'), 'PORTOLAN but damaged');
    expect((await update(file(xml(TEN)))).changed).toBe(true);
    expect(serviceAt(1001)).toEqual(['new-1001']);
  });
});

describe('an edition older than the shipped one', () => {
  test('keeps the shipped assignments on numbers that it does not know', async () => {
    const result = await update(file(xml(TEN.slice(0, 9), { updated: '2025-02-25' })));
    expect(result).toMatchObject({ changed: true, kept: 1, after: { date: '2025-02-25', claims: 10 } });
    expect(serviceAt(1001)).toEqual(['new-1001']);
    expect(serviceAt(1010)).toEqual(['svc-1010']);
    // The next update of the same file keeps it again.
    expect(await update(file(xml(TEN.slice(0, 9), { updated: '2025-02-25' })))).toMatchObject({ kept: 1 });
    expect(serviceAt(1010)).toEqual(['svc-1010']);
  });
  test('keeps them also where a newer edition was in use in between', async () => {
    await update(file(xml(TEN, { updated: '2026-10-01' })));
    const result = await update(file(xml(TEN.slice(0, 9), { updated: '2025-02-25', name: 'old' })));
    expect(result.kept).toBe(1);
    expect(serviceAt(1001)).toEqual(['old-1001']);
    expect(serviceAt(1010)).toEqual(['svc-1010']);
  });
  test('keeps a transport that the file lacks, beside the one it has', async () => {
    const udp = xml([1010], { name: 'svc' }).replace('<protocol>tcp', '<protocol>udp');
    const record = /<record>.*<\/record>/.exec(udp)?.[0] ?? '';
    const text = xml(TEN.slice(0, 9), { updated: '2025-02-25' }).replace(
      '</registry>',
      `${record}</registry>`,
    );
    expect(await update(file(text))).toMatchObject({ kept: 1 });
    const facts = openFacts({ shipped, dataDir });
    const found = facts.claimsFor(1010).claims.filter((claim) => claim.authority === 'registry');
    expect(found.map(({ service, transports }) => `${service} ${transports.join()}`).toSorted()).toEqual([
      'svc-1010 tcp',
      'svc-1010 udp',
    ]);
    // Both are claims of their own: none stands in for the other where all are counted.
    expect(facts.allClaims().filter((claim) => claim.service === 'svc-1010')).toHaveLength(2);
    facts.close();
  });
  test('a newer edition decides alone', async () => {
    expect(await update(file(xml(TEN.slice(0, 9), { updated: '2026-10-01' })))).toMatchObject({ kept: 0 });
    expect(serviceAt(1010)).toEqual([]);
  });
});

describe('from a server', () => {
  let server: Server;
  let base = '';
  let answer: (response: ServerResponse, headers: Readonly<Record<string, unknown>>) => void = (response) =>
    response.end();
  beforeAll(async () => {
    server = createServer((request, response) => {
      // A connection that is kept alive would be tried again by the next test after it was closed.
      response.shouldKeepAlive = false;
      answer(response, request.headers);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/registry.xml`;
  });
  afterEach(() => server.closeAllConnections());
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('200 with an entity tag, then 304', async () => {
    const asked: unknown[] = [];
    answer = (response, headers) => {
      asked.push(headers['if-none-match']);
      if (headers['if-none-match'] === '"v1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"v1"' }).end(xml(TEN));
    };
    expect(await update(base)).toMatchObject({ changed: true, after: { etag: '"v1"', from: base } });
    const before = readFileSync(join(dataDir, 'registry.pack'));
    expect(await update(base)).toMatchObject({ changed: false, kept: 0 });
    expect(asked).toEqual([undefined, '"v1"']);
    expect(readFileSync(join(dataDir, 'registry.pack')).equals(before)).toBe(true);
    // Another address has not said this tag.
    await update(`${base}?other`);
    expect(asked.at(-1)).toBeUndefined();
  });
  test('gzip as a file and gzip as an encoding', async () => {
    answer = (response) => response.end(gzipSync(xml(TEN)));
    expect((await update(base)).after.claims).toBe(10);
    answer = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(xml(TEN)));
    expect((await update(base)).after.claims).toBe(10);
  });
  test.each<[string, (response: ServerResponse) => unknown, RegExp]>([
    ['404', (response) => response.writeHead(404).end('<registry/>'), /404/],
    ['500', (response) => response.writeHead(500).end(), /500/],
    ['a page of HTML', (response) => response.end('<html><body>login</body></html>'), /<html>/],
    ['an empty body', (response) => response.end(), /XML|registry/],
    [
      'a body shorter than told',
      (response) =>
        response.writeHead(200, { 'content-length': 99_999 }).write(xml(TEN), () => response.destroy()),
      /could not be fetched/,
    ],
    [
      'a chunked body cut short',
      (response) => response.write(xml(TEN).slice(0, 300), () => response.destroy()),
      /could not be fetched|not well-formed/,
    ],
    ['a registry cut short', (response) => response.end(xml(TEN).slice(0, 500)), /not well-formed/],
    ['a connection closed at once', (response) => response.destroy(), /could not be fetched/],
    [
      'a redirect in a circle',
      (response) => response.writeHead(302, { location: '/registry.xml' }).end(),
      /could not be fetched/,
    ],
  ])('%s is refused, nothing is left behind', async (_what, how, why) => {
    answer = (response) => void how(response);
    const error = await failure(update(base));
    expect(error.message).toMatch(why);
    expect(error.code).toBe('FACTS_UPDATE');
    expect(files()).toEqual([]);
  });
  test('an endless body is cut off at the limit', async () => {
    const chunk = Buffer.alloc(1 << 20, 0x20);
    let sent = 0;
    answer = (response) => {
      const more = (): void => {
        while (!response.destroyed) {
          sent++;
          if (!response.write(chunk)) {
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    };
    expect((await failure(update(base))).message).toMatch(/larger than 64 MiB/);
    expect(sent).toBeLessThan(200);
    expect(files()).toEqual([]);
  });
  test('a body that drips is dropped on abort', async () => {
    answer = (response) => {
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(drip));
    };
    const stop = new AbortController();
    const pending = failure(update(base, { signal: stop.signal }));
    setTimeout(() => stop.abort(), 100);
    const begun = Date.now();
    expect((await pending).message).toMatch(/could not be fetched/);
    expect(Date.now() - begun).toBeLessThan(5000);
    expect(files()).toEqual([]);
  });
  test('nobody there', async () => {
    const error = await failure(update('http://127.0.0.1:9/registry.xml'));
    expect(error.message).toMatch(/could not be fetched from http:\/\/127\.0\.0\.1:9/);
    expect(error.hint).toMatch(/--from FILE/);
  });
});

describe('the data directory', () => {
  test('below a regular file: an error that says so', async () => {
    const blocked = join(file('x'), 'sub');
    const error = await failure(update(file(xml(TEN)), { dataDir: blocked }));
    expect(error).toMatchObject({ code: 'DATA_DIR' });
    expect(error.message).toContain(blocked);
    expect(error.hint).toContain('PORTOLAN_DATA_DIR');
  });
  test('a folder where the file should be', async () => {
    mkdirSync(join(dataDir, 'registry.pack'), { recursive: true });
    await expect(update(file(xml(TEN)))).rejects.toMatchObject({ name: 'PortolanError' });
    expect(files()).toEqual(['registry.pack']);
  });
  test('two updates at once leave one whole registry', async () => {
    const a = file(xml(TEN, { name: 'a' }));
    const b = file(xml(TEN, { name: 'b' }));
    await Promise.all(Array.from({ length: 8 }, (_, i) => update(i % 2 === 0 ? a : b)));
    expect(files()).toEqual(['registry.pack']);
    const services = TEN.flatMap(serviceAt);
    const winner = services[0]?.slice(0, 1);
    expect(services).toEqual(TEN.map((port) => `${winner}-${port}`));
  });
  test('reset drops the update, once', async () => {
    await update(file(xml(TEN)));
    expect(resetRegistry(dataDir)).toBe(true);
    expect(serviceAt(1001)).toEqual(['svc-1001']);
    expect(resetRegistry(dataDir)).toBe(false);
  });
});
