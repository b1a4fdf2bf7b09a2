// Port expressions as people have them, read without looking anything up: `60163/udp`, `:3000`, URLs, ranges.
import { isTransport, PORT_MAX, type PortRange, type Transport } from './port.ts';

/** What a port expression asks for. */
export type PortQuery =
  | { readonly kind: 'ports'; readonly range: PortRange; readonly transport: Transport | null }
  | { readonly kind: 'service'; readonly name: string; readonly transport: Transport | null };

/** Why an expression cannot be read. Keys of the message catalog are `query.<reason>`. */
export type QueryProblem =
  | 'empty'
  | 'too-long'
  | 'not-a-port'
  | 'out-of-range'
  | 'backwards'
  | 'colon'
  | 'bad-transport'
  | 'no-port-in-url'
  | 'unreadable-service';

export type QueryResult =
  | { readonly ok: true; readonly query: PortQuery }
  | { readonly ok: false; readonly problem: QueryProblem; readonly input: string };

/** Longest expression that is read; the longest sensible one is a URL. */
const MAX_LENGTH = 2048;

/** Ports a URL names by its scheme alone (WHATWG URL, special schemes; RFC 6335 registry for the rest). */
const SCHEME_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  ftp: 21,
  ssh: 22,
  sftp: 22,
  ldap: 389,
  ldaps: 636,
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  redis: 6379,
  amqp: 5672,
  mongodb: 27_017,
};

/** RFC 6335 s5.1: 1–15 letters, digits and hyphens with at least one letter; registry names may hold `_ . + *` too. */
const SERVICE_NAME = /^(?=.*[a-z])[a-z0-9][a-z0-9_.+*-]{0,39}$/i;

/**
 * Reads a port expression. Never throws: an unreadable one comes back with the reason.
 * Digits are plain ASCII decimals; leading zeros are allowed.
 */
export function parsePortQuery(raw: string): QueryResult {
  const fail = (problem: QueryProblem): QueryResult => ({ ok: false, problem, input: raw.slice(0, 80) });
  if (raw.length > MAX_LENGTH) return fail('too-long');
  let text = raw.trim();
  if (text === '') return fail('empty');

  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseUrl(text, fail);

  let transport: Transport | null = null;
  const slash = text.indexOf('/');
  if (slash >= 0) {
    const before = text.slice(0, slash);
    const after = text.slice(slash + 1).toLowerCase();
    if (isTransport(after)) transport = after;
    else if (isTransport(before.toLowerCase()) && /^\d/.test(after)) {
      // As firewalls and Docker files write it: tcp/80.
      return parsePortQuery(`${after}/${before}`);
    } else if (/:\d+$/.test(before)) transport = null;
    else return fail('bad-transport');
    text = before;
    if (text === '') return fail('empty');
  }

  const range = /^(\d+)\s*(?:-|–|\.\.)\s*(\d+)$/.exec(text);
  if (range?.[1] !== undefined && range[2] !== undefined) {
    const first = toPort(range[1]);
    const last = toPort(range[2]);
    if (first === null || last === null) return fail('out-of-range');
    if (first > last) return fail('backwards');
    return { ok: true, query: { kind: 'ports', range: [first, last], transport } };
  }

  // Docker writes mappings so, iptables ranges: read either way it would be a guess.
  if (/^\d+:\d+$/.test(text)) return fail('colon');

  const withHost = /^(?:\[[0-9a-f:.%a-z]*\]|[^:\s[\]]*):(\d+)$/i.exec(text);
  const digits = withHost?.[1] ?? (/^\d+$/.test(text) ? text : null);
  if (digits !== null) {
    const port = toPort(digits);
    if (port === null) return fail('out-of-range');
    return { ok: true, query: { kind: 'ports', range: [port, port], transport } };
  }

  if (/^[-−+]\d+$/.test(text)) return fail('out-of-range');
  if (/^\d/.test(text) && !/[a-z]{2}/i.test(text)) return fail('not-a-port');
  if (!SERVICE_NAME.test(text)) return fail('unreadable-service');
  return { ok: true, query: { kind: 'service', name: text.toLowerCase(), transport } };
}

function parseUrl(text: string, fail: (problem: QueryProblem) => QueryResult): QueryResult {
  // Read by pattern and not by the platform's URL class, which drops a port that is the scheme's default
  // and refuses hosts that people paste from logs.
  const match =
    /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#@\s]*@)?(\[[^\]\s]*\]|[^:/?#\s]*)(?::(\d*))?(?:[/?#].*)?$/is.exec(text);
  if (match === null) return fail('not-a-port');
  const scheme = (match[1] ?? '').toLowerCase();
  const digits = match[3];
  const transport: Transport | null =
    scheme === 'udp' || scheme === 'tcp' || scheme === 'sctp' ? scheme : null;
  if (digits !== undefined && digits !== '') {
    const port = toPort(digits);
    if (port === null) return fail('out-of-range');
    return { ok: true, query: { kind: 'ports', range: [port, port], transport } };
  }
  // `http://` alone names neither a host nor a port.
  if (match[2] === '') return fail('not-a-port');
  const implied = Object.hasOwn(SCHEME_PORTS, scheme) ? SCHEME_PORTS[scheme] : undefined;
  if (implied === undefined) return fail('no-port-in-url');
  return { ok: true, query: { kind: 'ports', range: [implied, implied], transport } };
}

function toPort(digits: string): number | null {
  if (digits.length > 32) return null;
  const value = Number(digits);
  return Number.isInteger(value) && value <= PORT_MAX ? value : null;
}
