// Binary addresses to text: RFC 5952's own examples, and Node's URL parser as a second opinion.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4, formatIpv6 } from './address.ts';

const bytesOf = (groups: string): Uint8Array =>
  Uint8Array.from(Buffer.from(groups.replaceAll(':', ''), 'hex'));

test.each([
  // RFC 5952 s4.1 to s4.3 and s2.
  ['2001:0db8:0000:0000:0000:0000:0002:0001', '2001:db8::2:1'],
  ['2001:0db8:0000:0001:0001:0001:0001:0001', '2001:db8:0:1:1:1:1:1'],
  ['2001:0000:0000:0001:0000:0000:0000:0001', '2001:0:0:1::1'],
  ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
  ['2001:0db8:aaaa:bbbb:cccc:dddd:eeee:0001', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:1'],
  ['0000:0000:0000:0000:0000:0000:0000:0000', '::'],
  ['0000:0000:0000:0000:0000:0000:0000:0001', '::1'],
  ['0001:0000:0000:0000:0000:0000:0000:0000', '1::'],
  ['fe80:0000:0000:0000:0000:0000:0000:0000', 'fe80::'],
  ['0000:0001:0001:0001:0001:0001:0001:0000', '0:1:1:1:1:1:1:0'],
  // RFC 5952 s5: IPv4-mapped.
  ['0000:0000:0000:0000:0000:ffff:c000:0201', '::ffff:192.0.2.1'],
  // No longer IPv4-mapped: the group before is not zero.
  ['0000:0000:0000:0000:0001:ffff:c000:0201', '::1:ffff:c000:201'],
])('%s is %s', (groups, text) => {
  expect(formatIpv6(bytesOf(groups), 0)).toBe(text);
});

const sixteen = fc.array(
  fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(255) }),
  {
    minLength: 16,
    maxLength: 16,
  },
);

test('for any address the URL standard writes the same, the IPv4-mapped apart', () => {
  fc.assert(
    fc.property(sixteen, fc.nat(9), (bytes, offset) => {
      const placed = new Uint8Array(offset + 16 + 3).fill(0xaa);
      placed.set(bytes, offset);
      const text = formatIpv6(placed, offset);
      const asUrl = new URL(`http://[${text}]/`).hostname.slice(1, -1);
      const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
      if (mapped) expect(text).toBe(`::ffff:${bytes.slice(12).join('.')}`);
      else expect(asUrl).toBe(text);
    }),
    { numRuns: 5000 },
  );
});

test('IPv4 at any offset', () => {
  expect(formatIpv4(Uint8Array.from([9, 127, 0, 0, 1, 9]), 1)).toBe('127.0.0.1');
  expect(formatIpv4(Uint8Array.from([255, 255, 255, 255]), 0)).toBe('255.255.255.255');
});
