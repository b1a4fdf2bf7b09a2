// Order of claims, which of them stand for a whole range, and which say the same thing.
import { AUTHORITIES, type Claim } from '../model/claim.ts';
import { rangeSize, type Transport } from '../model/port.ts';

/** A claim on this many ports or more is about a range and not about the port that was asked for. */
export const WIDE_FROM = 200;

/** True where the claim covers a range so wide that it says little about one number in it. */
export function isWide(claim: Claim): boolean {
  return rangeSize(claim.ports) >= WIDE_FROM;
}

/**
 * Narrowest first; then by authority, and products that bear the registry's name before others; else as given,
 * which keeps the registry's own order of names.
 */
export function narrowestFirst(claims: readonly Claim[]): Claim[] {
  const assigned = claims.filter((claim) => claim.authority === 'registry' && claim.status !== 'reserved');
  // Others that name a product in their service, as in "KubeSpan (WireGuard)", show which one it is all about.
  const isNamed = ({ product }: Claim): boolean =>
    product !== null && claims.some((other) => other.product !== product && other.service.includes(product));
  const namesake = (claim: Claim): number =>
    claim.authority !== 'registry' && (assigned.some((entry) => bearsName(entry, claim)) || isNamed(claim))
      ? 0
      : 1;
  return claims
    .map((claim, index) => ({ claim, index, namesake: namesake(claim) }))
    .toSorted(
      (a, b) =>
        rangeSize(a.claim.ports) - rangeSize(b.claim.ports) ||
        AUTHORITIES.indexOf(a.claim.authority) - AUTHORITIES.indexOf(b.claim.authority) ||
        a.namesake - b.namesake ||
        a.index - b.index,
    )
    .map(({ claim }) => claim);
}

/** Claims that are about one of these transports; a claim that names none is about all. */
export function aboutTransports(claims: readonly Claim[], transports: readonly Transport[]): Claim[] {
  return claims.filter((claim) => sharesTransport(claim.transports, transports));
}

/** True where two lists have a transport in common; an empty list stands for all. */
export function sharesTransport(a: readonly Transport[], b: readonly Transport[]): boolean {
  return a.length === 0 || b.length === 0 || a.some((transport) => b.includes(transport));
}

/** What a claim is called in a line: the product, or the service where no product is named. */
export function claimName(claim: Claim): string {
  return claim.authority === 'registry' ? claim.service : (claim.product ?? claim.service);
}

/** Words too common to show that two claims mean the same thing. */
const COMMON = new Set(
  'the a an and or of for over in on to with by from server servers service services protocol port ports default client clients system network tcp udp access data control remote web http api dev admin management application software transport secure internet'.split(
    ' ',
  ),
);

/** Words of a text that tell what it means, in lower case: those that every service shares are left out. */
export function tellingWords(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1 && !COMMON.has(word));
}

/** Letters and digits alone, in lower case. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Does the product bear the registry's service name: PostgreSQL and `postgresql`? */
function bearsName(registry: Claim, other: Claim): boolean {
  const name = plain(registry.service);
  const product = plain(other.product ?? '');
  return product.length >= 3 && name.length >= 3 && (product.startsWith(name) || name.startsWith(product));
}

/** Words of services that are carried by HTTP whatever they are called. */
const CARRIED_BY_HTTP =
  /\b(https?|web|api|rest|graphql|dev server|development|proxy|preview|static|functions|slides|mock|dashboard|ui|ide|browser)\b/i;

/** Initials of a phrase: "Domain Name Server" gives "dns". */
function initials(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word[0])
    .join('')
    .toLowerCase();
}

/**
 * Do a registry entry and another claim plausibly mean the same service? Compared by words, by one name within
 * the other, and by initials, so that "domain / Domain Name Server" meets "DNS". When in doubt they agree:
 * a disagreement that is none would be worse than one left unsaid.
 */
export function agrees(registry: Claim, other: Claim): boolean {
  const registryText = `${registry.service} ${registry.note ?? ''}`;
  const otherText = `${other.service} ${other.product ?? ''}`;
  if (/http/i.test(registry.service) && CARRIED_BY_HTTP.test(otherText)) return true;
  const a = new Set(tellingWords(registryText));
  const b = new Set(tellingWords(otherText));
  for (const word of a) if (b.has(word)) return true;
  const name = plain(registry.service);
  const others = [other.service, other.product ?? ''].map(plain).filter((text) => text.length >= 3);
  if (others.some((text) => name.length >= 3 && (text.includes(name) || name.includes(text)))) return true;
  const phrase = initials(registry.note ?? '');
  for (const word of otherText.toLowerCase().split(/[^a-z0-9]+/)) {
    if (word.length >= 3 && (phrase.startsWith(word) || word.startsWith(registry.service.toLowerCase())))
      return true;
  }
  for (const long of a) {
    for (const short of b) {
      if (short.length >= 3 && long === plain(registry.service) && long.includes(short)) return true;
      if (long.length >= 4 && short.length >= 4 && (long.startsWith(short) || short.startsWith(long)))
        return true;
    }
  }
  return false;
}
