// The page that stands where no page is.
import { say } from '../../model/message.ts';
import { said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** What a web host shows for an address that has nothing. */
export function lostWebPage(): WebPage {
  return {
    path: '/404',
    title: say('web.lost.title'),
    crumbs: [],
    heading: { words: say('web.lost.title') },
    lead: [[said(say('web.lost'))]],
    counts: [],
    ruler: null,
    main: [],
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
