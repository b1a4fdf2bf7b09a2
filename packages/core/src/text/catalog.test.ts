// The translator: plural forms, values, nested messages, and faults of ours that must not pass silently.
import { describe, expect, test } from 'vitest';
import { listed, say } from '../model/message.ts';
import { LANGUAGES, type MessageKey, translator } from './catalog.ts';
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

test('a language without a catalog is refused, a name of Object’s too', () => {
  expect(LANGUAGES).toContain('en');
  for (const tag of ['xx', '', 'constructor', '__proto__']) {
    expect(() => translator(tag)).toThrow(RangeError);
  }
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
