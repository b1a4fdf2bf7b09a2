// Socket addresses: the bytes of known addresses, agreement with the formatter, and refusal of what is no address.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4, formatIpv6 } from './address.ts';
import { encodeSockaddr } from './linux-sockaddr.ts';

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}

test('struct sockaddr_in and sockaddr_in6, as the kernel lays them out', () => {
  expect(hex(encodeSockaddr('ipv4', '127.0.0.1', 80, 0))).toBe(`020000507f000001${'00'.repeat(8)}`);
  expect(hex(encodeSockaddr('ipv4', '0.0.0.0', 65_535, 0, 'BE'))).toBe(`0002ffff${'00'.repeat(12)}`);
  expect(hex(encodeSockaddr('ipv6', 'fe80::1', 443, 3))).toBe(
    `0a0001bb00000000fe80${'00'.repeat(13)}0103000000`,
  );
  expect(hex(encodeSockaddr('ipv6', '::ffff:1.2.3.4', 1, 0))).toContain('ffff01020304');
});

test('what is no address of the family is refused', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.x',
    '::1',
    'localhost',
    '1.2.3.4 ',
  ]) {
    expect(encodeSockaddr('ipv4', text, 1, 0), text).toBe(null);
  }
  for (const text of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4',
    'fe80::1%lo',
    '1:2:3:4:5:6:7::8',
  ]) {
    expect(encodeSockaddr('ipv6', text, 1, 0), text).toBe(null);
  }
});

test('every address comes back from its text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const six = encodeSockaddr('ipv6', formatIpv6(bytes, 0), 1, 0);
      expect(six?.slice(8, 24)).toEqual(new Uint8Array(bytes));
      const four = encodeSockaddr('ipv4', formatIpv4(bytes, 0), 1, 0);
      expect(four?.slice(4, 8)).toEqual(new Uint8Array(bytes.slice(0, 4)));
    }),
  );
});

test('any text gives an address or null, never an exception', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('ipv4', 'ipv6'), (text, family) => {
      const bytes = encodeSockaddr(family, text, 1, 0);
      expect(bytes === null || bytes.length === (family === 'ipv4' ? 16 : 28)).toBe(true);
    }),
  );
});
