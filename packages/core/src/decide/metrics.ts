// From what was seen to metrics. What could not be looked at has no sample, and a gap that says so: a zero would be a claim.
import type { EphemeralReport } from '../model/ephemeral.ts';
import type { WatchState } from '../model/event.ts';
import { say } from '../model/message.ts';
import type { EventCount, MetricFamily, MetricKind, MetricSample } from '../model/metrics.ts';
import type { Gap, NetNamespace, Snapshot } from '../model/socket.ts';
import { soonest } from './ephemeral.ts';
import { listenerForecasts } from './forecast.ts';
import { portCount } from './port-set.ts';
import { holdersOf } from './use.ts';

/** What metrics are made of. */
export interface MetricsInput {
  /** All sockets, tcp and udp. */
  readonly snapshot: Snapshot;
  /** The range; its rate is that since the look before this one. */
  readonly ephemeral: EphemeralReport;
  readonly events: readonly EventCount[];
  readonly watch: WatchState;
  readonly version: string;
  /** Seconds that this look took. */
  readonly lookSeconds: number;
}

/** Listeners that a forecast is told for, the likeliest to be taken first: each is a time series of its own. */
const FORETOLD = 50;

/** Every family, also those without samples now. */
export function metricsOf(input: MetricsInput): MetricFamily[] {
  const { snapshot, ephemeral, watch } = input;
  const { range, available, tcp, udp, rate } = ephemeral;
  const reserved = snapshot.limits.reserved;
  const soon = soonest(ephemeral.destinations);
  // Where a table of sockets could not be read, what was counted is too few.
  const blind = snapshot.via === 'none' || snapshot.gaps.some(({ code }) => code === 'sockets-unreadable');
  const counted = (ports: number): number | null => (range === null || blind ? null : ports);
  const fill = (used: number): number | null =>
    available === null || available === 0 || blind ? null : used / available;
  return [
    family('portolan_build_info', 'gauge', 'metrics.build', [[{ version: input.version }, 1]]),
    family('portolan_holders', 'gauge', 'metrics.holders', holderCounts(snapshot)),
    family(
      'portolan_ephemeral_range_ports',
      'gauge',
      'metrics.range',
      one(range === null ? null : range[1] - range[0] + 1),
    ),
    family('portolan_ephemeral_available_ports', 'gauge', 'metrics.available', one(available)),
    family('portolan_ephemeral_used_ports', 'gauge', 'metrics.used', [
      [{ transport: 'tcp' }, counted(tcp.ports)],
      [{ transport: 'udp' }, counted(udp.ports)],
    ]),
    family('portolan_ephemeral_fill_ratio', 'gauge', 'metrics.fill', [
      [{ transport: 'tcp' }, fill(tcp.ports)],
      [{ transport: 'udp' }, fill(udp.ports)],
    ]),
    family('portolan_ephemeral_time_wait_ports', 'gauge', 'metrics.time-wait', one(counted(tcp.timeWait))),
    family('portolan_ephemeral_opened_per_second', 'gauge', 'metrics.opened', one(rate?.perSecond ?? null)),
    family(
      'portolan_ephemeral_fullest_destination_ratio',
      'gauge',
      'metrics.destination',
      one(ephemeral.destinations[0]?.fill ?? null),
    ),
    family(
      'portolan_ephemeral_exhaustion_seconds',
      'gauge',
      'metrics.exhaustion',
      one(soon?.exhaustedIn ?? null),
    ),
    family(
      'portolan_reserved_ports',
      'gauge',
      'metrics.reserved',
      one(reserved === null ? null : portCount(reserved)),
    ),
    ...forecastFamilies(snapshot),
    family('portolan_gaps', 'gauge', 'metrics.gaps', gapCounts([...snapshot.gaps, ...ephemeral.gaps])),
    family(
      'portolan_events_total',
      'counter',
      'metrics.events',
      input.events.map(({ change, kind, transport, count }) => [{ change, kind, transport }, count]),
    ),
    family('portolan_watch_trace', 'gauge', 'metrics.trace', one(watch.trace ? 1 : 0)),
    family('portolan_watch_interval_seconds', 'gauge', 'metrics.interval', one(watch.intervalMs / 1000)),
    family('portolan_watch_lost_total', 'counter', 'metrics.lost', one(watch.lost)),
    family('portolan_look_seconds', 'gauge', 'metrics.look', one(input.lookSeconds)),
  ];
}

