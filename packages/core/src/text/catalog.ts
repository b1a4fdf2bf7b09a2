// Messages to sentences: picks the language's catalog, the plural form, and puts the values in.
import type { Message, MessageValue, MessageValues } from '../model/message.ts';
import en from './messages/en.json' with { type: 'json' };

/** Every sentence there is; the English catalog decides. */
export type MessageKey = keyof typeof import('./messages/en.json', { with: { type: 'json' }});

/** Plural forms by CLDR category (Intl.PluralRules), chosen by the value `count`. */
type Template = string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;

const CATALOGS: Readonly<Record<string, Readonly<Record<MessageKey, Template>>>> = { en };

/** Languages that have a catalog, as BCP 47 tags. */
export const LANGUAGES: readonly string[] = Object.keys(CATALOGS);

/** Says messages in one language. */
export interface Translator {
  readonly lang: string;
  say(message: Message): string;
}

/** A value that decides the plural when it is not called `count`. */
const PLURAL_BY = ['count', 'sockets', 'processes'];

/** The translator for a language tag; throws RangeError for one without a catalog. */
export function translator(lang: string): Translator {
  const catalog = CATALOGS[lang];
  if (catalog === undefined) throw new RangeError(`no catalog for ${lang}`);
  const plural = new Intl.PluralRules(lang);
  const numbers = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const percents = new Intl.NumberFormat(lang, { style: 'percent', maximumSignificantDigits: 2 });
  const sayIt = ({ key, values }: Message): string =>
    fill(choose(catalog[key], values, plural), values, (value, grouped) => {
      if (typeof value === 'string') return value;
      if (typeof value === 'number') return grouped ? numbers.format(value) : String(value);
      if ('key' in value) return sayIt(value);
      if ('share' in value) return percents.format(value.share);
      return value.list.map((item) => (typeof item === 'string' ? item : sayIt(item))).join(', ');
    });
  return { lang, say: sayIt };
}

function choose(template: Template, values: MessageValues, plural: Intl.PluralRules): string {
  if (typeof template === 'string') return template;
  const by = PLURAL_BY.map((name) => values[name]).find((value) => typeof value === 'number');
  return template[plural.select(Number(by ?? 0))] ?? template.other ?? '';
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
