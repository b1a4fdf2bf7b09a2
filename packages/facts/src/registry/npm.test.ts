// The registry base from two packages: which of them decides, what each adds, and how much of IANA's it holds.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Claim } from '@portolan/core';
import { describe, expect, test } from 'vitest';
import { parseIanaXml } from './iana-xml.ts';
import {
  baseRegistry,
  FRESH_SOURCE,
  FULL_SOURCE,
  type PortNumbers,
  portsNamed,
  type ServiceNamesRecord,
} from './npm.ts';

const record = (
  PortNumber: string,
  TransportProtocol: string,
  ServiceName: string | undefined,
  Description = '',
  more: Partial<ServiceNamesRecord> = {},
): ServiceNamesRecord => ({
  PortNumber,
  TransportProtocol,
  ...(ServiceName === undefined ? {} : { ServiceName }),
  Description,
  ...more,
});
const build = (fresh: PortNumbers, full: readonly ServiceNamesRecord[], known: number[] = []): Claim[] =>
  baseRegistry(fresh, full, new Set(known));
const brief = (claims: readonly Claim[]) =>
  claims.map((claim) => `${claim.ports.join('-')} ${claim.transports.join('+')} ${claim.service}`);

describe('joining', () => {
  test('a range comes from the full package, in one claim for both transports', () => {
    const claims = build({}, [
      record('6000-6063', 'tcp', 'x11', 'X Window System'),
      record('6000-6063', 'udp', 'x11', 'X Window System'),
    ]);
    expect(brief(claims)).toEqual(['6000-6063 tcp+udp x11']);
    expect(claims[0]).toMatchObject({ source: FULL_SOURCE, status: 'assigned', authority: 'registry' });
  });
  test('4444: the first name from the full one, the last from the fresh one, in the registry’s order', () => {
    const claims = build({ '4444/tcp': ['nv-video', 'NV Video default'] }, [
      record('4444', 'tcp', 'krb524', 'KRB524'),
      record('4444', 'tcp', 'nv-video', 'NV Video default'),
    ]);
    expect(brief(claims)).toEqual(['4444-4444 tcp krb524', '4444-4444 tcp nv-video']);
    expect(claims.map(({ source }) => source)).toEqual([FULL_SOURCE, FRESH_SOURCE]);
  });
  test('80: http, www, www-http, as IANA lists them', () => {
    const full = ['http', 'www', 'www-http'].flatMap((name) => [
      record('80', 'tcp', name, 'World Wide Web HTTP'),
      record('80', 'udp', name, 'World Wide Web HTTP'),
    ]);
    const claims = build(
      { '80/tcp': ['www-http', 'World Wide Web HTTP'], '80/udp': ['www-http', 'World Wide Web HTTP'] },
      full,
    );
    expect(brief(claims)).toEqual(['80-80 tcp+udp http', '80-80 tcp+udp www', '80-80 tcp+udp www-http']);
  });
  test('what is reserved is reserved, and has no name', () => {
    const claims = build({ '0/tcp': ['', 'Reserved'], '5/tcp': ['', 'Unassigned'] }, [
      record('1023-1024', 'tcp', undefined, 'Reserved'),
      record('6', 'tcp', undefined, 'Unassigned'),
    ]);
    expect(claims.map(({ ports, status, service, note }) => [ports, status, service, note])).toEqual([
      [[0, 0], 'reserved', 'Reserved', null],
      [[1023, 1024], 'reserved', 'Reserved', null],
    ]);
  });
  test('a run reserved in 2015 gives way where the fresh package knows better', () => {
    const claims = build({ '11/tcp': ['new', 'New service'] }, [
      record('10-13', 'tcp', undefined, 'Reserved'),
    ]);
    expect(brief(claims).toSorted()).toEqual(['10-10 tcp Reserved', '11-11 tcp new', '12-13 tcp Reserved']);
  });
  test('a missing description is borrowed, and says from when it is', () => {
    const [claim] = build({ '9/tcp': ['discard', ''] }, [record('9', 'tcp', 'discard', 'Discard')]);
    expect(claim).toMatchObject({
      note: 'Discard (description from the 2015 edition)',
      source: FRESH_SOURCE,
    });
  });
  test('a reference to an RFC stands behind the description', () => {
    const [claim] = build({}, [record('6000', 'tcp', 'x', 'X', { Reference: '[RFC1013]' })]);
    expect(claim?.note).toBe('X (RFC 1013)');
  });
  test('unauthorised use: of one port, of named ports within a range, and not told twice', () => {
    const misuse = (text: string) => ({ KnownUnauthorizedUses: text });
    const used = (claims: readonly Claim[]) => claims.filter(({ authority }) => authority === 'observed');
    expect(
      brief(used(build({}, [record('4000', 'tcp', 'terabase', '', misuse('Known UNAUTHORIZED USE by X'))]))),
    ).toEqual(['4000-4000 tcp unauthorized use']);
    const range = [
      record('4950-4969', 'tcp', 'sybasesrvmon', '', misuse('Known UNAUTHORIZED USE: port 4967')),
    ];
    expect(used(build({}, range)).map(({ ports }) => ports)).toEqual([[4967, 4967]]);
    expect(used(build({}, range, [4967]))).toEqual([]);
    expect(used(build({}, [record('1', 'tcp', 'x', '', misuse('   '))]))).toEqual([]);
  });
  test('records without a number, or with an unreadable one, carry no claim', () => {
    expect(
      build({}, [
        record('', 'tcp', 'a'),
        record('x', 'tcp', 'b'),
        record('70000', 'tcp', 'c'),
        record('9-5', 'tcp', 'd'),
      ]),
    ).toEqual([]);
  });
  test('a fresh key that cannot be read stops the build', () => {
    expect(() => build({ 'x/tcp': ['a', 'b'] }, [])).toThrow(/x\/tcp/);
    expect(() => build({ '80/icmp': ['a', 'b'] }, [])).toThrow(/80\/icmp/);
  });
  test('ids are unique, texts are one clean line', () => {
    const claims = build({ '7/tcp': ['echo', 'a\u0000b\n\tc'] }, [
      record('7', 'tcp', 'other', 'one'),
      record('7', 'tcp', 'other', 'two'),
      record('7', 'tcp', 'long', 'word '.repeat(100)),
    ]);
    expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
    expect(claims.find(({ service }) => service === 'echo')?.note).toBe('a b c');
    const long = claims.find(({ service }) => service === 'long')?.note ?? '';
    expect(long.length).toBeLessThanOrEqual(242);
    expect(long).toMatch(/word …$/);
  });
});

