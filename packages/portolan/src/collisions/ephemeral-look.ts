// The range that this host hands out, looked at twice, and its kernel asked for ports. What the program and the library
// share.
import { setTimeout as pause } from 'node:timers/promises';
import {
  type AllocatorReport,
  allocatorFinding,
  type EphemeralReport,
  type EphemeralSample,
  ephemeralOf,
  type Gap,
  type PortRange,
  type Snapshot,
  type Transport,
} from '@portolan/core';

const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];
/** A range that nobody knows is looked at whole. */
const ALL_PORTS: PortRange = [0, 65_535];

/** What it is done with. */
export interface EphemeralTools {
  /** Looks at sockets of these ports; null ports are all, no transports are the limits alone. */
  look(ports: PortRange | null, transports: readonly Transport[]): Promise<Snapshot>;
  readonly ffi: boolean;
  /** A recorded /proc, which can be looked at once. */
  readonly procRoot: string | undefined;
  readonly signal?: AbortSignal;
}

/** One look without owners, a pause of so many milliseconds, one with; null is one look, and no rate. */
export async function lookAtRange(
  intervalMs: number | null,
  tools: EphemeralTools,
): Promise<EphemeralReport> {
  const { ffi, procRoot, signal } = tools;
  const live = procRoot === undefined && process.platform === 'linux';
  const { ephemeralSample, ephemeralSettings } = await import('@portolan/probe');
  // The range is read first, so that only its ports are listed.
  const { limits } = await tools.look([0, 0], []);
  const ports = limits.ephemeral ?? ALL_PORTS;
  const sample = async (): Promise<EphemeralSample | null> => (live ? ephemeralSample(ports, { ffi }) : null);
  const first = intervalMs === null ? null : await sample();
  if (first !== null && intervalMs !== null)
    await pause(intervalMs, undefined, signal === undefined ? {} : { signal });
  const second = await sample();
  const snapshot = await tools.look(null, EVERYTHING);
  return ephemeralOf({
    platform: snapshot.platform,
    limits: snapshot.limits,
    settings:
      snapshot.platform === 'linux'
        ? await ephemeralSettings(procRoot)
        : { twReuse: null, namespace: { kind: 'unknown', inode: null, names: [], container: null } },
    first,
    second,
    snapshot: withoutBystanders(snapshot, ports),
  });
}

/** Of sockets outside the range only those matter that tell who is a resolver. */
function withoutBystanders(snapshot: Snapshot, [first, last]: PortRange): Snapshot {
  const sockets = snapshot.sockets.filter(
    ({ local, peer }) => (local.port >= first && local.port <= last) || (peer === null && local.port < 1024),
  );
  return { ...snapshot, sockets };
}

/** Asks this kernel for so many ports of each way, on loopback; a gap where it cannot be asked. */
export async function sampleAllocator(
  { range }: EphemeralReport,
  count: number,
  ffi: boolean,
): Promise<{ allocator: AllocatorReport | null; gap: Gap | null }> {
  const gap = (reason: string): Gap => ({
    code: 'sample-unmade',
    values: { reason },
    remedy: null,
    coversUse: false,
    transports: [],
  });
  if (process.platform !== 'linux' || range === null || !ffi)
    return { allocator: null, gap: gap(!ffi ? '--no-ffi' : process.platform) };
  const { allocatorSample } = await import('@portolan/probe');
  const { draws, took, reason } = await allocatorSample(count);
  const findings = [...draws].map(([way, drawn]) => allocatorFinding(way, drawn, range));
  return { allocator: { range, findings, took }, gap: reason === null ? null : gap(reason) };
}
