// Audits, reservations and the ephemeral range for the library: options in, typed answers out, nothing printed.
import { resolve } from 'node:path';
import {
  type AuditV1,
  auditJson,
  type EphemeralV1,
  ephemeralJson,
  isPort,
  type PortRange,
  type ReserveAction,
  type ReserveV1,
  reserveJson,
  type Snapshot,
  type Transport,
  translator,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import type { ProbeRequest } from '@portolan/probe';
import { auditBy } from '../audit/auditing.ts';
import { readBaseline } from '../audit/baseline.ts';
import { rootFolder } from '../config-root.ts';
import { lookAtRange, sampleAllocator } from './ephemeral-look.ts';
import { planReservation } from './reserving.ts';
import type { AuditOptions, EphemeralOptions, PortWish, ReserveOptions } from './types.ts';

/** What the library's door hands in: it alone knows where its data lies. */
export interface CollisionHost {
  look(request: ProbeRequest): Promise<Snapshot>;
  facts(): Facts;
  readonly shippedFacts: string;
}

/** A library has no command line of its own to tell. */
const CALL = 'portolan';
const BOTH: readonly Transport[] = ['tcp', 'udp'];
const INTERVAL_MS = { least: 100, most: 60_000, usual: 1000 };
const SAMPLE = { least: 100, most: 20_000 };

interface Common {
  readonly procRoot?: string;
  readonly ffi?: boolean;
  readonly signal?: AbortSignal;
}

function requestOf({ procRoot, ffi, signal }: Common): Pick<ProbeRequest, 'procRoot' | 'ffi' | 'signal'> {
  return {
    ...(procRoot === undefined ? {} : { procRoot }),
    ...(ffi === undefined ? {} : { ffi }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** See the door of the library. */
export async function audit(options: AuditOptions, host: CollisionHost): Promise<AuditV1> {
  const { files = [], profiles = [], cwd = process.cwd(), configRoot, baseline, procRoot, signal } = options;
  signal?.throwIfAborted();
  const root = configRoot === undefined ? '/' : rootFolder(configRoot, 'configRoot', ROOT_HINT);
  const facts = host.facts();
  try {
    const decision = await auditBy(
      {
        files,
        profiles,
        cwd: resolve(cwd),
        root,
        procRoot,
        printed: undefined,
        host: undefined,
        baseline: baseline === undefined ? null : readBaseline(baseline),
      },
      {
        look: () => host.look({ ports: null, transports: BOTH, countEphemeral: true, ...requestOf(options) }),
        facts: () => Promise.resolve(facts),
        shippedFacts: host.shippedFacts,
        call: CALL,
      },
    );
    signal?.throwIfAborted();
    return auditJson(decision, translator('en'));
  } finally {
    facts.close();
  }
}

const ROOT_HINT = 'It should hold the files of a system as they stand below its root.';

/** See the door of the library. */
export async function ephemeral(options: EphemeralOptions, host: CollisionHost): Promise<EphemeralV1> {
  const { intervalMs = INTERVAL_MS.usual, sample, procRoot, ffi = true, signal } = options;
  if (intervalMs !== null && !(intervalMs >= INTERVAL_MS.least && intervalMs <= INTERVAL_MS.most))
    throw new RangeError(`intervalMs is ${INTERVAL_MS.least} to ${INTERVAL_MS.most}, not ${intervalMs}`);
  if (sample !== undefined && !(Number.isInteger(sample) && sample >= SAMPLE.least && sample <= SAMPLE.most))
    throw new RangeError(`sample is ${SAMPLE.least} to ${SAMPLE.most}, not ${sample}`);
  if (sample !== undefined && procRoot !== undefined)
    throw new TypeError('a recorded host cannot be asked for ports');
  signal?.throwIfAborted();
  const report = await lookAtRange(intervalMs, {
    look: (ports, transports) => host.look({ ports, transports, namespaces: false, ...requestOf(options) }),
    ffi,
    procRoot,
    ...(signal === undefined ? {} : { signal }),
  });
  signal?.throwIfAborted();
  const sampled = sample === undefined ? null : await sampleAllocator(report, sample, ffi);
  const told = sampled?.gap == null ? report : { ...report, gaps: [...report.gaps, sampled.gap] };
  return ephemeralJson(told, sampled?.allocator ?? null, null, translator('en'));
}

/** See the door of the library. */
export async function reserve(
  action: ReserveAction,
  ports: PortWish,
  options: ReserveOptions,
  host: CollisionHost,
): Promise<ReserveV1> {
  const { apply = false, now = false, prove = true, force = false, configRoot, ffi = true, signal } = options;
  signal?.throwIfAborted();
  const planned = await planReservation(
    {
      action,
      ports: runsOf(ports),
      transport: null,
      apply,
      nowOnly: now,
      prove,
      force,
      configRoot: configRoot === undefined ? null : rootFolder(configRoot, 'configRoot', ROOT_HINT),
    },
    {
      look: (range) =>
        host.look({ ports: range, transports: BOTH, namespaces: false, ...requestOf(options) }),
      call: CALL,
      ffi,
      procRoot: undefined,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  const report = apply && planned.apply !== null ? await planned.apply() : planned.report;
  return reserveJson(report, translator('en'));
}

function runsOf(ports: PortWish): PortRange[] {
  const isRun = (part: unknown): boolean =>
    typeof part === 'number' || (Array.isArray(part) && part.length === 2);
  if (typeof ports !== 'number' && !(Array.isArray(ports) && ports.every(isRun)))
    throw new TypeError('ports are a number, or an array of numbers and of runs [first, last]');
  const runs = (typeof ports === 'number' ? [ports] : ports).map(
    (part): PortRange => (typeof part === 'number' ? [part, part] : part),
  );
  if (runs.length === 0) throw new RangeError('no port was given');
  for (const [first, last] of runs) {
    if (!isPort(first) || !isPort(last) || first < 1 || first > last)
      throw new RangeError(`not a run of ports from 1 to 65535: ${first}–${last}`);
  }
  return runs;
}
