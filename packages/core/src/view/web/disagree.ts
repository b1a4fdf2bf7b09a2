// Disagreements side by side: who says what, and why both can be there.
import { claimName, isWide } from '../../decide/claims.ts';
import type { Claim } from '../../model/claim.ts';
import { listed, type Message, say } from '../../model/message.ts';
import type { Disagreement, DisagreementKind, PortReport } from '../../model/report.ts';
import { formatRange, type References } from '../report.ts';
import { data, type Inline, said } from '../tree.ts';
import type { Block, Versus } from './tree.ts';

/** Most names on one side. */
const NAMES_SHOWN = 5;

/** The disagreements of a report, one block each. */
export function versusBlocks(report: PortReport, refs: References): Block[] {
  return report.disagreements.map((found) => ({ kind: 'versus', versus: versus(found, report, refs) }));
}

function versus(found: Disagreement, report: PortReport, refs: References): Versus {
  const claims = report.claims.filter((claim) => found.claims.includes(claim.id));
  const official = claims.filter((claim) => claim.authority === 'registry');
  const others = claims.filter((claim) => claim.authority !== 'registry');
  const why: Inline[] = [said(found.text)];
  if (found.rule !== null) why.push(data(' '), refs.mark(found.rule));
  return { title: titleOf(found.kind, others), sides: sidesOf(found.kind, report, official, others), why };
}

function titleOf(kind: DisagreementKind, others: readonly Claim[]): Message {
  if (kind === 'two-services') return say('web.versus.two');
  if (kind === 'shared-default') return say('web.versus.shared');
  const whose = [...new Set(others.map((claim) => claim.vendor ?? claimName(claim)))];
  if (whose.length === 1) return say('web.versus.one', { who: whose[0] ?? '' });
  return say('web.versus.practice');
}

function sidesOf(
  kind: DisagreementKind,
  { port, range }: PortReport,
  official: readonly Claim[],
  others: readonly Claim[],
): Versus['sides'] {
  // Names of one number in one registry, and of products among themselves, stand against each other one by one.
  if (kind === 'two-services') {
    return names(official).map((name) => ({ who: say('web.versus.iana'), says: [name] }));
  }
  if (kind === 'shared-default') {
    const products = names(others);
    return [{ who: say('web.versus.products', { count: products.length }), says: listedNames(products, 12) }];
  }
  const first =
    official.length > 0
      ? official.map((claim) =>
          claim.status === 'reserved' ? say('web.versus.reserved') : (claim.service as Message | string),
        )
      : [range.assignable ? say('web.versus.none') : say('web.versus.never')];
  const saying = described(others, port);
  const unique = [...new Map(first.map((item) => [JSON.stringify(item), item])).values()];
  return [
    { who: say('web.versus.iana'), says: unique.slice(0, NAMES_SHOWN) },
    { who: otherWords(others, saying), says: listedNames(saying, NAMES_SHOWN) },
  ];
}

/** One maker by its name; of several, as many as stand below. */
function otherWords(others: readonly Claim[], saying: readonly string[]): Message {
  const whose = [...new Set(others.map((claim) => claim.vendor ?? claimName(claim)))];
  if (whose.length === 1) return say('web.versus.says', { who: whose[0] ?? '' });
  return say('web.versus.others', { count: saying.length });
}

function names(claims: readonly Claim[]): string[] {
  return [...new Set(claims.map(claimName))];
}

/** A vendor's own list weighs more than a product's default, so it comes first. A whole range is shown with its name. */
function described(claims: readonly Claim[], port: number): string[] {
  const ordered = claims.toSorted(
    (a, b) => Number(b.authority === 'vendor') - Number(a.authority === 'vendor'),
  );
  const lines = ordered.map((claim) => {
    const alone = claim.ports[0] === port && claim.ports[1] === port;
    const range = isWide(claim) || !alone ? ` (${formatRange(claim.ports)})` : '';
    return `${claimName(claim)}${range}`;
  });
  return [...new Set(lines)];
}

function listedNames(lines: readonly string[], limit: number): (string | Message)[] {
  if (lines.length <= limit + 1) return [...lines];
  return [...lines.slice(0, limit), say('web.versus.more', { count: lines.length - limit })];
}

/** Names as one value of a sentence. */
export function namesOf(claims: readonly Claim[], limit: number): ReturnType<typeof listed> {
  return listed(names(claims), limit);
}
