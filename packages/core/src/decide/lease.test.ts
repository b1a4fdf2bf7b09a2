// Leases as text, whose they are, and names: whatever a file holds is a lease word for word, or is damaged.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lease, StoredLease } from '../model/lease.ts';
import {
  type Asking,
  claimable,
  formatLease,
  isLeaseName,
  leaseOf,
  parseLease,
  portVariable,
} from './lease.ts';

/** Any function of the text will do here. */
const checksum = (text: string): string =>
  [...text].reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 4_294_967_291, 7).toString(16);

const LEASE: Lease = {
  name: 'web',
  project: '/srv/app',
  place: '1:2',
  port: 4321,
  transport: 'tcp',
  holder: { pid: 7, startTicks: 99, bootId: 'b', pidNamespace: 3 },
  madeAt: '2026-01-01T00:00:00.000Z',
};

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .map((text) => text.trim())
  .filter(isLeaseName);

describe('text', () => {
  test('what was written is read again, odd characters too', () => {
    fc.assert(
      fc.property(
        name,
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 1, max: 65_535 }),
        (own, project, port) => {
          const lease = { ...LEASE, name: own, project, port };
          expect(parseLease(formatLease(lease, checksum), port, checksum)).toEqual(lease);
        },
      ),
    );
  });
  test('cut anywhere, it is none', () => {
    const text = formatLease(LEASE, checksum);
    for (let length = 0; length < text.length; length++) {
      expect(typeof parseLease(text.slice(0, length), 4321, checksum)).toBe('string');
    }
  });
  test('one character changed by hand, it is none', () => {
    const text = formatLease(LEASE, checksum);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: text.length - 1 }),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, char) => {
          fc.pre(text[at] !== char);
          expect(typeof parseLease(text.slice(0, at) + char + text.slice(at + 1), 4321, checksum)).toBe(
            'string',
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
  test('what is wrong is told apart', () => {
    const text = formatLease(LEASE, checksum);
    expect(parseLease('', 4321, checksum)).toBe('cut');
    expect(parseLease('{}', 4321, checksum)).toBe('shape');
    expect(parseLease('[]', 4321, checksum)).toBe('shape');
    expect(parseLease(text, 4322, checksum)).toBe('other-port');
    expect(parseLease(text.replace('"web"', '"api"'), 4321, checksum)).toBe('check');
    expect(parseLease(text.replace('"pid":7', '"pid":-7'), 4321, checksum)).toBe('shape');
    expect(parseLease(text.replace('"tcp"', '"quic"'), 4321, checksum)).toBe('shape');
  });
  test('anything at all does no harm', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(typeof parseLease(text, 1, checksum)).toBe('string');
      }),
    );
  });
});

test('names', () => {
  for (const good of [
    'web',
    'a b',
    'größe',
    '网',
    '👩‍💻'.replace('\u200d', ''),
    '3000',
    '../x',
    '$(rm)',
    "it's",
  ])
    expect(isLeaseName(good), good).toBe(true);
  for (const bad of ['', ' web', 'web ', 'a\nb', 'a\0b', '\u202eevil', 'a\u200bb', '\ud800', 'x'.repeat(201)])
    expect(isLeaseName(bad), JSON.stringify(bad)).toBe(false);
  expect(portVariable('web')).toBe('PORTOLAN_PORT_WEB');
  expect(portVariable('my-api.v2')).toBe('PORTOLAN_PORT_MY_API_V2');
  expect(portVariable('größe')).toMatch(/^PORTOLAN_PORT_[A-Z0-9_]+$/);
});

describe('whose lease it is', () => {
  const stored = (over: Partial<StoredLease>): StoredLease => ({ ...LEASE, uid: 1000, ...over });
  const asking = (over: Partial<Asking> = {}): Asking => ({
    name: 'web',
    project: '/srv/app',
    place: '1:2',
    trusted: [1000, 0],
    stillThere: () => false,
    ...over,
  });
  test('by name and folder; other names, other folders and strangers’ files are none', () => {
    expect(leaseOf([stored({})], asking())?.port).toBe(4321);
    expect(leaseOf([stored({ name: 'api' }), stored({ name: null })], asking())).toBeNull();
    expect(leaseOf([stored({ project: '/srv/b', place: '1:3' })], asking())).toBeNull();
    // Somebody else has promised this project’s name a port: its clients would go there.
    expect(leaseOf([stored({ uid: 666 })], asking())).toBeNull();
    expect(leaseOf([stored({ uid: 0, port: 1 }), stored({ port: 2 })], asking())?.port).toBe(2);
  });
  test('a project that was moved is known by its folder’s inode, one that was copied is not', () => {
    const before = stored({ project: '/srv/old' });
    expect(leaseOf([before], asking())?.port).toBe(4321);
    expect(leaseOf([before], asking({ stillThere: () => true }))).toBeNull();
    expect(leaseOf([before], asking({ place: '1:9' }))).toBeNull();
    expect(leaseOf([stored({ project: '/srv/old', place: null })], asking({ place: null }))).toBeNull();
  });
});

test('only a holder that is seen to be gone lets go, and a name keeps its port longer than a hold', () => {
  expect(claimable(LEASE, 'gone')).toBe('stale');
  expect(claimable({ ...LEASE, name: null }, 'gone')).toBe('leftover');
  for (const state of ['alive', 'unknown'] as const) {
    expect(claimable(LEASE, state)).toBe('kept');
    expect(claimable({ ...LEASE, name: null }, state)).toBe('kept');
  }
  // The clock was set back or forth: nothing is decided by when it was made.
  expect(claimable({ ...LEASE, madeAt: '2199-01-01T00:00:00Z' }, 'alive')).toBe('kept');
});
