// The page of all sources: where every claim was read, and how many each gave.
import type { Source } from '../../model/claim.ts';
import { type Message, say } from '../../model/message.ts';
import { data, type Inline, said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** Edition and date of a source, of which one may be the other; null where it has neither. */
export function sourceDate({ edition = null, date }: Source): Message | null {
  if (date === null) return edition === null ? null : say('web.sources.edition', { edition });
  if (edition === null || edition === date) return say('web.sources.date', { date: { date } });
  return say('web.sources.read', { edition, date: { date } });
}

function dateCell(source: Source): Inline[] {
  const words = sourceDate(source);
  return words === null ? [] : [said(words)];
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
              dateCell(source),
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
