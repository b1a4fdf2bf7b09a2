// Which sentences of the program pages say too: the part of its catalog that every language of the pages has.

/** Key prefixes that pages say: reports, lists, searches and audits, with all that stands in them. */
export const PAGE_PREFIXES: readonly string[] = [
  'also.',
  'answer.',
  'audit.',
  'authority.',
  'disagree.',
  'forecast.',
  'gap.',
  'here.',
  'holder.',
  'kind.',
  'list.',
  'maker.',
  'names.',
  'owner.',
  'parity.',
  'query.',
  'range.',
  'read.',
  'remedy.',
  'risk.',
  'ruler.',
  'said.',
  'search.',
  'section.',
  'severity.',
  'share.',
  'shared.',
  'time.',
  'who.',
  'xsan.',
];

/** Whether pages may say it: one of their own sentences, or one that every language of theirs has. */
export function isPageKey(key: string): boolean {
  return key.startsWith('web.') || PAGE_PREFIXES.some((prefix) => key.startsWith(prefix));
}
