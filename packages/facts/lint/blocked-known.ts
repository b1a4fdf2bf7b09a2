// Rule blocked-known: the browsers' list is whole, in order, and without repeats.
import { isPort } from '@portolan/core';
import type { Finding, LintRule } from './rule.ts';
import { BLOCKED_FILE } from './rule.ts';

// Ports in the standard's table at the edition named in browser-blocked.json; a new edition changes both.
const PORTS_IN_STANDARD = 83;

export const rule: LintRule = {
  name: 'blocked-known',
  why: 'A dropped line would tell someone that a browser opens a port which it refuses.',
  check(data) {
    const { ports } = data.blocked;
    const findings: Finding[] = [];
    const add = (where: string, message: string): void => {
      findings.push({ file: BLOCKED_FILE, where, message });
    };
    if (ports.length !== PORTS_IN_STANDARD) {
      add('ports', `holds ${ports.length} ports, not ${PORTS_IN_STANDARD}`);
    }
    ports.forEach(({ port }, at) => {
      if (!isPort(port)) add(`port ${port}`, 'is not a port number');
      const before = ports[at - 1];
      if (before !== undefined && before.port >= port) add(`port ${port}`, `does not follow ${before.port}`);
    });
    return findings;
  },
};
