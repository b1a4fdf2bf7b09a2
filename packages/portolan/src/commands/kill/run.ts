// `portolan kill PORT`: the plan, the question, the deed, and a look at what came of it.
import {
  type Asker,
  type KillOutcome,
  type KillPlan,
  type KillReport,
  killDonePage,
  killDryPage,
  killEnd,
  killJson,
  killPlan,
  killPlanPage,
  killQuestion,
  type Managers,
  PortolanError,
  type PortRange,
  type Refusal,
  renderTerminal,
  say,
  type Transport,
  type Use,
  useAt,
  useOf,
} from '@portolan/core';
import type { Actions } from '@portolan/probe';
import { onlyPort, readPort } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { shellQuote } from '../../program.ts';
import { showJson, showPage } from '../../show.ts';
import { canConfirm, confirm } from '../../terminal/confirm.ts';
import { checkAsked } from '../../why.ts';
import { Grips, stop } from './act.ts';

const DEFAULT_WAIT = 5;
const LONGEST_WAIT = 300;

/** A supervisor starts a server anew within this; systemd waits 100 ms. */
const SETTLE_MS = 400;

const INTERRUPTED = 130;

const NO_MANAGERS: Managers = { processes: new Map(), activations: new Map(), publishers: new Map() };
const NO_ASKER: Asker = { pids: [], unit: null, container: null };
const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];

/** What was asked for, read once. */
interface Wish {
  readonly range: PortRange;
  readonly transports: readonly Transport[];
  readonly yes: boolean;
  readonly force: boolean;
  readonly waitSeconds: number;
  readonly dryRun: boolean;
  /** Local address of what is to be stopped; null for any. */
  readonly address: string | null;
}

export const run: Run = async (context) => {
  const { args } = context;
  const raw = onlyPort(args.positionals, 'kill');
  const { range, transports } = await readPort(raw, context.lang, () => context.facts(false));
  const recorded = args.values.has('procfs-root');
  const wish: Wish = {
    range,
    transports,
    yes: args.switches.has('yes'),
    force: args.switches.has('force'),
    waitSeconds: readWait(args.values.get('wait')),
    dryRun: args.switches.has('dry-run'),
    address: readAddress(args.values.get('address'), range[0]),
  };
  if (recorded && !wish.dryRun) {
    throw new PortolanError('USAGE', 'Nothing can be stopped on a recorded host (--procfs-root).', {
      hint: 'With --dry-run the plan is shown.',
    });
  }
  const { actionsFor } = await import('@portolan/probe');
  const actions = recorded ? null : await actionsFor(process.platform, { ffi: !args.switches.has('no-ffi') });
  const use = await look(context, wish);
  const plan = await makePlan(context, wish, use, actions);
  const report: KillReport = {
    port: range[0],
    transports,
    plan,
    dryRun: true,
    waitSeconds: wish.waitSeconds,
    force: wish.force,
    outcome: [],
    end: null,
    use,
  };
  if (plan.targets.length === 0 || actions === null) {
    showDry(context, report);
    return use.verdict === 'unknown' ? 3 : 1;
  }
  const grips = new Grips(actions);
  try {
    // From here on the processes of the plan cannot be mistaken for others, however long the question stands.
    grips.hold(plan.targets);
    const answer = await consent(context, wish, report);
    if (answer !== 'yes') return answer === 'interrupted' ? INTERRUPTED : 1;
    const outcome: KillOutcome[] = [];
    for (const target of plan.targets) {
      // What is stopped is in this namespace.
      const now = await look(context, wish, false);
      const means = { actions, grips, force: wish.force, waitSeconds: wish.waitSeconds, lang: context.lang };
      outcome.push(...(await stop(target, now.holders, means)));
    }
    return await tell(context, wish, { ...report, dryRun: false, outcome });
  } finally {
    grips.close();
  }
};

async function look(context: Context, { range, transports, address }: Wish, namespaces = true): Promise<Use> {
  const use = useOf(
    await context.look({ ports: range, transports, namespaces, threads: true }),
    range,
    transports,
  );
  return address === null ? use : useAt(use, address);
}

