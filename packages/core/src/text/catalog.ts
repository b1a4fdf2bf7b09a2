// Messages to sentences: the languages there are, and the catalog of each.
import { localeOf } from './locale.ts';
import en from './messages/en.json' with { type: 'json' };
import { type Catalog, type Speaker, speaking, type Translator } from './speak.ts';

export type { Speaker, Translator } from './speak.ts';

/** Every sentence there is, of the program and of the pages alone (`web.`); the English catalogs decide. */
export type MessageKey =
  | keyof typeof import('./messages/en.json', { with: { type: 'json' }})
  | keyof typeof import('./messages/web/en.json', { with: { type: 'json' }});

/** Languages of the program, as BCP 47 tags. */
export const LANGUAGES: readonly string[] = ['en', 'cs'];

/** A language to choose: its tag, what its speakers call it, and the way it is written. */
export interface Language {
  readonly tag: string;
  readonly name: string;
  readonly dir: 'ltr' | 'rtl';
}

/** Languages of the pages. */
export const PAGE_LANGUAGES: readonly Language[] = ['en', 'cs', 'de', 'ar'].map((tag) => {
  const { name, dir } = localeOf(tag);
  return { tag, name, dir };
});

/** Every language but the program's English is loaded when somebody asks for it. */
const PROGRAM_CATALOGS: Readonly<Record<string, () => Promise<{ readonly default: Catalog }>>> = {
  en: () => Promise.resolve({ default: en }),
  cs: () => import('./messages/cs.json', { with: { type: 'json' } }),
  de: () => import('./messages/de.json', { with: { type: 'json' } }),
  ar: () => import('./messages/ar.json', { with: { type: 'json' } }),
};
const WEB_CATALOGS: Readonly<Record<string, () => Promise<{ readonly default: Catalog }>>> = {
  en: () => import('./messages/web/en.json', { with: { type: 'json' } }),
  cs: () => import('./messages/web/cs.json', { with: { type: 'json' } }),
  de: () => import('./messages/web/de.json', { with: { type: 'json' } }),
  ar: () => import('./messages/web/ar.json', { with: { type: 'json' } }),
};

/** The program's translator for English, which is always there; throws RangeError for any other tag. */
export function translator(lang: string): Translator {
  if (lang !== 'en') throw new RangeError(`no catalog for ${lang} at hand`);
  return speaking(lang, en, 'program');
}

/** The translator for a language tag; rejects with RangeError for one that the speaker has no catalog for. */
export async function loadTranslator(lang: string, speaker: Speaker): Promise<Translator> {
  const tags = speaker === 'program' ? LANGUAGES : PAGE_LANGUAGES.map(({ tag }) => tag);
  const program = tags.includes(lang) ? PROGRAM_CATALOGS[lang] : undefined;
  const web = WEB_CATALOGS[lang];
  if (program === undefined || web === undefined) throw new RangeError(`no catalog for ${lang}`);
  const said = (await program()).default;
  if (speaker === 'program') return speaking(lang, said, speaker);
  return speaking(lang, { ...said, ...(await web()).default }, speaker);
}