test('ports named in a remark count only within the range', () => {
  expect(portsNamed('ports 4967 and 4968, since 2001', [4950, 4969])).toEqual([
    [4967, 4967],
    [4968, 4968],
  ]);
  expect(portsNamed('somebody uses it', [4950, 4969])).toEqual([[4950, 4969]]);
  expect(portsNamed('port 4967', [5000, 5000])).toEqual([[5000, 5000]]);
});

const XML = join(
  import.meta.dirname,
  '../../../../../shared/data/iana-service-names-port-numbers-2025-02-25.xml.gz',
);

describe.skipIf(!existsSync(XML))(`beside IANA's own file (skipped where ${XML} is absent)`, () => {
  const require = createRequire(import.meta.url);
  const json = <T>(name: string): T => JSON.parse(readFileSync(require.resolve(name), 'utf8')) as T;
  const keysOf = (claims: readonly Claim[]): Set<string> => {
    const keys = new Set<string>();
    for (const claim of claims) {
      if (claim.authority !== 'registry' || claim.status === 'reserved' || claim.ports[0] !== claim.ports[1])
        continue;
      for (const transport of claim.transports) keys.add(`${claim.ports[0]}/${transport} ${claim.service}`);
    }
    return keys;
  };
  const base = existsSync(XML)
    ? baseRegistry(
        json<PortNumbers>('port-numbers'),
        json<ServiceNamesRecord[]>('service-names-port-numbers/service-names-port-numbers.json'),
        new Set(),
      )
    : [];
  const iana = existsSync(XML)
    ? parseIanaXml(gunzipSync(readFileSync(XML)).toString('utf8'), new Set())
    : null;

  test('the base holds nearly every named number, and contradicts hardly any', () => {
    const [ours, theirs] = [keysOf(base), keysOf(iana?.claims ?? [])];
    const held = [...theirs].filter((key) => ours.has(key)).length;
    const place = (key: string) => key.slice(0, key.indexOf(' '));
    const places = new Set([...theirs].map(place));
    // Ours names a number that IANA gives to others; the fresh package is 18 months younger than this file.
    const contradicted = [...ours].filter((key) => !theirs.has(key) && places.has(place(key)));
    const extra = [...ours].filter((key) => !theirs.has(key) && !places.has(place(key)));
    console.info(
      `registry base: ${held} of ${theirs.size} named single-port records of 2025-02-25 (${((100 * held) / theirs.size).toFixed(2)} %), ` +
        `${contradicted.length} with another name, ${extra.length} on numbers it does not name`,
    );
    expect(theirs.size).toBeGreaterThan(11_000);
    // Measured with port-numbers 8.0.35: 11,690 of 11,701, 53 with another name, 25 on other numbers.
    expect(held / theirs.size).toBeGreaterThan(0.998);
    expect(contradicted.length).toBeLessThan(80);
    expect(extra.length).toBeLessThan(100);
  });
  test('every named range of IANA’s is there', () => {
    const wide = (claims: readonly Claim[]) =>
      new Set(
        claims
          .filter((claim) => claim.ports[0] !== claim.ports[1] && claim.status === 'assigned')
          .map((claim) => `${claim.ports.join('-')} ${claim.service}`),
      );
    const [ours, theirs] = [wide(base), wide(iana?.claims ?? [])];
    // Seven in the edition of 2025-02-25: active-net, satvid-datalnk, vrml-multi-use, x11, ircu, swx, flex-lm.
    expect(theirs.size).toBe(7);
    expect([...theirs].filter((key) => !ours.has(key))).toEqual([]);
  });
  test('nothing is assigned from 49152 up, in either', () => {
    for (const claims of [base, iana?.claims ?? []])
      expect(claims.filter((claim) => claim.ports[1] > 49_151 && claim.status === 'assigned')).toEqual([]);
  });
});
