// The page of all sources: where every claim was read, and how many each gave.
import type { Source } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import { data, said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** What the page is made from. */
export interface SourcesPageInput {
  readonly sources: readonly { readonly source: Source; readonly claims: number }[];
}

/** The page of all sources, those that gave most first. */
export function sourcesWebPage({ sources }: SourcesPageInput): WebPage {
  const ordered = sources.toSorted(
    (a, b) => b.claims - a.claims || (a.source.title < b.source.title ? -1 : 1),
  );
  return {
    path: '/sources',
    title: say('web.section.sources'),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { words: say('web.section.sources') },
    lead: [[said(say('web.sources.lead'), 'strong')], [said(say('web.sources.kinds'))]],
    counts: [say('web.count.sources', { count: sources.length })],
    ruler: null,
    main: [
      {
        id: 'list',
        title: say('web.section.all-sources'),
        blocks: [
          {
            kind: 'table',
            header: true,
            columns: [
              { title: say('web.col.source'), align: 'left', grow: true },
              { title: say('web.col.edition'), align: 'left', grow: false },
              { title: say('web.col.claims'), align: 'right', grow: false },
            ],
            rows: ordered.map(({ source, claims }) => [
              [{ kind: 'outside', to: source.url, text: source.title }],
              [
                data(
                  [...new Set([source.edition ?? null, source.date])].filter((x) => x !== null).join(', '),
                ),
              ],
              [data(String(claims))],
            ]),
          },
        ],
      },
    ],
    rail: [],
    sources: [],
    index: true,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: [],
  };
}
