// `portolan watch`: events as a live table, as lines of text, or as JSON lines, until somebody ends it.
import {
  type Claim,
  eventJson,
  isTransport,
  PortolanError,
  type PortRange,
  printableJson,
  renderTerminal,
  type Transport,
  type WatchEvent,
  type WatchState,
  watchHowPage,
  watchLinePage,
} from '@portolan/core';
import type { Watch } from '@portolan/probe';
import { onlyPort, readPorts } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { LiveTable } from './live-table.ts';

/**
 * Exit codes of those whom a signal ended: 128 and its number (POSIX.1-2017 s2.8.2). All that somebody or a limit of
 * time sends, for each would leave the instance of the trace behind; SIGUSR1 is Node's own.
 */
const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
  SIGQUIT: 131,
  SIGALRM: 142,
  SIGUSR2: 140,
  SIGXCPU: 152,
};

/** Longest time a watch may be told to last: what a timer can count. */
const LONGEST_SECONDS = 2_000_000;
const LEAST_INTERVAL_MS = 100;
const MOST_INTERVAL_MS = 60_000;
/** How it watches is looked at this often, and told where it is otherwise. */
const RETELL_MS = 5000;
/** Wide enough that a line of text in a pipe is one line. */
const PIPE_WIDTH = 200;

export const run: Run = async (context) => {
  const { io, args } = context;
  const asked = await wanted(context);
  const intervalMs = numberOf(args.values, 'interval', LEAST_INTERVAL_MS, MOST_INTERVAL_MS);
  const seconds = numberOf(args.values, 'for', 0, LONGEST_SECONDS);
  const text = args.switches.has('text');
  if (text && context.json) throw new PortolanError('USAGE', 'Either --json or --text.');
  const metrics = args.values.has('metrics');
  if (metrics && text) throw new PortolanError('USAGE', '--metrics prints no events: leave --text out.');
  if (metrics && asked.ports !== null) {
    throw new PortolanError('USAGE', '--metrics are of all ports: leave the PORT out.');
  }
  const ending = new AbortController();
  let code = 0;
  const forget = io.onSignal(Object.keys(SIGNALS) as NodeJS.Signals[], (name) => {
    code = SIGNALS[name] ?? 1;
    ending.abort();
  });
  const timer = seconds === null ? undefined : setTimeout(() => ending.abort(), seconds * 1000);
  try {
    const watch = await context.watch({ ...asked, intervalMs, signal: ending.signal });
    if (watch === null) {
      io.err(`portolan: watching is not possible on ${process.platform} yet.\n`);
      return 3;
    }
    if (metrics) {
      const { serveWatch } = await import('./metrics.ts');
      await serveWatch(context, watch);
      return code;
    }
    const live = io.stdoutIsTerminal && !context.json && !text;
    if (live) await showLive(context, watch, asked.ports);
    else await showLines(context, watch, text);
    return code;
  } catch (error) {
    // A terminal that has gone away takes no last line; that is what SIGHUP says.
    if (code !== 0) return code;
    throw error;
  } finally {
    clearTimeout(timer);
    forget();
  }
};

async function wanted(
  context: Context,
): Promise<{ ports: PortRange | null; transports: readonly Transport[]; all: boolean }> {
  const { positionals, switches } = context.args;
  const all = switches.has('all');
  if (positionals.length === 0) return { ports: null, transports: ['tcp', 'udp'], all };
  const raw = onlyPort(positionals, 'watch');
  const { range, transports } = await readPorts(raw, context.lang, () => context.facts(false));
  const other = transports.find((transport) => transport !== 'tcp' && transport !== 'udp');
  if (other !== undefined && isTransport(other)) {
    throw new PortolanError('USAGE', `Sockets of ${other} cannot be watched, only those of tcp and udp.`);
  }
  return { ports: range, transports, all: true };
}

function numberOf(
  values: ReadonlyMap<string, string>,
  name: string,
  least: number,
  most: number,
): number | null {
  const raw = values.get(name);
  if (raw === undefined) return null;
  const value = /^\d{1,9}(\.\d{1,3})?$/.test(raw) ? Number(raw) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new PortolanError('USAGE', `--${name} takes a number from ${least} to ${most}, not “${echo(raw)}”.`);
}

/** One line a change; how it watches is told on standard error, which no reader of the lines sees. */
async function showLines(context: Context, watch: Watch, text: boolean): Promise<void> {
  const { io, lang, unicode } = context;
  let told = watch.state();
  const tell = (): void => {
    io.err(renderTerminal(watchHowPage(told), { lang, width: 80, color: false, unicode, fit: false }));
  };
  const retell = setInterval(() => {
    const state = watch.state();
    if (!isOtherwise(told, state)) return;
    told = state;
    tell();
  }, RETELL_MS);
  try {
    tell();
    const claimsOf = claimsBy(context);
    for await (const event of watch) {
      if (!text) io.out(`${printableJson(eventJson(event), 0)}\n`);
      else {
        const options = { lang, width: PIPE_WIDTH, color: context.color, unicode, fit: false };
        io.out(renderTerminal(watchLinePage(event, await claimsOf(event)), options));
      }
    }
  } finally {
    clearInterval(retell);
    watch.close();
  }
}

/** Is it watched so otherwise that it has to be told again: half or twice as often, or with something missing? */
function isOtherwise(told: WatchState, now: WatchState): boolean {
  const differs = (a: number, b: number): boolean => Math.max(a, b) > 2 * Math.min(a, b);
  return (
    differs(told.intervalMs, now.intervalMs) ||
    differs(told.boundMs, now.boundMs) ||
    differs(told.ownersMs, now.ownersMs) ||
    differs(told.lost, now.lost) ||
    differs(told.unplaced, now.unplaced)
  );
}

async function showLive(context: Context, watch: Watch, ports: PortRange | null): Promise<void> {
  const claimsOf = claimsBy(context);
  const table = new LiveTable(context, watch, ports, await claimsOf(null));
  try {
    table.begin();
    for await (const event of watch) {
      await claimsOf(event);
      table.add(event);
    }
  } finally {
    watch.close();
    table.end();
  }
}

type ClaimsOf = (port: number) => readonly Claim[];

/** Claims of the ports of events; the facts are opened once. */
function claimsBy(context: Context): (event: WatchEvent | null) => Promise<ClaimsOf> {
  const known = new Map<number, readonly Claim[]>();
  const look: ClaimsOf = (port) => known.get(port) ?? [];
  let facts: ReturnType<Context['facts']> | null = null;
  return async (event) => {
    const port = event?.holder.local.port;
    if (port !== undefined && !known.has(port)) {
      facts ??= context.facts(false);
      known.set(port, (await facts).claimsFor(port).claims);
    }
    return look;
  };
}
