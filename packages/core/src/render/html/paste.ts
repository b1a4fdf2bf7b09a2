// The frame of the paste box: the field, its buttons, and what the program in the browser needs to say by itself.
import type { SystemRange } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import type { MessageKey } from '../../text/catalog.ts';
import { PATTERN_PORT, type PageEnv } from './env.ts';
import { h, type Markup } from './escape.ts';
import { commandMarkup } from './nodes.ts';

/** Sentences that the browser says: what a holder is, what a tool does not show, why a line was not understood. */
const SAID: readonly string[] = [
  'web.paste.',
  'web.chart.is.claimed',
  'gap.printed-',
  'gap.exclusions-unreadable.',
  'gap.ranges-differ.',
  'gap.title',
  'gap.remedy',
  'holder.redirect.',
  'kind.',
  'names.more',
  'read.',
  'who.',
];

/** Where the browser finds names, and pages of ports; and which ports systems hand to connections. JSON in the page. */
export interface PastePlaces {
  readonly names: string;
  /** The index of the search, for services that were printed by name. */
  readonly search: string;
  /** Page of port 80, for that of every other. */
  readonly page: string;
  /** Page of the first thousand, where ports that nobody names have no page of their own; else null. */
  readonly thousand: string | null;
  readonly ranges: readonly SystemRange[];
}

/** The command that does the same in a terminal. */
const COMMAND = 'ss -tuanp | portolan read -';

/** The paste box. */
export function pasteHtml(ranges: readonly SystemRange[], env: PageEnv): Markup {
  const { lang, links } = env;
  const text = (key: MessageKey): string => lang.say(say(key));
  const places: PastePlaces = {
    names: links.asset('names.json'),
    search: links.asset('search.json'),
    page: links.page(`/ports/${PATTERN_PORT}`),
    thousand: links.everyPort ? null : links.page('/thousands/0'),
    ranges,
  };
  return h`<div class="paste" data-sentences="${JSON.stringify(lang.part(SAID))}" data-places="${JSON.stringify(places)}"><noscript><p class="need">${text('web.paste.need')}</p></noscript><div class="paste-box"><label for="pasted">${text('web.paste.label')}</label><p class="note" id="pasted-how">${text('web.paste.how')}</p><textarea id="pasted" dir="ltr" rows="9" spellcheck="false" autocomplete="off" autocapitalize="off" aria-describedby="pasted-how pasted-held" wrap="off"></textarea><p class="note" id="pasted-held"></p><p class="paste-do"><button type="button" data-do="example">${text('web.paste.example')}</button> <button type="button" data-do="clear">${text('web.paste.clear')}</button></p></div><p class="summary" role="status"></p><div class="pasted-lines"></div></div><div class="in-terminal"><p>${text('web.paste.terminal')}</p>${commandMarkup(COMMAND, env)}</div>`;
}
