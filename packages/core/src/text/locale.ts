// How languages write numbers, lists and dates, and which way they run: data, for every language there is.

/**
 * One language. Kept as data: making an Intl.NumberFormat loads ICU's tables, which takes longer (11 ms on the
 * machine of docs/performance.md) than finding out who holds a port. A test holds it against Intl.
 */
export interface Locale {
  /** What its speakers call it. */
  readonly name: string;
  readonly dir: 'ltr' | 'rtl';
  /** Between thousands (CLDR, numbers/symbols/group). Digits are Latin in every language. */
  readonly group: string;
  readonly decimal: string;
  /** Between the number and the percent sign. */
  readonly percentGap: string;
  /** Between the items of a bare enumeration, one that may end in "and 2 more". */
  readonly separator: string;
  /** A day and a month in digits, with `d`, `M` and `y`; months written out would need the sentence's case. */
  readonly day: string;
  readonly month: string;
}

const LOCALES: Readonly<Record<string, Locale>> = {
  // English readers disagree on which of 3/4 is the month, so that English has ISO 8601.
  en: {
    name: 'English',
    dir: 'ltr',
    group: ',',
    decimal: '.',
    percentGap: '',
    separator: ', ',
    day: 'yyyy-MM-dd',
    month: 'yyyy-MM',
  },
  cs: {
    name: 'Čeština',
    dir: 'ltr',
    group: '\u00a0',
    decimal: ',',
    percentGap: '\u00a0',
    separator: ', ',
    day: 'd.\u00a0M.\u00a0y',
    month: 'M/y',
  },
  de: {
    name: 'Deutsch',
    dir: 'ltr',
    group: '.',
    decimal: ',',
    percentGap: '\u00a0',
    separator: ', ',
    day: 'd.M.y',
    month: 'M/y',
  },
  ar: {
    name: 'العربية',
    dir: 'rtl',
    group: ',',
    decimal: '.',
    percentGap: '',
    separator: '، ',
    day: 'd\u200f/M\u200f/y',
    month: 'M\u200f/y',
  },
};

/** The locale of a language tag; throws RangeError for one that is not there. */
export function localeOf(lang: string): Locale {
  const locale = Object.hasOwn(LOCALES, lang) ? LOCALES[lang] : undefined;
  if (locale === undefined) throw new RangeError(`no catalog for ${lang}`);
  return locale;
}

/** A number with its thousands grouped and at most one digit after the point. */
export function formatNumber(value: number, { group, decimal }: Locale): string {
  const [whole = '0', part] = String(Math.round(value * 10) / 10).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, group);
  return part === undefined ? grouped : `${grouped}${decimal}${part}`;
}

/** A number with exactly one digit after the point. */
export function formatDecimal(value: number, { decimal }: Locale): string {
  return value.toFixed(1).replace('.', decimal);
}

/** A share of 1 in percent, two significant digits. */
export function formatPercent(share: number, { decimal, percentGap }: Locale): string {
  const percent = Number((share * 100).toPrecision(2));
  return `${String(percent).replace('.', decimal)}${percentGap}%`;
}

/** `2026`, `2026-11` or `2026-11-25` in digits as the language orders them; anything else as it stands. */
export function formatDate(iso: string, { day, month }: Locale): string {
  const match = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(iso);
  if (match === null) return iso;
  const [, y = '', MM = '', dd] = match;
  const parts: Record<string, string> = {
    yyyy: y,
    y,
    MM,
    M: String(Number(MM)),
    dd: dd ?? '',
    d: String(Number(dd)),
  };
  return (dd === undefined ? month : day).replace(/yyyy|y|MM|M|dd|d/g, (name) => parts[name] ?? name);
}
