// Each disagreement rule: a case it finds and a case it must leave alone.
import { describe, expect, test } from 'vitest';
import { makeAssigned, makeClaim } from '../../../../fixtures/makers.ts';
import type { Claim } from '../model/claim.ts';
import { ianaRangeOf } from '../model/port.ts';
import { translator } from '../text/catalog.ts';
import { narrowestFirst } from './claims.ts';
import { disagreementsAbout } from './disagreements.ts';

const lang = translator('en');
const about = (port: number, ...claims: Claim[]) =>
  disagreementsAbout(port, ianaRangeOf(port), narrowestFirst(claims));
const kinds = (port: number, ...claims: Claim[]) => about(port, ...claims).map((found) => found.kind);
const product = (port: number, name: string, service: string, over: Partial<Claim> = {}): Claim =>
  makeClaim({ id: `own:${name}:${port}`, ports: [port, port], product: name, service, ...over });

describe('4444: two services on one number, and one of them was there before it was assigned', () => {
  const krb = makeAssigned(4444, 'krb524', 'KRB524');
  const nv = makeAssigned(4444, 'nv-video', 'NV Video default');
  const misuse = makeClaim({
    id: 'nv-misuse',
    ports: [4444, 4444],
    service: 'unauthorized use',
    authority: 'observed',
    note: 'NV Video used it first.',
  });
  test('both are found', () => {
    const found = about(4444, krb, nv, misuse);
    expect(found.map(({ kind }) => kind)).toEqual(['two-services', 'unauthorized-use']);
    expect(found[0]?.claims.toSorted()).toEqual([krb.id, nv.id]);
    expect(lang.say(found[0]?.text ?? { key: 'risk.none', values: {} })).toContain('krb524, nv-video');
    expect(found[1]?.claims).toEqual(['nv-misuse']);
    expect(found[1]?.rule).toBeNull();
    expect(lang.say(found[1]?.text ?? { key: 'risk.none', values: {} })).toContain('did not assign');
  });
  test('British spelling counts as well', () => {
    expect(kinds(4444, { ...misuse, service: 'unauthorised use' })).toEqual(['unauthorized-use']);
  });
  test('other observations are no unauthorised use', () => {
    expect(kinds(4444, { ...misuse, service: 'conflict on record' })).toEqual([]);
  });
});

describe('80: other names of one service', () => {
  const http = makeAssigned(80, 'http', 'World Wide Web HTTP');
  const www = makeAssigned(80, 'www', 'World Wide Web HTTP');
  const wwwHttp = makeAssigned(80, 'www-http', 'World Wide Web HTTP');
  test('are no disagreement', () => {
    expect(kinds(80, http, www, wwwHttp)).toEqual([]);
  });
  test('nor is a product that serves it', () => {
    expect(kinds(80, http, www, wwwHttp, product(80, 'nginx', 'HTTP'))).toEqual([]);
  });
  test('two different names on different transports are none either', () => {
    expect(
      kinds(
        512,
        makeAssigned(512, 'exec', 'remote process execution', { transports: ['tcp'] }),
        makeAssigned(512, 'comsat', 'mail notification', { transports: ['udp'] }),
      ),
    ).toEqual([]);
  });
});

describe('5000: registry against use', () => {
  const registry = makeAssigned(5000, 'commplex-main', null);
  const flask = product(5000, 'Flask', 'development server');
  test('is found, with the registry entry and the product', () => {
    const [found, ...more] = about(5000, registry, flask);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ kind: 'registry-against-use', claims: [registry.id, flask.id] });
    expect(lang.say(found?.text ?? { key: 'risk.none', values: {} })).toBe(
      'IANA lists 5000 as commplex-main; Flask gives it another name or use.',
    );
  });
  test('a vendor counts as a product does', () => {
    expect(kinds(5000, registry, { ...flask, authority: 'vendor' })).toEqual(['registry-against-use']);
  });
  test('not on another transport, not for a whole range, not for mere observation', () => {
    expect(kinds(5000, { ...registry, transports: ['udp'] }, flask)).toEqual(['use-without-assignment']);
    expect(kinds(5000, registry, { ...flask, ports: [4000, 5999] })).toEqual([]);
    expect(kinds(5000, registry, { ...flask, authority: 'observed' })).toEqual([]);
  });
});

describe('use without assignment', () => {
  const mine = product(5173, 'Vite', 'development server');
  test('is found on an assignable number that is nobody’s', () => {
    const [found] = about(5173, mine);
    expect(found).toMatchObject({ kind: 'use-without-assignment', claims: [mine.id], rule: 'rfc7605' });
  });
  test('not where the registry names that transport', () => {
    expect(kinds(5173, mine, makeAssigned(5173, 'vite', null))).toEqual([]);
  });
  test('is found where the registry names the other transport only', () => {
    expect(kinds(5173, mine, makeAssigned(5173, 'vite', null, { transports: ['udp'] }))).toEqual([
      'use-without-assignment',
    ]);
  });
  test('a Dynamic Port cannot be assigned, so its use does not lack an assignment', () => {
    expect(kinds(60_163, product(60_163, 'Vite', 'x'))).toEqual(['claim-on-dynamic-port']);
  });
});

