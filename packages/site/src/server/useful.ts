// "Was this page useful?": takes answers, from the page's script and from its bare form.
import { isUseful, type Vote } from '@portolan/core';
import type { Hono } from 'hono';
import type { AppEnv } from './app-env.ts';
import { fieldsOf } from './asked.ts';
import { Bucket, type Rate } from './bucket.ts';

/** Where answers are kept; handed in by the program. */
export interface FeedbackStore {
  /** Counts an answer. Rejects with a PortolanError where that cannot be done. */
  note(vote: Vote): Promise<void>;
}

/** Answers of one user, a minute. */
const EACH: Rate = { burst: 10, perSecond: 10 / 60 };

/** Answers of all. */
const ALL: Rate = { burst: 60, perSecond: 1 };

/** Users that are told apart; they are forgotten all together. */
const USERS = 1000;

/** What the route needs. */
export interface UsefulParts {
  readonly store: FeedbackStore;
  readonly languages: readonly string[];
  /** Is there a page at this path that asks? */
  readonly asks: (path: string) => boolean;
  /** The uid at the other end; null where it is not known, and then all are one. */
  readonly uidOf: (env: AppEnv['Bindings']) => number | null;
  readonly now: () => number;
}

/** POST /api/useful. */
export function usefulRoute(app: Hono<AppEnv>, { store, languages, asks, uidOf, now }: UsefulParts): void {
  const all = new Bucket(ALL, now());
  // Only in memory, and only numbers of users: nothing of who answered is kept.
  const users = new Map<number | null, Bucket>();
  const mayAnswer = (uid: number | null): boolean => {
    const at = now();
    if (users.size >= USERS && !users.has(uid)) users.clear();
    const own = users.get(uid) ?? new Bucket(EACH, at);
    users.set(uid, own);
    return own.take(at) && all.take(at);
  };

  app.post('/api/useful', async (c) => {
    const asked = await fieldsOf(c.req, true);
    if (asked.kind === 'other') return c.text('JSON or a form, please.\n', 415);
    const vote = 'fields' in asked ? voteOf(asked.fields, languages, asks) : null;
    if (vote === null) return c.text('This is no answer to a page of ours.\n', 400);
    if (!mayAnswer(uidOf(c.env))) {
      c.header('retry-after', '60');
      return c.text('Too many answers; wait a minute.\n', 429);
    }
    await store.note(vote);
    // Only what was found to be a path of ours gets into the header.
    return asked.kind === 'form' ? c.redirect(`/${vote.lang}${vote.page}#noted`, 303) : c.body(null, 204);
  });
}

/** An answer from the fields of a body; null where one is missing, wrong, or names no page that asks. */
function voteOf(
  fields: Readonly<Record<string, unknown>>,
  languages: readonly string[],
  asks: UsefulParts['asks'],
): Vote | null {
  const { page, lang, useful, before = null } = fields;
  if (typeof page !== 'string' || !asks(page)) return null;
  if (typeof lang !== 'string' || !languages.includes(lang)) return null;
  if (!isUseful(useful)) return null;
  return before === null || isUseful(before) ? { page, lang, useful, before } : null;
}
