// The page tree's nodes as elements: those that terminal and pages share.
import { type Message, type MessageValue, say } from '../../model/message.ts';
import type { Column, Emphasis, Inline, Node } from '../../view/tree.ts';
import { printable } from '../printable.ts';
import { type Element, elementHtml } from './element.ts';
import { type PageEnv, remembered } from './env.ts';
import { escapeHtml, h, Markup } from './escape.ts';

/** Classes of emphasis; `strong` and `dim` have elements of their own. */
const EMPHASIS: Readonly<Record<Exclude<Emphasis, 'strong'>, string>> = {
  dim: 'dim',
  good: 'good',
  warn: 'warn',
  bad: 'bad',
  accent: 'accent',
};

/** Pieces of a line. */
export function inlineElements(inline: readonly Inline[], env: PageEnv): Element[] {
  return inline.flatMap((piece) => inlineElement(piece, env));
}

/** The same pieces as markup, for the many lines that are never sent as elements. */
export function inlineMarkup(inline: readonly Inline[], env: PageEnv): Markup {
  let out = '';
  for (const piece of inline) {
    if (piece.kind === 'ref') out += refMarkup(piece.n, env).html;
    else if (piece.kind === 'say' && piece.emphasis === undefined) {
      out += escapeHtml(sentence(piece.message, env));
    } else for (const element of inlineElement(piece, env)) out += elementHtml(element);
  }
  return new Markup(out);
}

