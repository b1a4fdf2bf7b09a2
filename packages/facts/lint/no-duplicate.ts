// Rule no-duplicate: the same thing is not said twice about the same ports with the same authority.
import type { Claim } from '@portolan/core';
import type { Finding, LintRule } from './rule.ts';
import { placedClaims } from './rule.ts';

export const rule: LintRule = {
  name: 'no-duplicate',
  why: 'A fact said twice drifts apart at the next edit, and is shown twice until then.',
  check(data) {
    const groups = new Map<string, Claim[]>();
    const findings: Finding[] = [];
    for (const { file, claim } of placedClaims(data)) {
      const key = JSON.stringify([claim.ports, claim.service, claim.product, claim.authority]);
      const group = groups.get(key) ?? [];
      const twin = group.find((other) => overlap(other, claim));
      if (twin !== undefined)
        findings.push({ file, where: claim.id, message: `says the same as ${twin.id}` });
      group.push(claim);
      groups.set(key, group);
    }
    return findings;
  },
};

// An empty list means that the source names no transport, which does not rule any out.
function overlap(a: Claim, b: Claim): boolean {
  if (a.transports.length === 0 || b.transports.length === 0) return true;
  return a.transports.some((transport) => b.transports.includes(transport));
}
