// Every catalog against the English one: keys, placeholders, plural forms, leftovers, and marks of direction.
import { describe, expect, test } from 'vitest';
import { LANGUAGES, PAGE_LANGUAGES } from '../packages/core/src/text/catalog.ts';
import ar from '../packages/core/src/text/messages/ar.json' with { type: 'json' };
import cs from '../packages/core/src/text/messages/cs.json' with { type: 'json' };
import de from '../packages/core/src/text/messages/de.json' with { type: 'json' };
import en from '../packages/core/src/text/messages/en.json' with { type: 'json' };
import webAr from '../packages/core/src/text/messages/web/ar.json' with { type: 'json' };
import webCs from '../packages/core/src/text/messages/web/cs.json' with { type: 'json' };
import webDe from '../packages/core/src/text/messages/web/de.json' with { type: 'json' };
import webEn from '../packages/core/src/text/messages/web/en.json' with { type: 'json' };
import { isPageKey, PAGE_PREFIXES } from '../packages/core/src/text/page-keys.ts';
import type { Template } from '../packages/core/src/text/template.ts';
import { faultsOf, pluralForms, SAME } from './catalogs.ts';

type Catalog = Readonly<Record<string, Template>>;

const ENGLISH: Catalog = en;
const PROGRAM: Readonly<Record<string, Catalog>> = { en, cs, de, ar };
const WEB: Readonly<Record<string, Catalog>> = { en: webEn, cs: webCs, de: webDe, ar: webAr };

/** What a language of the pages alone has of the program's catalog. */
const SAID_BY_PAGES: Catalog = Object.fromEntries(Object.entries(ENGLISH).filter(([key]) => isPageKey(key)));

describe.each(PAGE_LANGUAGES)('$tag', ({ tag, dir }) => {
  const expected = LANGUAGES.includes(tag) ? ENGLISH : SAID_BY_PAGES;
  test('what the program says', () => {
    expect(faultsOf(tag, dir, PROGRAM[tag] ?? {}, expected)).toEqual([]);
  });
  test('what only pages say', () => {
    expect(faultsOf(tag, dir, WEB[tag] ?? {}, webEn)).toEqual([]);
    for (const key of Object.keys(WEB[tag] ?? {})) expect(key).toMatch(/^web\./);
  });
});

test('what may be the same as in English is the same', () => {
  for (const [tag, keys] of Object.entries(SAME)) {
    for (const key of keys) expect(PROGRAM[tag]?.[key], `${tag} ${key}`).toEqual(ENGLISH[key]);
  }
});

test('the plural forms are those of CLDR', () => {
  const forms = (tag: string) => [...pluralForms(tag)].toSorted().join(' ');
  expect(forms('en')).toBe('one other');
  expect(forms('cs')).toBe('few many one other');
  expect(forms('de')).toBe('one other');
  expect(forms('ar')).toBe('few many one other two zero');
});

test('no key of the program looks like one of the pages', () => {
  expect(Object.keys(ENGLISH).filter((key) => key.startsWith('web.'))).toEqual([]);
});

test('every prefix of the pages stands for something', () => {
  for (const prefix of PAGE_PREFIXES) {
    expect(
      Object.keys(ENGLISH).some((key) => key.startsWith(prefix)),
      prefix,
    ).toBe(true);
  }
});

describe('the check finds', () => {
  const english: Catalog = {
    'a.text': 'The port {port} is free here.',
    'a.count': { one: '{count:n} port', other: '{count:n} ports' },
  };
  const czech: Catalog = {
    'a.text': 'Port {port} je tu volný.',
    'a.count': {
      one: '{count:n} port',
      few: '{count:n} porty',
      many: '{count:n} portu',
      other: '{count:n} portů',
    },
  };
  const arabic: Catalog = { 'a.text': 'المنفذ {port} متاح هنا.', 'a.count': '{count:n}' };

  test('nothing where nothing is wrong', () => {
    expect(faultsOf('cs', 'ltr', czech, english)).toEqual([]);
    expect(faultsOf('ar', 'rtl', arabic, english)).toEqual([]);
  });
  test.each<[string, Catalog, string]>([
    ['a missing key', { 'a.text': czech['a.text'] ?? '' }, 'cs a.count: missing'],
    ['a key too many', { ...czech, 'b.text': 'Navíc.' }, 'cs b.text: not in English'],
    [
      'another placeholder',
      { ...czech, 'a.text': 'Port {prot} je tu volný.' },
      'cs a.text: placeholders prot, not port',
    ],
    [
      'a number that is grouped in one alone',
      { ...czech, 'a.text': 'Port {port:n} je tu volný.' },
      'cs a.text: placeholders port:n, not port',
    ],
    [
      'a plural form that is missing',
      { ...czech, 'a.count': { one: '{count:n} port', other: '{count:n} portů' } },
      'cs a.count: no form few',
    ],
    [
      'a form that fractions need',
      { ...czech, 'a.count': { one: '{count:n} port', few: '{count:n} porty', other: '{count:n} portů' } },
      'cs a.count: no form many',
    ],
    [
      'a form that the language does not have',
      { ...czech, 'a.count': { ...(czech['a.count'] as object), two: '{count:n} porty' } },
      'cs a.count: form two is never chosen',
    ],
    [
      'a form chosen by what is no value',
      { ...czech, 'a.count': { ...(czech['a.count'] as object), by: 'ports' } },
      'cs a.count: chosen by ports, which English does not have',
    ],
    ['no text', { ...czech, 'a.text': ' ' }, 'cs a.text: empty'],
    [
      'English left over',
      { ...czech, 'a.text': 'The port {port} is free here.' },
      'cs a.text: the same as in English',
    ],
    [
      'a brace that is no placeholder',
      { ...czech, 'a.text': 'Port {port} je {tu.' },
      'cs a.text: a lone brace',
    ],
    [
      'an isolate that is not closed',
      { ...czech, 'a.text': 'Port \u2066{port} je tu volný.' },
      'cs a.text: isolates unbalanced',
    ],
    [
      'an embedding',
      { ...czech, 'a.text': 'Port \u202a{port} je tu volný.\u202c' },
      'cs a.text: a control other than an isolate',
    ],
  ])('%s', (_what, catalog, fault) => {
    expect(faultsOf('cs', 'ltr', catalog, english)).toContain(fault);
  });
  test('left-to-right text that is not isolated in a right-to-left language', () => {
    const fault = (text: string) => faultsOf('ar', 'rtl', { ...arabic, 'a.text': text }, english);
    expect(fault('المنفذ {port} في RFC متاح.')).toContain('ar a.text: not isolated: RFC');
    expect(fault('المنفذ {port} في \u2066RFC\u2069 متاح.')).toEqual([]);
    expect(fault('{port}–{port} متاح.')).toContain('ar a.text: not isolated: {port}–{port}');
    expect(fault('\u2066{port}–{port}\u2069 متاح.')).toEqual([]);
  });
});
