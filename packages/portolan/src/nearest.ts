// What somebody probably meant: the nearest of some words, or none where none is near.
import { distance } from 'fastest-levenshtein';

/** Most letters that may be wrong in a word of this length. */
function tolerance(length: number): number {
  return length <= 3 ? 1 : 2;
}

/** The nearest words, best first; a word that goes on where the given one ends counts as near. */
export function nearestWords(word: string, known: readonly string[], most: number): string[] {
  if (word.length < 2) return [];
  return known
    .map((other) => ({
      other,
      far: word.length >= 3 && other.startsWith(word) ? 0.5 : distance(word, other),
    }))
    .filter(({ other, far }) => far <= tolerance(Math.min(word.length, other.length)))
    .toSorted((a, b) => a.far - b.far || (a.other < b.other ? -1 : 1))
    .slice(0, most)
    .map(({ other }) => other);
}

/** The nearest word, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  return nearestWords(word, known, 1)[0] ?? null;
}
