// /proc/net/fib_trie and /proc/net/if_inet6 to the addresses that are this host's own.
import { addressRange, type Network, parseAddress, parseNetwork } from './network.ts';

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
    const hex = /^([0-9a-f]{32}) /.exec(line)?.[1];
    const address = hex === undefined ? null : parseAddress(hex.replace(/(.{4})(?=.)/g, '$1:'));
    if (address !== null) found.push(address);
  }
  return found;
}

/** IPv4's own loopback network is local without an entry of its own where `lo` is down. */
export const LOOPBACK: Network | null = addressRange('127.0.0.0', '127.255.255.255');
