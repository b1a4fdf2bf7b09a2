// Rule profile-claimed: a profile is called as its file, and every port of it is one that a claim states.
import type { Finding, LintRule } from './rule.ts';
import { placedClaims, profilePath } from './rule.ts';

export const rule: LintRule = {
  name: 'profile-claimed',
  why: 'A profile brings no facts of its own: whoever asks where a number is from must find the claim.',
  check(data) {
    const claims = placedClaims(data).map(({ claim }) => claim);
    const findings: Finding[] = [];
    for (const { file, profile } of data.profiles) {
      const add = (where: string, message: string): void => {
        findings.push({ file: profilePath(file), where, message });
      };
      if (`${profile.name}.json` !== file) add('name', `is “${profile.name}” and not the name of the file`);
      if (profile.ports.length === 0) add('ports', 'is empty');
      profile.ports.forEach(({ ports, transports, source }, at) => {
        const stated = claims.some(
          (claim) =>
            claim.source === source &&
            claim.ports[0] === ports[0] &&
            claim.ports[1] === ports[1] &&
            claim.transports.join() === transports.join(),
        );
        if (!stated)
          add(`ports[${at}]`, `no claim of “${source}” is about ${ports.join('-')} ${transports.join()}`);
      });
    }
    return findings;
  },
};
