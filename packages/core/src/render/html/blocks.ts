// The blocks that only pages have: claims, disagreements side by side, commands by system, questions, the live card.
import { say } from '../../model/message.ts';
import { fact, type Node, said } from '../../view/tree.ts';
import type {
  Block,
  Card,
  ClaimLine,
  ClaimRow,
  Hundred,
  Section,
  Versus,
  WebPage,
} from '../../view/web/tree.ts';
import { printable } from '../printable.ts';
import { chartHtml } from './chart.ts';
import { type Element, elementHtml } from './element.ts';
import { type PageEnv, remembered } from './env.ts';
import { h, Markup, type Piece } from './escape.ts';
import { commandMarkup, inlineElements, inlineMarkup, nodeElements, refMarkup } from './nodes.ts';
import { pasteHtml } from './paste.ts';

/** Elements as markup. */
export function markup(elements: readonly Element[]): Markup {
  let out = '';
  for (const element of elements) out += elementHtml(element);
  return new Markup(out);
}

/** A section with its heading. */
export function sectionHtml(section: Section, env: PageEnv): Markup {
  if (section.blocks[0]?.kind === 'card')
    return h`${section.blocks.map((block) => blockHtml(block, env, section))}`;
  // The page's own heading tells what chart and paste box are; their section's is for those who go from heading to heading.
  const kind = section.blocks[0]?.kind;
  const heading = kind === 'chart' || kind === 'paste' ? h` class="quiet"` : null;
  let blocks = '';
  for (const block of section.blocks) blocks += blockHtml(block, env, section).html;
  const later = section.later === true;
  return h`<section id="${section.id}" aria-labelledby="h-${section.id}"${later ? new Markup(' hidden') : null}><h2 id="h-${section.id}"${heading}>${env.lang.say(section.title)}</h2>${new Markup(blocks)}${later ? new Markup('<div class="filled"></div>') : null}</section>`;
}

function blockHtml(block: Block, env: PageEnv, section: Section): Markup {
  switch (block.kind) {
    case 'claims':
      return claimsHtml(block.rows, env);
    case 'wide-claims':
      return wideHtml(block, env);
    case 'verdict-words':
      return wordsHtml(block, env);
    case 'versus':
      return versusHtml(block.versus, env);
    case 'checks':
      return checksHtml(block, env);
    case 'questions':
      return h`${block.items.map(({ question, answer }) => h`<details class="question"><summary>${env.lang.say(question)}</summary><p>${inlineMarkup(answer, env)}</p></details>`)}`;
    case 'bearings':
      return h`<dl class="bearings">${block.rows.map(({ name, value }) => h`<div><dt>${typeof name === 'string' ? inlineMarkup([fact(name)], env) : env.lang.say(name)}</dt><dd>${inlineMarkup(value, env)}</dd></div>`)}</dl>`;
    case 'hundred':
      return hundredHtml(block.hundred, env);
    case 'card':
      return h`<section id="${section.id}" class="card" data-state="${block.card.state}" aria-labelledby="h-${section.id}"${liveAttributes(env)}><h2 id="h-${section.id}">${env.lang.say(section.title)}</h2><div id="card-body" aria-live="polite">${markup(cardElements(block.card, env))}</div><p class="lost" hidden>${env.lang.say(say('web.card.lost'))}</p></section>`;
    case 'numbers':
      return numbersHtml(block.first, block.last, env);
    case 'chart':
      return chartHtml(block.live, env);
    case 'paste':
      return pasteHtml(block.ranges, env);
    case 'gauge':
      return gaugeHtml(block, env);
    case 'filter':
      return h`<p class="filter" hidden><label>${env.lang.say(say('web.here.filter'))} <input type="search" data-filter="${block.of}" autocomplete="off" spellcheck="false"></label></p>`;
    case 'answer':
    case 'section':
    case 'para':
    case 'table':
    case 'list':
    case 'commands':
    case 'ruler':
    case 'sources':
      return markup(nodeElements(block, env));
  }
}

