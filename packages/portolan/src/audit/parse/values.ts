// Port numbers, ranges and addresses as configuration files write them.
import { isPort, isTransport, type PortRange, type Transport } from '@portolan/core';

/** A decimal port number within 1–65535; null for all else. Port 0 asks the system to choose and is no fixed port. */
export function readPortNumber(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port > 0 && isPort(port) ? port : null;
}

/** `8080` or `8080-8090`; null for all else, and for a range that runs backwards. */
export function readPortRange(text: string): PortRange | null {
  const [, from = '', to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const first = readPortNumber(from);
  const last = to === undefined ? first : readPortNumber(to);
  return first !== null && last !== null && first <= last ? [first, last] : null;
}

/** A transport in whatever case it is written; tcp where none is. */
export function readTransport(text: string | null): Transport | null {
  const word = (text ?? 'tcp').toLowerCase();
  return isTransport(word) ? word : null;
}

/** Names and addresses that stand for this host. */
const LOCAL =
  /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1?\]?|\[?::ffff:127(?:\.\d{1,3}){3}\]?|\*|host\.docker\.internal|)$/i;

/** True where a host part of an address means this host; so does an empty one. */
export function isThisHost(host: string): boolean {
  return LOCAL.test(host);
}

/** An address to bind; null where it stands for any. */
export function boundAddress(host: string): string | null {
  const bare = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (bare === '' || bare === '*' || bare === '0.0.0.0' || bare === '::') return null;
  return bare.toLowerCase() === 'localhost' ? '127.0.0.1' : bare;
}

/** A number found in a text: where its digits start and how many there are. */
export interface Spot {
  readonly at: number;
  readonly length: number;
}

/** A host and a port in a text, with the spot of the port's digits. */
export interface HostPort extends Spot {
  readonly host: string;
  readonly port: number;
  readonly scheme: string | null;
}

/** `scheme://user@host:port`, anywhere in a text (RFC 3986 s3.2). */
const URL_PORT =
  /\b([a-z][a-z0-9+.-]{0,30}):\/\/(?:[^\s/@'"]{0,200}@)?(\[[0-9a-f:.]+\]|[^\s/:@'"[\],]{0,253}):(\d{1,5})(?![\d.])/gi;

/** Every URL with a port. */
export function urlsIn(text: string): HostPort[] {
  const found: HostPort[] = [];
  for (const match of text.matchAll(URL_PORT)) {
    const [whole, scheme = '', host = '', digits = ''] = match;
    const port = readPortNumber(digits);
    if (port === null) continue;
    found.push({
      scheme: scheme.toLowerCase(),
      host,
      port,
      at: match.index + whole.length - digits.length,
      length: digits.length,
    });
  }
  return found;
}

/** `:8080`, `0.0.0.0:8080`, `localhost:8080`, `[::]:8080`, whole; a bare number is none. */
const ADDRESS_PORT = /^(\[[0-9a-f:.%\w]+\]|\*|[\w.-]*):(\d{1,5})$/i;

/** A text that is a host and a port and nothing else; null for all else. */
export function addressOf(text: string): HostPort | null {
  const [, host, digits = ''] = ADDRESS_PORT.exec(text) ?? [];
  const port = readPortNumber(digits);
  if (host === undefined || port === null) return null;
  return { scheme: null, host, port, at: text.length - digits.length, length: digits.length };
}
