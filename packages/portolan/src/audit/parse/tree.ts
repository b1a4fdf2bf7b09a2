// One shape for what YAML and JSON hold, each value with where it stands, so that one reader serves both.

/**
 * What a tag says about values of the same name that this one is merged over (Compose file reference, merge): `reset`
 * takes them all away, its own value included; `override` takes its own in their place.
 */
export type MergeTag = 'reset' | 'override';

/** A value that is no collection. */
export interface Leaf {
  readonly merge?: MergeTag;
  readonly kind: 'leaf';
  /** The value as text; empty for null. */
  readonly text: string;
  /** True where it is written without quotes, so that YAML may take it for a number. */
  readonly plain: boolean;
  /** Offset and text as written, quotes included. */
  readonly at: number;
  readonly raw: string;
}

/** An ordered list. */
export interface Branch {
  readonly merge?: MergeTag;
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly at: number;
}

/** Names with values; merge keys are already merged in. */
export interface Table {
  readonly merge?: MergeTag;
  readonly kind: 'table';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: number;
}

/** A name and its value; `keyAt` is where the name is written. */
export interface Entry {
  readonly keyAt: number;
  readonly value: Tree;
}

export type Tree = Leaf | Branch | Table;

/** The value under a name; undefined where there is none. */
export function under(tree: Tree | undefined, ...names: readonly string[]): Tree | undefined {
  return names.reduce<Tree | undefined>(
    (found, name) => (found?.kind === 'table' ? found.entries.get(name)?.value : undefined),
    tree,
  );
}

/** The leaf under a name; null where there is none. */
export function leafUnder(tree: Tree | undefined, ...names: readonly string[]): Leaf | null {
  const found = under(tree, ...names);
  return found?.kind === 'leaf' ? found : null;
}

/** Text of the leaf under a name; null where there is none. */
export function textUnder(tree: Tree | undefined, ...names: readonly string[]): string | null {
  return leafUnder(tree, ...names)?.text ?? null;
}

/** Items of the list under a name; none where there is no list. */
export function itemsUnder(tree: Tree | undefined, ...names: readonly string[]): readonly Tree[] {
  const found = names.length === 0 ? tree : under(tree, ...names);
  return found?.kind === 'list' ? found.items : [];
}

/** Where a piece of a leaf's value stands in the source: escapes and folded lines may set the two apart. */
export function spotOf(leaf: Leaf, at: number, length: number): { at: number; length: number } {
  const { text, raw } = leaf;
  const whole = raw.indexOf(text);
  if (whole !== -1) return { at: leaf.at + whole + at, length };
  // Digits are hardly ever escaped: the n-th run of digits of the value is the n-th of the source.
  const piece = text.slice(at, at + length);
  const before = [...text.slice(0, at).matchAll(DIGITS)].length;
  const same = [...raw.matchAll(DIGITS)][before];
  if (same !== undefined && same[0] === piece) return { at: leaf.at + same.index, length };
  return { at: leaf.at, length: Math.max(1, raw.length) };
}

const DIGITS = /\d+/g;
