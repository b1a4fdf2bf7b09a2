// The library: the same answers as the program, typed, nothing printed, nothing kept.
import { fileURLToPath } from 'node:url';
import {
  type Claim,
  type PortReport,
  type ReportV1,
  reportJson,
  type Snapshot,
  searchClaims,
  type Transport,
  translator,
} from '@portolan/core';
import { dataDirectory, openFacts } from '@portolan/facts';
import { snapshot as look } from '@portolan/probe';
import { reportOn } from './report-on.ts';

export type {
  Claim,
  Gap,
  Holder,
  Owner,
  PortRange,
  PortReport,
  ReportV1,
  Snapshot,
  Socket,
  Transport,
} from '@portolan/core';
export { PortolanError } from '@portolan/core';

/** Options of every look at this machine. */
export interface LookOptions {
  /** Default tcp and udp. */
  readonly transports?: readonly Transport[];
  /** A recorded copy of /proc in place of this machine. */
  readonly procRoot?: string;
  readonly signal?: AbortSignal;
}

const SHIPPED = fileURLToPath(new URL('./facts/', import.meta.url));
const USUAL: readonly Transport[] = ['tcp', 'udp'];

/** The whole answer about one port (0–65535), in the shape of `portolan PORT --json`. */
export async function explain(port: number, options: LookOptions = {}): Promise<ReportV1> {
  return reportJson(await report(port, options), translator('en'));
}

/** The same before it is put into words. */
export async function report(port: number, options: LookOptions = {}): Promise<PortReport> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`not a port number: ${port}`);
  const transports = options.transports ?? USUAL;
  const seen = await snapshotOf([port, port], options, true);
  const facts = openFacts({ shipped: SHIPPED, dataDir: dataDirectory() });
  try {
    return reportOn(port, transports, facts, seen);
  } finally {
    facts.close();
  }
}

/** Every socket of this host's current network namespace, with owners, and what could not be seen. */
export async function snapshot(options: LookOptions = {}): Promise<Snapshot> {
  return snapshotOf(null, options, false);
}

/** Claims that have every word of the query, best first. */
export function search(query: string): readonly Claim[] {
  const facts = openFacts({ shipped: SHIPPED, dataDir: dataDirectory(), whole: true });
  return searchClaims(facts.allClaims(), query);
}

function snapshotOf(
  ports: readonly [number, number] | null,
  options: LookOptions,
  count: boolean,
): Promise<Snapshot> {
  return look({
    ports,
    transports: options.transports ?? USUAL,
    countEphemeral: count,
    ...(options.procRoot === undefined ? {} : { procRoot: options.procRoot }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}
