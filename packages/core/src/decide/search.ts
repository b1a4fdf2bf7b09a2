// Finds claims by words: service, product and vendor names first, notes last.
import type { Claim } from '../model/claim.ts';
import { inRange, rangeSize } from '../model/port.ts';
import { isWide } from './claims.ts';

/** Claims that have every word of the query, best first. */
export function searchClaims(claims: readonly Claim[], query: string): Claim[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const scored: { claim: Claim; score: number }[] = [];
  for (const claim of claims) {
    if (claim.status === 'reserved') continue;
    let total = 0;
    for (const word of words) {
      const score = wordScore(claim, word);
      if (score === 0) {
        total = 0;
        break;
      }
      total += score;
    }
    if (total > 0) scored.push({ claim, score: total });
  }
  return scored
    .toSorted(
      (a, b) =>
        b.score - a.score ||
        rangeSize(a.claim.ports) - rangeSize(b.claim.ports) ||
        a.claim.ports[0] - b.claim.ports[0],
    )
    .map(({ claim }) => claim);
}

/** 0 where the word is nowhere; more where it stands in a name than in a note, and for a whole name most. */
function wordScore(claim: Claim, word: string): number {
  if (/^\d{1,5}$/.test(word) && !isWide(claim) && inRange(Number(word), claim.ports)) return 8;
  const names = [claim.service, claim.product ?? '', claim.vendor ?? ''].map((name) => name.toLowerCase());
  if (names.includes(word)) return 8;
  if (names.some((name) => name.split(/[^a-z0-9]+/).includes(word))) return 6;
  if (names.some((name) => name.startsWith(word))) return 4;
  if (names.some((name) => name.includes(word))) return 3;
  return (claim.note ?? '').toLowerCase().includes(word) ? 1 : 0;
}
