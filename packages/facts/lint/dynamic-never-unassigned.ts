// Rule dynamic-never-unassigned: nothing claims a registration, or the lack of one, among Dynamic Ports.
import { IANA_RANGES } from '@portolan/core';
import type { Finding, LintRule } from './rule.ts';
import { placedClaims } from './rule.ts';

export const rule: LintRule = {
  name: 'dynamic-never-unassigned',
  why:
    'IANA assigns nothing in 49152-65535 (RFC 6335 s6). "Unassigned" is a state of assignable ports and reads ' +
    'like an opening; these are never assigned.',
  check(data) {
    const dynamic = IANA_RANGES.find((range) => range.name === 'dynamic');
    if (dynamic === undefined) throw new Error('the model has no dynamic range');
    const findings: Finding[] = [];
    for (const { file, claim } of placedClaims(data)) {
      if (claim.ports[0] < dynamic.first) continue;
      if (claim.authority === 'registry') {
        findings.push({ file, where: claim.id, message: 'claims a registration of a Dynamic Port' });
      }
      const text = [claim.service, claim.product, claim.note].join(' ');
      if (/unassigned/i.test(text)) {
        findings.push({ file, where: claim.id, message: 'says "unassigned" of Dynamic Ports' });
      }
    }
    return findings;
  },
};
