// `portolan kill PORT`: the plan, the question, the deed, and a look at what came of it.
import {
  type KillReport,
  killDonePage,
  killDryPage,
  killJson,
  killPlanPage,
  killQuestion,
  PortolanError,
  renderTerminal,
  say,
} from '@portolan/core';
import { onlyPort, readPort } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { shellQuote } from '../../program.ts';
import { showJson, showPage } from '../../show.ts';
import { canConfirm, confirm } from '../../terminal/confirm.ts';
import { Grips } from './act.ts';
import { cannotStop, carryOut, type KillWish, planKill, readAddress } from './plan.ts';

const DEFAULT_WAIT = 5;
const LONGEST_WAIT = 300;

const INTERRUPTED = 130;

/** What was asked for, read once. */
interface Wish extends KillWish {
  readonly yes: boolean;
  readonly dryRun: boolean;
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
  const { report, actions } = await planKill(context, wish);
  if (report.plan.targets.length === 0 || actions === null) {
    showDry(context, report, actions !== null);
    if (actions === null && !recorded) context.io.err(`portolan: ${cannotStop()}.\n`);
    return report.use.verdict === 'unknown' ? 3 : 1;
  }
  const grips = new Grips(actions);
  try {
    // From here on the processes of the plan cannot be mistaken for others, however long the question stands.
    grips.hold(report.plan.targets);
    const answer = await consent(context, wish, report);
    if (answer !== 'yes') return answer === 'interrupted' ? INTERRUPTED : 1;
    return tell(context, await carryOut(context, wish, report, actions, grips));
  } finally {
    grips.close();
  }
};

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

/** `able` is false where no command would do it, as on a recorded host. */
function showDry(context: Context, report: KillReport, able = true): void {
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
  const command = able ? [context.call(), 'kill', port, ...flags].join(' ') : null;
  showPage(context, killDryPage(report, command));
}

/** A word that a shell leaves alone, or null. */
function shellWord(word: string): string | null {
  return /^[\w:./@-]+$/.test(word) ? word : null;
}

/** Tells what came of it; gives the exit code. */
function tell(context: Context, done: KillReport): number {
  if (context.json) showJson(context, killJson(done, context.lang));
  else showPage(context, killDonePage(done));
  const { end } = done;
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
