// Rule band: a claim lies in the file of its first port, and each file is sorted.
import type { Claim } from '@portolan/core';
import { PORT_MAX } from '@portolan/core';
import type { Finding, LintRule } from './rule.ts';
import { claimsPath } from './rule.ts';

const BAND = 1000;

export const rule: LintRule = {
  name: 'band',
  why: 'One place for each fact: whoever adds a claim finds the claims it must agree with next to it.',
  check(data) {
    const findings: Finding[] = [];
    for (const { file, claims } of data.claimFiles) {
      const path = claimsPath(file);
      if (claims.length === 0) findings.push({ file: path, where: 'file', message: 'has no claims' });
      claims.forEach((claim, at) => {
        const home = bandFile(claim.ports[0]);
        if (home !== file) findings.push({ file: path, where: claim.id, message: `belongs in ${home}` });
        const before = claims[at - 1];
        if (before !== undefined && order(before, claim) > 0) {
          findings.push({ file: path, where: claim.id, message: `must come before ${before.id}` });
        }
      });
    }
    return findings;
  },
};

function bandFile(first: number): string {
  const start = Math.floor(first / BAND) * BAND;
  return `${pad(start)}-${pad(Math.min(start + BAND - 1, PORT_MAX))}.json`;
}

function pad(value: number): string {
  return String(value).padStart(5, '0');
}

function order(a: Claim, b: Claim): number {
  return a.ports[0] - b.ports[0] || a.ports[1] - b.ports[1] || (a.id < b.id ? -1 : 1);
}
