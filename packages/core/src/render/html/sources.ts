// The numbered sources of a page, each with a way back to where it is used.

import type { Source } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import { sourceDate } from '../../view/web/sources.ts';
import { type PageEnv, remembered } from './env.ts';
import { h, Markup } from './escape.ts';
import { inlineMarkup } from './nodes.ts';

/** The list of sources. */
export function sourcesHtml(
  sources: readonly { readonly n: number; readonly source: Source }[],
  env: PageEnv,
): Markup {
  const { lang } = env;
  let items = '';
  for (const { n, source } of sources) {
    const back = env.marked.has(n) ? backHtml(n, env).html : '';
    items += `<li id="s${n}">${remembered(source, env, () => sourceHtml(source, env)).html}${back}</li>`;
  }
  return h`<section id="sources" aria-labelledby="h-sources"><h2 id="h-sources">${lang.say(say('web.section.sources'))}</h2><ol>${new Markup(items)}</ol></section>`;
}

/** The way back to where a source is first pointed at. */
function backHtml(n: number, env: PageEnv): Markup {
  return remembered(
    `back ${n}`,
    env,
    () =>
      h` <a class="back" href="#r${n}" aria-label="${env.lang.say(say('web.sources.back', { n }))}">↑</a>`,
  );
}

/** One source: its title as a link where it has an address, its edition and date. */
function sourceHtml(source: Source, env: PageEnv): Markup {
  const foreign = env.lang.lang === 'en' ? null : h` lang="en" dir="ltr"`;
  const when = sourceDate(source);
  const title = /^https?:\/\//.test(source.url)
    ? h`<a href="${source.url}" rel="external noreferrer"${foreign}>${source.title}</a>`
    : h`<span${foreign}>${source.title}</span>`;
  return h`${title}${when.length === 0 ? null : h` <span class="meta">${inlineMarkup(when, env)}</span>`}`;
}
