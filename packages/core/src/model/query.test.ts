// parsePortQuery: every form a port is written in, every way to get it wrong, and no text that breaks it.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Transport } from './port.ts';
import { parsePortQuery } from './query.ts';

const ports = (first: number, last: number = first, transport: Transport | null = null) => ({
  ok: true,
  query: { kind: 'ports', range: [first, last], transport },
});

describe('forms that are read', () => {
  test.each([
    ['60163', ports(60163)],
    ['  60163\n', ports(60163)],
    ['00080', ports(80)],
    ['0', ports(0)],
    ['65535', ports(65535)],
    ['60163/udp', ports(60163, 60163, 'udp')],
    ['60163/TCP', ports(60163, 60163, 'tcp')],
    ['9899/sctp', ports(9899, 9899, 'sctp')],
    ['5004/dccp', ports(5004, 5004, 'dccp')],
    [':3000', ports(3000)],
    [':3000/udp', ports(3000, 3000, 'udp')],
    ['localhost:3000', ports(3000)],
    ['localhost:3000/index.html', ports(3000)],
    ['example.org:8443', ports(8443)],
    ['127.0.0.1:6379', ports(6379)],
    ['*:80', ports(80)],
    ['[::1]:80', ports(80)],
    ['[::1]:53/udp', ports(53, 53, 'udp')],
    ['[fe80::1%eth0]:22', ports(22)],
    ['http://localhost:5173/x', ports(5173)],
    ['HTTP://LOCALHOST:5173', ports(5173)],
    ['http://[::1]:8080/a:b/c', ports(8080)],
    ['http://user:pass@host:81/', ports(81)],
    ['https://host/', ports(443)],
    ['https://host', ports(443)],
    ['https://host/path:99', ports(443)],
    ['http://host?x=:99', ports(80)],
    ['ws://host', ports(80)],
    ['postgres://me@db/app', ports(5432)],
    ['udp://10.0.0.1:53', ports(53, 53, 'udp')],
    ['tcp://10.0.0.1:2375', ports(2375, 2375, 'tcp')],
    ['3000-3010', ports(3000, 3010)],
    ['3000 - 3010', ports(3000, 3010)],
    ['3000–3010', ports(3000, 3010)],
    ['3000..3010', ports(3000, 3010)],
    ['3000-3010/tcp', ports(3000, 3010, 'tcp')],
    ['7-7', ports(7)],
    ['0-65535', ports(0, 65535)],
    ['https', { ok: true, query: { kind: 'service', name: 'https', transport: null } }],
    ['HTTPS', { ok: true, query: { kind: 'service', name: 'https', transport: null } }],
    ['domain/udp', { ok: true, query: { kind: 'service', name: 'domain', transport: 'udp' } }],
    ['nv-video', { ok: true, query: { kind: 'service', name: 'nv-video', transport: null } }],
    ['3com-tsmux', { ok: true, query: { kind: 'service', name: '3com-tsmux', transport: null } }],
  ])('%j', (input, expected) => {
    expect(parsePortQuery(input)).toEqual(expected);
  });
});

