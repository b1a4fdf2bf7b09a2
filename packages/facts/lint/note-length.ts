// Rule note-length: a note fits in a few lines of a terminal.
import type { LintRule } from './rule.ts';
import { placedClaims } from './rule.ts';

const LONGEST = 280;

export const rule: LintRule = {
  name: 'note-length',
  why: 'A note is a caveat beside a claim; a report that fits 80 columns has no room for an essay.',
  check(data) {
    return placedClaims(data)
      .filter(({ claim }) => (claim.note?.length ?? 0) > LONGEST)
      .map(({ file, claim }) => ({
        file,
        where: claim.id,
        message: `note has ${claim.note?.length ?? 0} characters, over ${LONGEST}`,
      }));
  },
};
