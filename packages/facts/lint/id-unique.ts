// Rule id-unique: no two claims share an id, in whatever files they are.
import type { Finding, LintRule } from './rule.ts';
import { placedClaims } from './rule.ts';

export const rule: LintRule = {
  name: 'id-unique',
  why: 'Disagreements, links and translations point at claims by id; a shared id points at the wrong one.',
  check(data) {
    const firstFile = new Map<string, string>();
    const findings: Finding[] = [];
    for (const { file, claim } of placedClaims(data)) {
      const earlier = firstFile.get(claim.id);
      if (earlier === undefined) firstFile.set(claim.id, file);
      else findings.push({ file, where: claim.id, message: `id already used in ${earlier}` });
    }
    return findings;
  },
};
