// What the pages need to know of all ports at once: a byte each for the chart, who is named where, what is related.
import { type Claim, claimName, isWide, PORT_MAX } from '@portolan/core';
import type { Facts } from '@portolan/facts';
import { FLAG } from './formats/flags.ts';
import { slugOf } from './formats/slug.ts';

export { FLAG };

const ASSIGNED = FLAG.tcp | FLAG.udp | FLAG.other;
const NAMED = ASSIGNED | FLAG.claimed;

/** A service or product with a page of its own. */
export interface Service {
  /** Its part of the address: `postgresql`. */
  readonly slug: string;
  /** As its sources write it. */
  readonly name: string;
  readonly claims: readonly Claim[];
}

/** Everything that is said of all ports, made once from the facts. */
export interface Atlas {
  /** A byte a port, see `FLAG`. */
  readonly flags: Uint8Array;
  readonly services: ReadonlyMap<string, Service>;
  /** Claims that cover a port: the same objects for every port, so that what is made of them can be shared. */
  claimsAt(port: number): readonly Claim[];
  /** Path of the page of a service or product; null where there is none. */
  serviceOf(name: string): string | null;
  /** Nearest port below (-1) or above (1) that somebody names; null where there is none. */
  named(port: number, step: -1 | 1): number | null;
  /** Other ports of the products that name this one. */
  related(claims: readonly Claim[], port: number): { product: string; ports: number[] }[];
  /** Source of the registry in use. */
  readonly registry: string;
}

/** Most products, and ports of one, that are told beside a port. */
const RELATED = { products: 4, ports: 8 };

/** Reads all claims once. */
export function makeAtlas(facts: Facts): Atlas {
  const claims = facts.allClaims();
  const flags = new Uint8Array(PORT_MAX + 1);
  for (const claim of claims) {
    const flag = flagOf(claim);
    for (let port = claim.ports[0]; port <= claim.ports[1]; port++) flags[port] = (flags[port] ?? 0) | flag;
  }
  for (const { port } of facts.extras().blocked.ports) flags[port] = (flags[port] ?? 0) | FLAG.blocked;
  const { services, paths } = servicesOf(claims);
  const covering = coveringOf(claims);
  const byProduct = new Map<string, Claim[]>();
  for (const claim of claims) {
    if (claim.product === null || isWide(claim)) continue;
    const group = byProduct.get(claim.product);
    if (group === undefined) byProduct.set(claim.product, [claim]);
    else group.push(claim);
  }
  return {
    flags,
    services,
    claimsAt: (port) => covering[port] ?? [],
    serviceOf: (name) => paths.get(name) ?? null,
    named(port, step) {
      for (let at = port + step; at >= 0 && at <= PORT_MAX; at += step) {
        if (((flags[at] ?? 0) & NAMED) !== 0) return at;
      }
      return null;
    },
    related(about, port) {
      const products = [...new Set(about.filter((claim) => !isWide(claim)).map((claim) => claim.product))];
      return products
        .flatMap((product) => {
          if (product === null) return [];
          const ports = new Set((byProduct.get(product) ?? []).map((claim) => claim.ports[0]));
          ports.delete(port);
          return ports.size === 0
            ? []
            : [{ product, ports: [...ports].toSorted((a, b) => a - b).slice(0, RELATED.ports) }];
        })
        .slice(0, RELATED.products);
    },
    registry: registryOf(claims),
  };
}

/** Claims by port. Runs of ports that the same claims cover share one list. */
function coveringOf(claims: readonly Claim[]): (readonly Claim[])[] {
  const starts = new Map<number, Claim[]>();
  const ends = new Map<number, Claim[]>();
  const put = (map: Map<number, Claim[]>, port: number, claim: Claim): void => {
    const list = map.get(port);
    if (list === undefined) map.set(port, [claim]);
    else list.push(claim);
  };
  for (const claim of claims) {
    put(starts, claim.ports[0], claim);
    put(ends, claim.ports[1] + 1, claim);
  }
  const order = new Map(claims.map((claim, index) => [claim, index]));
  const out: (readonly Claim[])[] = [];
  let now: readonly Claim[] = [];
  for (let port = 0; port <= PORT_MAX; port++) {
    const begun = starts.get(port);
    const ended = ends.get(port);
    if (begun !== undefined || ended !== undefined) {
      now = [...now.filter((claim) => ended?.includes(claim) !== true), ...(begun ?? [])].toSorted(
        (a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0),
      );
    }
    out.push(now);
  }
  return out;
}

function flagOf(claim: Claim): number {
  if (claim.authority !== 'registry') return isWide(claim) ? FLAG.range : FLAG.claimed;
  if (claim.status === 'reserved') return FLAG.reserved;
  return claim.transports.reduce(
    (sum, transport) => sum | (transport === 'tcp' ? FLAG.tcp : transport === 'udp' ? FLAG.udp : FLAG.other),
    claim.transports.length === 0 ? FLAG.other : 0,
  );
}

/** The source that most of the registry's claims come from. */
function registryOf(claims: readonly Claim[]): string {
  const counts = new Map<string, number>();
  for (const { authority, source } of claims) {
    if (authority === 'registry') counts.set(source, (counts.get(source) ?? 0) + 1);
  }
  const [most] = [...counts].toSorted((a, b) => b[1] - a[1]);
  if (most === undefined) throw new Error('facts without a registry');
  return most[0];
}

/** Services and products by slug; two names that are written alike share a page. */
function servicesOf(claims: readonly Claim[]): {
  services: Map<string, Service>;
  paths: Map<string, string>;
} {
  const groups = new Map<string, { name: string; claims: Claim[] }>();
  const paths = new Map<string, string>();
  for (const claim of claims) {
    const name = claimName(claim);
    const slug = slugOf(name);
    if (slug === '' || claim.status === 'reserved') continue;
    const group = groups.get(slug);
    if (group === undefined) groups.set(slug, { name, claims: [claim] });
    else {
      group.claims.push(claim);
      // A product is written as its makers do, a registry name in lower case.
      if (claim.authority !== 'registry' && group.name === group.name.toLowerCase()) group.name = name;
    }
    paths.set(name, `/services/${slug}`);
  }
  const services = new Map(
    [...groups].map(([slug, { name, claims: own }]) => [slug, { slug, name, claims: own }]),
  );
  return { services, paths };
}
