// Rule source-used: every source is cited by a data file, or listed with the reason why code cites it.
import type { Finding, LintRule } from './rule.ts';
import { placedClaims, SOURCES_FILE, UNUSED_SOURCES_FILE } from './rule.ts';

export const rule: LintRule = {
  name: 'source-used',
  why: 'Sources left behind by removed claims make the list of what was read untrue.',
  check(data) {
    const used = new Set<string>([data.blocked.source]);
    for (const { claim } of placedClaims(data)) used.add(claim.source);
    for (const row of data.ephemeral) used.add(row.source);
    const excused = new Set(data.exceptions.unusedSources.map(({ key }) => key));
    const findings: Finding[] = [];
    for (const id of Object.keys(data.sources)) {
      if (used.has(id) || excused.has(id)) continue;
      findings.push({ file: SOURCES_FILE, where: id, message: 'nothing cites this source' });
    }
    for (const key of excused) {
      const message = used.has(key)
        ? 'is cited by a data file, so it needs no exception'
        : Object.hasOwn(data.sources, key)
          ? null
          : 'is not a source';
      if (message !== null) findings.push({ file: UNUSED_SOURCES_FILE, where: key, message });
    }
    return findings;
  },
};
