// What can be wrong with a catalog beside the English one, as lines that name language and key. For the check alone.
import { type Compiled, compile, type Pieces, type Template } from '../packages/core/src/text/template.ts';

type Catalog = Readonly<Record<string, Template>>;

/** Names and commands, which are the same in several languages; any other sentence that equals English was left over. */
const NAMES = [
  'audit.origin.devcontainer',
  'audit.origin.fsports',
  'audit.origin.kubernetes',
  'audit.origin.procfile',
  'authority.registry',
  'holder.mptcp',
  'list.col.port',
  'maker.docker',
  'maker.kubernetes',
  'maker.podman',
  'search.col.port',
  'search.col.transport',
  'web.chart.is.assigned',
  'web.check.linux',
  'web.check.macos',
  'web.check.netudp.hides',
  'web.check.portolan',
  'web.check.windows',
  'web.col.port',
  'web.col.transport',
  'web.find.col.port',
  'web.site.name',
  'web.title.port',
  'web.title.port.named',
  'web.title.site',
  'who.socket',
  'xsan.found.file',
  'xsan.section',
];

/** What may be the same as in English, by language. */
export const SAME: Readonly<Record<string, readonly string[]>> = {
  cs: [
    ...NAMES,
    'allocator.way.tcp-connect',
    'ephemeral.tcp',
    'ephemeral.udp',
    'ephemeral.user.process',
    'owner.line',
    'reserve.namespace.name',
    'web.section.audit',
    'who.process',
  ],
  de: [
    ...NAMES,
    'owner.cwd',
    'web.col.system',
    'web.col.thousand',
    'web.find.col.name',
    'web.find.col.ports',
    'web.home.col.ports',
    'web.title.thousand',
  ],
  ar: [],
};

/** Every fault of a catalog; `english` holds the keys it must have, and no others. */
export function faultsOf(lang: string, dir: 'ltr' | 'rtl', catalog: Catalog, english: Catalog): string[] {
  const faults: string[] = [];
  const tell = (key: string, what: string): void => void faults.push(`${lang} ${key}: ${what}`);
  for (const key of Object.keys(english)) if (!Object.hasOwn(catalog, key)) tell(key, 'missing');
  for (const [key, template] of Object.entries(catalog)) {
    const model = Object.hasOwn(english, key) ? english[key] : undefined;
    if (model === undefined) tell(key, 'not in English');
    else for (const what of faultsOfOne(lang, dir, key, template, model)) tell(key, what);
  }
  return faults;
}

function faultsOfOne(
  lang: string,
  dir: 'ltr' | 'rtl',
  key: string,
  template: Template,
  model: Template,
): string[] {
  const texts = textsOf(template);
  const faults = [...pluralFaults(lang, template, model), ...placeholderFaults(template, model)];
  for (const text of texts) {
    if (text.trim() === '') faults.push('empty');
    if (/[{}]/.test(text.replace(/\{[a-zA-Z]+(:n)?\}/g, ''))) faults.push('a lone brace');
    if (/[\u061c\u200e\u202a-\u202e]/.test(text)) faults.push('a control other than an isolate');
    if (!isBalanced(text)) faults.push('isolates unbalanced');
    if (dir === 'rtl') for (const part of notIsolated(text)) faults.push(`not isolated: ${part}`);
  }
  const same = JSON.stringify(template) === JSON.stringify(model);
  if (lang !== 'en' && same && hasWords(texts) && !(SAME[lang] ?? []).includes(key)) {
    faults.push('the same as in English');
  }
  return faults;
}

function textsOf(template: Template): string[] {
  if (typeof template === 'string') return [template];
  return Object.entries(template).flatMap(([form, text]) => (form === 'by' ? [] : [text]));
}

/** Whether anything stands there but placeholders and marks. */
function hasWords(texts: readonly string[]): boolean {
  return texts.some((text) => /\p{L}/u.test(text.replace(/\{[a-zA-Z]+(:n)?\}/g, '')));
}

/** Categories that the language's numbers have: those of whole numbers, and those of numbers with a fraction. */
export function pluralForms(lang: string): ReadonlySet<string> {
  const rules = new Intl.PluralRules(lang);
  const forms = new Set<string>();
  // Every rule of CLDR for whole numbers looks at the last two digits, or at whether they are a whole million.
  for (let value = 0; value <= 1000; value++) forms.add(rules.select(value));
  for (const value of [0.5, 1.5, 2.5, 5.5]) forms.add(rules.select(value));
  return forms;
}

function pluralFaults(lang: string, template: Template, model: Template): string[] {
  if (typeof template === 'string') return [];
  const forms = pluralForms(lang);
  const faults = [...forms].filter((form) => !Object.hasOwn(template, form)).map((form) => `no form ${form}`);
  for (const form of Object.keys(template)) {
    if (form !== 'by' && !forms.has(form)) faults.push(`form ${form} is never chosen`);
  }
  const by = template.by ?? 'count';
  const english = compile(model);
  if (by !== english.by && !namesOf(english).some((name) => name.replace(':n', '') === by)) {
    faults.push(`chosen by ${by}, which English does not have`);
  }
  return faults;
}

function allPieces(made: Compiled): readonly Pieces[] {
  return made.by === null
    ? [made.pieces]
    : Object.values(made.forms).filter((pieces): pieces is Pieces => pieces !== undefined);
}

/** Placeholders of all forms together, each once. */
function namesOf(made: Compiled): string[] {
  const names = allPieces(made).flatMap((pieces) =>
    pieces.flatMap((piece) =>
      typeof piece === 'string' ? [] : [`${piece.name}${piece.grouped ? ':n' : ''}`],
    ),
  );
  return [...new Set(names)].toSorted();
}

/** A value that is grouped in some forms and not in others is written once: a single one needs no grouping. */
function withoutTwins(names: readonly string[]): string[] {
  return names.filter((name) => name.endsWith(':n') || !names.includes(`${name}:n`));
}

function placeholderFaults(template: Template, model: Template): string[] {
  const ours = withoutTwins(namesOf(compile(template))).join(', ');
  const theirs = withoutTwins(namesOf(compile(model))).join(', ');
  return ours === theirs ? [] : [`placeholders ${ours}, not ${theirs}`];
}

function isBalanced(text: string): boolean {
  let open = 0;
  for (const char of text) {
    if (/[\u2066-\u2068]/.test(char)) open++;
    if (char === '\u2069' && --open < 0) return false;
  }
  return open === 0;
}

/**
 * What would be torn apart or moved in right-to-left text: Latin letters and digits outside isolates, and placeholders
 * with nothing but marks between them, as in a range. A placeholder alone is isolated by the translator.
 */
function notIsolated(text: string): string[] {
  let open = text;
  for (let before = ''; before !== open; ) {
    before = open;
    open = open.replace(/[\u2066-\u2068][^\u2066-\u2069]*\u2069/g, ' ');
  }
  const runs = open.match(/\{[a-zA-Z]+(?::n)?\}[–:/.\-+@=]+\{[a-zA-Z]+(?::n)?\}/g) ?? [];
  const bare = open.replace(/\{[a-zA-Z]+(?::n)?\}/g, ' ').match(/[A-Za-z0-9][\w./:()-]*/g) ?? [];
  return [...runs, ...bare];
}
