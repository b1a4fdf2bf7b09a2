// A sentence before it is put into any language: a key of the catalog and the values that go into it.
import type { MessageKey } from '../text/catalog.ts';

/**
 * One value: data as it stands, a number, another sentence, a share of 1 shown as a percentage, a number with exactly
 * one digit after the point, a date (`YYYY`, `YYYY-MM` or `YYYY-MM-DD`), or a list.
 */
export type MessageValue =
  | string
  | number
  | Message
  | { readonly share: number }
  | { readonly decimal: number }
  | { readonly date: string }
  | { readonly list: readonly (string | Message)[] };

/** Values of a sentence by name. */
export type MessageValues = Readonly<Record<string, MessageValue>>;

/** A sentence to be said in the reader's language. */
export interface Message {
  readonly key: MessageKey;
  readonly values: MessageValues;
}

/** Makes a message. */
export function say(key: MessageKey, values: MessageValues = {}): Message {
  return { key, values };
}

/** Names for a sentence: all of them, or the first `limit` and how many more. */
export function listed(names: readonly (string | Message)[], limit: number): MessageValue {
  if (names.length <= limit + 1) return { list: names };
  return say('names.more', { names: { list: names.slice(0, limit) }, count: names.length - limit });
}
