// YAML to trees: every document, aliases followed, merge keys merged, and bounded whatever the aliases multiply to.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from 'yaml';
import type { Fault, TextFile } from './text-file.ts';
import type { Entry, Tree } from './tree.ts';

/** Values that a document may come to once its aliases are followed; no honest file has as many. */
const EXPANDED_LIMIT = 1_000_000;

/** Deepest nesting that is followed. */
const DEPTH_LIMIT = 200;

/** What a YAML text holds. */
export interface YamlTrees {
  readonly trees: readonly Tree[];
  readonly faults: readonly Fault[];
}

/** Reads every document; what is broken becomes a fault and the rest goes on. */
export function readYaml(file: TextFile): YamlTrees {
  const faults: Fault[] = [];
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(file.text, {
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
      strict: false,
    });
    documents = 'empty' in parsed ? [] : parsed;
  } catch (error) {
    // Nesting deeper than the parser's stack.
    const detail = error instanceof RangeError ? 'nested too deeply' : String(error);
    return { trees: [], faults: [{ kind: 'broken', line: 1, detail }] };
  }
  const trees: Tree[] = [];
  for (const document of documents) {
    for (const { pos, message } of document.errors) {
      faults.push({ kind: 'broken', line: file.lineAt(pos[0]), detail: message });
    }
    if (document.contents === null) continue;
    const reader = new Reader(file, document.contents);
    const tree = reader.tree(document.contents, 0);
    for (const fault of reader.faults) faults.push(fault);
    if (tree !== null) trees.push(tree);
    if (reader.expanded > EXPANDED_LIMIT) {
      faults.push({ kind: 'bomb', line: reader.firstAlias, detail: reader.expanded.toExponential(1) });
    }
  }
  return { trees, faults };
}

/** Makes trees of one document; what aliases share is made once and shared. */
class Reader {
  readonly faults: Fault[] = [];
  /** How many values the document comes to with every alias written out. */
  expanded = 0;
  firstAlias = 1;
  readonly #file: TextFile;
  readonly #targets = new Map<Node, Node>();
  readonly #made = new Map<Node, { tree: Tree | null; size: number }>();
  readonly #open = new Set<Node>();

  constructor(file: TextFile, root: ParsedNode) {
    this.#file = file;
    this.#resolve(root);
  }

  tree(node: Node, depth: number): Tree | null {
    const { tree, size } = this.#make(node, depth);
    this.expanded = size;
    return tree;
  }

  /** An alias stands for the last anchor of its name before it (YAML 1.2.2 s7.1). */
  #resolve(root: Node): void {
    const anchors = new Map<string, Node>();
    const waiting: Node[] = [root];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) this.#targets.set(node, target);
        if (this.#targets.size === 1) this.firstAlias = this.#line(node);
        continue;
      }
      const { anchor } = node as { anchor?: string };
      if (anchor !== undefined) anchors.set(anchor, node);
      if (!isCollection(node)) continue;
      const children: Node[] = [];
      for (const item of node.items) {
        if (isPair(item))
          children.push(...([item.key, item.value].filter((part) => part !== null) as Node[]));
        else children.push(item as Node);
      }
      // One by one: as arguments there may not be as many as a list may have.
      for (const child of children.toReversed()) waiting.push(child);
    }
  }

  #line(node: Node): number {
    return this.#file.lineAt(node.range?.[0] ?? 0);
  }

  #make(node: Node, depth: number): { tree: Tree | null; size: number } {
    const known = this.#made.get(node);
    if (known !== undefined) return known;
    if (depth > DEPTH_LIMIT || this.#open.has(node)) {
      const detail = this.#open.has(node) ? 'an alias within what it stands for' : 'nested too deeply';
      this.faults.push({ kind: 'broken', line: this.#line(node), detail });
      return { tree: null, size: 1 };
    }
    this.#open.add(node);
    const made = tagged(node, this.#fresh(node, depth));
    this.#open.delete(node);
    this.#made.set(node, made);
    return made;
  }

  #fresh(node: Node, depth: number): { tree: Tree | null; size: number } {
    const [at = 0, end = at] = node.range ?? [];
    if (isAlias(node)) {
      const target = this.#targets.get(node);
      if (target !== undefined) return this.#make(target, depth + 1);
      this.faults.push({ kind: 'broken', line: this.#line(node), detail: `no anchor &${node.source}` });
      return { tree: null, size: 1 };
    }
    if (isScalar(node)) {
      const raw = this.#file.text.slice(at, end);
      const plain = node.type === 'PLAIN' || node.type === undefined;
      // Plain values keep their own spelling: 080 and 22:22 are what stands there and not what they count as.
      const text = plain
        ? (node.source ?? '')
        : typeof node.value === 'string'
          ? node.value
          : (node.source ?? '');
      const empty = plain && (node.value === null || node.value === undefined);
      return { tree: { kind: 'leaf', text: empty ? '' : text, plain, at, raw }, size: 1 };
    }
    if (isSeq(node)) {
      let size = 1;
      const items: Tree[] = [];
      for (const item of node.items) {
        const made = this.#make(item as Node, depth + 1);
        size += made.size;
        if (made.tree !== null) items.push(made.tree);
      }
      return { tree: { kind: 'list', items, at }, size };
    }
    if (!isMap(node)) return { tree: null, size: 1 };
    let size = 1;
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const { key, value } of node.items) {
      const name = this.#name(key as Node | null);
      const made = value === null ? null : this.#make(value as Node, depth + 1);
      size += made?.size ?? 1;
      if (name === null) continue;
      const keyAt = (key as Node).range?.[0] ?? at;
      if (name === '<<' && made !== null) merge(merged, made.tree);
      else
        own.set(name, {
          keyAt,
          value: made?.tree ?? { kind: 'leaf', text: '', plain: true, at: keyAt, raw: '' },
        });
    }
    for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
    return { tree: { kind: 'table', entries: own, at }, size };
  }

  #name(key: Node | null): string | null {
    const node = key !== null && isAlias(key) ? this.#targets.get(key) : key;
    return isScalar(node) ? String(node.source ?? node.value) : null;
  }
}

/** The tree with what its tag says of merging; a value that is reset is none, whatever stands there. */
function tagged<T extends { readonly tree: Tree | null }>(node: Node, made: T): T {
  const tag = isAlias(node) ? undefined : (node as { tag?: string }).tag;
  const { tree } = made;
  if (tree === null || (tag !== '!reset' && tag !== '!override')) return made;
  const none: Tree = { kind: 'leaf', text: '', plain: true, at: tree.at, raw: '' };
  return {
    ...made,
    tree: tag === '!reset' ? { ...none, merge: 'reset' } : { ...tree, merge: 'override' },
  };
}

/** Merge key (YAML 1.1 type repository, merge): of several maps the first that has a name gives its value. */
function merge(into: Map<string, Entry>, tree: Tree | null): void {
  const maps = tree?.kind === 'list' ? tree.items : tree === null ? [] : [tree];
  for (const map of maps) {
    if (map.kind !== 'table') continue;
    for (const [name, entry] of map.entries) if (!into.has(name)) into.set(name, entry);
  }
}
