// The door for pages: views of the site and their HTML. Apart from the library door, so that the program's start does not
// pay for it.

export {
  connectionPorts,
  type HeldMark,
  type LiveChart,
  liveChartOf,
} from './decide/live-chart.ts';
export { Lookup, type LookupEntry, type LookupHit, portQuery } from './decide/lookup.ts';
export { systemRanges } from './decide/pasted.ts';
export { redirectHolder, toHolder } from './decide/use.ts';
export { type Message, say } from './model/message.ts';
export type { Gap } from './model/socket.ts';
export { cardElements, hereElements, hereWhole } from './render/html/blocks.ts';
export type { ChartPlaces, ChartWords } from './render/html/chart.ts';
export {
  ATTRIBUTE_NAMES,
  ELEMENT_NAMES,
  type Element,
  elementHtml,
} from './render/html/element.ts';
export type { Links, PageEnv, SiteLanguage } from './render/html/env.ts';
export { pageHtml } from './render/html/page.ts';
export type { PastePlaces } from './render/html/paste.ts';
export { printable } from './render/printable.ts';
export { loadTranslator, PAGE_LANGUAGES } from './text/catalog.ts';
export { type Catalog, speaking, type Translator } from './text/speak.ts';
export { gapMessages } from './view/holder-words.ts';
export { rangesWords } from './view/ranges-words.ts';
export { portCard } from './view/web/card.ts';
export { findWebPage, missingWebPage } from './view/web/find.ts';
export { closedHerePage, type HerePageInput, hereWebPage } from './view/web/here.ts';
export { homeWebPage, type Thousand } from './view/web/home.ts';
export { lostWebPage } from './view/web/lost.ts';
export { type PastedHolder, pastedHolder, pasteWebPage } from './view/web/paste.ts';
export { type PortPageInput, portWebPage, type Surroundings } from './view/web/port.ts';
export {
  type RangePageInput,
  rangeWebPage,
  type ThousandPageInput,
  thousandRange,
  thousandWebPage,
} from './view/web/range.ts';
export { type ServicePageInput, serviceWebPage } from './view/web/service.ts';
export { type SourcesPageInput, sourcesWebPage } from './view/web/sources.ts';
export type { Hundred, WebPage } from './view/web/tree.ts';
