// Who may ask a server on loopback, judged from the request line and its headers before anything else is done.
//
// Any page that a browser has open can send requests to 127.0.0.1; a name that an attacker points there makes them look
// as if they came from the same site (DNS rebinding). So the Host header must be one of ours, letter for letter, and
// what browsers say of a request's origin (Fetch Metadata, RFC 6454) must be this site or nobody.

/** What is judged: the request line as it came, and each header of ours as often as it stood there. */
export interface Asked {
  readonly method: string;
  /** Request target (RFC 9112 s3.2), undecoded. */
  readonly target: string;
  /** Values of a header by its name in lower case; none where it is not there. */
  readonly values: (name: string) => readonly string[];
}

/** Why a request is refused. */
export type Refusal = keyof typeof REFUSALS;

/** Status and words of each refusal; none tells more than the asker knew. */
export const REFUSALS = {
  target: { status: 400, words: 'only a path may be asked for' },
  doubled: { status: 400, words: 'a header that may stand once stands there twice' },
  host: { status: 403, words: 'the Host header names another server' },
  'cross-site': { status: 403, words: 'it comes from another site' },
  origin: { status: 403, words: 'its origin is another one' },
  method: { status: 405, words: 'only GET, HEAD and POST' },
  length: { status: 411, words: 'a body needs its length in front' },
  size: { status: 413, words: 'the body is too large' },
} as const;

/** Methods that there are. */
export const METHODS = 'GET, HEAD, POST';

/** Largest body of a request, in bytes. */
export const BODY_LIMIT = 4096;

const READING = new Set(['GET', 'HEAD']);

/** Headers that decide; a second one would be read by somebody else in another way. */
const SINGLE = ['host', 'origin', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest', 'authorization'];

/** The hosts that are ours on a port: loopback by address and by its one name. */
export function ownHosts(port: number): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  // Clients leave out the port of their scheme (RFC 9110 s4.2.1).
  return new Set(names.flatMap((name) => (port === 80 ? [`${name}:80`, name] : [`${name}:${port}`])));
}

/** Null where the request may go on. */
export function refusalOf(asked: Asked, hosts: ReadonlySet<string>): Refusal | null {
  const { method, target } = asked;
  const only = (name: string): string | null => asked.values(name)[0]?.toLowerCase() ?? null;
  const host = only('host');
  if (host === null || !hosts.has(host)) return 'host';
  if (SINGLE.some((name) => asked.values(name).length > 1)) return 'doubled';
  const reading = READING.has(method);
  // The Host header may be chosen by a rebound name, so the origin is held against our own list and not against it.
  const origin = only('origin');
  const ownOrigin = origin !== null && [...hosts].some((name) => origin === `http://${name}`);
  if (origin !== null && !ownOrigin) return 'origin';
  const site = only('sec-fetch-site');
  // `same-site` is refused, too: another port of localhost is the same site and another program.
  const own = site === null || site === 'same-origin' || site === 'none';
  // A link on another page may lead to a page here: one that opens as a whole tells its opener nothing.
  const visit =
    reading &&
    only('sec-fetch-mode') === 'navigate' &&
    only('sec-fetch-dest') === 'document' &&
    isPagePath(target);
  if (!own && !visit) return 'cross-site';
  // Of the forms of RFC 9112 s3.2 only a path: a whole address would name a host of its own.
  if (!target.startsWith('/')) return 'target';
  if (!reading && method !== 'POST') return 'method';
  if (!reading && !ownOrigin) return 'origin';
  if (asked.values('transfer-encoding').length > 0) return 'length';
  const length = Number(only('content-length') ?? 0);
  return length > (reading ? 0 : BODY_LIMIT) ? 'size' : null;
}

/** A plain path outside /api: nothing encoded and no dots to climb by, so that it means what it says. */
function isPagePath(target: string): boolean {
  const [path = ''] = target.split('?');
  return /^(?:\/|(?:\/[\w-]+(?:\.[\w-]+)*)+\/?)$/.test(path) && !/^\/api(?:\/|$)/i.test(path);
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
  'cache-control': 'no-store',
};
