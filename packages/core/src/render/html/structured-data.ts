// What the page says of itself to search engines (JSON-LD with schema.org's words).
import type { WebPage } from '../../view/web/tree.ts';
import type { PageEnv } from './env.ts';
import { h, Markup } from './escape.ts';

/** Address of IANA's registry, the set of terms that port numbers are taken from. */
const REGISTRY = 'https://www.iana.org/assignments/service-names-port-numbers/';

/** The JSON-LD of a page that defines a term and has a fixed place; nothing for others. */
export function structuredData(
  page: WebPage,
  title: string,
  description: string,
  env: PageEnv,
): Markup | null {
  const address = env.links.absolute(env.lang.lang, page.canonical ?? page.path);
  if (page.term === null || address === null) return null;
  const graph: unknown[] = [
    {
      '@type': 'TechArticle',
      '@id': address,
      headline: title,
      inLanguage: env.lang.lang,
      description,
      about: {
        '@type': 'DefinedTerm',
        name: title,
        termCode: page.term.code,
        inDefinedTermSet: REGISTRY,
      },
      citation: page.sources.map(({ source }) => source.url),
    },
    {
      '@type': 'BreadcrumbList',
      itemListElement: page.crumbs.map(({ to, text }, index) => ({
        '@type': 'ListItem',
        position: index + 1,
        name: env.lang.say(text),
        item: env.links.absolute(env.lang.lang, to),
      })),
    },
  ];
  const questions = page.main.flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.kind === 'questions' ? block.items : [])),
  );
  if (page.term.specific && questions.length > 0) {
    graph.push({
      '@type': 'FAQPage',
      mainEntity: questions.map(({ question, answer }) => ({
        '@type': 'Question',
        name: env.lang.say(question),
        acceptedAnswer: {
          '@type': 'Answer',
          text: answer
            .map((piece) => (piece.kind === 'say' ? env.lang.say(piece.message) : ''))
            .filter((text) => text !== '')
            .join(' '),
        },
      })),
    });
  }
  const json = JSON.stringify({ '@context': 'https://schema.org', '@graph': graph });
  // Inside a script element nothing is an entity; `<` alone could end it.
  return h`<script type="application/ld+json">${new Markup(json.replaceAll('<', '\\u003c'))}</script>`;
}
