// `portolan ephemeral`: two looks at the range, added up.
import {
  type AllocatorReport,
  allocatorFinding,
  allocatorNode,
  type EphemeralReport,
  type EphemeralSample,
  ephemeralJson,
  ephemeralOf,
  ephemeralPage,
  type Gap,
  PortolanError,
  type PortRange,
  resolverPage,
  type Snapshot,
  type Transport,
} from '@portolan/core';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showJson, showPage } from '../../show.ts';
import { judgeResolver } from './resolver.ts';

const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];
const SAMPLE = { least: 100, most: 20_000, usual: 3000 };
const RESOLVER = { least: 20, most: 5000, usual: 400 };
/** Flags that mean something with --resolver alone. */
const OF_RESOLVER = ['ask', 'address', 'port', 'zone', 'for'];
const DEFAULT_INTERVAL = 1;
const INTERVAL: readonly [number, number] = [0.1, 60];
/** A range that nobody knows is looked at whole. */
const ALL_PORTS: PortRange = [0, 65_535];

export const run: Run = async (context) => {
  const { positionals, values, switches } = context.args;
  const [extra] = positionals;
  if (extra !== undefined)
    throw new PortolanError('USAGE', `ephemeral takes no port, and “${echo(extra)}” was given.`, {
      hint: `For one port: portolan ${echo(extra)}`,
    });
  const seconds = readInterval(values.get('interval'));
  const judges = switches.has('resolver');
  const stray = OF_RESOLVER.find((name) => values.has(name));
  if (!judges && stray !== undefined) throw new PortolanError('USAGE', `--${stray} belongs to --resolver.`);
  if (judges) return await tellResolver(context, readCount(values.get('count'), RESOLVER));
  const report = await look(context, switches.has('no-rate') ? null : seconds);
  const count = readCount(values.get('count'), SAMPLE);
  const sampled = switches.has('sample') ? await sampleOf(report, count, context) : null;
  const told = sampled?.gap == null ? report : { ...report, gaps: [...report.gaps, sampled.gap] };
  if (context.json) showJson(context, ephemeralJson(told, sampled?.allocator ?? null, null, context.lang));
  else
    showPage(
      context,
      ephemeralPage(told, sampled?.allocator == null ? [] : [allocatorNode(sampled.allocator)]),
    );
  return 0;
};

/** The judgement of a resolver, with this host's range beside it. */
async function tellResolver(context: Context, count: number): Promise<number> {
  if (context.args.values.has('procfs-root'))
    throw new PortolanError('USAGE', 'A recorded host answers no queries (--procfs-root).');
  const report = await look(context, null);
  const resolver = await judgeResolver(context, count, {
    ephemeral: report.range,
    reserved: report.reserved,
  });
  if (context.json) showJson(context, ephemeralJson(report, null, resolver, context.lang));
  else showPage(context, resolverPage(resolver));
  return 0;
}

/** Asks this kernel for ports; a recorded host and another system cannot be asked. */
async function sampleOf(
  { range }: EphemeralReport,
  count: number,
  context: Context,
): Promise<{ allocator: AllocatorReport | null; gap: Gap | null }> {
  const { values, switches } = context.args;
  if (values.has('procfs-root'))
    throw new PortolanError('USAGE', 'A recorded host cannot be asked for ports (--procfs-root).');
  const gap = (reason: string): Gap => ({
    code: 'sample-unmade',
    values: { reason },
    remedy: null,
    coversUse: false,
    transports: [],
  });
  if (process.platform !== 'linux' || range === null || switches.has('no-ffi'))
    return { allocator: null, gap: gap(switches.has('no-ffi') ? '--no-ffi' : process.platform) };
  const { allocatorSample } = await import('@portolan/probe');
  const { draws, took, reason } = await allocatorSample(count);
  const findings = [...draws].map(([way, drawn]) => allocatorFinding(way, drawn, range));
  return { allocator: { range, findings, took }, gap: reason === null ? null : gap(reason) };
}

function readCount(raw: string | undefined, { least, most, usual }: typeof SAMPLE): number {
  if (raw === undefined) return usual;
  const count = /^\d{1,6}$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(count >= least && count <= most)) {
    throw new PortolanError('USAGE', `--count takes ${least} to ${most}, not “${echo(raw)}”.`);
  }
  return count;
}

/** One look without owners, a pause, one with. */
async function look(context: Context, seconds: number | null): Promise<EphemeralReport> {
  const recorded = context.args.values.get('procfs-root');
  const live = recorded === undefined && process.platform === 'linux';
  const ffi = !context.args.switches.has('no-ffi');
  const { ephemeralSample, ephemeralSettings } = await import('@portolan/probe');
  // The range is read first, so that only its ports are listed.
  const { limits } = await context.look({ ports: [0, 0], transports: [], namespaces: false });
  const ports = limits.ephemeral ?? ALL_PORTS;
  const sample = async (): Promise<EphemeralSample | null> => (live ? ephemeralSample(ports, { ffi }) : null);
  const first = seconds === null ? null : await sample();
  if (first !== null && seconds !== null) {
    await new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000);
    });
  }
  const second = await sample();
  const snapshot = await context.look({ ports: null, transports: EVERYTHING, namespaces: false });
  return ephemeralOf({
    platform: snapshot.platform,
    limits: snapshot.limits,
    settings:
      snapshot.platform === 'linux'
        ? await ephemeralSettings(recorded)
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

function readInterval(raw: string | undefined): number {
  if (raw === undefined) return DEFAULT_INTERVAL;
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(seconds >= INTERVAL[0] && seconds <= INTERVAL[1])) {
    throw new PortolanError(
      'USAGE',
      `--interval takes ${INTERVAL.join(' to ')} seconds, not “${echo(raw)}”.`,
    );
  }
  return seconds;
}