/** Kinds of block that elements can be made of: those that terminal and pages share. */
const NODE_KINDS: ReadonlySet<string> = new Set<Node['kind']>([
  'answer',
  'section',
  'para',
  'table',
  'list',
  'commands',
]);

function isNode(block: Block): block is Node {
  return NODE_KINDS.has(block.kind);
}

function liveAttributes(env: PageEnv): Markup {
  return env.live === null ? h`` : h` data-live="${env.live}"`;
}

/** What the card says, as elements: the server writes them, and the browser puts new ones in their place. */
export function cardElements(card: Card, env: PageEnv): Element[] {
  const state = env.outlet === 'closed' ? 'none' : card.state;
  const out: Element[] = [
    [
      'p',
      { class: 'state', 'data-state': state },
      ['i', {}],
      ['strong', {}, env.lang.say(say(`web.card.${state}`))],
      ...(card.host === null ? [] : [['span', { class: 'host' }, printable(card.host)] as Element]),
    ],
  ];
  if (env.outlet === 'closed') {
    out.push(['p', {}, env.lang.say(say('web.card.closed'))]);
    return out;
  }
  for (const line of card.lines) out.push(['p', {}, ...inlineElements(line, env)]);
  for (const node of card.nodes) out.push(...nodeElements(node, env));
  if (card.unseen !== null) {
    out.push(['h3', {}, env.lang.say(say('web.card.unseen'))], ...nodeElements(card.unseen, env));
  }
  return out;
}

/** What the page of the host shows and what changes on it, for a page that is open. */
export function hereElements(
  page: WebPage,
  env: PageEnv,
): {
  used: number;
  total: number;
  label: string;
  words: Element[];
  listening: Element[];
  passing: Element[];
} {
  const blocks = page.main.flatMap((section) => section.blocks);
  const gauge = blocks.find((block) => block.kind === 'gauge');
  const table = (id: string): Element[] =>
    (page.main.find((section) => section.id === id)?.blocks ?? []).flatMap((block) =>
      block.kind === 'table' ? nodeElements(block, env) : [],
    );
  return {
    used: gauge?.used ?? 0,
    total: gauge?.total ?? 0,
    label: gauge === undefined ? '' : gaugeLabel(gauge.used, gauge.total, env),
    words: gauge === undefined ? [] : inlineElements(gauge.words, env),
    listening: table('listening'),
    passing: table('passing'),
  };
}

/** All that the page of the host says, for one that was made for nobody in particular; what is drawn is there already. */
export function hereWhole(
  page: WebPage,
  env: PageEnv,
): { heading: Element[]; lead: Element[]; sections: { id: string; elements: Element[] }[] } {
  return {
    heading: 'words' in page.heading ? inlineElements([said(page.heading.words)], env) : [],
    lead: page.lead.map((line): Element => ['p', {}, ...inlineElements(line, env)]),
    sections: page.main.map(({ id, blocks }) => ({
      id,
      elements: blocks.flatMap((block) => (isNode(block) ? nodeElements(block, env) : [])),
    })),
  };
}

/** What its memo is kept under. */
const CLAIMS = Symbol('claims');

function claimsHtml(rows: readonly ClaimRow[], env: PageEnv): Markup {
  const start = remembered(
    CLAIMS,
    env,
    () => h`<ul class="claims" aria-label="${env.lang.say(say('web.claims.label'))}">`,
  );
  let items = '';
  for (const row of rows) items += claimHtml(row, env);
  return new Markup(`${start.html}${items}</ul>`);
}

function wideHtml({ rows, open }: Extract<Block, { kind: 'wide-claims' }>, env: PageEnv): Markup {
  const title = env.lang.say(say('web.claims.wide', { count: rows.length }));
  return h`<details class="folded"${open ? new Markup(' open') : null}><summary>${title}</summary>${claimsHtml(rows, env)}</details>`;
}

