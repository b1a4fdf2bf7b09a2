// Messages to sentences: picks the language's catalog, the plural form, and puts the values in.
import type { Message, MessageValue, MessageValues } from '../model/message.ts';
import { formatDate, formatDecimal, formatNumber, formatPercent, localeOf } from './locale.ts';
import en from './messages/en.json' with { type: 'json' };
import { isPageKey } from './page-keys.ts';
import { type Compiled, compile, type Pieces, type Template } from './template.ts';

/** Every sentence there is, of the program and of the pages alone (`web.`); the English catalogs decide. */
export type MessageKey =
  | keyof typeof import('./messages/en.json', { with: { type: 'json' }})
  | keyof typeof import('./messages/web/en.json', { with: { type: 'json' }});

/** A catalog as its file has it. */
type Catalog = Readonly<Record<string, Template>>;

/** Who speaks: the program, in the languages that have all of its sentences; or pages, which say only some of them. */
export type Speaker = 'program' | 'pages';

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

/** Says messages in one language. */
export interface Translator {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  /** The sentence; throws for a key or a value that is missing, which is a fault of ours. */
  say(message: Message): string;
  /** A count, its thousands grouped, in Latin digits; for markup of its own. A port is no count: it is not grouped. */
  number(value: number): string;
  /** "A, B and C" as the language has it. */
  list(items: readonly string[]): string;
  /** A date in digits, for markup of its own; `iso` is `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. */
  date(iso: string): string;
}

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

/** Text whose direction is known, or found by its first letter, kept apart from what stands around it (UAX #9 s2.4). */
const LTR_ISOLATE = '\u2066';
const RTL_ISOLATE = '\u2067';
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

/** Characters that steer direction: in a value from outside they could turn the sentence around. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function speaking(lang: string, catalog: Catalog, speaker: Speaker): Translator {
  const locale = localeOf(lang);
  const isolates = locale.dir === 'rtl';
  const compiled = new Map<string, Compiled>();
  let plurals: Intl.PluralRules | undefined;
  let lists: Intl.ListFormat | undefined;

  /** Compiled when it is said for the first time. */
  const sentence = (key: string): Compiled => {
    const template = Object.hasOwn(catalog, key) ? catalog[key] : undefined;
    if (template === undefined) throw new Error(`no text for ${key} in ${lang}`);
    // In every language, so that a page that is tried in one of them shows what others lack.
    if (speaker === 'pages' && !isPageKey(key)) throw new Error(`pages have no text for ${key}`);
    const made = compile(template);
    compiled.set(key, made);
    return made;
  };

  const formOf = (made: Compiled, { key, values }: Message): Pieces => {
    if (made.by === null) return made.pieces;
    const count = values[made.by];
    if (typeof count !== 'number') throw new Error(`message without its number: ${made.by} in ${key}`);
    plurals ??= new Intl.PluralRules(lang);
    return made.forms[plurals.select(count)] ?? made.other;
  };

  const figures = (text: string): string => (isolates ? `${LTR_ISOLATE}${text}${POP_ISOLATE}` : text);
  const outside = (text: string): string => {
    const safe =
      speaker === 'pages'
        ? text.replace(BIDI_CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
        : text;
    return isolates && safe !== '' ? `${FIRST_STRONG_ISOLATE}${safe}${POP_ISOLATE}` : safe;
  };
  const dated = (iso: string): string =>
    isolates ? `${RTL_ISOLATE}${formatDate(iso, locale)}${POP_ISOLATE}` : formatDate(iso, locale);
  const show = (value: MessageValue, grouped: boolean): string => {
    if (typeof value === 'string') return outside(value);
    if (typeof value === 'number') return figures(grouped ? formatNumber(value, locale) : String(value));
    if ('key' in value) return sayIt(value);
    if ('share' in value) {
      // Digits that nobody can rely on are not shown.
      const small = value.share < 0.001;
      return small ? sayIt({ key: 'share.small', values: {} }) : figures(formatPercent(value.share, locale));
    }
    if ('decimal' in value) return figures(formatDecimal(value.decimal, locale));
    if ('date' in value) return dated(value.date);
    return value.list
      .map((item) => (typeof item === 'string' ? outside(item) : sayIt(item)))
      .join(locale.separator);
  };
  const sayIt = (message: Message): string => {
    const { key, values } = message;
    let text = '';
    for (const piece of formOf(compiled.get(key) ?? sentence(key), message)) {
      text += typeof piece === 'string' ? piece : show(valueOf(values, piece.name, key), piece.grouped);
    }
    return text;
  };
  return {
    lang,
    dir: locale.dir,
    say: sayIt,
    number: (value) => formatNumber(value, locale),
    list(items) {
      lists ??= new Intl.ListFormat(lang);
      return lists.format(items.map(outside));
    },
    date: (iso) => formatDate(iso, locale),
  };
}

/** A missing value is a fault of ours and throws. */
function valueOf(values: MessageValues, name: string, key: string): MessageValue {
  const value = values[name];
  if (value === undefined) throw new Error(`message value missing: ${name} in ${key}`);
  return value;
}
