// The tools that look: each reads what it is asked, decides as its command does, and answers in the contract's shape.
import {
  auditJson,
  auditPage,
  type Claim,
  forecastPage,
  forecastReportJson,
  type Gap,
  holdersOf,
  leasedPage,
  leaseJson,
  listenerForecasts,
  listJson,
  listPage,
  PortolanError,
  type PortRange,
  pickJson,
  pickPage,
  reportJson,
  reportPage,
  say,
  searchClaims,
  searchJson,
  searchPage,
  type Transport,
  whyJson,
  whyPage,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import { readPort } from '../ask.ts';
import { auditBy } from '../audit/auditing.ts';
import type { Context } from '../command.ts';
import { projectOf } from '../leases/project.ts';
import { noneLeft } from '../leases/told.ts';
import { pickTools, viewLeases } from '../pick-tools.ts';
import { checkLifted, checkName, pickPorts, takeLease } from '../picking.ts';
import { reportOn } from '../report-on.ts';
import type { AskedBind } from '../why.ts';
import { decideWhy, readAsked } from '../why-here.ts';
import { type Answer, answerOf } from './answer.ts';

const BOTH: readonly Transport[] = ['tcp', 'udp'];

async function withFacts<T>(context: Context, whole: boolean, use: (facts: Facts) => T): Promise<Awaited<T>> {
  const facts = await context.facts(whole);
  try {
    return await use(facts);
  } finally {
    facts.close();
  }
}

/** Reads one port as a client writes it, with the transports it means. Throws USAGE. */
export async function onePort(
  context: Context,
  port: string | number,
): Promise<{ readonly range: PortRange; readonly transports: readonly Transport[] }> {
  return withFacts(context, false, (facts) =>
    readPort(String(port), context.lang, () => Promise.resolve(facts)),
  );
}

/** Everything about one port. */
export async function explainPort(context: Context, input: { port: string | number }): Promise<Answer> {
  const { range, transports } = await onePort(context, input.port);
  const snapshot = await context.look({ ports: range, transports, countEphemeral: true });
  return withFacts(context, false, (facts) => {
    const report = reportOn(range[0], transports, facts, snapshot, context.call());
    return answerOf(context, reportJson(report, context.lang), reportPage(report));
  });
}

/** Can it be bound, and if not, why? */
export async function whyPort(
  context: Context,
  input: { port: string | number; address?: string; family?: '4' | '6'; reuse?: string },
): Promise<Answer> {
  const { port, ...wish } = input;
  const asked: AskedBind = { ...(await readAsked(context, String(port))), ...wish };
  const decision = await decideWhy(context, asked);
  return answerOf(context, whyJson(decision, context.lang), whyPage(decision));
}

/** Kinds that come and go by themselves. */
const FLEETING: ReadonlySet<string> = new Set(['connection', 'closing']);

/** From this many rows on, reading the index whole beats reading a piece a port. */
const MANY = 200;

/** Who holds ports. */
export async function listHolders(
  context: Context,
  input: { port?: string | number | undefined; process?: string | undefined; all: boolean; limit: number },
): Promise<Answer> {
  const asked = input.port === undefined ? null : await onePort(context, input.port);
  const ports = asked?.range ?? null;
  const transports = asked?.transports ?? BOTH;
  const snapshot = await context.look({ ports, transports, countEphemeral: ports !== null });
  const word = input.process?.toLowerCase();
  const all = input.all || ports !== null;
  const found = holdersOf(snapshot, ports, transports).filter(
    ({ kind, owners }) =>
      (all || !FLEETING.has(kind)) &&
      (word === undefined ||
        owners.some(({ pid, name }) => String(pid) === word || name.toLowerCase().includes(word))),
  );
  const holders = found.slice(0, input.limit);
  const gaps = [...snapshot.gaps, ...cutGap(found.length, input.limit)];
  return withFacts(context, found.length > MANY, (facts) => {
    const claims = new Map<number, readonly Claim[]>();
    const page = listPage({
      holders: found,
      gaps,
      claimsOf(port) {
        const known = claims.get(port) ?? facts.claimsFor(port).claims;
        claims.set(port, known);
        return known;
      },
      all: true,
      filtered: ports !== null || word !== undefined,
      forecasts: [],
      ephemeral: null,
    });
    return answerOf(context, listJson(holders, gaps, context.lang), page);
  });
}

/** That holders were left out may hide whoever is looked for. */
function cutGap(count: number, limit: number): readonly Gap[] {
  if (count <= limit) return [];
  return [
    {
      code: 'list-cut',
      values: { count: count - limit, shown: limit },
      remedy: null,
      coversUse: true,
      transports: [],
    },
  ];
}

/** Claims that have all the words. */
export async function searchFor(
  context: Context,
  { words, limit }: { words: string; limit: number },
): Promise<Answer> {
  const query = words.trim();
  if (query === '') throw new PortolanError('USAGE', 'Words to search for are missing.');
  return withFacts(context, true, (facts) => {
    const found = searchClaims(facts.allClaims(), query);
    return answerOf(
      context,
      searchJson(query, found.slice(0, limit), (id) => facts.source(id)),
      searchPage(query, found, Math.min(limit, found.length)),
    );
  });
}

/** What could take a port, or the ports of all listeners. */
export async function forecast(
  context: Context,
  input: { port?: string | number | undefined },
): Promise<Answer> {
  const asked = input.port === undefined ? null : await onePort(context, input.port);
  const snapshot = await context.look({
    ports: asked?.range ?? null,
    transports: asked?.transports ?? BOTH,
    countEphemeral: true,
  });
  const port = asked?.range[0] ?? null;
  if (port === 0) throw new PortolanError('USAGE', 'Port 0 is no port: it stands for “choose one”.');
  const risks =
    port === null
      ? []
      : await withFacts(context, false, (facts) =>
          reportOn(port, asked?.transports ?? BOTH, facts, snapshot, context.call()).risks.filter(
            // Who has it now is no forecast.
            ({ id }) => id !== 'in-use',
          ),
        );
  const holders = holdersOf(snapshot, asked?.range ?? null, BOTH);
  const report = {
    port,
    ephemeral: snapshot.limits.ephemeral,
    risks,
    forecasts: port === null ? listenerForecasts(snapshot, holders) : [],
    gaps: snapshot.gaps,
  };
  return answerOf(context, forecastReportJson(report, context.lang), forecastPage(report));
}

/** Good ports. */
export async function pick(
  context: Context,
  input: {
    count: number;
    near?: number | undefined;
    name?: string | undefined;
    project?: string | undefined;
    allow: readonly string[];
  },
): Promise<Answer> {
  const { name = null, near = null } = input;
  if (name !== null) checkName(name);
  const tools = await pickTools(context);
  const decision = await pickPorts(
    {
      count: input.count,
      name,
      near,
      transports: BOTH,
      project: projectOf(input.project ?? process.cwd(), tools.uid),
      lifted: checkLifted(input.allow),
      excluded: new Set(),
      preferred: [],
      host: null,
      hold: null,
      trusting: false,
      counted: true,
    },
    tools,
  );
  return answerOf(context, pickJson(decision, context.lang), pickPage(decision));
}

/** The port of a name, leased to this server's process. */
export async function lease(
  context: Context,
  input: {
    name: string;
    project?: string | undefined;
    near?: number | undefined;
    transport: 'tcp' | 'udp';
    allow: readonly string[];
  },
): Promise<Answer> {
  const { name, near = null, transport } = input;
  checkName(name);
  const tools = await pickTools(context);
  const holder = tools.marks.of(process.pid);
  if (holder === null) throw new Error('this process has no mark');
  const project = projectOf(input.project ?? process.cwd(), tools.uid);
  const lifted = checkLifted(input.allow);
  const taken = await takeLease({ name, project, transport, near, lifted, holder }, tools);
  if (taken.lease === null) throw noneLeft(taken.refused, context.lang);
  const [view] = await viewLeases([taken.lease], tools);
  if (view === undefined) throw new Error('a lease without a view');
  const { fresh, gaps } = taken;
  const page = leasedPage(view, { fresh, near: taken.near?.text ?? null, gaps });
  return answerOf(context, leaseJson(view, fresh, gaps, context.lang), page);
}

/** Fixed ports of this host or of files. */
export async function audit(
  context: Context,
  input: { files: readonly string[]; profiles: readonly string[] },
): Promise<Answer> {
  return withFacts(context, true, async (facts) => {
    const decision = await auditBy(
      {
        files: input.files,
        profiles: input.profiles,
        cwd: process.cwd(),
        root: '/',
        procRoot: context.args.values.get('procfs-root'),
        printed: undefined,
        host: undefined,
        baseline: null,
      },
      {
        look: () => context.look({ ports: null, transports: BOTH, countEphemeral: true }),
        facts: () => Promise.resolve(facts),
        shippedFacts: context.shippedFacts,
        call: context.call(),
      },
    );
    return answerOf(context, auditJson(decision, context.lang), auditPage(decision));
  });
}

/** Every source of the facts. */
export async function sources(context: Context): Promise<Answer> {
  return withFacts(context, true, (facts) => {
    const ids = facts.sourceIds().toSorted();
    return {
      json: {
        format: 'portolan.facts-sources/1',
        sources: Object.fromEntries(ids.map((id) => [id, facts.source(id)])),
      },
      text: context.lang.say(say('mcp.sources', { count: ids.length })),
    };
  });
}
