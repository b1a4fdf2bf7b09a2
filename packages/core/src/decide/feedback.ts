// How answers to "was this page useful?" are counted, and the file they are kept in.
import {
  type FeedbackCount,
  isUseful,
  type PageFeedback,
  type Useful,
  type Vote,
} from '../model/feedback.ts';

/** Name of the file's format. */
const FORMAT = 'portolan.feedback-file/1';

/** Most lines of the file: whoever sends answers to all pages shall not fill a disk. */
export const FEEDBACK_LINES = 50_000;

/**
 * The counts with an answer more; null where there is no room for another line. What was answered before is taken from
 * the newest day that has such an answer, and only if there is one: no count falls below nothing.
 */
export function withVote(
  counts: readonly FeedbackCount[],
  vote: Vote,
  day: string,
): readonly FeedbackCount[] | null {
  if (vote.before === vote.useful) return counts;
  const alike = ({ page, lang }: FeedbackCount): boolean => page === vote.page && lang === vote.lang;
  const before = counts
    .filter((entry) => alike(entry) && entry.useful === vote.before)
    .toSorted((a, b) => (a.day < b.day ? 1 : -1))[0];
  const after = counts.flatMap((entry) => {
    if (entry !== before) return [entry];
    return entry.count > 1 ? [{ ...entry, count: entry.count - 1 }] : [];
  });
  const at = after.findIndex((entry) => alike(entry) && entry.useful === vote.useful && entry.day === day);
  const known = after[at];
  if (known !== undefined) return after.with(at, { ...known, count: known.count + 1 });
  if (after.length >= FEEDBACK_LINES) return null;
  return [...after, { page: vote.page, lang: vote.lang, useful: vote.useful, day, count: 1 }];
}

/** The counts by page, those with most answers first. */
export function byPage(counts: readonly FeedbackCount[]): PageFeedback[] {
  const pages = new Map<string, FeedbackCount[]>();
  for (const entry of counts) {
    const own = pages.get(entry.page);
    if (own === undefined) pages.set(entry.page, [entry]);
    else own.push(entry);
  }
  return [...pages]
    .map(([page, own]): PageFeedback => {
      const days = own.map(({ day }) => day).toSorted();
      const languages = [...new Set(own.map(({ lang }) => lang))].toSorted();
      return {
        page,
        counts: sums(own),
        languages: languages.map((lang) => ({
          lang,
          counts: sums(own.filter((entry) => entry.lang === lang)),
        })),
        first: days[0] ?? '',
        last: days.at(-1) ?? '',
      };
    })
    .toSorted((a, b) => total(b) - total(a) || (a.page < b.page ? -1 : 1));
}

/** Answers of a page. */
export function total({ counts }: Pick<PageFeedback, 'counts'>): number {
  return counts.no + counts.partly + counts.yes;
}

function sums(counts: readonly FeedbackCount[]): Record<Useful, number> {
  const sum = { no: 0, partly: 0, yes: 0 };
  for (const { useful, count } of counts) sum[useful] += count;
  return sum;
}

/** The file's text: a line a count, so that people can read it. */
export function formatFeedback(counts: readonly FeedbackCount[]): string {
  const lines = counts.map((entry) => JSON.stringify(entry));
  return `{ "format": "${FORMAT}", "counts": [\n${lines.join(',\n')}\n] }\n`;
}

/** The counts of a file's text; null where it is none of ours. */
export function parseFeedback(text: string): readonly FeedbackCount[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { format, counts } = (value ?? {}) as { format?: unknown; counts?: unknown };
  if (format !== FORMAT || !Array.isArray(counts)) return null;
  return counts.every(isCount) ? counts : null;
}

function isCount(value: unknown): value is FeedbackCount {
  const entry = (value ?? {}) as Partial<Record<keyof FeedbackCount, unknown>>;
  return (
    typeof entry.page === 'string' &&
    entry.page.startsWith('/') &&
    typeof entry.lang === 'string' &&
    isUseful(entry.useful) &&
    typeof entry.day === 'string' &&
    /^\d{4}-\d{2}-\d{2}$/.test(entry.day) &&
    Number.isSafeInteger(entry.count) &&
    Number(entry.count) > 0
  );
}
