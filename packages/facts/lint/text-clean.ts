// Rule text-clean: texts carry no stray characters and no private machine's name.
import type { Finding, LintRule } from './rule.ts';
import { BLOCKED_FILE, EPHEMERAL_FILE, placedClaims, SOURCES_FILE } from './rule.ts';

type Fault = readonly [pattern: RegExp, message: string];

const FAULTS: readonly Fault[] = [
  [/\p{Cc}/u, 'has a control character'],
  [/^\s|\s$/u, 'starts or ends with a space'],
  [/\s{2}/u, 'has two spaces in a row'],
  [/^$/u, 'is empty'],
  [
    /\.(ts\.net|local|lan|internal|home\.arpa)\b|\b(192\.168|10\.\d+)\.\d+\.\d+\b/iu,
    'names a private machine',
  ],
];

export const rule: LintRule = {
  name: 'text-clean',
  why: 'These texts are printed as they are, in terminals and pages; control characters would act there.',
  check(data) {
    const findings: Finding[] = [];
    const test = (file: string, where: string, row: object): void => {
      for (const [key, value] of Object.entries(row)) {
        if (typeof value !== 'string') continue;
        for (const [pattern, message] of FAULTS) {
          if (pattern.test(value)) findings.push({ file, where, message: `${key} ${message}` });
        }
      }
    };
    for (const { file, claim } of placedClaims(data)) test(file, claim.id, claim);
    for (const [id, source] of Object.entries(data.sources)) test(SOURCES_FILE, id, source);
    for (const row of data.blocked.ports) test(BLOCKED_FILE, `port ${row.port}`, row);
    data.ephemeral.forEach((row, at) => test(EPHEMERAL_FILE, `[${at}]`, row));
    return findings;
  },
};
