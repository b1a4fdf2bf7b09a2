// A window of ports that nothing speaks against: found by rule, the same for the same facts.
import type { EphemeralDefault } from '../model/claim.ts';
import { PORT_MAX, type PortRange } from '../model/port.ts';
import type { XsanProposal } from '../model/xsan.ts';

/** What a window must keep clear of, and what it should. */
export interface WindowInput {
  /** Ports that the window should have, at least 1. */
  readonly size: number;
  /** True where a narrower window is worse than one within the range of a system that gives way. */
  readonly keepSize: boolean;
  /** Runs it never overlaps: this host's range and reservations, holders, claims on single numbers. */
  readonly never: readonly PortRange[];
  /** Default ranges of systems, which it keeps clear of as far as there is room. */
  readonly defaults: readonly EphemeralDefault[];
}

/** Ports below this need a privilege. */
const FIRST = 1024;

/** Systems that give way first, for neither Xsan nor StorNext is met there often. */
const GIVE_WAY: readonly (readonly string[])[] = [[], ['FreeBSD'], ['FreeBSD', 'Solaris', 'AIX']];

/** Windows start on a multiple of this where there is one: such numbers are told and typed more easily. */
const ROUND = 100;

/** Sizes tried where the wanted one does not fit anywhere: that of the example that ships with the software, and less. */
const SMALLER = [101, 64, 32, 16];

/** The first window that fits; null where there is none at all. */
export function proposeWindow({ size, keepSize, never, defaults }: WindowInput): XsanProposal | null {
  const current = defaults.filter(({ versions }) => !/XP|2003/.test(versions));
  const systems = [...new Set(current.map(({ os }) => os))];
  const clear = GIVE_WAY.map((leave) => {
    const avoided = current.filter(({ os }) => !leave.includes(os)).flatMap(({ ranges }) => ranges);
    return freePorts([...never, ...avoided]);
  });
  const sizes = [size, ...SMALLER.filter((smaller) => smaller < size)];
  const tries = keepSize
    ? sizes.flatMap((wanted) => clear.map((free) => ({ wanted, free })))
    : clear.flatMap((free) => sizes.map((wanted) => ({ wanted, free })));
  // Only where there is no room outside all of them is it taken within.
  const last = freePorts(never);
  for (const { wanted, free } of [...tries, ...sizes.map((each) => ({ wanted: each, free: last }))]) {
    const first = firstRun(free, wanted);
    if (first === null) continue;
    const window: PortRange = [first, first + wanted - 1];
    const within = systems.filter((os) =>
      current.some((row) => row.os === os && row.ranges.some(([a, b]) => a <= window[1] && b >= window[0])),
    );
    return { window, within, lines: [`MinPort ${window[0]}`, `MaxPort ${window[1]}`] };
  }
  return null;
}

function freePorts(taken: readonly PortRange[]): Uint8Array {
  const free = new Uint8Array(PORT_MAX + 1).fill(1, FIRST);
  for (const [first, last] of taken) free.fill(0, first, last + 1);
  return free;
}

/** Lowest start of a run of free ports, a round one before others. */
function firstRun(free: Uint8Array, size: number): number | null {
  let run = 0;
  let any: number | null = null;
  for (let port = FIRST; port <= PORT_MAX; port++) {
    run = free[port] === 1 ? run + 1 : 0;
    if (run < size) continue;
    const first = port - size + 1;
    any ??= first;
    if (first % ROUND === 0) return first;
  }
  return any;
}
