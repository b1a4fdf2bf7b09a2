// The pages that lead to all others: every port at once, and the search.
import { printable, searchClaims } from '@portolan/core';
import { findWebPage, homeWebPage, Lookup, liveChartOf } from '@portolan/core/web';
import type { Facts } from '@portolan/facts';
import type { Atlas } from './atlas.ts';
import { lookupEntries, thousandsOf } from './chart-data.ts';
import type { Site } from './site.ts';

/** Longest text that is looked for. */
const QUERY = 100;

/** Most that is told of each kind. */
const HITS = 60;

/** Makes them; one for as long as the facts stay the same. */
export function homePages(facts: Facts, atlas: Atlas): Pick<Site, 'homePage' | 'findPage'> {
  const thousands = thousandsOf(atlas.flags);
  let lookup: Lookup | undefined;
  return {
    homePage: (snapshot) =>
      homeWebPage({ thousands, here: snapshot === null ? null : liveChartOf(snapshot) }),
    findPage(query) {
      const asked = query.slice(0, QUERY).trim();
      lookup ??= new Lookup(lookupEntries(atlas));
      const hits = lookup.find(asked, HITS);
      const told = new Set(hits.flatMap((hit) => (hit.kind === 'service' ? [hit.entry.slug] : [])));
      const claims = searchClaims(facts.allClaims(), asked).filter((claim) => {
        const path = atlas.serviceOf(claim.product ?? claim.service);
        return path === null || !told.has(path.slice('/services/'.length));
      });
      return findWebPage({ query: printable(asked), hits, claims: claims.slice(0, HITS) });
    },
  };
}