describe('a claim on a Dynamic Port', () => {
  const xsan = makeClaim({
    id: 'xsan',
    ports: [49_152, 65_535],
    product: 'Xsan',
    vendor: 'Apple',
    authority: 'vendor',
    service: 'Xsan filesystem access',
  });
  const mosh = makeClaim({ id: 'mosh', ports: [60_000, 61_000], product: 'Mosh', transports: ['udp'] });
  test('60163: whole ranges, the vendor first, and told as advice and not as an assignment', () => {
    const [found, ...more] = about(60_163, mosh, xsan);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ kind: 'claim-on-dynamic-port', claims: ['xsan', 'mosh'], rule: 'rfc6335' });
    const text = lang.say(found?.text ?? { key: 'risk.none', values: {} });
    expect(text).toMatch(/^IANA never assigns 60163; Xsan, Mosh claim whole ranges/);
    expect(text).toContain('no assignment');
  });
  test('51820: a narrow claim is told alone', () => {
    const wireguard = product(51_820, 'WireGuard', 'VPN', { transports: ['udp'] });
    const [found] = about(51_820, xsan, wireguard);
    expect(found?.claims).toEqual([wireguard.id]);
    expect(lang.say(found?.text ?? { key: 'risk.none', values: {} })).toMatch(/^WireGuard uses 51820/);
  });
  test('not below 49152, and not for standards that hand such ports out', () => {
    expect(kinds(49_151, { ...xsan, ports: [49_000, 49_300] })).toEqual([]);
    expect(kinds(60_163, { ...xsan, authority: 'standard' })).toEqual([]);
    expect(kinds(60_163)).toEqual([]);
  });
});

describe('reserved but used', () => {
  const reserved = makeAssigned(1024, 'Reserved', null, { status: 'reserved' });
  const used = product(1024, 'Thing', 'thing');
  test('is found', () => {
    const [found, ...more] = about(1024, reserved, used);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ kind: 'reserved-but-used', claims: [reserved.id, used.id] });
  });
  test('where the number is assigned for another transport, the reserve’s own is said', () => {
    const held = { ...reserved, transports: ['udp' as const] };
    const text = (...claims: Claim[]): string => {
      const found = about(1024, ...claims).find(({ kind }) => kind === 'reserved-but-used');
      return found === undefined ? '' : lang.say(found.text);
    };
    const other = { ...used, transports: ['udp' as const] };
    const assigned = { ...makeAssigned(1024, 'ndmps', null), transports: ['tcp' as const] };
    expect(text(held, other, assigned)).toContain('holds 1024/udp in reserve');
    expect(text(held, other)).toContain('holds 1024 in reserve');
  });
  test('not where the same transport is assigned after all', () => {
    expect(kinds(1024, reserved, used, makeAssigned(1024, 'thing', null))).toEqual([]);
  });
  test('not where the reservation is for another transport', () => {
    expect(kinds(1024, { ...reserved, transports: ['udp'] }, used)).toEqual(['use-without-assignment']);
  });
  test('a reserved number that nobody uses is no disagreement', () => {
    expect(kinds(1024, reserved)).toEqual([]);
  });
});

describe('shared default', () => {
  const a = product(3000, 'Grafana', 'dashboard');
  const b = product(3000, 'Next.js', 'development server');
  test('two products on one number and one transport', () => {
    const found = about(3000, a, b).find(({ kind }) => kind === 'shared-default');
    expect(found?.claims.toSorted()).toEqual([a.id, b.id].toSorted());
  });
  test('not two services of one product, not different transports, not a vendor’s list', () => {
    const shared = (...claims: Claim[]) => kinds(3000, ...claims).includes('shared-default');
    expect(shared(a, product(3000, 'Grafana', 'API'))).toBe(false);
    expect(shared(a, { ...b, transports: ['udp'] })).toBe(false);
    expect(shared(a, { ...b, authority: 'vendor' })).toBe(false);
    expect(shared(a, { ...b, ports: [3000, 4000] })).toBe(false);
  });
});

test('many names are told as the first few and how many more', () => {
  const claims = Array.from({ length: 9 }, (_, i) =>
    product(5173, `Product${i}`, 'x', { transports: ['tcp'] }),
  );
  const found = about(5173, ...claims).find(({ kind }) => kind === 'use-without-assignment');
  expect(lang.say(found?.text ?? { key: 'risk.none', values: {} })).toContain(
    'Product0, Product1, Product2, Product3 and 5 more use it',
  );
  expect(found?.claims).toHaveLength(9);
});

test('no claims, no disagreement, on any kind of port', () => {
  for (const port of [0, 80, 1024, 5000, 49_152, 65_535]) expect(kinds(port)).toEqual([]);
});
