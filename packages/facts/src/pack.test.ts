// The packed index: what goes in comes out, and damage is an error and never an answer with fewer claims.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Claim, PortolanError, type Source } from '@portolan/core';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { makeClaim } from '../../../fixtures/makers.ts';
import { openFacts } from './load.ts';
import { encodePack, NARROW, Pack, type PackHeader } from './pack.ts';

const HEADER: PackHeader = {
  kind: 'registry',
  edition: '1',
  date: '2026-01-01',
  builtAt: '2026-01-01T00:00:00.000Z',
  claims: 0,
  etag: null,
  from: 'test',
};
const SOURCES: Record<string, Source> = {
  'a-source': {
    title: 'A “source” 字\twith a tab',
    url: 'https://example.org/',
    date: '2026',
    edition: null,
  },
  another: { title: 'Another', url: 'https://example.org/2', date: null, edition: '2' },
};

const EXTRAS = {
  blocked: { source: 'another', asOf: '2026', ports: [{ port: 1, service: null }] },
  ephemeral: [],
};

function encode(claims: readonly Claim[], names: ReadonlyMap<string, readonly string[]> = new Map()): Buffer {
  return encodePack({
    header: { ...HEADER, claims: claims.length },
    claims,
    sources: SOURCES,
    names,
    extras: EXTRAS,
  });
}
const open = (bytes: Buffer): Pack =>
  new Pack('test.pack', bytes.length, (offset, length) => bytes.subarray(offset, offset + length));

let serial = 0;
const anyClaim = fc
  .record({
    first: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 65_535 })),
    more: fc.oneof(
      fc.constant(0),
      fc.constantFrom(NARROW - 2, NARROW - 1, NARROW, NARROW + 1),
      fc.nat(65_535),
    ),
    service: fc.string({ unit: 'grapheme', maxLength: 8 }),
  })
  .map(({ first, more, service }) =>
    makeClaim({ id: `c${serial++}`, ports: [first, Math.min(65_535, first + more)], service }),
  );

describe('round trip', () => {
  test('claims(port) is what a plain filter gives, all() is everything once', () => {
    fc.assert(
      fc.property(
        fc.array(anyClaim, { maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 5, maxLength: 5 }),
        (claims, ports) => {
          const pack = open(encode(claims));
          const edges = claims.flatMap(({ ports: [a, b] }) => [a - 1, a, b, b + 1]);
          for (const port of [...ports, ...edges].filter((n) => n >= 0 && n <= 65_535)) {
            const expected = claims.filter((claim) => claim.ports[0] <= port && port <= claim.ports[1]);
            const byId = (list: readonly Claim[]) => list.toSorted((a, b) => (a.id < b.id ? -1 : 1));
            expect(byId(pack.claims(port))).toEqual(byId(expected));
          }
          expect(
            pack
              .all()
              .map(({ id }) => id)
              .toSorted(),
          ).toEqual(claims.map(({ id }) => id).toSorted());
          expect(pack.header.claims).toBe(claims.length);
        },
      ),
      { numRuns: 40 },
    );
  });
  test('names and sources, each by its own and none by part of another', () => {
    const names = new Map([
      ['http', ['80/tcp', '80/udp']],
      ['https', ['443/tcp']],
      ['a.b*c', ['1/tcp']],
    ]);
    const pack = open(encode([], names));
    expect(pack.names()).toEqual(['http', 'https', 'a.b*c']);
    for (const [name, ports] of names) expect(pack.portsOfName(name)).toEqual(ports);
    for (const name of ['htt', 'ttp', 'HTTP', '', 'http\t80', '.*'])
      expect(pack.portsOfName(name)).toBeNull();
    expect(pack.sourceIds()).toEqual(['a-source', 'another']);
    expect(pack.source('a-source')).toEqual(SOURCES['a-source']);
    for (const id of ['a', 'source', 'Another', '', 'constructor']) expect(pack.source(id)).toBeNull();
    expect(pack.extras()).toEqual(EXTRAS);
  });
  test('the same input gives the same bytes', () => {
    const claims = [makeClaim({ id: 'x' }), makeClaim({ id: 'y', ports: [1, 9000] })];
    expect(encode(claims).equals(encode(claims))).toBe(true);
  });
});