/** The address as the kernel's tables write it; null where none was named. */
function readAddress(address: string | undefined, port: number): string | null {
  return address === undefined ? null : checkAsked({ port, transport: 'tcp', address }).address;
}

async function makePlan(
  context: Context,
  { range, transports }: Wish,
  use: Use,
  actions: Actions | null,
): Promise<KillPlan> {
  const all = await context.look({ ports: null, transports: EVERYTHING });
  const named = transports.length === 1;
  const managers = (await actions?.managers(use.holders, range[0])) ?? NO_MANAGERS;
  const plan = killPlan({ use, all, asker: actions?.asker() ?? NO_ASKER, managers, named });
  return {
    ...plan,
    refusals: plan.refusals.map((refusal) => ({
      ...refusal,
      command: refusal.command ?? remedy(context, range[0], refusal.reason),
    })),
  };
}

/** The command that would stop it after all, or null. */
function remedy(context: Context, port: number, reason: Refusal['reason']): string | null {
  if (context.args.values.has('procfs-root')) return null;
  if (reason === 'datagram') return `${context.call()} kill ${port}/udp`;
  // Root sees everybody's processes, or nobody does.
  const moreRights = (reason === 'hidden' || reason === 'inferred') && process.geteuid?.() !== 0;
  return moreRights ? `sudo ${context.call()} kill ${port}` : null;
}

/** Yes by the flag or by a person at a terminal; in every other case the plan is shown and nothing is done. */
async function consent(
  context: Context,
  wish: Wish,
  report: KillReport,
): Promise<'yes' | 'no' | 'interrupted'> {
  if (wish.dryRun) {
    showDry(context, report);
    return 'no';
  }
  if (wish.yes) {
    if (!context.json) showPlan(context, report);
    return 'yes';
  }
  // JSON is for programs, and programs are not asked.
  if (context.json || !canConfirm()) {
    showDry(context, report);
    return 'no';
  }
  showPlan(context, report);
  const answer = await confirm(context.io, context.lang.say(killQuestion(report)));
  if (answer !== 'yes') context.io.err(`${context.lang.say(say('kill.interrupted'))}\n`);
  return answer;
}

/** The plan goes where the question will be, so that nobody answers what they have not seen. */
function showPlan(context: Context, report: KillReport): void {
  const page = killPlanPage(report);
  if (context.io.stdoutIsTerminal) {
    showPage(context, page);
    return;
  }
  const { lang, unicode } = context;
  context.io.err(renderTerminal(page, { lang, unicode, width: 80, color: false, fit: false }));
}

function showDry(context: Context, report: KillReport): void {
  if (context.json) {
    showJson(context, killJson(report, context.lang));
    return;
  }
  const { positionals, values, switches } = context.args;
  const wait = values.get('wait');
  const flags = [
    ...(switches.has('force') ? ['--force'] : []),
    ...(wait === undefined ? [] : ['--wait', wait]),
    '--yes',
  ];
  const address = values.get('address');
  if (address !== undefined) flags.unshift('--address', shellQuote(address));
  const port = shellWord(positionals[0] ?? '') ?? String(report.port);
  const command = values.has('procfs-root') ? null : [context.call(), 'kill', port, ...flags].join(' ');
  showPage(context, killDryPage(report, command));
}

/** A word that a shell leaves alone, or null. */
function shellWord(word: string): string | null {
  return /^[\w:./@-]+$/.test(word) ? word : null;
}

/** Looks again, once a supervisor has had time to start the server anew, and tells. */
async function tell(context: Context, wish: Wish, report: KillReport): Promise<number> {
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS);
  });
  const use = await look(context, wish);
  const end = killEnd(use, report.plan);
  const done: KillReport = { ...report, use, end };
  if (context.json) showJson(context, killJson(done, context.lang));
  else showPage(context, killDonePage(done));
  if (end === 'unknown') return 3;
  return end === 'free' || end === 'closing' ? 0 : 1;
}

function readWait(raw: string | undefined): number {
  if (raw === undefined) return DEFAULT_WAIT;
  const seconds = /^\d{1,3}$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(seconds <= LONGEST_WAIT)) {
    throw new PortolanError('USAGE', `--wait takes 0 to ${LONGEST_WAIT} seconds, not “${echo(raw)}”.`);
  }
  return seconds;
}
