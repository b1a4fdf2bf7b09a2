// Who may ask a server on loopback, judged from the request's headers before anything else is done.
//
// Any page that a browser has open can send requests to 127.0.0.1; a name that an attacker points there makes them look
// as if they came from the same site (DNS rebinding). So the Host header must be one of ours, letter for letter, and
// what browsers say of a request's origin (Fetch Metadata, RFC 6454) must be this site or nobody.

/** What is judged. Names as in the request, in lower case; null where a header is not there. */
export interface Asked {
  readonly method: string;
  readonly host: string | null;
  readonly origin: string | null;
  /** Sec-Fetch-Site, -Mode and -Dest (W3C Fetch Metadata Request Headers s2). */
  readonly site: string | null;
  readonly mode: string | null;
  readonly dest: string | null;
}

/** Why a request is refused. */
export type Refusal = 'host' | 'cross-site' | 'origin' | 'method';

const READING = new Set(['GET', 'HEAD']);

/** The hosts that are ours on a port: loopback by address and by its one name. */
export function ownHosts(port: number): ReadonlySet<string> {
  return new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]);
}

/** Null where the request may go on. */
export function refusalOf(asked: Asked, hosts: ReadonlySet<string>): Refusal | null {
  if (asked.host === null || !hosts.has(asked.host.toLowerCase())) return 'host';
  const reading = READING.has(asked.method);
  if (!reading && asked.method !== 'POST') return 'method';
  // `same-site` is refused, too: another port of localhost is the same site and another program.
  const own = asked.site === null || asked.site === 'same-origin' || asked.site === 'none';
  // A link on another page may lead here: a page that opens as a whole tells its opener nothing.
  const visit = reading && asked.mode === 'navigate' && asked.dest === 'document';
  if (!own && !visit) return 'cross-site';
  if (reading) return null;
  // The Host header may be chosen by a rebound name, so the origin is held against our own list and not against it.
  const origin = asked.origin?.toLowerCase() ?? null;
  return origin !== null && [...hosts].some((host) => origin === `http://${host}`) ? null : 'origin';
}

/** Headers of every answer. No script, style or frame from elsewhere; nothing inline; nobody else may read or frame it. */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};
