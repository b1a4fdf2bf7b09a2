// Text from outside must not steer a terminal, hide what follows, or change what JSON says.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { say } from '../model/message.ts';
import { loadTranslator } from '../text/catalog.ts';
import { printable, printableJson, printableSaid } from './printable.ts';

/** Written apart from the code under test, from Unicode's own properties. */
const DANGEROUS =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff\u{e0001}\u{e0020}-\u{e007f}]/u;

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '\u001b',
        '[31m',
        '\u009b',
        '\u202e',
        '\u2066',
        '\u200b',
        '\r',
        '\n',
        '\u0000',
        '\ud800',
        '\udc00',
        '\u2028',
        '\u{e0041}',
        'a',
        'é',
        '字',
        '🙂',
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
);

describe('printable', () => {
  test('leaves no control, bidirectional or zero-width character in any text', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(printable(text)).not.toMatch(DANGEROUS);
      }),
      { numRuns: 5000 },
    );
  });
  test('leaves every single dangerous character of Unicode out', () => {
    const left: string[] = [];
    for (let code = 0; code <= 0x10_ffff; code++) {
      const char = String.fromCodePoint(code);
      if (DANGEROUS.test(char) && DANGEROUS.test(printable(char))) left.push(code.toString(16));
    }
    expect(left).toEqual([]);
  });
  test('leaves plain text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        fc.pre(
          !DANGEROUS.test(text) &&
            // Blanks that are letters (Hangul fillers) among them.
            !/[\u2000-\u206f\ufff0-\uffff]|[\u{e0000}-\u{e0fff}]|[\u061c\u115f\u1160\u3164\uffa0]/u.test(
              text,
            ),
        );
        expect(printable(text)).toBe(text);
      }),
    );
    expect(printable('nginx: master – “ok” 字 é 🙂 á')).toBe('nginx: master – “ok” 字 é 🙂 á');
  });
  test('shows what was there', () => {
    expect(printable('a\u001b[2Jb')).toBe('a\\x1b[2Jb');
    expect(printable('a\nb\rc\td')).toBe('a\\nb\\rc\\td');
    expect(printable('evil\u202egnp.exe')).toBe('evil\\u202egnp.exe');
    expect(printable('\u0085')).toBe('\\x85');
    expect(printable('\ud800x')).toBe('\\ud800x');
    expect(printable('\u{e0041}')).toBe('\\u{e0041}');
  });
});

describe('printableJson', () => {
  test('parses back to the same value and holds nothing dangerous but its own line ends', () => {
    const value = fc.jsonValue({ stringUnit: 'binary' });
    fc.assert(
      fc.property(fc.oneof(value, hostile, fc.dictionary(hostile, hostile)), (input) => {
        const text = printableJson(input, 2);
        expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(input));
        expect(text.replaceAll('\n', '')).not.toMatch(DANGEROUS);
      }),
      { numRuns: 3000 },
    );
  });
  test('line ends inside a string stay escaped', () => {
    expect(printableJson({ a: 'x\ny' }, 2)).toBe('{\n  "a": "x\\ny"\n}');
  });
});

test('of what a page says the translator’s own isolates stay, and nothing that a value holds', async () => {
  for (const tag of ['en', 'ar']) {
    const lang = await loadTranslator(tag, 'pages');
    const said = (user: string): string => printableSaid(lang.say(say('who.user', { user })));
    const around = said('');
    fc.assert(
      fc.property(hostile, (user) => {
        const text = said(user);
        // As many marks as a harmless value brings, whatever the value: what steers in it is only shown.
        const marks = (all: string): string => all.replace(/[^\u200f\u2066-\u2069]/gu, '');
        expect(marks(text)).toBe(user === '' ? marks(around) : marks(said('x')));
        expect(text.replace(/[\u200f\u2066-\u2069]/gu, '')).not.toMatch(DANGEROUS);
      }),
    );
  }
});