describe('forms that are refused, with the reason', () => {
  test.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['/tcp', 'empty'],
    ['65536', 'out-of-range'],
    ['99999999999999999999999999999999999999', 'out-of-range'],
    ['-1', 'out-of-range'],
    ['−1', 'out-of-range'],
    ['+80', 'out-of-range'],
    [':65536', 'out-of-range'],
    ['localhost:70000', 'out-of-range'],
    ['http://localhost:70000/', 'out-of-range'],
    ['3000-70000', 'out-of-range'],
    ['10-5', 'backwards'],
    ['80x', 'not-a-port'],
    ['0x50', 'not-a-port'],
    ['8e1', 'not-a-port'],
    ['80.0', 'not-a-port'],
    ['80,81', 'not-a-port'],
    ['80 81', 'not-a-port'],
    ['80/foo', 'bad-transport'],
    ['80/', 'bad-transport'],
    ['80/tcp/udp', 'bad-transport'],
    ['ftp://', 'not-a-port'],
    ['http://', 'not-a-port'],
    ['http:// host/', 'not-a-port'],
    ['foo://host/', 'no-port-in-url'],
    ['constructor://host/', 'no-port-in-url'],
    ['__proto__', 'unreadable-service'],
    ['٣٠٠٠', 'unreadable-service'],
    ['３０００', 'unreadable-service'],
    ['¹²³', 'unreadable-service'],
    ['port 80', 'unreadable-service'],
    ['\u0000', 'unreadable-service'],
    ['héllo', 'unreadable-service'],
    ['x'.repeat(41), 'unreadable-service'],
    ['1'.repeat(2049), 'too-long'],
  ])('%j is %s', (input, problem) => {
    const result = parsePortQuery(input);
    expect(result.ok).toBe(false);
    expect(result).toMatchObject({ ok: false, problem });
  });

  test('10 MB of anything is refused at once and not echoed whole', () => {
    for (const piece of ['8', 'a', ' ', ':', '/', '[', '-']) {
      const begun = process.hrtime.bigint();
      const result = parsePortQuery(piece.repeat(10_000_000));
      expect(result).toMatchObject({ ok: false, problem: 'too-long' });
      expect(!result.ok && result.input.length).toBeLessThanOrEqual(80);
      expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeLessThan(500);
    }
  });

  test('no text of the longest length that is read makes a pattern run away', () => {
    for (const piece of ['a.', ':', '/', '[', '@', '://', '0', '0-', 'a:', '%', ' ', 'a://@']) {
      const begun = process.hrtime.bigint();
      parsePortQuery(piece.repeat(2048).slice(0, 2048));
      parsePortQuery(`http://${piece.repeat(2048)}`.slice(0, 2048));
      expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeLessThan(500);
    }
  });
});

describe('for any text', () => {
  const pieces = fc.array(
    fc.constantFrom(
      '8',
      '0',
      '65535',
      '65536',
      '-',
      '–',
      '..',
      ':',
      '/',
      '[',
      ']',
      '::1',
      'tcp',
      'udp',
      'http',
      '://',
      'a',
      ' ',
      '@',
      '?',
      '%',
      '\n',
      'constructor',
    ),
    { maxLength: 8 },
  );
  const inputs = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ maxLength: 60 }),
    pieces.map((parts) => parts.join('')),
  );

  test('it never throws, and an accepted range is two whole ports in order', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const result = parsePortQuery(input);
        if (!result.ok) return typeof result.problem === 'string';
        if (result.query.kind === 'service') return /^[a-z0-9][a-z0-9_.+*-]{0,39}$/.test(result.query.name);
        const [first, last] = result.query.range;
        return (
          Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= 65_535
        );
      }),
      { numRuns: 20_000 },
    );
  });

  test('each port and each transport comes back as it was written', () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(
        port,
        fc.constantFrom<Transport | null>(null, 'tcp', 'udp', 'sctp', 'dccp'),
        (number, transport) => {
          const tail = transport === null ? '' : `/${transport}`;
          for (const before of ['', ':', 'localhost:', '[::1]:', '10.0.0.1:']) {
            expect(parsePortQuery(`${before}${number}${tail}`)).toEqual(ports(number, number, transport));
          }
          expect(parsePortQuery(`http://h:${number}/`)).toEqual(ports(number));
        },
      ),
    );
    fc.assert(
      fc.property(port, port, (a, b) => {
        const result = parsePortQuery(`${a}-${b}`);
        expect(result).toEqual(
          a <= b ? ports(a, b) : { ok: false, problem: 'backwards', input: `${a}-${b}` },
        );
      }),
    );
  });

  test('a number above 65535 is never taken for a port', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 65_536n, max: 10n ** 60n }), (number) => {
        for (const form of [`${number}`, `:${number}`, `h:${number}`, `1-${number}`, `http://h:${number}`]) {
          expect(parsePortQuery(form)).toMatchObject({ ok: false, problem: 'out-of-range' });
        }
      }),
    );
  });
});