function wordsHtml({ words }: Extract<Block, { kind: 'verdict-words' }>, env: PageEnv): Markup {
  const { lang } = env;
  return remembered(`words ${words.join(' ')}`, env, () => {
    const items = words.map(
      (word) =>
        h`<div><dt>${lang.say(say(`web.verdict.${word}`))}</dt><dd>${lang.say(say(`web.verdict.${word}.means`))}</dd></div>`,
    );
    return h`<details class="words"><summary>${lang.say(say('web.claims.words'))}</summary><dl>${items}</dl></details>`;
  });
}

function claimHtml({ line, ref }: ClaimRow, env: PageEnv): string {
  // Everything but the mark of the source is the same on every page that tells this claim. What nobody claims is a line of
  // its own page, which none would ask for again.
  const own = line.instead !== null;
  const before = own ? claimStart(line, env) : remembered(line, env, () => claimStart(line, env));
  // Those who speak a transport are one list of the claim, and so as lasting as its line.
  const after = own ? claimEnd(line) : remembered(line.transports, env, () => claimEnd(line));
  return `${before.html}${refMarkup(ref, env).html}${after.html}`;
}

function claimEnd({ transports }: ClaimLine): Markup {
  return h`</span> <span class="proto">${transports.join(' ')}</span></li>`;
}

function claimStart(line: ClaimLine, env: PageEnv): Markup {
  const { lang } = env;
  const foreign = lang.lang === 'en' ? h`` : h` lang="en" dir="ltr"`;
  const name: Piece =
    line.instead !== null
      ? lang.say(line.instead)
      : line.to === null
        ? h`<b${foreign}>${printable(line.name)}</b>`
        : h`<b${foreign}><a href="${env.links.page(line.to)}">${printable(line.name)}</a></b>`;
  // The words of a source run from the left as a whole, over all their lines.
  const ltr = line.instead === null && env.dir === 'rtl' ? h` dir="ltr"` : null;
  const note = line.note === null ? null : h` <span class="note"${foreign}>${printable(line.note)}</span>`;
  const scope = line.scope === null ? null : h` <bdi class="scope">${line.scope[0]}–${line.scope[1]}</bdi>`;
  return h`<li class="by-${line.authority}"><span class="who"${foreign}>${line.who}</span> <span class="verdict">${lang.say(say(`web.verdict.${line.verdict}`))}</span> <span class="what"${ltr}>${name}${note}${scope}`;
}

function versusHtml(versus: Versus, env: PageEnv): Markup {
  const { lang } = env;
  const foreign = lang.lang === 'en' ? h`` : h` lang="en"`;
  return h`<aside class="versus"><h3>${lang.say(versus.title)}</h3><dl>${versus.sides.map(
    ({ who, says }) =>
      h`<div><dt>${lang.say(who)}</dt>${says.map((name) => (typeof name === 'string' ? h`<dd${foreign}><bdi>${name}</bdi></dd>` : h`<dd>${lang.say(name)}</dd>`))}</div>`,
  )}</dl><p>${inlineMarkup(versus.why, env)}</p></aside>`;
}

function checksHtml(block: Extract<Block, { kind: 'checks' }>, env: PageEnv): Markup {
  const { lang } = env;
  const tabs = block.systems.map(({ system, lines }, index) => {
    // Only the commands differ from port to port.
    const start = remembered(
      `check ${system}`,
      env,
      () =>
        h`<div class="tab"><input type="radio" name="system" id="os-${system}"${index === 0 ? new Markup(' checked') : null}><label for="os-${system}">${lang.say(say(`web.check.${system}`))}</label><div class="panel">`,
    );
    return h`${start}${lines.map((line) => h`${commandMarkup(line.command, env)}${checkWords(line, env)}`)}</div></div>`;
  });
  return h`<div class="tabs">${tabs}</div>`;
}

