// The translator: plural forms, values, nested messages, and faults of ours that must not pass silently.
import { describe, expect, test } from 'vitest';
import { listed, say } from '../model/message.ts';
import { LANGUAGES, loadTranslator, type MessageKey, PAGE_LANGUAGES, translator } from './catalog.ts';
import en from './messages/en.json' with { type: 'json' };

const lang = translator('en');

describe('plural', () => {
  test('one and many', () => {
    expect(lang.say(say('list.title', { count: 1 }))).toBe('1 socket holds a port here.');
    expect(lang.say(say('list.title', { count: 2 }))).toBe('2 sockets hold a port here.');
    expect(lang.say(say('list.title', { count: 0 }))).toBe('0 sockets hold a port here.');
  });
  test('by another value than count', () => {
    expect(lang.say(say('gap.owners-hidden.what', { sockets: 1, processes: 9 }))).toBe(
      'the process behind 1 socket',
    );
    expect(lang.say(say('gap.owners-hidden.what', { sockets: 3, processes: 1 }))).toBe(
      'the processes behind 3 sockets',
    );
  });
  test('numbers are grouped only where the sentence asks for it', () => {
    expect(lang.say(say('list.title', { count: 45_000 }))).toBe('45,000 sockets hold a port here.');
    expect(lang.say(say('query.service-unknown', { name: '45000' }))).toContain('45000');
    expect(lang.say(say('here.range.neither', { port: 60_163, first: 32_768, last: 60_999 }))).toContain(
      '32768–60999',
    );
  });
});

describe('values', () => {
  test('a missing one throws, and the fault names it', () => {
    expect(() => lang.say(say('answer.free', { port: 1 }))).toThrow(/transports/);
  });
  test('messages inside messages', () => {
    const who = say('who.more', { who: say('who.process', { name: 'nginx', pid: 7 }), count: 2 });
    expect(lang.say(say('who.inferred', { who }))).toBe('probably nginx (pid 7) and 2 more');
  });
  test('lists, of words and of messages', () => {
    expect(lang.say(say('query.service-near', { names: { list: ['a', say('kind.kernel')] } }))).toBe(
      'Nearest names: a, kernel.',
    );
  });
  test('shares as per cent', () => {
    const text = (share: number) => lang.say(say('risk.chance', { percent: { share }, basis: 'x' }));
    expect(text(0.0134)).toContain(' 1.3% ');
    expect(text(1)).toContain(' 100% ');
    // Digits that nobody can rely on are not shown.
    expect(text(0)).toContain(' under 0.1% ');
    expect(text(0.0009)).toContain(' under 0.1% ');
    expect(text(0.001)).toContain(' 0.1% ');
  });
  test('what a value holds is never taken for a template', () => {
    expect(lang.say(say('who.user', { user: '{name} $& $1' }))).toBe('a process of user {name} $& $1');
  });
});

describe('listed', () => {
  test('names in full up to one above the limit, else the first and how many more', () => {
    const text = (count: number) =>
      lang.say(
        say('search.none', {
          words: listed(
            Array.from({ length: count }, (_, i) => `n${i}`),
            3,
          ),
        }),
      );
    expect(text(3)).toContain('n0, n1, n2”');
    expect(text(4)).toContain('n0, n1, n2, n3”');
    expect(text(5)).toContain('n0, n1, n2 and 2 more”');
  });
});

test('a language without a catalog is refused, a name of Object’s too', async () => {
  expect(LANGUAGES).toContain('en');
  for (const tag of ['xx', '', 'constructor', '__proto__', 'CS', 'de-AT']) {
    expect(() => translator(tag)).toThrow(RangeError);
    await expect(loadTranslator(tag, 'program')).rejects.toThrow(RangeError);
    await expect(loadTranslator(tag, 'pages')).rejects.toThrow(RangeError);
  }
  // What only pages speak has no words for all that the program says.
  await expect(loadTranslator('de', 'program')).rejects.toThrow(RangeError);
});

