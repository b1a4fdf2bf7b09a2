// Messages to sentences: picks the language's catalog, the plural form, and puts the values in.
import type { Message, MessageValue, MessageValues } from '../model/message.ts';
import en from './messages/en.json' with { type: 'json' };

/** Every sentence there is; the English catalogs decide: what the program says, and what only pages say. */
export type MessageKey =
  | keyof typeof import('./messages/en.json', { with: { type: 'json' }})
  | keyof typeof import('./messages/web/en.json', { with: { type: 'json' }});

/** Plural forms by CLDR category (Intl.PluralRules), chosen by the value that `by` names, else by `count`. */
type Template = string | Readonly<Partial<Record<Intl.LDMLPluralRule | 'by', string>>>;

const CATALOGS: Readonly<Record<string, Readonly<Record<string, Template>>>> = { en };

/** Languages that have a catalog, as BCP 47 tags. */
export const LANGUAGES: readonly string[] = Object.keys(CATALOGS);

/** Says messages in one language. */
export interface Translator {
  readonly lang: string;
  say(message: Message): string;
}

/** The translator for a language tag; throws RangeError for one without a catalog. */
export function translator(lang: string): Translator {
  const catalog = Object.hasOwn(CATALOGS, lang) ? CATALOGS[lang] : undefined;
  if (catalog === undefined) throw new RangeError(`no catalog for ${lang}`);
  return translatorOf(lang, catalog);
}

/** Languages of the pages. */
export const PAGE_LANGUAGES: readonly {
  readonly tag: string;
  readonly name: string;
  readonly dir: 'ltr' | 'rtl';
}[] = [{ tag: 'en', name: 'English', dir: 'ltr' }];

/** The translator of the pages. */
export async function loadTranslator(lang: string, _scope: 'program' | 'pages'): Promise<Translator> {
  const web = await import('./messages/web/en.json', { with: { type: 'json' } });
  return translatorOf(lang, { ...en, ...web.default });
}

function translatorOf(lang: string, catalog: Readonly<Record<string, Template>>): Translator {
  const rules = NUMBER_RULES[lang] ?? PLAIN_NUMBERS;
  let plurals: Intl.PluralRules | undefined;
  const plural: PluralChoice = (value) => {
    plurals ??= new Intl.PluralRules(lang);
    return plurals.select(value);
  };
  const sayIt = ({ key, values }: Message): string =>
    fill(choose(catalog[key] ?? '', values, plural), values, (value, grouped) => {
      if (typeof value === 'string') return value;
      if (typeof value === 'number') return grouped ? formatNumber(value, rules) : String(value);
      if ('key' in value) return sayIt(value);
      if ('share' in value) {
        // Digits that nobody can rely on are not shown.
        const small = value.share < 0.001;
        return small ? sayIt({ key: 'share.small', values: {} }) : formatPercent(value.share, rules);
      }
      return value.list.map((item) => (typeof item === 'string' ? item : sayIt(item))).join(', ');
    });
  return { lang, say: sayIt };
}

/** Chooses the CLDR plural category of a number. */
type PluralChoice = (value: number) => Intl.LDMLPluralRule;

/** How a language writes numbers (CLDR, numbers/symbols). */
interface NumberRules {
  readonly group: string;
  readonly decimal: string;
  /** Between the number and the percent sign. */
  readonly percentGap: string;
}

/**
 * By language. Kept as data: making an Intl.NumberFormat loads ICU's tables, which takes longer (11 ms on the
 * machine of docs/performance.md) than finding out who holds a port.
 */
const NUMBER_RULES: Readonly<Record<string, NumberRules>> = {
  en: { group: ',', decimal: '.', percentGap: '' },
};
const PLAIN_NUMBERS: NumberRules = { group: '', decimal: '.', percentGap: '' };

/** A number with its thousands grouped and at most one digit after the point. */
function formatNumber(value: number, rules: NumberRules): string {
  const [whole = '0', part] = String(Math.round(value * 10) / 10).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, rules.group);
  return part === undefined ? grouped : `${grouped}${rules.decimal}${part}`;
}

/** A share of 1 in percent, two significant digits. */
function formatPercent(share: number, rules: NumberRules): string {
  const percent = Number((share * 100).toPrecision(2));
  return `${String(percent).replace('.', rules.decimal)}${rules.percentGap}%`;
}

function choose(template: Template, values: MessageValues, plural: PluralChoice): string {
  if (typeof template === 'string') return template;
  const count = values[template.by ?? 'count'];
  if (typeof count !== 'number') throw new Error(`message without its number: ${template.by ?? 'count'}`);
  return template[plural(count)] ?? template.other ?? '';
}

/** `{name}` as it stands, `{name:n}` as a number of the language. A missing value is a fault of ours and throws. */
function fill(
  template: string,
  values: MessageValues,
  show: (value: MessageValue, grouped: boolean) => string,
): string {
  return template.replace(/\{([a-zA-Z]+)(:n)?\}/g, (_whole, name: string, grouped: string | undefined) => {
    const value = values[name];
    if (value === undefined) throw new Error(`message value missing: ${name} in “${template}”`);
    return show(value, grouped !== undefined);
  });
}
