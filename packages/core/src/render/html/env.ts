// What a page is rendered with: language, addresses, and what the outlet can do.
import type { Translator } from '../../text/catalog.ts';
import { Markup } from './escape.ts';

/** How pages, data and assets are addressed from the page that is being rendered. */
export interface Links {
  /** A page of this language, by its path without language. */
  page(path: string): string;
  /** The same page in another language. */
  inLanguage(tag: string, path: string): string;
  /** A file of the site, such as `style.css`. */
  asset(name: string): string;
  /** A page as data, which has no language. */
  data(path: string): string;
  /** Has every port a page? Else one that nobody names has its place on that of its thousand. */
  readonly everyPort: boolean;
  /** The whole address of a page, for search engines; null where the site has no fixed place. */
  absolute(tag: string, path: string): string | null;
}

/** A language that the site is there in. */
export interface SiteLanguage {
  readonly tag: string;
  readonly name: string;
}

/** What a page is rendered with. */
export interface PageEnv {
  readonly lang: Translator;
  readonly dir: 'ltr' | 'rtl';
  readonly languages: readonly SiteLanguage[];
  readonly links: Links;
  /** `live`: a server on this host answers. `closed`: it does, and not to this visitor. `static`: files. */
  readonly outlet: 'live' | 'closed' | 'static';
  /** Where answers to "was this useful?" go; null where nobody takes them. */
  readonly feedback: string | null;
  /** Where a search without script goes; null where there is no server. */
  readonly find: string | null;
  /** Address of the page's live data; null for a page without. */
  readonly live: string | null;
  /** Sources that were pointed at already; starts empty for each page. */
  readonly marked: Set<number>;
  /** Pieces that many pages share, by what they were made from; kept as long as language and `links` stay the same. */
  readonly memo: Map<unknown, string>;
}

/** A port that has a page wherever pages are; the address of every other is made from its own. */
export const PATTERN_PORT = 80;

/** A shared piece: made once, then taken from the memo. */
export function remembered(key: unknown, env: PageEnv, make: () => Markup): Markup {
  const before = env.memo.get(key);
  if (before !== undefined) return new Markup(before);
  const made = make();
  env.memo.set(key, made.html);
  return made;
}
