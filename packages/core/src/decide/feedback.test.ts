import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FeedbackCount, USEFUL, type Vote } from '../model/feedback.ts';
import { byPage, FEEDBACK_LINES, formatFeedback, parseFeedback, total, withVote } from './feedback.ts';

const vote: fc.Arbitrary<Vote> = fc.record({
  page: fc.constantFrom('/ports/1', '/ports/2'),
  lang: fc.constantFrom('en', 'cs'),
  useful: fc.constantFrom(...USEFUL),
  before: fc.option(fc.constantFrom(...USEFUL)),
});
const day = fc.constantFrom('2026-11-24', '2026-11-25');

function sum(counts: readonly FeedbackCount[]): number {
  return counts.reduce((all, { count }) => all + count, 0);
}

test('whatever is sent, no count falls below one line’s worth, and each answer adds one or moves one', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(vote, day), { maxLength: 60 }), (votes) => {
      let counts: readonly FeedbackCount[] = [];
      for (const [sent, when] of votes) {
        const before = sum(counts);
        counts = withVote(counts, sent, when) ?? counts;
        expect(sum(counts) - before).toBeGreaterThanOrEqual(0);
        expect(sum(counts) - before).toBeLessThanOrEqual(1);
        for (const { count } of counts) expect(count).toBeGreaterThan(0);
      }
      const keys = counts.map(({ page, lang, useful, day: on }) => [page, lang, useful, on].join(' '));
      expect(new Set(keys).size).toBe(keys.length);
      expect(parseFeedback(formatFeedback(counts))).toEqual(counts);
      expect(byPage(counts).reduce((all, page) => all + total(page), 0)).toBe(sum(counts));
    }),
  );
});

test('a changed answer is taken from the newest day that has one', () => {
  const line = { page: '/ports/1', lang: 'en', useful: 'no' } as const;
  const counts = [
    { ...line, day: '2026-11-20', count: 2 },
    { ...line, day: '2026-11-22', count: 1 },
  ];
  const sent: Vote = { page: '/ports/1', lang: 'en', useful: 'yes', before: 'no' };
  expect(withVote(counts, sent, '2026-11-25')).toEqual([
    { ...line, day: '2026-11-20', count: 2 },
    { page: '/ports/1', lang: 'en', useful: 'yes', day: '2026-11-25', count: 1 },
  ]);
  expect(withVote(counts, { ...sent, useful: 'no' }, '2026-11-25')).toBe(counts);
});

test('the file does not grow without end', () => {
  const full = Array.from({ length: FEEDBACK_LINES }, (_, index) => ({
    page: `/ports/${index}`,
    lang: 'en',
    useful: 'yes' as const,
    day: '2026-11-25',
    count: 1,
  }));
  const sent: Vote = { page: '/ports/1', lang: 'en', useful: 'no', before: null };
  expect(withVote(full, sent, '2026-11-25')).toBe(null);
  expect(withVote(full, { ...sent, useful: 'yes' }, '2026-11-25')?.[1]?.count).toBe(2);
});

test('a file that is none of ours is none', () => {
  for (const text of ['', 'null', '[]', '{}', '{"format":"portolan.feedback-file/1"}']) {
    expect(parseFeedback(text)).toBe(null);
  }
  fc.assert(fc.property(fc.json(), (text) => parseFeedback(text) === null));
});
