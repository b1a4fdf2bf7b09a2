// fib_trie, if_inet6 and ipv6_route, as kernel 6.18 prints them.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFibTrie, parseIfInet6, parseIpv6Routes } from './linux-local-addresses.ts';
import { formatNetwork } from './network.ts';

test('what is LOCAL in fib_trie, whole networks too', () => {
  const text = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.2
        /32 host LOCAL
Local:
     |-- 192.0.2.2
        /32 host LOCAL
`;
  expect(parseFibTrie(text).flatMap(formatNetwork)).toEqual(['127.0.0.0/8', '127.0.0.1', '192.0.2.2']);
  expect(parseFibTrie('nonsense\n /32 host LOCAL\n |-- x\n /8 host LOCAL')).toEqual([]);
});

test('addresses of if_inet6', () => {
  const text = `fd000000000000000000000000000002 04 40 00 82     eth0
00000000000000000000000000000001 01 80 10 80       lo
short 04 40 00 82 eth0
`;
  expect(parseIfInet6(text).flatMap(formatNetwork)).toEqual(['fd00::2', '::1']);
});

describe('ipv6_route', () => {
  const ZERO = '0'.repeat(32);
  const route = (destination: string, length: string, flags: string): string =>
    `${destination} ${length} ${ZERO} 00 ${ZERO} 00000400 00000001 00000000 ${flags}       lo`;
  const UNREACHABLE = `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo`;
  const NETWORK = '20010db8000000000000000000000000';

  test('what is local or anycast, whole networks too', () => {
    const text = [
      UNREACHABLE,
      route('00000000000000000000000000000001', '80', '80200001'),
      route(NETWORK, '40', '80000001'),
      route(NETWORK, '40', '80000001'),
      route('20010db8000000010000000000000000', '80', '00100001'),
      route('fd000000000000000000000000000000', '08', '00000001'),
      '',
    ].join('\n');
    expect(parseIpv6Routes(text).flatMap(formatNetwork)).toEqual(['::1', '2001:db8::/64', '2001:db8:0:1::']);
  });
  test.each([
    ['no text', ''],
    ['a length that is none', route(NETWORK, '81', '80000001')],
    ['too many digits', route(`0${NETWORK}`, '40', '80000001')],
    ['capitals', route(NETWORK.replace('db', 'DB'), '40', '80000001')],
    ['a sign', route(NETWORK, '40', '-8000001')],
    ['cut before its flags', route(NETWORK, '40', '80000001').slice(0, 130)],
    ['cut within them', route(NETWORK, '40', '80000001').slice(0, 138)],
  ])('%s: nothing', (_, text) => {
    expect(parseIpv6Routes(text)).toEqual([]);
  });
  test('any text', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.nat(200), fc.string(), fc.constantFrom(UNREACHABLE, route(NETWORK, '40', '80000001')))
        .map(([at, piece, good]) => good.slice(0, at) + piece + good.slice(at)),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        for (const { family, first, last } of parseIpv6Routes(lines.join('\n'))) {
          expect(family).toBe('ipv6');
          expect(first >= 0n && first <= last && last < 1n << 128n).toBe(true);
        }
      }),
    );
  });
});
