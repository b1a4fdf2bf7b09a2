// `portolan ephemeral`: two looks at the range, added up.
import { allocatorNode, ephemeralJson, ephemeralPage, PortolanError, resolverPage } from '@portolan/core';
import { type EphemeralTools, lookAtRange, sampleAllocator } from '../../collisions/ephemeral-look.ts';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showJson, showPage } from '../../show.ts';
import { judgeResolver } from './resolver.ts';

const SAMPLE = { least: 100, most: 20_000, usual: 3000 };
const RESOLVER = { least: 20, most: 5000, usual: 400 };
/** Flags that mean something with --resolver alone. */
const OF_RESOLVER = ['ask', 'address', 'port', 'zone', 'for'];
const DEFAULT_INTERVAL = 1;
const INTERVAL: readonly [number, number] = [0.1, 60];

export const run: Run = async (context) => {
  const { positionals, values, switches } = context.args;
  const [extra] = positionals;
  if (extra !== undefined) {
    const isNumber = /^\d+$/.test(extra);
    throw new PortolanError(
      'USAGE',
      `ephemeral takes no ${isNumber ? 'port' : 'word'}, and “${echo(extra)}” was given.`,
      {
        hint: isNumber ? `For one port: portolan ${extra}` : 'See portolan ephemeral --help.',
      },
    );
  }
  const seconds = readInterval(values.get('interval'));
  const judges = switches.has('resolver');
  const stray = OF_RESOLVER.find((name) => values.has(name));
  if (!judges && stray !== undefined) throw new PortolanError('USAGE', `--${stray} belongs to --resolver.`);
  if (judges) return await tellResolver(context, readCount(values.get('count'), RESOLVER));
  const count = readCount(values.get('count'), SAMPLE);
  if (switches.has('sample') && values.has('procfs-root'))
    throw new PortolanError('USAGE', 'A recorded host cannot be asked for ports (--procfs-root).');
  const tools = toolsOf(context);
  const report = await lookAtRange(switches.has('no-rate') ? null : seconds * 1000, tools);
  const sampled = switches.has('sample') ? await sampleAllocator(report, count, tools.ffi) : null;
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
  const report = await lookAtRange(null, toolsOf(context));
  const resolver = await judgeResolver(context, count, {
    ephemeral: report.range,
    reserved: report.reserved,
  });
  if (context.json) showJson(context, ephemeralJson(report, null, resolver, context.lang));
  else showPage(context, resolverPage(resolver));
  return 0;
}

function readCount(raw: string | undefined, { least, most, usual }: typeof SAMPLE): number {
  if (raw === undefined) return usual;
  const count = /^\d{1,6}$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(count >= least && count <= most)) {
    throw new PortolanError('USAGE', `--count takes ${least} to ${most}, not “${echo(raw)}”.`);
  }
  return count;
}

function toolsOf(context: Context): EphemeralTools {
  return {
    look: (ports, transports) => context.look({ ports, transports, namespaces: false }),
    ffi: !context.args.switches.has('no-ffi'),
    procRoot: context.args.values.get('procfs-root'),
  };
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
