// `portolan watch --metrics`: events are counted, and each scrape looks at the sockets and the range.
import { homedir } from 'node:os';
import {
  type EphemeralReport,
  type EphemeralSample,
  type EventCount,
  EXPOSITION_TYPE,
  ephemeralOf,
  metricsJson,
  metricsOf,
  PortolanError,
  renderExposition,
  say,
  type Transport,
} from '@portolan/core';
import type { Watch } from '@portolan/probe';
import { readTcpPort } from '../../ask.ts';
import type { Context } from '../../command.ts';
import { projectOf } from '../../leases/project.ts';
import { METRICS_ADDRESS, type MetricsServer, serveMetrics } from '../../metrics/server.ts';
import { pickTools } from '../../pick-tools.ts';
import { pickPorts } from '../../picking.ts';

const BOTH: readonly Transport[] = ['tcp', 'udp'];
const ALL_PORTS = [0, 65_535] as const;
/** The name under which a port is picked: the same each time for a user, so that a scraper finds it again. */
const NAME = 'portolan-metrics';
/** A look serves all who ask within so many milliseconds: whoever asks without end costs no more. */
const FRESH_MS = 1000;
/** Ports tried where somebody is faster. */
const TRIES = 5;

/** Serves until the watch ends. */
export async function serveWatch(context: Context, watch: Watch): Promise<void> {
  const scraper = new Scraper(context, watch);
  let server: MetricsServer | null = null;
  try {
    server = await listen(context, scraper);
    const place = metricsJson(METRICS_ADDRESS, server.port);
    if (context.json) context.io.out(`${JSON.stringify(place)}\n`);
    else context.io.out(`${context.lang.say(say('metrics.at', { url: place.url }))}\n`);
    for await (const { change, holder } of watch) scraper.count(change, holder.kind, holder.transport);
  } finally {
    watch.close();
    await server?.close();
  }
}

/** On the port that was asked for, else on one by the rules of `pick`. */
async function listen(context: Context, scraper: Scraper): Promise<MetricsServer> {
  const told = (error: unknown): void => {
    context.io.err(`portolan: ${error instanceof Error ? error.message : String(error)}\n`);
  };
  const exposition = { type: EXPOSITION_TYPE, text: () => scraper.text() };
  const raw = context.args.values.get('metrics') ?? '';
  if (raw !== '') {
    const port = await readTcpPort('metrics', raw, context.lang, () => context.facts(false));
    try {
      return await serveMetrics(port, exposition, told);
    } catch (error) {
      throw notBound(error, port);
    }
  }
  const tools = await pickTools(context);
  const excluded = new Set<number>();
  for (;;) {
    const { ports } = await pickPorts(
      {
        count: 1,
        name: NAME,
        project: projectOf(homedir(), tools.uid),
        near: null,
        transports: ['tcp'],
        lifted: new Set(),
        excluded,
        host: METRICS_ADDRESS,
        preferred: [],
        trusting: true,
        counted: false,
        hold: null,
      },
      tools,
    );
    const port = ports[0]?.port;
    if (port === undefined)
      throw new PortolanError('SERVE', 'No port is left for the metrics.', {
        hint: 'Name one: --metrics PORT',
      });
    try {
      return await serveMetrics(port, exposition, told);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || excluded.size >= TRIES)
        throw notBound(error, port);
      excluded.add(port);
    }
  }
}

function notBound(error: unknown, port: number): PortolanError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new PortolanError('SERVE', `Port ${port} cannot be bound on ${METRICS_ADDRESS} (${code}).`, {
    hint: `Why: portolan why ${port} --address ${METRICS_ADDRESS}. Without a number, --metrics takes a free one.`,
    cause: error,
  });
}

/** Looks when it is asked, and not more often than makes sense. */
class Scraper {
  readonly #context: Context;
  readonly #watch: Watch;
  readonly #events = new Map<string, EventCount>();
  #before: EphemeralSample | null = null;
  #made: { readonly at: number; readonly text: Promise<string> } | null = null;

  constructor(context: Context, watch: Watch) {
    this.#context = context;
    this.#watch = watch;
  }

  count(change: string, kind: string, transport: string): void {
    const key = `${change} ${kind} ${transport}`;
    this.#events.set(key, { change, kind, transport, count: (this.#events.get(key)?.count ?? 0) + 1 });
  }

  text(): Promise<string> {
    const now = performance.now();
    if (this.#made === null || now - this.#made.at > FRESH_MS) {
      const text = this.#look();
      this.#made = { at: now, text };
      // A look that failed is no answer to the next who asks.
      text.catch(() => {
        this.#made = null;
      });
    }
    return this.#made.text;
  }

  async #look(): Promise<string> {
    const { lang, version } = this.#context;
    const begun = performance.now();
    const snapshot = await this.#context.look({ ports: null, transports: BOTH, countEphemeral: true });
    const ephemeral = await this.#range(snapshot);
    const families = metricsOf({
      snapshot,
      ephemeral,
      events: [...this.#events.values()],
      watch: this.#watch.state(),
      version,
      lookSeconds: (performance.now() - begun) / 1000,
    });
    return renderExposition(families, lang);
  }

  /** The rate is that since the scrape before. */
  async #range(snapshot: Awaited<ReturnType<Context['look']>>): Promise<EphemeralReport> {
    const { ephemeralSample, ephemeralSettings } = await import('@portolan/probe');
    const { limits, platform } = snapshot;
    const ffi = !this.#context.args.switches.has('no-ffi');
    const second = await ephemeralSample(limits.ephemeral ?? ALL_PORTS, { ffi });
    const first = this.#before;
    this.#before = second;
    const settings = await ephemeralSettings();
    return ephemeralOf({ platform, limits, settings, first, second, snapshot });
  }
}
