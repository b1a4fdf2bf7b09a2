// `portolan feedback --json`, version 1.
import type { PageFeedback, Useful } from '../../model/feedback.ts';

export interface FeedbackV1 {
  readonly format: 'portolan.feedback/1';
  /** Where the counts are kept. */
  readonly file: string;
  readonly pages: readonly {
    readonly page: string;
    readonly counts: Readonly<Record<Useful, number>>;
    readonly languages: readonly {
      readonly lang: string;
      readonly counts: Readonly<Record<Useful, number>>;
    }[];
    readonly first: string;
    readonly last: string;
  }[];
}

/** What readers answered. */
export function feedbackJson(pages: readonly PageFeedback[], file: string): FeedbackV1 {
  return {
    format: 'portolan.feedback/1',
    file,
    pages: pages.map(({ page, counts, languages, first, last }) => ({
      page,
      counts,
      languages: languages.map(({ lang, counts: own }) => ({ lang, counts: own })),
      first,
      last,
    })),
  };
}