describe('damage', () => {
  const claims = [
    makeClaim({ id: 'one', ports: [80, 80] }),
    makeClaim({ id: 'run', ports: [79, 81] }),
    makeClaim({ id: 'wide', ports: [50, 65_535] }),
    makeClaim({ id: 'last', ports: [65_535, 65_535] }),
  ];
  const names = new Map([['http', ['80/tcp']]]);
  const good = encode(claims, names);
  const PROBED = [0, 79, 80, 81, 60_163, 65_535];
  const answers = (bytes: Buffer): string => {
    const pack = open(bytes);
    return JSON.stringify([
      pack.header,
      PROBED.map((port) => pack.claims(port)),
      pack.portsOfName('http'),
      pack.names(),
      pack.source('a-source'),
      pack.sourceIds(),
      pack.extras(),
    ]);
  };
  const whole = answers(good);

  /** Either the same answers, or FACTS_CORRUPT; anything else is a wrong answer. */
  function verdict(bytes: Buffer): 'same' | 'refused' {
    try {
      const got = answers(bytes);
      expect(got).toBe(whole);
      return 'same';
    } catch (error) {
      if (!(error instanceof PortolanError)) throw error;
      expect(error.code).toBe('FACTS_CORRUPT');
      expect(error.message).toContain('test.pack');
      expect(error.hint).toMatch(/facts reset/);
      return 'refused';
    }
  }

  // The port table's entries for ports that are not probed are the only bytes that may be wrong unseen.
  const headerLength = good.readUInt32LE(12);
  const table = 24 + headerLength;
  const probedEntry = (offset: number): boolean =>
    offset < table || offset >= table + 65_536 * 8 || PROBED.includes(Math.floor((offset - table) / 8));
  const important = Array.from({ length: good.length }, (_, i) => i).filter(probedEntry);

  test('every byte outside the unprobed table entries: damage is refused', () => {
    expect(important.length).toBeGreaterThan(1000);
    const unseen: number[] = [];
    for (const offset of important) {
      const copy = Buffer.from(good);
      copy[offset] = (copy[offset] ?? 0) ^ (1 << (offset % 8));
      if (verdict(copy) === 'same') unseen.push(offset);
    }
    expect(unseen).toEqual([]);
  });
  test('random bytes anywhere: refused, or the answers stay the same', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
        const copy = Buffer.from(good);
        copy[offset] = (copy[offset] ?? 0) ^ flip;
        verdict(copy);
      }),
      { numRuns: 400 },
    );
  });
  test('a whole run of bytes zeroed or filled: refused, or the same', () => {
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.nat(5000),
        fc.constantFrom(0, 0xff),
        (offset, length, value) => {
          const copy = Buffer.from(good);
          copy.fill(value, offset, Math.min(offset + length, copy.length));
          verdict(copy);
        },
      ),
      { numRuns: 200 },
    );
  });
  test('the table’s entry of one port cannot stand in for another’s', () => {
    const copy = Buffer.from(good);
    good.copy(copy, table + 80 * 8, table, table + 8);
    expect(() => open(copy).claims(80)).toThrow(/port 80/);
  });
  test('cut short at any length, or with something behind it', () => {
    const lengths = [0, 1, 7, 8, 23, 24, 25, table - 1, table, table + 1, good.length - 1];
    for (let i = 0; i < 200; i++) lengths.push(Math.floor((good.length * i) / 200));
    for (const length of lengths)
      expect(() => answers(good.subarray(0, length)), `cut to ${length}`).toThrow(PortolanError);
    expect(() => answers(Buffer.concat([good, Buffer.alloc(1)]))).toThrow(/bytes long/);
  });
  test('a file that shrinks while it is open', () => {
    const pack = new Pack('test.pack', good.length, (offset, length) =>
      good.subarray(offset, Math.min(offset + length, table + 4)),
    );
    expect(() => pack.claims(80)).toThrow(/ends too early/);
  });
  test('something else altogether, and a format of the future', () => {
    expect(() => open(Buffer.from('PK\u0003\u0004'.padEnd(1000, 'x')))).toThrow(/does not begin as/);
    const future = Buffer.from(good);
    future.writeUInt32LE(2, 8);
    expect(() => open(future)).toThrow(/format 2/);
  });
  test('all() notices a claim that is missing', () => {
    const bytes = encodePack({
      header: { ...HEADER, claims: 5 },
      claims,
      sources: SOURCES,
      names,
      extras: {},
    });
    expect(() => open(bytes).all()).toThrow(/4 claims where 5/);
  });
});

describe('openFacts', () => {
  const dirs: string[] = [];
  afterAll(() => {
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  });
  function shipped(files: Readonly<Record<string, Buffer>>): string {
    const dir = mkdtempSync(join(tmpdir(), 'portolan-facts-'));
    dirs.push(dir);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes);
    return dir;
  }
  const both = { 'claims.pack': encode([]), 'registry.pack': encode([]) };

  test.each(['claims.pack', 'registry.pack'] as const)('%s missing', (name) => {
    const { [name]: _gone, ...left } = both;
    let caught: unknown;
    try {
      openFacts({ shipped: shipped(left), dataDir: null });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'FACTS_MISSING' });
    expect((caught as Error).message).toContain(name);
  });
  test('a claim whose source is nowhere is damage, not a claim without a source', () => {
    const facts = openFacts({
      shipped: shipped({
        ...both,
        'registry.pack': encode([makeClaim({ ports: [80, 80], source: 'nowhere' })]),
      }),
      dataDir: null,
    });
    expect(() => facts.claimsFor(80)).toThrow(/nowhere/);
    facts.close();
  });
  test('a damaged updated registry is told and not passed over', () => {
    const dataDir = shipped({ 'registry.pack': Buffer.from('rubbish') });
    expect(() => openFacts({ shipped: shipped(both), dataDir })).toThrow(/facts reset|damaged/);
  });
  test('an updated registry older than the shipped one is left aside', () => {
    const older = encodePack({
      header: { ...HEADER, builtAt: '2025-01-01T00:00:00.000Z', claims: 1 },
      claims: [makeClaim({ ports: [80, 80] })],
      sources: SOURCES,
      names: new Map(),
      extras: {},
    });
    const facts = openFacts({ shipped: shipped(both), dataDir: shipped({ 'registry.pack': older }) });
    expect(facts.info().registryUpdated).toBe(false);
    facts.close();
  });
  test('the registry’s own word is not told twice', () => {
    const entry = makeClaim({ id: 'iana', authority: 'registry', service: 'http', ports: [80, 80] });
    const again = makeClaim({ id: 'own', authority: 'registry', service: 'HTTP', ports: [80, 80] });
    const product = makeClaim({ id: 'product', service: 'http', ports: [80, 80] });
    const facts = openFacts({
      shipped: shipped({ 'registry.pack': encode([entry]), 'claims.pack': encode([again, product]) }),
      dataDir: null,
    });
    expect(facts.claimsFor(80).claims.map(({ id }) => id)).toEqual(['iana', 'product']);
    expect(facts.allClaims().map(({ id }) => id)).toEqual(['iana', 'product']);
    facts.close();
  });
});
