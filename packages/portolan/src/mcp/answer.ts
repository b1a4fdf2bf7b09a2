// An answer of a tool: the contract's JSON for the program, and a short text of the same for the model.
import { type Page, type Node as PageNode, renderTerminal, say } from '@portolan/core';
import type { Context } from '../command.ts';

/** What a tool answers. */
export interface Answer {
  /** One of the contract's shapes. */
  readonly json: object;
  readonly text: string;
}

const WIDTH = 80;
/** Most lines of a text; what is left out is in the structured content. */
const LINES = 60;

/** A page as text: what is only to be looked at is left out, and what is long is cut. */
export function pageText(context: Context, page: Page): string {
  const nodes = page.nodes.filter(({ kind }: PageNode) => kind !== 'ruler' && kind !== 'sources');
  const text = renderTerminal(
    { nodes },
    { lang: context.lang, width: WIDTH, color: false, unicode: true, fit: false },
  );
  const lines = text.trimEnd().split('\n');
  if (lines.length <= LINES) return lines.join('\n');
  const cut = context.lang.say(say('mcp.cut', { count: lines.length - LINES }));
  return [...lines.slice(0, LINES), cut].join('\n');
}

/** JSON and page together. */
export function answerOf(context: Context, json: object, page: Page): Answer {
  return { json, text: pageText(context, page) };
}