/** What a command shows and what it does not. */
function checkWords(
  { shows, hides }: Extract<Block, { kind: 'checks' }>['systems'][number]['lines'][number],
  env: PageEnv,
): Markup {
  const { lang } = env;
  return remembered(shows.key, env, () => {
    const [show, hide] = [lang.say(say('web.check.show')), lang.say(say('web.check.hide'))];
    return h`<p class="shows"><b>${show}</b> ${lang.say(shows)}. <b>${hide}</b> ${lang.say(hides)}.</p>`;
  });
}

function numbersHtml(first: number, last: number, env: PageEnv): Markup {
  let out = '';
  for (let port = first; port <= last; port++)
    out += `<a href="${env.links.page(`/ports/${port}`)}">${port}</a> `;
  return new Markup(`<p class="numbers" dir="ltr">${out}</p>`);
}

/** How full a range is; one that has no number left is full. */
function shareOf(used: number, total: number): number {
  return total === 0 ? 1 : used / total;
}

function gaugeLabel(used: number, total: number, env: PageEnv): string {
  return env.lang.say(say('web.gauge.label', { percent: { share: shareOf(used, total) } }));
}

function gaugeHtml(block: Extract<Block, { kind: 'gauge' }>, env: PageEnv): Markup {
  const { used, total, words, more } = block;
  const share = shareOf(used, total) * 100;
  const width = share === 0 ? 0 : Math.max(0.4, share);
  return h`<p>${inlineMarkup(words, env)}</p><svg class="gauge" width="100%" height="14" role="img" aria-label="${gaugeLabel(used, total, env)}"><rect class="g-all" width="100%" height="14"/><rect class="g-used" width="${width.toFixed(2)}%" height="14"/></svg><div class="history" data-used="${used}" data-total="${total}" data-title="${env.lang.say(say('web.gauge.history'))}"></div>${commandMarkup(more, env)}`;
}

/** Side of a cell of the drawing, and of the square in it. */
const CELL = 20;

function hundredHtml(hundred: Hundred, env: PageEnv): Markup {
  const { first, port, cells } = hundred;
  const at = port - first;
  const drawn = remembered(cells, env, () => hundredStart(hundred, env));
  const legend = remembered(`hundred ${[...new Set(cells)].join(' ')}`, env, () => hundredLegend(cells, env));
  return h`${drawn}<path class="n-me" d="M${(at % 10) * CELL} ${Math.floor(at / 10) * CELL}h20v20h-20z"/></svg>${legend}`;
}

function hundredStart({ first, cells }: Hundred, env: PageEnv): Markup {
  const paths: Record<Hundred['cells'][number], string> = { none: '', assigned: '', claimed: '', here: '' };
  for (const [index, cell] of cells.entries()) {
    paths[cell] += `M${(index % 10) * CELL + 1} ${Math.floor(index / 10) * CELL + 1}h18v18h-18z`;
  }
  const drawn = Object.entries(paths)
    .filter(([, d]) => d !== '')
    .map(([name, d]) => `<path class="n-${name}" d="${d}"/>`)
    .join('');
  const label = env.lang.say(
    say('web.near.label', {
      first,
      last: first + cells.length - 1,
      named: cells.filter((cell) => cell === 'assigned' || cell === 'claimed').length,
    }),
  );
  return h`<svg class="hundred" viewBox="0 0 200 200" role="img" aria-label="${label}">${new Markup(drawn)}`;
}

function hundredLegend(cells: Hundred['cells'], env: PageEnv): Markup {
  const keys = (['assigned', 'claimed', 'here'] as const).filter((name) => cells.includes(name));
  if (keys.length === 0) return h``;
  return h`<p class="legend">${keys.map((name) => h`<span class="n-${name}">${env.lang.say(say(`web.near.${name}`))}</span> `)}</p>`;
}
