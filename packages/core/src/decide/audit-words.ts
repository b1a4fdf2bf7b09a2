// What a fixed port is, in words, and whether a claim is about the same thing.
import type { FixedPort } from '../model/audit.ts';
import type { Claim } from '../model/claim.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import type { Owner } from '../model/socket.ts';
import { tellingWords } from './claims.ts';

/** The owner that a socket is for: of one that systemd holds, the service's own process once it runs. */
export function mainOwnerOf({ owners, activation }: Holder): Owner | undefined {
  const unit = activation?.serviceUnit ?? null;
  return (unit === null ? undefined : owners.find((owner) => owner.unit === unit)) ?? owners[0];
}

/** Names of programs that run other programs: they say nothing about what is on the port. */
const RUNTIMES =
  /^(?:node|nodejs|deno|bun|python[\d.]*|java|ruby|perl|php[\d.]*|dotnet|beam\.smp|sh|bash|docker-proxy|rootlessport|conmon|slirp4netns|pasta|systemd|MainThread)$/;

/** True where nothing tells what a listener is. */
export function isAnonymous({ origin, service }: FixedPort): boolean {
  return origin === 'listener' && (service === '' || RUNTIMES.test(service));
}

/** Is the claim about what the fixed port is for? When in doubt it is. */
export function isAbout(claim: Claim, { service, about }: FixedPort): boolean {
  const mine = tellingWords([service, ...about].join(' '));
  const plain = mine.join('');
  const theirs = tellingWords(`${claim.service} ${claim.product ?? ''} ${claim.note ?? ''}`);
  return theirs.some((word) =>
    mine.some(
      (own) =>
        own === word ||
        (own.length >= 3 && word.length >= 3 && (own.startsWith(word) || word.startsWith(own))) ||
        (word.length >= 5 && plain.includes(word)),
    ),
  );
}

/** The part that two runs of ports have in common; null where there is none. */
export function common(a: PortRange, b: PortRange): PortRange | null {
  const first = Math.max(a[0], b[0]);
  const last = Math.min(a[1], b[1]);
  return first <= last ? [first, last] : null;
}

/** The ports of a run that none of some other runs has, as runs; at most `limit` ports are looked at. */
export function without(range: PortRange, taken: readonly PortRange[]): PortRange[] {
  let left: PortRange[] = [range];
  for (const cut of taken) {
    left = left.flatMap((part): PortRange[] => {
      if (common(part, cut) === null) return [part];
      const before: PortRange[] = cut[0] > part[0] ? [[part[0], cut[0] - 1]] : [];
      const after: PortRange[] = cut[1] < part[1] ? [[cut[1] + 1, part[1]]] : [];
      return [...before, ...after];
    });
  }
  return left;
}

/** `60163`, `8000-8010`. */
export function portsText([first, last]: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}
