// Rule vendor-consistent: one vendor, one publisher, one spelling.
import type { Finding, LintRule } from './rule.ts';
import { placedClaims, SOURCES_FILE } from './rule.ts';

export const rule: LintRule = {
  name: 'vendor-consistent',
  why: 'Search and grouping compare vendors as written; two spellings split one vendor in two.',
  check(data) {
    const spelling = new Map<string, string>();
    const findings: Finding[] = [];
    const test = (file: string, where: string, name: string): void => {
      const known = spelling.get(name.toLowerCase());
      if (known === undefined) spelling.set(name.toLowerCase(), name);
      else if (known !== name) findings.push({ file, where, message: `"${name}" is "${known}" elsewhere` });
    };
    for (const { file, claim } of placedClaims(data)) {
      if (claim.vendor !== null) test(file, claim.id, claim.vendor);
    }
    for (const [id, { publisher }] of Object.entries(data.sources)) test(SOURCES_FILE, id, publisher);
    return findings;
  },
};
