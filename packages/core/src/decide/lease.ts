// What a lease's text must be to count, whose it is, and what a name may be. Pure: files are read elsewhere.
import type { DamagedLease, Lease, MarkState, ProcessMark, StoredLease } from '../model/lease.ts';
import { isPort, isTransport } from '../model/port.ts';

/** Format of the files; a changed shape is a new name. */
const FORMAT = 'portolan.lease-file/1';

/** Longest name, in UTF-16 units. */
export const NAME_LIMIT = 200;

/** True for a name that can be said on one line: no control or bidirectional character, no half of a surrogate
 * pair, not blank at its ends. */
export function isLeaseName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= NAME_LIMIT &&
    name.trim() === name &&
    !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)
  );
}

/** `PORTOLAN_PORT_WEB` for `web`: upper case, everything else than letters and digits an underscore. */
export function portVariable(name: string): string {
  return `PORTOLAN_PORT_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/** Text of a lease: one JSON line whose last field checks the others. */
export function formatLease(lease: Lease, checksum: (text: string) => string): string {
  const body = {
    format: FORMAT,
    name: lease.name,
    project: lease.project,
    place: lease.place,
    port: lease.port,
    transport: lease.transport,
    holder: {
      pid: lease.holder.pid,
      startTicks: lease.holder.startTicks,
      bootId: lease.holder.bootId,
      pidNamespace: lease.holder.pidNamespace,
    },
    madeAt: lease.madeAt,
  };
  return `${JSON.stringify({ ...body, check: checksum(JSON.stringify(body)) })}\n`;
}

/** A lease from its text, or what is wrong with it. */
export function parseLease(
  text: string,
  port: number,
  checksum: (text: string) => string,
): Lease | DamagedLease['why'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'cut';
  }
  const lease = readShape(value);
  if (lease === null) return 'shape';
  if (lease.port !== port) return 'other-port';
  return formatLease(lease, checksum) === text ? lease : 'check';
}

function readShape(value: unknown): Lease | null {
  if (!isRecord(value) || value['format'] !== FORMAT || !isRecord(value['holder'])) return null;
  const { name, project, place, port, transport, madeAt } = value;
  const { pid, startTicks, bootId, pidNamespace } = value['holder'];
  if (name !== null && (typeof name !== 'string' || !isLeaseName(name))) return null;
  if (typeof project !== 'string' || !(place === null || typeof place === 'string')) return null;
  if (typeof port !== 'number' || !isPort(port) || port === 0) return null;
  if (typeof transport !== 'string' || !isTransport(transport) || typeof madeAt !== 'string') return null;
  if (!isCount(pid) || pid === 0) return null;
  if (!(startTicks === null || isCount(startTicks))) return null;
  if (!(bootId === null || typeof bootId === 'string')) return null;
  if (!(pidNamespace === null || isCount(pidNamespace))) return null;
  const holder: ProcessMark = { pid, startTicks, bootId, pidNamespace };
  return { name, project, place, port, transport, holder, madeAt };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Who asks for a name's lease. */
export interface Asking {
  readonly name: string;
  readonly project: string;
  readonly place: string | null;
  /** Users whose leases are believed, best first: the owner of the project's folder, root, oneself. */
  readonly trusted: readonly number[];
  /** Is the folder of another lease's project still there? Asked only of projects that may have been moved here. */
  stillThere(project: string, place: string): boolean;
}

/**
 * The lease that is this name's already: of the same folder, else of one that was moved here. A lease of somebody who
 * is not trusted is none: who may write a file must not choose where this project's clients connect to.
 */
export function leaseOf(leases: readonly StoredLease[], asking: Asking): StoredLease | null {
  const named = leases.filter(({ name, uid }) => name === asking.name && asking.trusted.includes(uid));
  const rank = ({ uid }: StoredLease): number => asking.trusted.indexOf(uid);
  const best = (those: readonly StoredLease[]): StoredLease | null =>
    those.toSorted((a, b) => rank(a) - rank(b) || a.port - b.port)[0] ?? null;
  const here = best(named.filter(({ project }) => project === asking.project));
  if (here !== null || asking.place === null) return here;
  return best(
    named.filter(
      ({ project, place }) => place !== null && place === asking.place && !asking.stillThere(project, place),
    ),
  );
}

/** What may be done with a lease that is not the asker's own. */
export type Claimable =
  /** Nobody's any more: held by a process that is gone, and for no name. */
  | 'leftover'
  /** A name's whose holder is gone: given to another name only where nothing else is left. */
  | 'stale'
  | 'kept';

/** How firmly a lease stands. That the port is free is for the caller to see before it takes one. */
export function claimable({ name }: Lease, state: MarkState): Claimable {
  if (state !== 'gone') return 'kept';
  return name === null ? 'leftover' : 'stale';
}
