// The facts as they ship: every port can be asked for, and 60163 says what may be said of it and no more.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Claim, TRANSPORTS } from '@portolan/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CompileResult, compileFacts } from './compile.ts';
import { type Facts, openFacts } from './load.ts';

const DATA = join(import.meta.dirname, '../data');
const out = mkdtempSync(join(tmpdir(), 'portolan-compiled-'));
let facts: Facts;
let made: CompileResult;
beforeAll(() => {
  made = compileFacts(DATA, out);
  facts = openFacts({ shipped: out, dataDir: null, whole: true });
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

const at = (port: number): readonly Claim[] => facts.claimsFor(port).claims;
const named = (port: number): string[] =>
  at(port)
    .filter(
      (claim) =>
        claim.authority === 'registry' && claim.status === 'assigned' && claim.transports.includes('tcp'),
    )
    .map((claim) => claim.service);

test('every one of the 65,536 ports can be asked for, and every claim holds together', () => {
  const sources = new Set(facts.sourceIds());
  let claims = 0;
  for (let port = 0; port <= 65_535; port++) {
    const found = facts.claimsFor(port);
    const ids = new Set<string>();
    for (const claim of found.claims) {
      claims++;
      if (claim.ports[0] > port || claim.ports[1] < port)
        throw new Error(`${claim.id} does not cover ${port}`);
      if (!sources.has(claim.source) || found.sources[claim.source] === undefined)
        throw new Error(`${claim.id} names the source ${claim.source}, which is not there`);
      if (claim.service === '' || claim.transports.some((word) => !TRANSPORTS.includes(word)))
        throw new Error(`${claim.id} is malformed`);
      if (ids.has(claim.id)) throw new Error(`${claim.id} stands twice on ${port}`);
      ids.add(claim.id);
    }
  }
  expect(claims).toBeGreaterThan(100_000);
  expect(made.registryClaims).toBeGreaterThan(6000);
  expect(made.ownClaims).toBeGreaterThan(800);
});

test('read in pieces or whole, the answer is the same', () => {
  const pieces = openFacts({ shipped: out, dataDir: null });
  for (let port = 0; port <= 65_535; port += 257)
    expect(pieces.claimsFor(port)).toEqual(facts.claimsFor(port));
  pieces.close();
});

test('the same data gives the same bytes', () => {
  const again = mkdtempSync(join(tmpdir(), 'portolan-compiled-'));
  try {
    compileFacts(DATA, again);
    for (const name of ['registry.pack', 'claims.pack'])
      expect(readFileSync(join(again, name)).equals(readFileSync(join(out, name))), name).toBe(true);
  } finally {
    rmSync(again, { recursive: true });
  }
});

describe('60163', () => {
  test('nothing names it itself: every claim on it is a whole range', () => {
    expect(at(60_163).length).toBeGreaterThan(5);
    for (const claim of at(60_163))
      expect(claim.ports[1] - claim.ports[0], claim.id).toBeGreaterThanOrEqual(199);
  });
  test('the registry has no word on it', () => {
    expect(at(60_163).filter((claim) => claim.authority === 'registry')).toEqual([]);
  });
  test('Xsan: Apple’s own list, TCP alone, the whole of 49152–65535', () => {
    const xsan = at(60_163).filter((claim) => /xsan/i.test(`${claim.product} ${claim.service}`));
    expect(xsan).toHaveLength(1);
    expect(xsan[0]).toMatchObject({
      ports: [49_152, 65_535],
      transports: ['tcp'],
      vendor: 'Apple',
      authority: 'vendor',
      confidence: 'verified',
    });
    expect(facts.source(xsan[0]?.source ?? '').url).toMatch(/apple\.com/);
  });
  test('UDP: Back to My Mac and Mosh, neither of them on TCP', () => {
    for (const name of ['Back to My Mac', 'Mosh']) {
      const found = at(60_163).filter((claim) => claim.product === name);
      expect(
        found.map(({ transports }) => transports),
        name,
      ).toEqual([['udp']]);
    }
  });
  test('nowhere is a Dynamic Port assigned or "unassigned"', () => {
    for (const claim of facts.allClaims()) {
      if (claim.ports[1] < 49_152) continue;
      expect(claim.authority, claim.id).not.toBe('registry');
      expect(`${claim.service} ${claim.note ?? ''}`, claim.id).not.toMatch(/\bunassigned\b/i);
    }
  });
});

describe('numbers everybody knows', () => {
  test('80 is http, www, www-http, in that order', () => {
    expect(named(80)).toEqual(['http', 'www', 'www-http']);
  });
  test('4444 is krb524 and nv-video, with the unauthorised use on record', () => {
    expect(named(4444)).toEqual(['krb524', 'nv-video']);
    expect(
      at(4444).some((claim) => claim.authority === 'observed' && /unauthori[sz]ed/i.test(claim.service)),
    ).toBe(true);
  });
  test('6000–6063 is x11, each of them', () => {
    for (const port of [6000, 6001, 6031, 6063]) expect(named(port), String(port)).toContain('x11');
    expect(named(6064)).not.toContain('x11');
  });
  test('443, 22, 53, 5432 by number and by name', () => {
    for (const [port, name] of [
      [443, 'https'],
      [22, 'ssh'],
      [53, 'domain'],
      [5432, 'postgresql'],
    ] as const) {
      expect(named(port)).toContain(name);
      expect(
        facts.portsOfName(name)?.some((place) => place.startsWith(`${port}/`)),
        name,
      ).toBe(true);
    }
  });
  test('browsers refuse 6000 and 22, not 8080', () => {
    const ports = facts.extras().blocked.ports.map(({ port }) => port);
    expect(ports).toContain(6000);
    expect(ports).toContain(22);
    expect(ports).not.toContain(8080);
    expect(new Set(ports).size).toBe(ports.length);
  });
});

test('every name stands for ports that really carry it', () => {
  for (const name of facts.names()) {
    const places = facts.portsOfName(name) ?? [];
    expect(places.length, name).toBeGreaterThan(0);
    for (const place of places) {
      const [port, transport] = place.split('/');
      if (!(Number(port) >= 0 && Number(port) <= 49_151) && Number(port) > 65_535)
        throw new Error(`${name}: ${place}`);
      const carries = at(Number(port)).some((claim) => {
        const word = claim.authority === 'registry' ? claim.service : (claim.product ?? '');
        return (
          word.toLowerCase().replace(/ /g, '-') === name &&
          (claim.transports.length === 0 || claim.transports.includes(transport as 'tcp'))
        );
      });
      if (!carries) throw new Error(`${name} does not stand on ${place}`);
    }
  }
});
