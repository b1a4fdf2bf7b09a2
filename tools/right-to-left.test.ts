// Arabic sentences as they are seen: the Unicode bidirectional algorithm puts every value and every literal in order.
import bidiFactory from 'bidi-js';
import { describe, expect, test } from 'vitest';
import { type Message, say } from '../packages/core/src/model/message.ts';
import { loadTranslator, type MessageKey } from '../packages/core/src/text/catalog.ts';
import ar from '../packages/core/src/text/messages/ar.json' with { type: 'json' };
import webAr from '../packages/core/src/text/messages/web/ar.json' with { type: 'json' };
import { compile, type Template } from '../packages/core/src/text/template.ts';

const bidi = bidiFactory();
const lang = await loadTranslator('ar', 'pages');
const CATALOG: Readonly<Record<string, Template>> = { ...ar, ...webAr };

/** The text from left to right, without the characters that only steer. */
function seen(text: string): string {
  const shown = bidi.getReorderedString(text, bidi.getEmbeddingLevels(text, 'rtl'));
  return shown.replace(/[\u200f\u2066-\u2069]/g, '');
}

/** What stands in isolates of the outermost level: literals with the values between them. */
function literals(text: string): string[] {
  const found: string[] = [];
  let open = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (/[\u2066-\u2068]/.test(text.charAt(at)) && open++ === 0) from = at + 1;
    if (text.charAt(at) === '\u2069' && --open === 0) found.push(text.slice(from, at));
  }
  return found.map((part) => part.replace(/[\u2066-\u2069]/g, ''));
}

/** Values such as those that reports have: digits, signs, both, and with blanks. */
const VALUES = [
  '127.0.0.1:60163',
  '/proc/net/tcp',
  '60000–61000',
  'tcp, udp',
  'nginx (web) 7',
  '[::1]:80',
  'RFC 6335',
];

describe('every sentence', () => {
  test.each(Object.entries(CATALOG))('%s', (key, template) => {
    const made = compile(template);
    const pieces = made.by === null ? made.pieces : Object.values(made.forms).flatMap((form) => form ?? []);
    const names = pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece]));
    const counts = made.by === null ? [7] : [0, 1, 2, 3, 11, 100, 32_768];
    for (const count of counts) {
      const values = Object.fromEntries(
        names.map(({ name, grouped }, index) => [
          name,
          grouped || name === made.by ? count : (VALUES[index % VALUES.length] ?? ''),
        ]),
      );
      const text = lang.say(
        say(key as MessageKey, made.by === null ? values : { ...values, [made.by]: count }),
      );
      const shown = seen(text);
      for (const literal of literals(text)) expect(shown, key).toContain(literal);
    }
  });
});

describe('what is seen', () => {
  const shown = (message: Message): string => seen(lang.say(message));
  test('a range runs from its first port to its last', () => {
    expect(shown(say('also.inside', { first: 32_768, last: 60_999 }))).toContain('32768–60999');
  });
  test('an RFC stands before its number', () => {
    const text = shown(
      say('disagree.unassigned', { port: 5173, names: { list: ['Vite', 'Foo Bar'] }, count: 2 }),
    );
    expect(text).toContain('RFC 7605 s7.8');
    expect(text).toContain('Foo Bar ،Vite');
  });
  test('counts are grouped, in Latin digits; ports are not grouped', () => {
    expect(shown(say('list.title', { count: 45_000 }))).toContain('45,000');
    expect(shown(say('who.unseen', { port: 60_163 }))).toContain('60163');
    expect(shown(say('list.foretold.chance', { port: 60_163, percent: { share: 0.0134 } }))).toContain(
      '1.3%',
    );
  });
  test('a date runs from the right, day first', () => {
    expect(seen(lang.date('2026-11-25'))).toBe('2026/11/25');
  });
  test('without isolates the algorithm turns a range around, so that these tests can fail', () => {
    expect(seen('المنافذ 32768–60999 هنا')).toContain('60999–32768');
    expect(seen('المعيار \u2066RFC 6335\u2069')).toContain('RFC 6335');
  });
  test('a value from outside cannot end its isolate or turn the sentence around', () => {
    const text = lang.say(say('who.user', { user: 'a\u2069\u202eevil' }));
    expect(text).toContain('a\\u2069\\u202eevil');
    expect(seen(text)).toContain('a\\u2069\\u202eevil');
  });
});
