// Holders written by the line: the same value and the same bytes as all at once.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeGap, makeOwner, makeRedirect } from '../../../../../fixtures/makers.ts';
import { HOLDER_KINDS, type Holder } from '../../model/report.ts';
import type { Endpoint, Gap, NetNamespace, Owner, ProcessRef } from '../../model/socket.ts';
import { translator } from '../../text/catalog.ts';
import { printableJson } from '../printable.ts';
import { ListLines } from './lines.ts';
import { holderJson, listJson } from './v1.ts';

const lang = translator('en');

/** Text as the outside may have it: quotes, escapes, newlines, controls, directions, lone surrogates, tags. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    '"},{"kind":"listener',
    '\\',
    '\n\r\t\0\u001b[31m',
    '\u202e\u2066\u200b\ufeff\u2028',
    '\ud800',
    '\udfff\ud800',
    '\u{e0041}',
    '\u007f\u009b',
    '__proto__',
  ),
);
const pid = fc.nat(4_194_304);
const container = fc.option(fc.record({ runtime: hostile, id: hostile, name: fc.option(hostile) }));
const ref: fc.Arbitrary<ProcessRef> = fc.record({ pid, startedAt: fc.option(hostile), name: hostile });
const owner: fc.Arbitrary<Owner> = fc.record({
  pid,
  startedAt: fc.option(hostile),
  name: hostile,
  exe: fc.option(hostile),
  argv: fc.option(fc.array(hostile, { maxLength: 3 })),
  cwd: fc.option(hostile),
  user: fc.option(hostile),
  unit: fc.option(hostile),
  container,
  launchedBy: fc.array(ref, { maxLength: 2 }),
  inferred: fc.boolean(),
});
const namespace: fc.Arbitrary<NetNamespace> = fc.record({
  inode: fc.option(fc.nat()),
  names: fc.array(hostile, { maxLength: 2 }),
  container,
  process: fc.option(ref),
});
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('::', '0.0.0.0', '::ffff:127.0.0.1', 'fe80::1%eth0', 'fe80::1%"', '10.0.0.0/8', ''),
  hostile,
);
const endpoint: fc.Arbitrary<Endpoint> = fc.record({ address, port: fc.nat(65_535) });
/** Mostly nothing, as on most holders. */
const seldom = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { freq: 3 });
const rare = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: of });
const owners = fc.array(owner, { maxLength: 3 });
const holderWith = (lists: fc.Arbitrary<readonly Owner[]>): fc.Arbitrary<Holder> =>
  fc.record({
    kind: fc.constantFrom(...HOLDER_KINDS),
    transport: fc.constantFrom('tcp', 'udp', 'sctp', 'dccp'),
    local: endpoint,
    peer: seldom(endpoint),
    state: fc.constantFrom('LISTEN', 'ESTABLISHED', 'TIME_WAIT', 'UNCONN', 'BOUND', 'REDIRECT'),
    freeInMs: seldom(fc.nat()),
    namespace: rare(namespace),
    uid: seldom(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    user: seldom(hostile),
    ipv6Only: fc.option(fc.boolean()),
    owners: lists,
    device: rare(hostile),
    mptcp: fc.oneof(
      { weight: 9, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    group: fc.oneof(
      { weight: 9, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 99 }) },
    ),
    activation: rare(fc.record({ socketUnit: hostile, serviceUnit: fc.option(hostile) })),
    publishes: rare(
      fc.record({
        container: fc.record({ runtime: hostile, id: hostile, name: fc.option(hostile) }),
        port: fc.nat(65_535),
      }),
    ),
    redirect: rare(
      fc
        .record({ table: hostile, chain: hostile, name: fc.option(hostile) })
        .map((over) => makeRedirect(over)),
    ),
    inode: fc.nat(),
    ownerHidden: fc.boolean(),
  });

/** No character that steers a terminal, nor a newline that would end the line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
const STEERS =
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])/;

/** What most lines are made of: the head and the tail that are kept. */
const plainHolder = holderWith(fc.constant([])).map(
  (holder): Holder => ({
    ...holder,
    local: { address: '127.0.0.1', port: 80 },
    peer: null,
    namespace: null,
    device: null,
    mptcp: false,
    group: 1,
    activation: null,
    publishes: null,
    redirect: null,
  }),
);

/** Taken whenever there are so many bytes; each piece is copied when the next one has been put together. */
function piecesOf(holders: readonly Holder[], missing: readonly Gap[], enough: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  const list = new ListLines((text) => Buffer.from(text, 'utf8'));
  let taken: Uint8Array = new Uint8Array();
  const take = (): void => {
    all.push(Uint8Array.from(taken));
    taken = list.take();
  };
  for (const holder of holders) {
    list.add(holder);
    if (list.size >= enough) take();
  }
  list.end(missing, [], lang);
  take();
  return [...all, taken];
}

function textOf(holders: readonly Holder[], missing: readonly Gap[], enough = 4096): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(piecesOf(holders, missing, enough)));
}