type Row = readonly [labels: Readonly<Record<string, string>>, value: number | null];

function family(
  name: string,
  kind: MetricKind,
  help: Parameters<typeof say>[0],
  rows: readonly Row[],
): MetricFamily {
  const samples = rows.flatMap(([labels, value]): MetricSample[] =>
    value === null ? [] : [{ labels, value }],
  );
  return { name, kind, help: say(help), samples };
}

function one(value: number | null): Row[] {
  return [[{}, value]];
}

/** What the network namespace of this process is called. */
const OWN = 'self';

/** By kind, transport and network namespace. */
function holderCounts(snapshot: Snapshot): Row[] {
  const counts = new Counts();
  for (const { kind, transport, namespace } of holdersOf(snapshot, null, ['tcp', 'udp', 'sctp', 'dccp']))
    counts.add({ kind, transport, namespace: namespace === null ? OWN : namespaceLabel(namespace) });
  return counts.rows();
}

/** A name where there is one, for inodes are given anew: a container that restarts goes on in the same series. */
function namespaceLabel({ names, container, inode, process }: NetNamespace): string {
  // Of a namespace that somebody has called as ours is called here, the name would tell the wrong one.
  const name = names.find((each) => each !== OWN);
  if (name !== undefined) return name;
  if (container !== null) return `${container.runtime}:${container.name ?? container.id.slice(0, 12)}`;
  return inode === null ? `pid:${process?.pid ?? '?'}` : `net:[${inode}]`;
}

function gapCounts(gaps: readonly Gap[]): Row[] {
  const counts = new Counts();
  const told = new Set<string>();
  for (const gap of gaps) {
    const key = JSON.stringify([gap.code, gap.values]);
    // The snapshot's are among those of the range as well.
    if (told.has(key)) continue;
    told.add(key);
    counts.add({ code: gap.code, may_hide: String(gap.coversUse) });
  }
  return counts.rows();
}

function forecastFamilies(snapshot: Snapshot): MetricFamily[] {
  const all = listenerForecasts(snapshot, holdersOf(snapshot, null, ['tcp']));
  const told = all.slice(0, FORETOLD);
  const rows = (value: (forecast: (typeof told)[number]['forecast']) => number | null): Row[] =>
    told.map(({ transport, local, forecast }) => [
      { transport, address: local.address, port: String(local.port) },
      value(forecast),
    ]);
  return [
    family(
      'portolan_listeners_in_range',
      'gauge',
      'metrics.in-range',
      one(snapshot.limits.ephemeral === null ? null : all.length),
    ),
    family(
      'portolan_forecast_taken_ratio',
      'gauge',
      'metrics.chance',
      rows(({ chance }) => chance),
    ),
    family(
      'portolan_forecast_restart_taken_ratio',
      'gauge',
      'metrics.restart',
      rows(({ restartChance }) => restartChance),
    ),
    family(
      'portolan_forecast_first_taken_seconds',
      'gauge',
      'metrics.first',
      rows(({ firstTakenSeconds }) => firstTakenSeconds),
    ),
  ];
}

/** Counts by labels, in the order in which they came first. */
class Counts {
  readonly #counts = new Map<string, { labels: Readonly<Record<string, string>>; count: number }>();

  add(labels: Readonly<Record<string, string>>): void {
    const key = JSON.stringify(labels);
    const entry = this.#counts.get(key) ?? { labels, count: 0 };
    entry.count++;
    this.#counts.set(key, entry);
  }

  rows(): Row[] {
    return [...this.#counts.values()].map(({ labels, count }) => [labels, count]);
  }
}
