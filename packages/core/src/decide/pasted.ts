// What could be wrong with a holder that somebody else's tool printed: who reaches it, and whether a connection could be given
// its number.
import type { EphemeralDefault, SystemRange } from '../model/claim.ts';
import { inRange } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import { currentDefaults } from './pick.ts';

/** Those of current systems. */
export function systemRanges(defaults: readonly EphemeralDefault[]): SystemRange[] {
  return currentDefaults(defaults).flatMap(({ os, ranges }) =>
    ranges.map((range) => ({ system: os, range })),
  );
}

/** From where a holder is reached: every network of its host, that host alone, or one address of it. */
export type Reach = 'open' | 'local' | 'address';

/** What could be wrong. */
export interface Concerns {
  /** Null for what waits for nobody. */
  readonly reach: Reach | null;
  /** Systems among those asked about whose connections could be given the number. */
  readonly handed: readonly SystemRange[];
}

const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*', '::ffff:0.0.0.0']);

/** What could be wrong with a holder on one of `systems`. */
export function concernsOf(holder: Holder, systems: readonly SystemRange[]): Concerns {
  const { kind, local } = holder;
  if (kind === 'connection' || kind === 'closing') return { reach: null, handed: [] };
  return {
    reach: kind === 'bound' ? null : reachOf(local.address),
    handed: systems.filter(({ range }) => inRange(local.port, range)),
  };
}

function reachOf(text: string): Reach {
  const address = text.replace(/%.*$/, '').toLowerCase();
  if (ANY.has(address)) return 'open';
  return address === '::1' || /^(::ffff:)?127\./.test(address) ? 'local' : 'address';
}
