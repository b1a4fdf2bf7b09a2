// Lines of netsh's tables of port ranges, by numbers and dashes: what is around them is in the display language.
import type { PortRange } from '@portolan/core';

/** The rule under the two headings of excluded ranges: `----------    --------`. */
export const TWO_RULES: RegExp = /^\s*-{4,}\s+-{4,}\s*$/;
/** The same as netsh draws it in every language that was seen: ten dashes and eight. */
export const OWN_RULES: RegExp = /^\s*-{10}\s{2,}-{8}\s*$/;
/** The rule under the title of a dynamic range, and how long netsh draws it. */
export const ONE_RULE: RegExp = /^\s*-{8,}\s*$/;
export const OWN_RULE: RegExp = /^\s*-{33}\s*$/;

const RANGE_ROW = /^\s*(\*?)\s*(\d{1,5})\s+(\d{1,5})\s*(\*?)\s*$/;

/** One run of ports that Windows does not hand out by itself. */
export interface ExcludedRange {
  readonly ports: PortRange;
  /** Marked `*`: made by an administrator; binding on purpose stays allowed. */
  readonly administered: boolean;
}

/** A row of excluded ranges; null for any other line, and `false` where the numbers are no range of ports. */
export function excludedRow(line: string): ExcludedRange | false | null {
  const match = RANGE_ROW.exec(line);
  if (match === null) return null;
  const ports: PortRange = [Number(match[2]), Number(match[3])];
  if (!isPort(ports[0]) || !isPort(ports[1]) || ports[0] > ports[1]) return false;
  return { ports, administered: match[1] === '*' || match[4] === '*' };
}

/** The one number of a line; null where it has none or several. */
export function onlyNumber(line: string): number | null {
  const numbers = line.match(/\d+/g);
  return numbers?.length === 1 ? Number(numbers[0]) : null;
}

/** `count` ports from `first`; null where those are no ports. */
export function dynamicRange(first: number, count: number): PortRange | null {
  const range: PortRange = [first, first + count - 1];
  return count >= 1 && isPort(range[0]) && isPort(range[1]) ? range : null;
}

function isPort(port: number): boolean {
  return port <= 65_535;
}
