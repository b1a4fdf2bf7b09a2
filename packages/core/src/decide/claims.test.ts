// Order of claims, and when a registry entry and a product mean the same service.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeAssigned, makeClaim } from '../../../../fixtures/makers.ts';
import { AUTHORITIES, type Claim } from '../model/claim.ts';
import { rangeSize, type Transport } from '../model/port.ts';
import { aboutTransports, agrees, isWide, narrowestFirst, sharesTransport, WIDE_FROM } from './claims.ts';

const anyClaim = fc
  .record({
    first: fc.integer({ min: 0, max: 65_535 }),
    more: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 })),
    authority: fc.constantFrom(...AUTHORITIES),
    transports: fc.subarray<Transport>(['tcp', 'udp', 'sctp', 'dccp']),
  })
  .map(({ first, more, authority, transports }) =>
    makeClaim({ ports: [first, Math.min(65_535, first + more)], authority, transports }),
  );

describe('narrowestFirst', () => {
  test('loses nothing, adds nothing, and goes from narrow to wide, then by authority', () => {
    fc.assert(
      fc.property(fc.array(anyClaim, { maxLength: 30 }), (claims) => {
        const sorted = narrowestFirst(claims);
        expect(sorted.map((claim) => claim.id).toSorted()).toEqual(
          claims.map((claim) => claim.id).toSorted(),
        );
        for (let i = 1; i < sorted.length; i++) {
          const [a, b] = [sorted[i - 1] as Claim, sorted[i] as Claim];
          const [sizeA, sizeB] = [rangeSize(a.ports), rangeSize(b.ports)];
          expect(sizeA).toBeLessThanOrEqual(sizeB);
          if (sizeA !== sizeB) continue;
          const [rankA, rankB] = [AUTHORITIES.indexOf(a.authority), AUTHORITIES.indexOf(b.authority)];
          expect(rankA).toBeLessThanOrEqual(rankB);
          // Names of the registry keep the order they came in.
          if (rankA === rankB && a.authority === 'registry')
            expect(claims.indexOf(a)).toBeLessThan(claims.indexOf(b));
        }
      }),
    );
  });

  test('one number beats 16,384 of them, whoever says so', () => {
    const vendor = makeClaim({ ports: [49_152, 65_535], authority: 'vendor', product: 'Xsan' });
    const local = makeClaim({ ports: [60_163, 60_163], authority: 'local', product: 'mine' });
    expect(narrowestFirst([vendor, local])).toEqual([local, vendor]);
  });
});

test('a claim is wide from 200 ports on', () => {
  expect(WIDE_FROM).toBe(200);
  expect(isWide(makeClaim({ ports: [1000, 1198] }))).toBe(false);
  expect(isWide(makeClaim({ ports: [1000, 1199] }))).toBe(true);
});

describe('transports', () => {
  test('a claim that names none is about all', () => {
    expect(sharesTransport([], ['udp'])).toBe(true);
    expect(sharesTransport(['tcp'], [])).toBe(true);
    expect(sharesTransport(['tcp'], ['udp'])).toBe(false);
    expect(sharesTransport(['tcp', 'udp'], ['udp'])).toBe(true);
  });
  test('claims of another transport are left out', () => {
    const tcp = makeClaim({ transports: ['tcp'] });
    const udp = makeClaim({ transports: ['udp'] });
    const any = makeClaim({ transports: [] });
    expect(aboutTransports([tcp, udp, any], ['udp'])).toEqual([udp, any]);
  });
});

describe('agrees', () => {
  test.each([
    ['domain', 'Domain Name Server', 'DNS queries', 'BIND'],
    ['http', 'World Wide Web HTTP', 'web server', 'nginx HTTP'],
    ['postgresql', 'PostgreSQL Database', 'database', 'PostgreSQL'],
    ['ms-wbt-server', 'MS WBT Server', 'MS-WBT', 'Remote Desktop'],
    ['redis', 'An advanced key-value cache', 'key-value store', 'Redis'],
    ['mysql', 'MySQL', 'MySQL protocol', 'MariaDB'],
    ['ipp', 'Internet Printing Protocol', 'printing', 'CUPS (IPP)'],
    ['ssh', 'The Secure Shell (SSH) Protocol', 'remote login', 'OpenSSH'],
  ])('%s (%s) is %s of %s', (service, note, other, product) => {
    expect(agrees(makeAssigned(1, service, note), makeClaim({ service: other, product }))).toBe(true);
  });
  test.each([
    ['commplex-main', 'commplex-main', 'development server', 'Flask'],
    ['krb524', 'KRB524', 'WebDriver hub', 'Selenium'],
    ['hbci', 'HBCI', 'development server', 'Grafana'],
    ['cslistener', 'CSlistener', 'FastCGI', 'PHP-FPM'],
    ['sunwebadmin', 'Sun Web Server Admin Service', 'frames', 'Jellyfin'],
  ])('%s (%s) is not %s of %s', (service, note, other, product) => {
    expect(agrees(makeAssigned(1, service, note), makeClaim({ service: other, product }))).toBe(false);
  });
  test('common words alone are no agreement', () => {
    expect(
      agrees(
        makeAssigned(1, 'abc-admin', 'abc server admin port'),
        makeClaim({ service: 'web admin server port', product: 'Xyz' }),
      ),
    ).toBe(false);
  });
});