function inlineElement(piece: Inline, env: PageEnv): Element[] {
  if (piece.kind === 'ref') return [refElement(piece.n, env)];
  if (piece.kind === 'link') {
    const href = env.links.page(piece.to);
    if (typeof piece.text !== 'string') return [['a', { href }, env.lang.say(piece.text)]];
    return [['a', { href, ...apart(piece.lang, env) }, piece.text]];
  }
  if (piece.kind === 'outside') {
    const text = printable(piece.text);
    if (!/^https?:\/\//.test(piece.to)) return [text];
    return [['a', { href: piece.to, rel: 'external noreferrer', lang: 'en', dir: 'ltr' }, text]];
  }
  const { emphasis } = piece;
  // What a process calls itself may hold anything; direction marks and controls are shown as codes.
  const text = piece.kind === 'say' ? sentence(piece.message, env) : printable(piece.text);
  const inner = piece.kind === 'data' ? dataElements(text, piece.lang, env) : [text];
  if (emphasis === undefined) return inner;
  return [
    emphasis === 'strong' ? ['strong', {}, ...inner] : ['span', { class: EMPHASIS[emphasis] }, ...inner],
  ];
}

/** Marks data with its language where that is another than the page's, and keeps it in a direction of its own. */
function apart(written: string | undefined, env: PageEnv): Record<string, string> {
  const foreign: Record<string, string> =
    written !== undefined && written !== env.lang.lang ? { lang: written } : {};
  return env.dir === 'rtl' ? { ...foreign, dir: 'auto' } : foreign;
}

/** Data kept apart from text of the other direction; blanks around it and marks that only separate are no part of it. */
function dataElements(text: string, written: string | undefined, env: PageEnv): Element[] {
  const foreign = written !== undefined && written !== env.lang.lang;
  if (!foreign && env.dir === 'ltr') return [text];
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/su.exec(text) ?? [];
  if (!/[\p{L}\p{N}]/u.test(inner)) return [text];
  const marked: Element = ['bdi', foreign ? { lang: written } : {}, inner];
  return [before, marked, after].filter((piece) => piece !== '');
}

/**
 * What a process calls itself may hold anything; direction marks and controls are shown as codes. In a sentence only the
 * values are, for a language may need such marks around them; and only of a live page, for others hold none of a process.
 */
function sentence(message: Message, env: PageEnv): string {
  return env.lang.say(env.outlet === 'live' ? withPrintable(message) : message);
}

/** A message whose values can do no harm, however deep they lie. */
function withPrintable({ key, values }: Message): Message {
  const entries = Object.entries(values).map(([name, value]) => [name, printableValue(value)] as const);
  return { key, values: Object.fromEntries(entries) };
}

function printableValue(value: MessageValue): MessageValue {
  if (typeof value === 'string') return printable(value);
  if (typeof value === 'number') return value;
  if ('key' in value) return withPrintable(value);
  if (!('list' in value)) return value;
  return {
    list: value.list.map((item) => (typeof item === 'string' ? printable(item) : withPrintable(item))),
  };
}

/** A mark that points at a source; the first one of a source is where the source points back to. */
export function refElement(n: number, env: PageEnv): Element {
  const attributes: Record<string, string> = {
    href: `#s${n}`,
    title: env.lang.say(say('web.claims.ref', { n })),
  };
  if (!env.marked.has(n)) {
    env.marked.add(n);
    attributes['id'] = `r${n}`;
  }
  return ['sup', { class: 'ref' }, ['a', attributes, String(n)]];
}

/** The same mark as markup, for places that are written many times. */
export function refMarkup(n: number, env: PageEnv): Markup {
  const label = remembered(`ref ${n}`, env, () => h`${env.lang.say(say('web.claims.ref', { n }))}`);
  const first = !env.marked.has(n);
  if (first) env.marked.add(n);
  return new Markup(
    `<sup class="ref"><a href="#s${n}" title="${label.html}"${first ? ` id="r${n}"` : ''}>${n}</a></sup>`,
  );
}

/** One node as elements. */
export function nodeElements(node: Node, env: PageEnv): Element[] {
  switch (node.kind) {
    case 'answer':
      return node.lines.map((line): Element => ['p', { class: 'answer' }, ...inlineElements(line, env)]);
    case 'section':
      return [
        ['h3', {}, env.lang.say(node.title)],
        ...node.nodes.flatMap((inner) => nodeElements(inner, env)),
      ];
    case 'para':
      return [['p', {}, ...inlineElements(node.inline, env)]];
    case 'table':
      return [tableElement(node, env)];
    case 'list':
      return [
        [
          'ul',
          { class: node.items.some((item) => item.mark !== null) ? 'findings' : 'plain' },
          ...node.items.map(
            ({ mark, inline, nodes }): Element => [
              'li',
              mark === null ? {} : { class: `is-${mark}` },
              ...(mark === null
                ? []
                : [['b', { class: 'mark' }, env.lang.say(say(`severity.${mark}`))] as Element, ' ']),
              ...inlineElements(inline, env),
              ...nodes.flatMap((inner) => nodeElements(inner, env)),
            ],
          ),
        ],
      ];
    case 'commands':
      return node.lines.map((line) => commandElement(line, env));
    case 'ruler':
    case 'sources':
      // Pages have places of their own for these.
      return [];
  }
}

/** A command that can be copied. */
export function commandElement(command: string, env: PageEnv): Element {
  return [
    'pre',
    { dir: 'ltr' },
    ['code', {}, printable(command)],
    ['button', { type: 'button', 'data-copy': '' }, env.lang.say(say('web.copy'))],
  ];
}

/** What its memo is kept under. */
const COPY = Symbol('copy');

/** The same as markup: a page has a dozen. */
export function commandMarkup(command: string, env: PageEnv): Markup {
  const copy = remembered(
    COPY,
    env,
    () => h`</code><button type="button" data-copy="">${env.lang.say(say('web.copy'))}</button></pre>`,
  );
  return new Markup(`<pre dir="ltr"><code>${escapeHtml(printable(command))}${copy.html}`);
}

function cellClass(column: Column | undefined): string {
  const align = column?.align ?? 'left';
  return column?.grow === true ? `${align} grow` : align;
}

/** Numbers stand under each other by their last digit, and ranges run from their first port, in every language. */
function cellAttributes(column: Column | undefined, env: PageEnv): Record<string, string> {
  const name = { class: cellClass(column) };
  return column?.align === 'right' && env.dir === 'rtl' ? { ...name, dir: 'ltr' } : name;
}

function tableElement(node: Extract<Node, { kind: 'table' }>, env: PageEnv): Element {
  const head: Element[] = node.header
    ? [
        [
          'thead',
          {},
          [
            'tr',
            {},
            ...node.columns.map(
              (column): Element => [
                'th',
                { scope: 'col', class: cellClass(column) },
                column.title === null ? '' : env.lang.say(column.title),
              ],
            ),
          ],
        ],
      ]
    : [];
  return [
    'div',
    { class: 'scroll' },
    [
      'table',
      node.columns.some(({ grow }) => grow) ? { class: 'wide' } : {},
      ...head,
      [
        'tbody',
        {},
        ...node.rows.map(
          (row): Element => [
            'tr',
            {},
            ...row.map(
              (cell, index): Element => [
                'td',
                cellAttributes(node.columns[index], env),
                ...inlineElements(cell, env),
              ],
            ),
          ],
        ),
      ],
    ],
  ];
}
