// Rule id-shape: ids of claims and sources are short kebab-case slugs.
import type { Finding, LintRule } from './rule.ts';
import { placedClaims, SOURCES_FILE } from './rule.ts';

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const LONGEST = 60;

export const rule: LintRule = {
  name: 'id-shape',
  why: 'Ids become HTML anchors and file names, and people type them; other characters need escaping there.',
  check(data) {
    const findings: Finding[] = [];
    const test = (file: string, id: string): void => {
      if (!SLUG.test(id)) findings.push({ file, where: id, message: 'id is not kebab-case' });
      if (id.length > LONGEST)
        findings.push({ file, where: id, message: `id is over ${LONGEST} characters` });
    };
    for (const { file, claim } of placedClaims(data)) test(file, claim.id);
    for (const id of Object.keys(data.sources)) test(SOURCES_FILE, id);
    return findings;
  },
};