describe('languages', () => {
  test('by their own names, with the way they are written', () => {
    expect(PAGE_LANGUAGES.map(({ tag, name, dir }) => `${tag} ${name} ${dir}`)).toEqual([
      'en English ltr',
      'cs Čeština ltr',
      'de Deutsch ltr',
      'ar العربية rtl',
    ]);
    for (const tag of LANGUAGES) expect(PAGE_LANGUAGES.map((language) => language.tag)).toContain(tag);
  });
  test('English that is loaded says what the one at hand says', async () => {
    const loaded = await loadTranslator('en', 'program');
    expect(loaded.say(say('list.title', { count: 45_000 }))).toBe('45,000 sockets hold a port here.');
    expect(() => loaded.say(say('web.lang.name'))).toThrow(/web\.lang\.name in en/);
  });
  test('pages say their own sentences and those that every language of theirs has, no others', async () => {
    for (const { tag, name, dir } of PAGE_LANGUAGES) {
      const pages = await loadTranslator(tag, 'pages');
      expect(pages.dir).toBe(dir);
      expect(pages.say(say('web.lang.name'))).toBe(name);
      expect(pages.say(say('section.sources'))).not.toBe('');
      // English and Czech have it all the same; a page must not say it in one language alone.
      expect(() => pages.say(say('kill.interrupted'))).toThrow(/kill\.interrupted/);
    }
  });
  test('Czech has its plural forms, fractions too', async () => {
    const czech = await loadTranslator('cs', 'program');
    const text = (count: number) => czech.say(say('list.title', { count }));
    expect([0, 1, 2, 4, 5, 45_000, 1.5].map(text)).toEqual([
      '0 soketů tu drží port.',
      '1 soket tu drží port.',
      '2 sokety tu drží port.',
      '4 sokety tu drží port.',
      '5 soketů tu drží port.',
      '45\u00a0000 soketů tu drží port.',
      '1,5 soketu tu drží port.',
    ]);
  });
  test('Arabic has six', async () => {
    const arabic = await loadTranslator('ar', 'pages');
    const texts = [0, 1, 2, 3, 11, 100].map((count) =>
      arabic.say(say('range.title', { count, first: 1, last: 9, held: 0 })),
    );
    expect(new Set(texts.map((text) => text.split('،')[0])).size).toBe(6);
  });
  test('a form that is chosen by another value than in English', async () => {
    const czech = await loadTranslator('cs', 'program');
    expect(czech.say(say('list.elsewhere', { count: 5, namespaces: 1 }))).toContain('Dalších 5 je');
  });
});

describe.each(PAGE_LANGUAGES)('numbers, lists and dates of $tag are those of CLDR', ({ tag, dir }) => {
  // Digits are Latin everywhere: ports, addresses and commands beside them are.
  const locale = dir === 'rtl' ? `${tag}-u-nu-latn` : tag;
  const bare = (text: string) => text.replace(/[\u200e\u2066-\u2069]/g, '');
  test('numbers', async () => {
    const pages = await loadTranslator(tag, 'pages');
    for (const value of [0, 7, 999, 1000, 12_345, 1_234_567, 0.5, 1234.5]) {
      expect(pages.number(value)).toBe(
        new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value),
      );
    }
    const said = bare(pages.say(say('list.foretold.chance', { port: 1, percent: { share: 0.134 } })));
    const format = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
    expect(said).toBe(`1 ${bare(format.format(0.13))}`);
    expect(bare(pages.say(say('list.foretold.chance', { port: 1, percent: { share: 0.0134 } })))).toBe(
      `1 ${bare(format.format(0.0134))}`,
    );
  });
  test('one digit after the point, where it is wanted', async () => {
    const pages = await loadTranslator(tag, 'pages');
    const one = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    for (const decimal of [0, 2, 59.96, 0.1]) {
      expect(bare(pages.say(say('holder.free', { seconds: { decimal } })))).toContain(one.format(decimal));
    }
  });
  test('lists', async () => {
    const pages = await loadTranslator(tag, 'pages');
    for (const items of [[], ['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      expect(bare(pages.list(items))).toBe(new Intl.ListFormat(tag).format(items));
    }
  });
  test('dates', async () => {
    const pages = await loadTranslator(tag, 'pages');
    expect(pages.date('2026')).toBe('2026');
    expect(pages.date('c. 2016-17')).toBe('c. 2016-17');
    if (tag === 'en') {
      expect([pages.date('2026-03-04'), pages.date('2026-03')]).toEqual(['2026-03-04', '2026-03']);
      return;
    }
    const format = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(locale, { timeZone: 'UTC', year: 'numeric', month: 'numeric', ...options })
        .format(new Date('2026-03-04T00:00:00Z'))
        .replace(/ /g, '\u00a0');
    expect(pages.date('2026-03-04')).toBe(format({ day: 'numeric' }));
    expect(pages.date('2026-03').replace(/\u00a0/g, '')).toBe(format({}).replace(/\u00a0/g, ''));
  });
});

test('every plural template has the form that is used when nothing else fits', () => {
  for (const [key, template] of Object.entries(en)) {
    if (typeof template !== 'string') expect(Object.keys(template), key).toContain('other');
  }
});

test('every sentence can be said with the values it names', () => {
  for (const [key, template] of Object.entries(en)) {
    const texts = typeof template === 'string' ? [template] : Object.values(template);
    const names = texts.flatMap((text) =>
      [...text.matchAll(/\{([a-zA-Z]+)/g)].map((match) => match[1] ?? ''),
    );
    const by = typeof template === 'string' ? [] : ['count', ...('by' in template ? [template.by] : [])];
    const values = Object.fromEntries([...names, ...by].map((name) => [name, 7]));
    const said = lang.say(say(key as MessageKey, values));
    expect(said, key).not.toMatch(/[{}]/);
    expect(said.trim(), key).not.toBe('');
  }
});
