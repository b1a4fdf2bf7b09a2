// Rule source-dated: every source says when it was published or read.
import type { Finding, LintRule } from './rule.ts';
import { BLOCKED_FILE, SOURCES_FILE } from './rule.ts';

const DATE = /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/;

export const rule: LintRule = {
  name: 'source-dated',
  why: 'Port lists change; a reader must be able to judge how old a fact is.',
  check(data) {
    const findings: Finding[] = [];
    const test = (file: string, where: string, date: string | null): void => {
      if (date === null) findings.push({ file, where, message: 'has no date' });
      else if (!DATE.test(date)) findings.push({ file, where, message: `"${date}" is not YYYY[-MM[-DD]]` });
    };
    for (const [id, source] of Object.entries(data.sources)) test(SOURCES_FILE, id, source.date);
    test(BLOCKED_FILE, 'asOf', data.blocked.asOf);
    for (const row of data.blocked.ports) {
      if (row.added !== undefined) test(BLOCKED_FILE, `port ${row.port}`, row.added);
    }
    return findings;
  },
};
