// Reserving ports on Windows: the plan from its four lists, the change one netsh at a time, and reading back.
import {
  planWindows,
  type ReserveFailure,
  type ReservePlan,
  type ReserveReport,
  type WindowsStep,
  windowsDone,
} from '@portolan/core';
import type { WindowsExclusions } from '@portolan/probe';
import type { ReserveWish, Reserving } from './reserving.ts';

/**
 * The plan, made from `plain`, which has the commands for a machine that was not looked at; those stay where the lists cannot
 * be read, and then nothing is changed.
 */
export async function planOnWindows(
  wish: Pick<ReserveWish, 'action' | 'ports' | 'force'>,
  plain: ReserveReport,
  host: WindowsExclusions,
): Promise<Reserving> {
  const { report, steps } = await readPlan(wish, plain, host);
  if (report.plan.refusal !== null || steps.length === 0) return { report, apply: null };
  return {
    report,
    async apply() {
      // Whoever changed the lists since is heeded.
      const now = await readPlan(wish, plain, host);
      if (now.report.plan.refusal !== null || now.steps.length === 0) return now.report;
      const failure = await change(host, now.steps);
      if (failure !== null) return { ...now.report, failure };
      const lists = await host.read();
      const verified = lists !== null && windowsDone(wish.action, wish.ports, lists);
      return {
        ...now.report,
        applied: true,
        verified,
        failure: verified ? null : failed('verify', null, false),
      };
    },
  };
}

async function readPlan(
  { action, ports, force }: Pick<ReserveWish, 'action' | 'ports' | 'force'>,
  plain: ReserveReport,
  host: WindowsExclusions,
): Promise<{ report: ReserveReport; steps: readonly WindowsStep[] }> {
  const lists = await host.read();
  if (lists === null) return { report: plain, steps: [] };
  const { steps, overlaps, inexact } = planWindows(action, ports, lists);
  const refusal: ReservePlan['refusal'] =
    overlaps.length > 0
      ? 'excluded'
      : inexact.length > 0
        ? 'inexact'
        : action === 'unreserve' && steps.length > 0 && !force
          ? 'not-ours'
          : null;
  const touched = steps.length === 0 ? [] : plain.plan.ports;
  const plan: ReservePlan = {
    ...plain.plan,
    add: action === 'reserve' ? touched : [],
    remove: action === 'unreserve' ? touched : [],
    refusal,
    // The first one lists what may stand in the way, as the notes say.
    commands: steps.length === 0 ? [] : [LISTING, ...steps.map(({ args }) => commandOf(args))],
    // What was done last is undone first.
    undo: steps.toReversed().map(({ undo }) => commandOf(undo)),
  };
  return { report: { ...plain, plan }, steps };
}

const LISTING = 'netsh int ipv4 show excludedportrange protocol=tcp';

function commandOf(args: readonly string[]): string {
  return ['netsh', ...args].join(' ');
}

/** Does all steps, or takes back those that were done; null where all went well. */
async function change(
  host: WindowsExclusions,
  steps: readonly WindowsStep[],
): Promise<ReserveFailure | null> {
  const done: WindowsStep[] = [];
  for (const step of steps) {
    const refused = await host.change(step.args);
    if (refused !== null) {
      const left: WindowsStep[] = [];
      for (const each of done.toReversed()) {
        if ((await host.change(each.undo)) !== null) left.push(each);
      }
      const remedies = left.map(({ undo }) => commandOf(undo));
      return failed('list', refused, done.length === 0 ? null : left.length === 0, remedies);
    }
    done.push(step);
  }
  return null;
}

function failed(
  step: ReserveFailure['step'],
  code: string | null,
  restored: boolean | null,
  remedies: readonly string[] = [],
): ReserveFailure {
  return { step, code, path: null, pid: null, restored, remedies };
}
