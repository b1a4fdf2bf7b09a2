// The pages beside those of ports: ranges, thousands, services, sources, the paste box.
import { type Claim, IANA_RANGES, isWide, PORT_MAX } from '@portolan/core';
import {
  pasteWebPage,
  rangeWebPage,
  serviceWebPage,
  sourcesWebPage,
  systemRanges,
  thousandWebPage,
  type WebPage,
} from '@portolan/core/web';
import type { Facts } from '@portolan/facts';
import { type Atlas, FLAG, type Service } from './atlas.ts';

const NAMED = FLAG.tcp | FLAG.udp | FLAG.other | FLAG.claimed;
const THOUSANDS = Math.floor(PORT_MAX / 1000);

/** Most other services of the same maker that are told. */
const SIBLINGS = 24;

/** Makes them from facts. */
export function commonPages(
  facts: Facts,
  atlas: Atlas,
): { page(path: string): WebPage | null; paths(): readonly string[] } {
  const claims = facts.allClaims();
  const source = (id: string): ReturnType<Facts['source']> => facts.source(id);
  const byVendor = vendorsOf(atlas.services);
  const named = (from: number, to: number): number => {
    let count = 0;
    for (let port = from; port <= to; port++) if (((atlas.flags[port] ?? 0) & NAMED) !== 0) count++;
    return count;
  };

  const range = (name: string): WebPage | null => {
    const found = IANA_RANGES.find((entry) => entry.name === name);
    if (found === undefined) return null;
    const thousands = Array.from({ length: THOUSANDS + 1 }, (_, thousand) => thousand).filter(
      (thousand) => thousand * 1000 + 999 >= found.first && thousand * 1000 <= found.last,
    );
    return rangeWebPage({
      range: found,
      named: thousands.map((thousand) => ({
        thousand,
        count: named(
          Math.max(found.first, thousand * 1000),
          Math.min(found.last, thousand * 1000 + 999, PORT_MAX),
        ),
      })),
      wide: claims.filter(
        (claim) => isWide(claim) && claim.ports[0] <= found.last && claim.ports[1] >= found.first,
      ),
      defaults: facts.extras().ephemeral,
      source,
    });
  };

  const thousand = (text: string): WebPage | null => {
    const number = Number(text);
    if (!/^\d{1,2}$/.test(text) || number > THOUSANDS || String(number) !== text) return null;
    return thousandWebPage({
      thousand: number,
      claims: claims
        .filter((claim) => !isWide(claim) && Math.floor(claim.ports[0] / 1000) === number)
        .toSorted((a, b) => a.ports[0] - b.ports[0]),
      source,
    });
  };

  const service = (slug: string): WebPage | null => {
    const found = atlas.services.get(slug);
    if (found === undefined) return null;
    const vendors = new Set(found.claims.map(({ vendor }) => vendor));
    const siblings = [...vendors].flatMap((vendor) => (vendor === null ? [] : (byVendor.get(vendor) ?? [])));
    return serviceWebPage({
      slug,
      name: found.name,
      claims: found.claims,
      siblings: [...new Set(siblings)]
        .filter((other) => other !== found)
        .slice(0, SIBLINGS)
        .map((other) => ({ name: other.name, to: `/services/${other.slug}` })),
      source,
    });
  };

  const sources = (): WebPage => {
    const counts = new Map<string, number>();
    for (const claim of claims) counts.set(claim.source, (counts.get(claim.source) ?? 0) + 1);
    const ids = facts.sourceIds();
    return sourcesWebPage({
      sources: ids.map((id) => ({ source: source(id), claims: counts.get(id) ?? 0 })),
    });
  };

  return {
    page(path) {
      if (path === '/sources') return sources();
      if (path === '/paste') return pasteWebPage(systemRanges(facts.extras().ephemeral));
      const [, kind = '', name = '', rest] = path.split('/');
      if (rest !== undefined) return null;
      if (kind === 'ranges') return range(name);
      if (kind === 'thousands') return thousand(name);
      return kind === 'services' ? service(name) : null;
    },
    paths: () => [
      '/sources',
      '/paste',
      ...IANA_RANGES.map(({ name }) => `/ranges/${name}`),
      ...Array.from({ length: THOUSANDS + 1 }, (_, number) => `/thousands/${number}`),
      ...[...atlas.services.keys()].map((slug) => `/services/${slug}`),
    ],
  };
}

function vendorsOf(services: ReadonlyMap<string, Service>): Map<string, Service[]> {
  const out = new Map<string, Service[]>();
  for (const service of services.values()) {
    for (const vendor of new Set(service.claims.map((claim: Claim) => claim.vendor))) {
      if (vendor === null) continue;
      const list = out.get(vendor);
      if (list === undefined) out.set(vendor, [service]);
      else list.push(service);
    }
  }
  return out;
}
