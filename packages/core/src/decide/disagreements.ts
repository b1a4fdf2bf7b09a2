// Where sources contradict each other about a port: one function a rule, no case written by hand.
import type { Claim } from '../model/claim.ts';
import { listed, type MessageValue, say } from '../model/message.ts';
import { type IanaRange, inRange } from '../model/port.ts';
import type { Disagreement } from '../model/report.ts';
import { agrees, claimName, isWide, sharesTransport } from './claims.ts';

/** Ids of the sources that set the rules. */
const RFC_DYNAMIC = 'rfc6335';
const RFC_SQUATTING = 'rfc7605';

type Rule = (port: number, range: IanaRange, claims: readonly Claim[]) => Disagreement | null;

/** Every rule, in the order their findings are shown. */
const RULES: readonly Rule[] = [
  claimOnDynamicPort,
  twoServices,
  registryAgainstUse,
  reservedButUsed,
  unauthorizedUse,
  useWithoutAssignment,
  sharedDefault,
];

/** All disagreements about one port. `claims` are those that cover it. */
export function disagreementsAbout(port: number, range: IanaRange, claims: readonly Claim[]): Disagreement[] {
  return RULES.map((rule) => rule(port, range, claims)).filter((found) => found !== null);
}

const isAssigned = (claim: Claim): boolean => claim.authority === 'registry' && claim.status !== 'reserved';
const isReserved = (claim: Claim): boolean => claim.authority === 'registry' && claim.status === 'reserved';
/** Someone's own word, against which the registry can be held. */
const isUse = (claim: Claim): boolean => claim.authority === 'vendor' || claim.authority === 'default';

/** Names for a sentence: all of them, or the first few and how many more. */
function namesOf(claims: readonly Claim[], limit = 4): MessageValue {
  return listed([...new Set(claims.map(claimName))], limit);
}

const ids = (claims: readonly Claim[]): string[] => claims.map((claim) => claim.id);

/** RFC 6335 s8.1.2: a Dynamic Port must not be used as a service identifier. Standards that hand them out are not meant. */
function claimOnDynamicPort(port: number, range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  if (range.assignable) return null;
  // A vendor's own list weighs more than a product's default, so its name comes first.
  const found = claims
    .filter(isUse)
    .toSorted((a, b) => Number(b.authority === 'vendor') - Number(a.authority === 'vendor'));
  if (found.length === 0) return null;
  const narrow = found.filter((claim) => !isWide(claim));
  return {
    kind: 'claim-on-dynamic-port',
    claims: ids(narrow.length > 0 ? narrow : found),
    text:
      narrow.length > 0
        ? say('disagree.dynamic.narrow', {
            port,
            names: namesOf(narrow),
            count: new Set(narrow.map(claimName)).size,
          })
        : say('disagree.dynamic.wide', {
            port,
            names: namesOf(found),
            count: new Set(found.map(claimName)).size,
          }),
    rule: RFC_DYNAMIC,
  };
}

/** Two registry names of one number that are not two names of one thing. */
function twoServices(port: number, _range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  const assigned = claims.filter(isAssigned);
  const different: Claim[] = [];
  for (const claim of assigned) {
    const clash = assigned.some(
      (other) =>
        other !== claim &&
        other.service !== claim.service &&
        sharesTransport(other.transports, claim.transports) &&
        !agrees(claim, { ...other, product: other.note }),
    );
    if (clash) different.push(claim);
  }
  if (different.length < 2) return null;
  return {
    kind: 'two-services',
    claims: ids(different),
    text: say('disagree.two', { port, names: namesOf(different) }),
    rule: null,
  };
}

/** The registry says one thing, a vendor or a product another. */
function registryAgainstUse(port: number, _range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  const assigned = claims.filter((claim) => isAssigned(claim) && !isWide(claim));
  if (assigned.length === 0) return null;
  const other = claims.filter(
    (claim) =>
      isUse(claim) &&
      !isWide(claim) &&
      assigned.some((entry) => sharesTransport(entry.transports, claim.transports)) &&
      !assigned.some((entry) => agrees(entry, claim)),
  );
  if (other.length === 0) return null;
  return {
    kind: 'registry-against-use',
    claims: [...ids(assigned), ...ids(other)],
    text: say('disagree.registry', {
      port,
      assigned: namesOf(assigned),
      names: namesOf(other),
      count: new Set(other.map(claimName)).size,
    }),
    rule: null,
  };
}

/** IANA holds the number back, and somebody uses it. */
function reservedButUsed(port: number, _range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  const reserved = claims.filter(isReserved);
  const used = claims.filter((claim) => isUse(claim) && !isWide(claim));
  const both = used.filter((claim) =>
    reserved.some((entry) => sharesTransport(entry.transports, claim.transports)),
  );
  const free = both.filter(
    (claim) =>
      !claims.some((entry) => isAssigned(entry) && sharesTransport(entry.transports, claim.transports)),
  );
  if (free.length === 0) return null;
  // Where it has assigned the number for another transport, "30000" alone would be wrong.
  const transports = [...new Set(reserved.flatMap((entry) => entry.transports))];
  const held = claims.some(isAssigned) && transports.length > 0 ? `${port}/${transports.join('/')}` : port;
  return {
    kind: 'reserved-but-used',
    claims: [...ids(reserved), ...ids(free)],
    text: say('disagree.reserved', {
      port: held,
      names: namesOf(free),
      count: new Set(free.map(claimName)).size,
    }),
    rule: RFC_DYNAMIC,
  };
}

/** IANA itself records a use that it did not assign (RFC 6335 s8.1.1). */
function unauthorizedUse(port: number, _range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  const found = claims.filter(
    (claim) => claim.authority === 'observed' && /unauthori[sz]ed/i.test(claim.service),
  );
  if (found.length === 0) return null;
  return {
    kind: 'unauthorized-use',
    claims: ids(found),
    text: say('disagree.unauthorized', { port, names: namesOf(found) }),
    rule: null,
  };
}

/** A number that IANA could assign and has not, in use all the same (RFC 7605 s7.8, squatting). */
function useWithoutAssignment(port: number, range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  if (!range.assignable) return null;
  const registry = claims.filter((claim) => claim.authority === 'registry');
  const found = claims.filter(
    (claim) =>
      isUse(claim) &&
      !isWide(claim) &&
      !registry.some(
        (entry) => sharesTransport(entry.transports, claim.transports) && inRange(port, entry.ports),
      ),
  );
  if (found.length === 0) return null;
  return {
    kind: 'use-without-assignment',
    claims: ids(found),
    text: say('disagree.unassigned', {
      port,
      names: namesOf(found),
      count: new Set(found.map(claimName)).size,
    }),
    rule: RFC_SQUATTING,
  };
}

/** Several products ship the same number: they meet on machines that run both. */
function sharedDefault(port: number, _range: IanaRange, claims: readonly Claim[]): Disagreement | null {
  const defaults = claims.filter((claim) => claim.authority === 'default' && !isWide(claim));
  const meeting = defaults.filter((claim) =>
    defaults.some(
      (other) =>
        other !== claim &&
        claimName(other) !== claimName(claim) &&
        sharesTransport(other.transports, claim.transports),
    ),
  );
  const products = new Set(meeting.map(claimName));
  if (products.size < 2) return null;
  return {
    kind: 'shared-default',
    claims: ids(meeting),
    text: say('disagree.shared', { port, names: namesOf(meeting, 6), count: products.size }),
    rule: null,
  };
}
