// Says messages from a catalog: picks the plural form, and puts the values in. Knows no catalog, so that a browser may bring
// the part of one that it needs.
import type { Message, MessageValue, MessageValues } from '../model/message.ts';
import { formatDate, formatDecimal, formatNumber, formatPercent, localeOf } from './locale.ts';
import { isPageKey } from './page-keys.ts';
import { type Compiled, compile, type Pieces, type Template } from './template.ts';

/** A catalog as its file has it, or a part of one. */
export type Catalog = Readonly<Record<string, Template>>;

/** Who speaks: the program, in the languages that have all of its sentences; or pages, which say only some of them. */
export type Speaker = 'program' | 'pages';

/** Says messages in one language. */
export interface Translator {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  /** The sentence; throws for a key or a value that is missing, which is a fault of ours. */
  say(message: Message): string;
  /** The sentences whose keys begin so, for a program in the browser that says them by itself. */
  part(prefixes: readonly string[]): Catalog;
  /** A count, its thousands grouped, in Latin digits; for markup of its own. A port is no count: it is not grouped. */
  number(value: number): string;
  /** "A, B and C" as the language has it. */
  list(items: readonly string[]): string;
  /** A date in digits, for markup of its own; `iso` is `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. */
  date(iso: string): string;
}

/** Text whose direction is known, or found by its first letter, kept apart from what stands around it (UAX #9 s2.4). */
const LTR_ISOLATE = '\u2066';
const RTL_ISOLATE = '\u2067';
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

/** Characters that steer direction: in a value from outside they could turn the sentence around. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The translator that says what stands in a catalog; throws RangeError for a language that we cannot write numbers of. */
export function speaking(lang: string, catalog: Catalog, speaker: Speaker): Translator {
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
    part: (prefixes) =>
      Object.fromEntries(
        Object.entries(catalog).filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix))),
      ),
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
