// Text of addresses and networks to runs of addresses, and back: what packet filter rules match on.
import { formatIpv4, formatIpv6 } from './address.ts';

/** An inclusive run of addresses of one family, as numbers. */
export interface Network {
  readonly family: 'ipv4' | 'ipv6';
  readonly first: bigint;
  readonly last: bigint;
}

const BITS = { ipv4: 32, ipv6: 128 } as const;

/** Largest address of the family. */
function top(family: Network['family']): bigint {
  return (1n << BigInt(BITS[family])) - 1n;
}

/** One address, dotted quad or RFC 4291 s2.2, without brackets and zone; null where it is none. */
export function parseAddress(text: string): Network | null {
  const four = text.includes(':') ? null : parseIpv4(text);
  if (four !== null) return { family: 'ipv4', first: four, last: four };
  const six = text.includes(':') ? parseIpv6(text) : null;
  return six === null ? null : { family: 'ipv6', first: six, last: six };
}

function parseIpv4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    // A leading zero may mean octal, so inet_pton(3) takes none.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    value = (value << 8n) | BigInt(Number(part));
  }
  return value;
}

function parseIpv6(text: string): bigint | null {
  if (text.length > 45) return null;
  const dotted = /^(.*:)([\d.]*\.[\d.]*)$/.exec(text);
  if (dotted !== null) {
    const low = parseIpv4(dotted[2] ?? '');
    if (low === null) return null;
    return parseIpv6(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  let value = 0n;
  for (const group of groups) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

/** `address`, `address/length`, `address/mask` with the mask's ones in front, or `first-last`; null for all else. */
export function parseNetwork(text: string): Network | null {
  const range = /^([^-]*)-([^-]*)$/.exec(text);
  if (range !== null) return addressRange(range[1] ?? '', range[2] ?? '');
  const [address = '', length, ...more] = text.split('/');
  if (length === undefined) return parseAddress(address);
  if (more.length > 0) return null;
  const from = parseAddress(address);
  if (from === null) return null;
  if (/^\d{1,3}$/.test(length)) return prefixOf(from, Number(length));
  const mask = parseAddress(length);
  if (mask === null || mask.family !== from.family) return null;
  const ones = mask.first.toString(2).padStart(BITS[from.family], '0');
  return /^1*0*$/.test(ones) ? prefixOf(from, ones.replaceAll('0', '').length) : null;
}

/** Both ends included; null where they are no addresses of one family in order. */
export function addressRange(first: string, last: string): Network | null {
  const from = parseAddress(first);
  const to = parseAddress(last);
  if (from === null || to === null || from.family !== to.family || from.first > to.first) return null;
  return { family: from.family, first: from.first, last: to.first };
}

/** The network of this length that the address is in; null where the length is too large. */
export function prefixOf({ family, first }: Network, length: number): Network | null {
  const bits = BITS[family];
  if (!Number.isInteger(length) || length < 0 || length > bits) return null;
  const host = (1n << BigInt(bits - length)) - 1n;
  return { family, first: first & ~host, last: first | host };
}

/** The run both have, or null. */
export function intersectNetworks(a: Network, b: Network): Network | null {
  if (a.family !== b.family) return null;
  const first = a.first > b.first ? a.first : b.first;
  const last = a.last < b.last ? a.last : b.last;
  return first > last ? null : { family: a.family, first, last };
}

/** True where `inner` lies within `outer`. */
export function withinNetwork(inner: Network, outer: Network): boolean {
  return inner.family === outer.family && inner.first >= outer.first && inner.last <= outer.last;
}

/** The fewest prefixes that make up the run, each as text; a single address without a length. */
export function formatNetwork({ family, first, last }: Network): string[] {
  const texts: string[] = [];
  const bits = BITS[family];
  for (let at = first; at <= last; ) {
    let host = 0;
    while (host < bits && (at >> BigInt(host)) % 2n === 0n && at + (1n << BigInt(host + 1)) - 1n <= last)
      host++;
    const address = formatAddress(family, at);
    texts.push(host === 0 ? address : `${address}/${bits - host}`);
    at += 1n << BigInt(host);
  }
  return texts;
}

function formatAddress(family: Network['family'], value: bigint): string {
  const bytes = new Uint8Array(BITS[family] / 8);
  for (let i = bytes.length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return family === 'ipv4' ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0);
}

/** True for the run of all addresses. */
export function isWhole({ family, first, last }: Network): boolean {
  return first === 0n && last === top(family);
}
