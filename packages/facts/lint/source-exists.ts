// Rule source-exists: whatever names a source names one that sources.json has.
import type { Finding, LintRule } from './rule.ts';
import { BLOCKED_FILE, EPHEMERAL_FILE, placedClaims, profilePath } from './rule.ts';

export const rule: LintRule = {
  name: 'source-exists',
  why: 'A fact whose source cannot be shown is a rumour.',
  check(data) {
    const findings: Finding[] = [];
    const test = (file: string, where: string, source: string): void => {
      if (!Object.hasOwn(data.sources, source))
        findings.push({ file, where, message: `no source "${source}"` });
    };
    for (const { file, claim } of placedClaims(data)) test(file, claim.id, claim.source);
    data.ephemeral.forEach((row, at) => test(EPHEMERAL_FILE, `[${at}]`, row.source));
    for (const { file, profile } of data.profiles) {
      profile.ports.forEach(({ source }, at) => test(profilePath(file), `ports[${at}]`, source));
    }
    test(BLOCKED_FILE, 'source', data.blocked.source);
    return findings;
  },
};
