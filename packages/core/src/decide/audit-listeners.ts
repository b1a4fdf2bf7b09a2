// Which listeners are fixed ports: what is said of each, and which of them the system may have chosen itself.
import type { FixedPort } from '../model/audit.ts';
import type { Claim } from '../model/claim.ts';
import { inRange, type PortRange } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import { mainOwnerOf } from './audit-words.ts';
import { isWide } from './claims.ts';

/** What is taken for the range where this host's could not be read: every current system's is within it. */
const RANGE_UNKNOWN: PortRange = [32_768, 65_535];

/**
 * A listener is a fixed port where it is a TCP socket that listens, or a UDP socket outside the range that this host
 * hands out. A UDP socket without a peer inside that range may be a client that waits for its answer: it counts only
 * where a claim on that very number says what it is. (Where a file names the number, the file's entry is the fixed
 * port, and the socket is its holder.)
 */
export function listenersOf(
  holders: readonly Holder[],
  ephemeral: PortRange | null,
  claims: (port: number) => readonly Claim[],
): FixedPort[] {
  const groups = new Map<string, Holder[]>();
  for (const holder of holders) {
    if (holder.namespace !== null || (holder.kind !== 'listener' && holder.kind !== 'kernel')) continue;
    const key = `${holder.transport} ${holder.local.port} ${mainOwnerOf(holder)?.name ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [holder]);
    else group.push(holder);
  }
  const range = ephemeral ?? RANGE_UNKNOWN;
  const fixed: FixedPort[] = [];
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined || first.local.port === 0) continue;
    const { port } = first.local;
    const inside = inRange(port, range);
    const named = inside && claims(port).some((claim) => !isWide(claim));
    if (first.transport !== 'tcp' && inside && !named) continue;
    fixed.push(listener(group, first, inside && !named && mayBeHandedOut(port, range)));
  }
  return fixed;
}

/** Linux gives bind(0) the numbers that are of the other parity than the range's first, as long as there are any. */
function mayBeHandedOut(port: number, range: PortRange): boolean {
  return ((port ^ range[0]) & 1) === 1;
}

function listener(group: readonly Holder[], first: Holder, handedOut: boolean): FixedPort {
  const owner = mainOwnerOf(first);
  const addresses = new Set(group.map(({ local }) => local.address));
  const any = addresses.has('0.0.0.0') || addresses.has('::') || addresses.size > 1;
  const { port } = first.local;
  return {
    origin: 'listener',
    ports: [port, port],
    transport: first.transport,
    address: any ? null : first.local.address,
    service: first.activation?.serviceUnit ?? owner?.name ?? (first.kind === 'kernel' ? 'kernel' : ''),
    about: [
      ...(owner?.argv ?? []).slice(0, 3),
      owner?.unit ?? '',
      owner?.container?.name ?? '',
      first.activation?.socketUnit ?? '',
      first.publishes?.container.name ?? '',
    ].filter((word) => word !== ''),
    role: 'binds',
    place: null,
    project: null,
    variable: null,
    chosen: false,
    // It has bound it.
    mayBindLow: true,
    enabled: null,
    sexagesimal: null,
    handedOut,
    holders: group,
    profile: null,
  };
}
