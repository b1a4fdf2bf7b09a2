// JSON with comments and trailing commas to trees; what is broken becomes a fault and the rest goes on.
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Fault, TextFile } from './text-file.ts';
import type { Entry, Tree } from './tree.ts';

/** What a JSON text holds. */
export interface JsonTree {
  readonly tree: Tree | null;
  readonly faults: readonly Fault[];
}

/** Most faults told of one file: one broken bracket makes many. */
const FAULTS_TOLD = 3;

/** Reads a JSON text. */
export function readJson(file: TextFile): JsonTree {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(file.text, errors, { allowTrailingComma: true });
  } catch (error) {
    const detail = error instanceof RangeError ? 'nested too deeply' : String(error);
    return { tree: null, faults: [{ kind: 'broken', line: 1, detail }] };
  }
  const faults = errors.slice(0, FAULTS_TOLD).map(
    ({ error, offset }): Fault => ({
      kind: 'broken',
      line: file.lineAt(offset),
      detail: spaced(printParseErrorCode(error)),
    }),
  );
  try {
    return { tree: root === undefined ? null : treeOf(root, file), faults };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { tree: null, faults: [...faults, { kind: 'broken', line: 1, detail: 'nested too deeply' }] };
  }
}

/** `CommaExpected` to words. */
function spaced(code: string): string {
  return code.replace(/([a-z])([A-Z])/g, (_whole, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

function treeOf(node: Node, file: TextFile): Tree {
  const { type, offset, length, children = [] } = node;
  if (type === 'array') {
    return { kind: 'list', items: children.map((child) => treeOf(child, file)), at: offset };
  }
  if (type === 'object') {
    const entries = new Map<string, Entry>();
    for (const { children: pair = [] } of children) {
      const [key, value] = pair;
      if (key === undefined || value === undefined) continue;
      entries.set(String(key.value), { keyAt: key.offset, value: treeOf(value, file) });
    }
    return { kind: 'table', entries, at: offset };
  }
  return {
    kind: 'leaf',
    text: type === 'null' ? '' : String(node.value),
    plain: type !== 'string',
    at: offset,
    raw: file.text.slice(offset, offset + length),
  };
}
