// The page of all sources: where every claim was read, and how many each gave.
import type { Source } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import { data, fact, type Inline, joined, said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** Edition and date of a source, of which one may be the other; nothing where it has neither. */
export function sourceDate({ edition = null, date }: Source): Inline[] {
  const what = edition === null || edition === date ? [] : [[fact(edition)]];
  const when = date === null ? [] : [[said(say('web.sources.date', { date: { date } }))]];
  return joined([...what, ...when], ', ');
}

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
              sourceDate(source),
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
