// Claims as the page shows them: a line each, the registry's silence as a line of its own, whole ranges folded.
import { claimName, isWide } from '../../decide/claims.ts';
import type { Claim } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import type { PortReport } from '../../model/report.ts';
import type { References } from '../report.ts';
import type { Block, ClaimLine, ClaimRow, VerdictWord } from './tree.ts';

/** Source of the three ranges, and so of what IANA never assigns. */
export const NEVER_SOURCE = 'rfc6335';

/** Lines of claims that were made before: pages share them, for a claim on a range is told on thousands. */
const LINES = new WeakMap<Claim, ClaimLine>();

/** What is said of a port, in the order of a page. */
export interface ClaimBlocks {
  readonly narrow: Block;
  /** Empty where nobody names a whole range. */
  readonly wide: readonly Block[];
  readonly words: Block;
}

/** The claims of a report, narrowest first; numbers their sources. */
export function claimBlocks(
  report: PortReport,
  registry: string,
  refs: References,
  serviceOf: (name: string) => string | null,
): ClaimBlocks {
  const rowOf = (claim: Claim): ClaimRow => ({
    line: lineOf(claim, serviceOf),
    ref: refs.number(claim.source),
  });
  const narrow = report.claims.filter((claim) => !isWide(claim));
  const rows = narrow.map(rowOf);
  if (!narrow.some((claim) => claim.authority === 'registry')) rows.unshift(silence(report, registry, refs));
  const wide = report.claims.filter(isWide).map(rowOf);
  const words = [...new Set([...rows, ...wide].map(({ line }) => line.verdict))];
  return {
    narrow: { kind: 'claims', rows },
    wide: wide.length === 0 ? [] : [{ kind: 'wide-claims', rows: wide, open: narrow.length === 0 }],
    words: { kind: 'verdict-words', words },
  };
}

/** IANA says nothing of it: also an answer, with the source that shows it. */
function silence({ port, range }: PortReport, registry: string, refs: References): ClaimRow {
  const never = !range.assignable;
  return {
    ref: refs.number(never ? NEVER_SOURCE : registry),
    line: {
      authority: 'registry',
      who: 'IANA',
      verdict: never ? 'never' : 'unassigned',
      name: '',
      instead: never ? say('web.silence.never') : say('web.silence.none', { port }),
      note: null,
      scope: never ? [range.first, range.last] : null,
      transports: [],
      to: null,
    },
  };
}

function lineOf(claim: Claim, serviceOf: (name: string) => string | null): ClaimLine {
  const before = LINES.get(claim);
  if (before !== undefined) return before;
  const isRegistry = claim.authority === 'registry';
  // "Grafana: web UI": the product is the name, what it does there the note beside it.
  const name = isRegistry ? claim.service : (claim.product ?? claim.service);
  const words = [isRegistry || claim.product === null ? null : claim.service, claim.note].filter(
    (text) => text !== null && text !== name,
  );
  const line: ClaimLine = {
    authority: claim.authority,
    who: isRegistry ? 'IANA' : (claim.vendor ?? claim.product ?? claimName(claim)),
    verdict: verdictOf(claim),
    name,
    instead: null,
    note: words.length === 0 ? null : words.join('. '),
    scope: claim.ports[0] === claim.ports[1] ? null : claim.ports,
    transports: claim.transports,
    to: serviceOf(name),
  };
  LINES.set(claim, line);
  return line;
}

/** How a claim stands to its ports, in a word. */
export function verdictOf(claim: Claim): VerdictWord {
  if (claim.authority === 'registry') return claim.status === 'reserved' ? 'reserved' : 'assigned';
  return claim.authority;
}
