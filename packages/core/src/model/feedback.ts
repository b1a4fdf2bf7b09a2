// Answers to "was this page useful?": what is counted, and nothing of who gave them.

/** The answers there are. */
export const USEFUL = ['no', 'partly', 'yes'] as const;

/** One of them. */
export type Useful = (typeof USEFUL)[number];

/** Is the word one of the answers? */
export function isUseful(word: unknown): word is Useful {
  return USEFUL.some((answer) => answer === word);
}

/** An answer as it comes in. */
export interface Vote {
  /** Path of the page without its language: `/ports/60163`. */
  readonly page: string;
  /** Language in which it was read. */
  readonly lang: string;
  readonly useful: Useful;
  /** What the same reader answered before and takes back; null for nothing. */
  readonly before: Useful | null;
}

/** How often a page got an answer in a language on a day. */
export interface FeedbackCount {
  readonly page: string;
  readonly lang: string;
  readonly useful: Useful;
  /** UTC, `2026-11-25`. */
  readonly day: string;
  /** 1 or more. */
  readonly count: number;
}

/** Answers of one page, all days. */
export interface PageFeedback {
  readonly page: string;
  readonly counts: Readonly<Record<Useful, number>>;
  readonly languages: readonly { readonly lang: string; readonly counts: Readonly<Record<Useful, number>> }[];
  /** First and last day with an answer. */
  readonly first: string;
  readonly last: string;
}
