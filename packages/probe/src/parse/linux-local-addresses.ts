// /proc/net/fib_trie, if_inet6 and ipv6_route to the addresses that are this host's own.
import { addressRange, type Network, parseAddress, parseNetwork, prefixOf } from './network.ts';

/**
 * `fib_trie`: a line with an address, below it one for each of its routes, `/32 host LOCAL`
 * (net/ipv4/fib_trie.c, fib_trie_seq_show). What is LOCAL is delivered here.
 */
export function parseFibTrie(text: string): Network[] {
  const found = new Map<string, Network>();
  let address = '';
  for (const line of text.split('\n')) {
    const node = /^\s*\|-- (\S+)\s*$/.exec(line);
    if (node !== null) {
      address = node[1] ?? '';
      continue;
    }
    const route = /^\s*\/(\d+) \S+ LOCAL\b/.exec(line);
    if (route === null) continue;
    const network = parseNetwork(`${address}/${route[1]}`);
    if (network !== null) found.set(`${address}/${route[1]}`, network);
  }
  return [...found.values()];
}

/** `if_inet6`: 32 hexadecimal digits, then index, prefix length, scope, flags and name (net/ipv6/addrconf.c). */
export function parseIfInet6(text: string): Network[] {
  const found: Network[] = [];
  for (const line of text.split('\n')) {
    const address = hexAddress(/^([0-9a-f]{32}) /.exec(line)?.[1]);
    if (address !== null) found.push(address);
  }
  return found;
}

/** RTF_LOCAL and RTF_ANYCAST (linux/ipv6_route.h): packets for these routes are delivered here. */
const DELIVERED = 0x8010_0000;
/** Destination, prefix length, source and its length, next hop, metric, counts of references and use, flags. */
const ROUTE =
  /^([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} [0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8} ([0-9a-f]{8}) /;

/**
 * `ipv6_route`: a route a line, all numbers hexadecimal (net/ipv6/ip6_fib.c, ipv6_route_native_seq_show),
 * of all tables. What is local is delivered here, whole networks too, whose addresses no interface needs to have.
 */
export function parseIpv6Routes(text: string): Network[] {
  const found = new Map<string, Network>();
  for (const line of text.split('\n')) {
    const [, destination, length = '', flags = ''] = ROUTE.exec(line) ?? [];
    // Bits of a number of 32: the sign does not matter.
    if ((Number.parseInt(flags, 16) & DELIVERED) === 0) continue;
    const address = hexAddress(destination);
    const network = address === null ? null : prefixOf(address, Number.parseInt(length, 16));
    if (network !== null) found.set(`${destination}/${length}`, network);
  }
  return [...found.values()];
}

function hexAddress(digits: string | undefined): Network | null {
  return digits === undefined ? null : parseAddress(digits.replace(/(.{4})(?=.)/g, '$1:'));
}

/** IPv4's own loopback network is local without an entry of its own where `lo` is down. */
export const LOOPBACK: Network | null = addressRange('127.0.0.0', '127.255.255.255');
