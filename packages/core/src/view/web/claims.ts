// Claims as the page shows them: a line each, the registry's silence as a line of its own, whole ranges folded.
import { claimName, isWide } from '../../decide/claims.ts';
import type { Claim } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import type { PortReport } from '../../model/report.ts';
import type { References } from '../report.ts';
import type { Block, ClaimRow, VerdictWord } from './tree.ts';

/** Source of the three ranges, and so of what IANA never assigns. */
export const NEVER_SOURCE = 'rfc6335';

/** The claims of a report, narrowest first; numbers their sources. */
export function claimRows(
  report: PortReport,
  registry: string,
  refs: References,
  serviceOf: (name: string) => string | null,
): Extract<Block, { kind: 'claims' }> {
  const narrow = report.claims.filter((claim) => !isWide(claim));
  const rows = narrow.map((claim) => rowOf(claim, report.port, refs, serviceOf));
  if (!narrow.some((claim) => claim.authority === 'registry')) rows.unshift(silence(report, registry, refs));
  const wide = report.claims.filter(isWide).map((claim) => rowOf(claim, report.port, refs, serviceOf));
  const verdicts = [...new Set([...rows, ...wide].map((row) => row.verdict))];
  return { kind: 'claims', rows, wide, verdicts };
}

/** IANA says nothing of it: also an answer, with the source that shows it. */
function silence({ port, range }: PortReport, registry: string, refs: References): ClaimRow {
  const never = !range.assignable;
  return {
    authority: 'registry',
    who: 'IANA',
    verdict: never ? 'never' : 'unassigned',
    name: '',
    instead: never ? say('web.silence.never') : say('web.silence.none', { port }),
    note: null,
    scope: never ? [range.first, range.last] : null,
    transports: [],
    ref: refs.number(never ? NEVER_SOURCE : registry),
    to: null,
  };
}

function rowOf(
  claim: Claim,
  port: number,
  refs: References,
  serviceOf: (name: string) => string | null,
): ClaimRow {
  const isRegistry = claim.authority === 'registry';
  const alone = claim.ports[0] === port && claim.ports[1] === port;
  const who = isRegistry ? 'IANA' : (claim.vendor ?? claim.product ?? claimName(claim));
  // "Grafana: web UI": the product is the name, what it does there the note beside it.
  const name = isRegistry ? claim.service : (claim.product ?? claim.service);
  const words = [isRegistry || claim.product === null ? null : claim.service, claim.note].filter(
    (text) => text !== null && text !== name,
  );
  return {
    authority: claim.authority,
    who,
    verdict: verdictOf(claim),
    name,
    instead: null,
    note: words.length === 0 ? null : words.join('. '),
    scope: alone ? null : claim.ports,
    transports: claim.transports,
    ref: refs.number(claim.source),
    to: serviceOf(name),
  };
}

function verdictOf(claim: Claim): VerdictWord {
  if (claim.authority === 'registry') return claim.status === 'reserved' ? 'reserved' : 'assigned';
  return claim.authority;
}
