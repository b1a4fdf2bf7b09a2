// Sets of ports as sorted runs: read, joined, cut, compared. The form of ip_local_reserved_ports.
import { isPort, type PortRange } from '../model/port.ts';

/** Reads `1,2-4`; empty text is no port. Null where it is not in that form, as the kernel would refuse it. */
export function parseRanges(text: string): PortRange[] | null {
  const body = text.trim();
  if (body === '') return [];
  const ranges: PortRange[] = [];
  for (const part of body.split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim());
    if (match === null) return null;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (!isPort(first) || !isPort(last) || first > last) return null;
    ranges.push([first, last]);
  }
  return ranges;
}

/** Writes `1,2-4`. */
export function formatRanges(ranges: readonly PortRange[]): string {
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** The same ports as ascending runs that neither overlap nor touch: the form in which the kernel prints its list. */
export function joinRanges(...sets: readonly (readonly PortRange[])[]): PortRange[] {
  const runs: [number, number][] = [];
  for (const [first, last] of sets.flat().toSorted((a, b) => a[0] - b[0])) {
    const open = runs.at(-1);
    if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last);
    else runs.push([first, last]);
  }
  return runs;
}

/** The ports of `from` that are not in `less`. */
export function withoutRanges(from: readonly PortRange[], less: readonly PortRange[]): PortRange[] {
  const holes = joinRanges(less);
  const left: PortRange[] = [];
  let at = 0;
  for (const [first, last] of joinRanges(from)) {
    let start = first;
    while ((holes[at]?.[1] ?? Number.POSITIVE_INFINITY) < start) at++;
    for (let hole = at; start <= last; hole++) {
      const [from0, to] = holes[hole] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      if (from0 > last) {
        left.push([start, last]);
        break;
      }
      if (from0 > start) left.push([start, from0 - 1]);
      start = to + 1;
    }
  }
  return left;
}

/** The ports that are in both. */
export function commonRanges(a: readonly PortRange[], b: readonly PortRange[]): PortRange[] {
  return withoutRanges(a, withoutRanges(a, b));
}

/** Do both hold the same ports? */
export function sameRanges(a: readonly PortRange[], b: readonly PortRange[]): boolean {
  return formatRanges(joinRanges(a)) === formatRanges(joinRanges(b));
}

/** How many ports the runs hold together. */
export function portCount(ranges: readonly PortRange[]): number {
  return joinRanges(ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}
