// Words a port can be asked for by: IANA service names and the names of products.
import type { Claim } from '@portolan/core';

/** A word that may stand on the command line in place of a port. */
const NAME = /^(?=.*[a-z])[a-z0-9][a-z0-9_.+*-]{0,39}$/;

/** Widest claim whose name may stand for its ports. */
const WIDEST = 16;

/**
 * Names with their ports as `443/tcp`, in the order of the claims. Registry: service names. Other claims: the
 * product's name, lower-cased, blanks as hyphens.
 */
export function namesOf(claims: readonly Claim[]): Map<string, string[]> {
  const names = new Map<string, Set<string>>();
  for (const claim of claims) {
    if (claim.ports[1] - claim.ports[0] >= WIDEST || claim.status === 'reserved') continue;
    const word = claim.authority === 'registry' ? claim.service : (claim.product ?? '');
    const name = word.toLowerCase().replace(/ /g, '-');
    if (!NAME.test(name) || claim.authority === 'observed') continue;
    const list = names.get(name) ?? new Set();
    const transports = claim.transports.length === 0 ? ['tcp'] : claim.transports;
    for (let port = claim.ports[0]; port <= claim.ports[1]; port++) {
      for (const transport of transports) list.add(`${port}/${transport}`);
    }
    names.set(name, list);
  }
  return new Map(
    [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, list]) => [name, [...list]]),
  );
}
