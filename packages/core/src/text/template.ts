// Templates of a catalog, compiled once into pieces: pages are said by the ten thousand a second.

/** Plural forms by CLDR category (Intl.PluralRules), chosen by the value that `by` names, else by `count`. */
export type Template = string | Readonly<Partial<Record<Intl.LDMLPluralRule | 'by', string>>>;

/** The place of a value: `{name}` as it stands, `{name:n}` as a number of the language. */
export interface Slot {
  readonly name: string;
  readonly grouped: boolean;
}

/** Words and places in their order. */
export type Pieces = readonly (string | Slot)[];

/** A template ready to be filled. */
export type Compiled =
  | { readonly by: null; readonly pieces: Pieces }
  | {
      /** The value that the form is chosen by. */
      readonly by: string;
      readonly forms: Readonly<Partial<Record<string, Pieces>>>;
      /** What is said where the category has no form of its own. */
      readonly other: Pieces;
    };

/** Compiles a template. */
export function compile(template: Template): Compiled {
  if (typeof template === 'string') return { by: null, pieces: piecesOf(template) };
  const { by = 'count', ...texts } = template;
  const forms = Object.fromEntries(Object.entries(texts).map(([form, text]) => [form, piecesOf(text)]));
  return { by, forms, other: forms['other'] ?? [] };
}

function piecesOf(text: string): Pieces {
  const pieces: (string | Slot)[] = [];
  let from = 0;
  for (const match of text.matchAll(/\{([a-zA-Z]+)(:n)?\}/g)) {
    if (match.index > from) pieces.push(text.slice(from, match.index));
    pieces.push({ name: match[1] ?? '', grouped: match[2] !== undefined });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces;
}
