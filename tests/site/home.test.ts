// The home page and the search as the server answers them: who may see the host, where numbers lead, what is markup.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Snapshot } from '@portolan/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeOwner, makeSnapshot, makeSocket } from '../../fixtures/makers.ts';
import { makeApp } from '../../packages/site/src/server/app.ts';
import { Keys } from '../../packages/site/src/server/keys.ts';
import type { Visitors } from '../../packages/site/src/server/visitors.ts';
import { makeSite, type Site } from '../../packages/site/src/site.ts';
import { builtFacts } from './facts.ts';

const HOST = '127.0.0.1:4650';
const HOSTILE = '<img src=x onerror=alert(1)>\u202e';
const SNAPSHOT = makeSnapshot({
  sockets: [
    makeSocket({ local: { address: '0.0.0.0', port: 8080 }, owners: [makeOwner({ name: HOSTILE })] }),
    makeSocket({
      local: { address: '10.0.0.2', port: 40_000 },
      peer: { address: '10.0.0.1', port: 443 },
      state: 'ESTABLISHED',
    }),
  ],
});

let site: Site;
beforeAll(() => {
  site = makeSite(builtFacts(), 'portolan');
});

function server(
  own: boolean | null,
  look: () => Promise<Snapshot> = () => Promise.resolve(SNAPSHOT),
): (path: string, headers?: Record<string, string>) => Promise<Response> {
  const app = makeApp({
    site,
    host: { name: 'box', look, audit: () => Promise.resolve([]) },
    assets: new Map(),
    port: 4650,
    visitors: { maySee: () => own === true } as unknown as Visitors,
    keys: new Keys(() => 0),
    feedback: { note: () => Promise.reject(new Error('unasked')) },
    schema: { $defs: {} },
    version: '0',
    now: () => performance.now(),
    onFault(error) {
      throw error;
    },
  });
  return async (path, headers = {}) =>
    app.fetch(new Request(`http://${HOST}${path}`, { headers: { host: HOST, ...headers } }), {
      incoming: {} as IncomingMessage,
      outgoing: new EventEmitter() as ServerResponse,
    });
}

describe('the home page', () => {
  test('its owner sees who has a port, and what a process calls itself is no markup', async () => {
    const html = await (await server(true)('/en/')).text();
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toContain('<img src=x');
    expect(html).not.toContain('\u202e');
    expect(html).toContain('1 held by a connection');
    expect(html).toContain('/api/live/chart');
  });
  test.each([false, null])(
    'whoever else asks sees nothing of the host, and that this is why (%s)',
    async (own) => {
      const html = await (await server(own)('/en/')).text();
      expect(html).not.toContain('onerror');
      expect(html).not.toContain('In use on this host');
      // Where it would be told, for whoever gets the token; until then what speaks of the host is out of sight.
      expect(html).toContain('/api/live/chart');
      for (const name of ['held', 'connections', 'range', 'kept']) {
        expect(html).toMatch(
          new RegExp(`<label class="layer scripted" data-later hidden><input[^>]* name="${name}"`),
        );
      }
      expect(html).toContain('Only whoever runs Portolan');
    },
  );
  test('the root leads to the reader’s language', async () => {
    const answer = await server(true)('/', { 'accept-language': 'xx, en;q=0.5' });
    expect([answer.status, answer.headers.get('location'), answer.headers.get('vary')]).toEqual([
      302,
      '/en/',
      'accept-language',
    ]);
  });
  test('a language that is none has no page', async () => {
    expect((await server(true)('/tlh/')).status).toBe(404);
    expect((await server(true)('/tlh/find?q=80')).status).toBe(404);
  });
});

describe('what is in use, live', () => {
  test('a line at once, names without controls, then nothing while nothing changes', async () => {
    const answer = await server(true)('/api/live/chart');
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
    const reader = answer.body?.getReader();
    const text = new TextDecoder().decode((await reader?.read())?.value);
    expect(JSON.parse(text)).toMatchObject({
      range: [32_768, 60_999],
      held: [[8080, 'listening', expect.stringContaining('<img src=x')]],
      connections: [40_000],
      complete: true,
    });
    expect(text).not.toContain('\u202e');
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('\n');
    await reader?.cancel();
  });
  test.each([false, null])(
    'refused to whoever is not its user (%s), and the host is not looked at',
    async (own) => {
      let looks = 0;
      const look = (): Promise<Snapshot> => {
        looks++;
        return Promise.resolve(SNAPSHOT);
      };
      expect((await server(own, look)('/api/live/chart')).status).toBe(401);
      expect(looks).toBe(0);
    },
  );
});

describe('the search', () => {
  test.each([
    ['8080', '/en/ports/8080'],
    ['53/udp', '/en/ports/53/udp'],
    [' 443 ', '/en/ports/443'],
  ])('%s leads to %s', async (query, to) => {
    const answer = await server(false)(`/en/find?q=${encodeURIComponent(query)}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, to]);
  });
  test('names lead to services, words of notes to ports; search engines are asked to leave it out', async () => {
    const html = await (await server(false)('/en/find?q=postgresql')).text();
    expect(html).toContain('href="/en/services/postgresql"');
    expect(html).toContain('content="noindex,follow"');
    const notes = await (await server(false)('/en/find?q=Domain+Name+Server')).text();
    expect(notes).toContain('href="/en/ports/53"');
  });
  test('what was asked for is text, however long, and nothing else', async () => {
    const asked = `<script>alert(1)</script>\u202e"'&${'x'.repeat(5000)}`;
    const answer = await server(false)(`/en/find?q=${encodeURIComponent(asked)}`);
    const html = await answer.text();
    expect(answer.status).toBe(200);
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('\u202e');
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toContain('x'.repeat(200));
  });
  test('65536 is no port, nothing is no question', async () => {
    expect(await (await server(false)('/en/find?q=65536')).text()).toContain('Nothing is known by “65536”');
    expect((await server(false)('/en/find')).status).toBe(200);
  });
});

test('the files that are made from the facts are served, each as what it is', async () => {
  const ask = server(false);
  for (const [name, type] of [
    ['chart.bin', 'application/octet-stream'],
    ['chart.png', 'image/png'],
    ['chart-night.png', 'image/png'],
    ['names.json', 'application/json; charset=utf-8'],
    ['search.json', 'application/json; charset=utf-8'],
  ] as const) {
    const answer = await ask(`/a/${name}`);
    expect([answer.status, answer.headers.get('content-type')], name).toEqual([200, type]);
    expect((await answer.arrayBuffer()).byteLength, name).toBeGreaterThan(1000);
  }
  expect((await ask('/a/../server/app.js')).status).toBe(404);
});
