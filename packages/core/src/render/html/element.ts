// Elements as plain data: what is shown live is sent in this form, so that the server makes text of it and the browser
// nodes, and neither ever parses markup.
import { escapeHtml } from './escape.ts';

/** A text, or an element: its name, attributes, children. */
export type Element =
  | string
  | readonly [name: string, attributes: Readonly<Record<string, string>>, ...children: Element[]];

/** Names that may be built from data that came over the network. */
export const ELEMENT_NAMES: readonly string[] =
  'a b bdi button code dd div dl dt em h2 h3 h4 i li ol p pre span strong sup table tbody td th thead time tr ul'.split(
    ' ',
  );

/** Attributes that may be set so; `href` only to a place in this site. */
export const ATTRIBUTE_NAMES: readonly string[] =
  'class data-copy data-state dir href id lang scope title type'.split(' ');

/** An element as HTML. None of those used here is void. */
export function elementHtml(element: Element): string {
  if (typeof element === 'string') return escapeHtml(element);
  const [name, attributes, ...children] = element;
  let out = `<${name}`;
  for (const key in attributes) out += ` ${key}="${escapeHtml(attributes[key] ?? '')}"`;
  out += '>';
  for (const child of children) out += elementHtml(child);
  return `${out}</${name}>`;
}
