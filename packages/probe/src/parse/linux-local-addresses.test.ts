// fib_trie and if_inet6, as kernel 6.18 prints them.
import { expect, test } from 'vitest';
import { parseFibTrie, parseIfInet6 } from './linux-local-addresses.ts';
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
