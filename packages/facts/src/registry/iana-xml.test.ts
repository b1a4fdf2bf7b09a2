// IANA's XML: small registries of our own, and everything that is not the registry.
import { PortolanError } from '@portolan/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIanaXml, XML_SOURCE } from './iana-xml.ts';

const record = (fields: Readonly<Record<string, string>>, extra = '') =>
  `<record>${Object.entries(fields)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')}${extra}</record>`;
const registry = (body: string, { id = 'service-names-port-numbers', updated = '2026-02-03' } = {}) =>
  `<?xml version='1.0' encoding='UTF-8'?>\n<registry xmlns="http://www.iana.org/assignments" id="${id}"><title>T</title><updated>${updated}</updated>${body}</registry>`;
const HTTP = record({ name: 'http', protocol: 'tcp', description: 'World Wide Web HTTP', number: '80' });
const parse = (text: string, fewest = 1, known: number[] = []) => parseIanaXml(text, new Set(known), fewest);

function refusal(text: string, fewest = 1): string {
  try {
    parse(text, fewest);
  } catch (error) {
    expect(error).toBeInstanceOf(PortolanError);
    expect(error).toMatchObject({
      code: 'FACTS_UPDATE',
      hint: expect.stringContaining('Nothing was changed'),
    });
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('what is read', () => {
  test('the edition, a name, its transports joined', () => {
    const edition = parse(
      registry(
        HTTP + record({ name: 'http', protocol: 'udp', description: 'World Wide Web HTTP', number: '80' }),
      ),
    );
    expect(edition).toMatchObject({ date: '2026-02-03', numbered: 2 });
    expect(edition.claims).toEqual([
      {
        id: 'iana:http:80',
        ports: [80, 80],
        transports: ['tcp', 'udp'],
        service: 'http',
        product: null,
        vendor: null,
        authority: 'registry',
        note: 'World Wide Web HTTP',
        source: XML_SOURCE,
        confidence: 'verified',
        status: 'assigned',
      },
    ]);
  });
  test('the date of the registry and not of a record or of a registry inside', () => {
    const text = registry(record({ name: 'a', protocol: 'tcp', number: '1', updated: '1999-01-01' }));
    expect(parse(text).date).toBe('2026-02-03');
  });
  test('a range; a reserved number; an unassigned one; a name without a number', () => {
    const { claims, numbered } = parse(
      registry(
        record({ name: 'x11', protocol: 'tcp', description: 'X', number: '6000-6063' }) +
          record({ protocol: 'tcp', description: 'Reserved', number: '0' }) +
          record({ description: 'Unassigned', number: '4-6' }) +
          record({ name: 'dns-sd-only', protocol: 'tcp', description: 'no port' }),
      ),
    );
    expect(numbered).toBe(3);
    expect(claims.map(({ ports, status }) => [ports, status])).toEqual([
      [[6000, 6063], 'assigned'],
      [[0, 0], 'reserved'],
    ]);
  });
  test('the dynamic range may stand there unnamed', () => {
    expect(parse(registry(HTTP + record({ description: 'Dynamic', number: '49152-65535' }))).numbered).toBe(
      2,
    );
  });
  test('the first RFC is named; text across entities, CDATA and tags is whole', () => {
    const { claims } = parse(
      registry(
        record(
          { name: 'a', protocol: 'tcp', description: 'Fish &amp; <![CDATA[<chips>]]>', number: '1' },
          '<xref type="rfc" data="rfc1234"/><xref type="rfc" data="rfc9"/>',
        ),
      ),
    );
    expect(claims[0]?.note).toBe('Fish & <chips> (RFC 1234)');
  });
  test('unauthorised use, unless it is told elsewhere', () => {
    const text = registry(
      record({ name: 'a', protocol: 'tcp', number: '5000', unauthorized: 'Known unauthorized use by UPnP' }),
    );
    expect(parse(text).claims.map(({ authority }) => authority)).toEqual(['registry', 'observed']);
    expect(parse(text, 1, [5000]).claims.map(({ authority }) => authority)).toEqual(['registry']);
  });
});

describe('what is refused', () => {
  test.each([
    ['nothing', '', /not well-formed|registry/],
    ['no XML', 'hello', /not well-formed/],
    ['HTML', '<!DOCTYPE html><html><body>503</body></html>', /<html>/],
    ['HTML that is no XML', '<!doctype html><html><br></html>', /not well-formed/],
    ['another registry', registry(HTTP, { id: 'protocol-numbers' }), /protocol-numbers/],
    ['a registry without a name', `<registry><updated>2026-01-01</updated>${HTTP}</registry>`, /unnamed/],
    ['no edition', registry(HTTP, { updated: '' }), /edition/],
    ['an edition that is no date', registry(HTTP, { updated: 'yesterday' }), /edition/],
    [
      'a dynamic port assigned',
      registry(record({ name: 'x', protocol: 'tcp', number: '60163' })),
      /never assigned/,
    ],
    [
      'a range that reaches the dynamic ports',
      registry(record({ name: 'x', protocol: 'tcp', number: '49000-49152' })),
      /never assigned/,
    ],
    ['a number that is none', registry(record({ name: 'x', protocol: 'tcp', number: '8o' })), /8o/],
    ['a number too large', registry(record({ name: 'x', protocol: 'tcp', number: '65536' })), /65536/],
    ['a range backwards', registry(record({ name: 'x', protocol: 'tcp', number: '9-5' })), /9-5/],
    ['an unknown transport', registry(record({ name: 'x', protocol: 'quic', number: '5' })), /quic/],
    [
      'an undefined entity',
      registry(record({ name: '&bomb;', protocol: 'tcp', number: '5' })),
      /not well-formed/,
    ],
    ['a closing tag too many', `${registry(HTTP)}</registry>`, /not well-formed/],
    ['text behind the end', `${registry(HTTP)}x`, /not well-formed/],
  ])('%s', (_what, text, why) => {
    expect(refusal(text)).toMatch(why);
  });
  test('too few records', () => {
    expect(refusal(registry(HTTP), 2)).toMatch(/holds 1 numbered records/);
    expect(() => parseIanaXml(registry(HTTP), new Set())).toThrow(/at least 10000/);
  });
  test('a file cut short anywhere', () => {
    const text = registry(HTTP.repeat(3));
    for (let length = 0; length < text.length; length++)
      expect(() => parse(text.slice(0, length)), `cut to ${length}`).toThrow(PortolanError);
  });
  test('an entity bomb costs nothing', () => {
    const bomb = `<!DOCTYPE registry [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 20 }, (_, i) => `<!ENTITY b${i} "${(i === 0 ? '&a;' : `&b${i - 1};`).repeat(10)}">`).join('')}]>`;
    const text = registry(record({ name: 'x', protocol: 'tcp', description: '&b19;', number: '5' })).replace(
      '\n',
      `\n${bomb}`,
    );
    const begun = Date.now();
    expect(refusal(text)).toMatch(/not well-formed/);
    expect(Date.now() - begun).toBeLessThan(1000);
  });
  test('an external entity is not fetched', () => {
    const text = `<!DOCTYPE registry [<!ENTITY x SYSTEM "file:///etc/passwd">]>${registry(record({ name: '&x;', protocol: 'tcp', number: '5' })).replace(/^.*\n/, '')}`;
    expect(refusal(text)).toMatch(/not well-formed/);
  });
  test('depth without end is refused or read, never a crash', () => {
    const deep = 200_000;
    const text = registry('<a>'.repeat(deep) + HTTP + '</a>'.repeat(deep));
    try {
      parse(text);
    } catch (error) {
      expect(error).toBeInstanceOf(PortolanError);
    }
    expect(refusal(registry('<a>'.repeat(deep)))).toMatch(/not well-formed/);
  });
  test('no text makes anything but a refusal', () => {
    const pieces = fc.array(
      fc.constantFrom(
        '<registry id="service-names-port-numbers">',
        '</registry>',
        '<updated>2026-01-01</updated>',
        '<record>',
        '</record>',
        '<name>',
        '</name>',
        '<number>',
        '</number>',
        '80',
        'x',
        '&amp;',
        '<![CDATA[',
        ']]>',
        '<!--',
        '\u0000',
        '<xref type="rfc" data="rfc1"/>',
        '<constructor>',
        '<__proto__>x</__proto__>',
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((parts) => parts.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(PortolanError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
