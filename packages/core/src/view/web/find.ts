// What a search found, for readers without script and for what the list under the field has no room for.
import type { LookupHit } from '../../decide/lookup.ts';
import { type Claim, FACTS_LANGUAGE } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import type { PortRange } from '../../model/port.ts';
import { data, fact, type Inline, type Node, said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** What the page is made from. */
export interface FindPageInput {
  /** What was asked for, fit to be shown. */
  readonly query: string;
  readonly hits: readonly LookupHit[];
  /** Claims that have the words in a note, or anywhere else that `hits` does not tell. */
  readonly claims: readonly Claim[];
}

/** Most ports of a service that are told. */
const PORTS = 12;

/** The page for an address that has none: it says so, and a search is at its head. Nothing of the address is repeated. */
export function missingWebPage(): WebPage {
  return {
    ...findWebPage({ query: '', hits: [], claims: [] }),
    title: say('web.missing'),
    heading: { words: say('web.missing') },
  };
}

/** The page of a search. */
export function findWebPage({ query, hits, claims }: FindPageInput): WebPage {
  const nothing = hits.length === 0 && claims.length === 0;
  return {
    path: query === '' ? '/find' : `/find?q=${encodeURIComponent(query)}`,
    title: query === '' ? say('web.find.title') : say('web.find.title.for', { query }),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { words: say('web.find.title') },
    lead: [
      [
        said(
          query === ''
            ? say('web.search.hint')
            : nothing
              ? say('web.find.none', { query })
              : say('web.find.some', { query, count: hits.length + claims.length }),
        ),
      ],
    ],
    counts: [],
    ruler: null,
    main: [
      ...(hits.length === 0
        ? []
        : [{ id: 'names', title: say('web.find.names'), blocks: [hitsTable(hits)] }]),
      ...(claims.length === 0
        ? []
        : [{ id: 'notes', title: say('web.find.notes'), blocks: [claimsTable(claims)] }]),
    ],
    rail: [],
    sources: [],
    index: false,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: [],
  };
}

function hitsTable(hits: readonly LookupHit[]): Node {
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('web.find.col.name'), align: 'left', grow: false },
      { title: say('web.find.col.ports'), align: 'left', grow: true },
      { title: say('web.find.col.by'), align: 'left', grow: false },
    ],
    rows: hits.map((hit) => {
      if (hit.kind === 'port') {
        const path = `/ports/${hit.port}${hit.transport === null ? '' : `/${hit.transport}`}`;
        return [
          [{ kind: 'link', to: path, text: path.slice('/ports/'.length) }],
          [fact(hit.names.join(', '))],
          [],
        ];
      }
      const { entry } = hit;
      return [
        [{ kind: 'link', to: `/services/${entry.slug}`, text: entry.name, lang: FACTS_LANGUAGE }],
        portLinks(entry.ports),
        [fact(entry.vendors.join(', '))],
      ];
    }),
  };
}

function claimsTable(claims: readonly Claim[]): Node {
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('web.find.col.port'), align: 'left', grow: false },
      { title: say('web.find.col.name'), align: 'left', grow: false },
      { title: say('web.find.col.note'), align: 'left', grow: true },
    ],
    rows: claims.map((claim) => [
      portLinks([claim.ports]),
      [fact(claim.product ?? claim.service)],
      [fact(claim.note ?? (claim.product === null ? '' : claim.service))],
    ]),
  };
}

/** Ports with a way to each; of a run to its first. */
function portLinks(ports: readonly PortRange[]): Inline[] {
  const links = ports.slice(0, PORTS).map(
    ([first, last]): Inline => ({
      kind: 'link',
      to: `/ports/${first}`,
      text: first === last ? String(first) : `${first}–${last}`,
    }),
  );
  const more = ports.length - PORTS;
  return [
    ...links.flatMap((link, index): Inline[] => (index === 0 ? [link] : [data(', '), link])),
    ...(more > 0 ? [data(' '), said(say('web.home.more', { count: more }), 'dim')] : []),
  ];
}