/** Their lines, without the commas between them. */
function linesOf(holders: readonly Holder[]): string[] {
  const [, ...lines] = textOf(holders, []).split('\n');
  return lines.slice(0, holders.length).map((line) => line.replace(/,$/, ''));
}

describe('a holder as a line', () => {
  test('is the text of the same holder written at once, and parses to the same value', () => {
    fc.assert(
      fc.property(fc.array(holderWith(owners), { minLength: 1, maxLength: 5 }), (holders) => {
        // The second time it comes from what was kept.
        const twice = holders.flatMap((holder) => [holder, holder]);
        const lines = linesOf(twice);
        for (const [index, holder] of twice.entries()) {
          const line = lines[index] ?? '';
          expect(line).toBe(printableJson(holderJson(holder), 0));
          expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(holderJson(holder))));
          expect(STEERS.test(line)).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('owners and users that are kept are never those of another', () => {
    const lists: readonly (readonly Owner[])[] = [
      [],
      [makeOwner({ pid: 1 })],
      [makeOwner({ pid: 2 })],
      [makeOwner({ pid: 1 }), makeOwner({ pid: 2 })],
    ];
    fc.assert(
      fc.property(fc.array(holderWith(fc.constantFrom(...lists)), { maxLength: 30 }), (holders) => {
        expect(linesOf(holders)).toEqual(holders.map((holder) => printableJson(holderJson(holder), 0)));
      }),
      { numRuns: 300 },
    );
  });

  test('ports have the digits they have', () => {
    const ports = [0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 65_535];
    const [one] = fc.sample(plainHolder, { numRuns: 1, seed: 7 }) as [Holder];
    const holders = ports.map((port) => ({ ...one, local: { address: '::1', port } }));
    expect(linesOf(holders).map((line) => JSON.parse(line).local.port)).toEqual(ports);
  });
});

describe('a list in pieces', () => {
  const gaps = fc.array(fc.constant(null), { maxLength: 3 }).map((all) => all.map(() => makeGap()));

  test('together they are the list', () => {
    fc.assert(
      fc.property(fc.array(holderWith(owners), { maxLength: 12 }), gaps, (holders, missing) => {
        const text = textOf(holders, missing);
        expect(JSON.parse(text)).toEqual(
          JSON.parse(JSON.stringify({ ...listJson(holders, missing, lang), forecasts: [] })),
        );
        expect(text.endsWith('\n')).toBe(true);
        // A holder a line, a gap a line.
        const breaks = text.split('\n').length - 1;
        expect(breaks).toBe(
          2 + Math.max(holders.length, 0) + (missing.length === 0 ? 0 : missing.length + 1),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('lines of any length are whole', () => {
    const long = makeOwner({ argv: ['\u{1f6a2}é'.repeat(25_000)] });
    fc.assert(
      fc.property(
        fc.array(holderWith(fc.constantFrom([], [long])), { minLength: 1, maxLength: 4 }),
        (some) => {
          const holders = Array.from({ length: 40 }, (_, index) => some[index % some.length] as Holder);
          expect(linesOf(holders)).toEqual(holders.map((holder) => printableJson(holderJson(holder), 0)));
        },
      ),
      { numRuns: 10 },
    );
  });

  test('wherever they are taken, nothing is lost', () => {
    fc.assert(
      fc.property(fc.array(holderWith(owners), { maxLength: 12 }), fc.nat(3000), (holders, enough) => {
        expect(textOf(holders, [], enough)).toBe(textOf(holders, [], Number.POSITIVE_INFINITY));
      }),
      { numRuns: 200 },
    );
  });

  test('none of them is large, however many holders there are', () => {
    const holders = Array.from({ length: 5000 }, () => fc.sample(plainHolder, { numRuns: 1, seed: 7 })[0]);
    const many = piecesOf(holders as Holder[], [], 2 ** 16);
    for (const piece of many) expect(piece.length).toBeLessThan(2 ** 16 + 4096);
    expect(many.length).toBeGreaterThan(5);
  });
});
