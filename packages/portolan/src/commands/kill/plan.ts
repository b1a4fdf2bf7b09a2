// What would be stopped for a port, and the doing of it, without question or words: what the command and the MCP server share.
import {
  type Asker,
  type KillOutcome,
  type KillPlan,
  type KillReport,
  killEnd,
  killPlan,
  type Managers,
  type PortRange,
  type Refusal,
  type Transport,
  type Use,
  useAt,
  useOf,
} from '@portolan/core';
import type { Actions } from '@portolan/probe';
import type { Context } from '../../command.ts';
import { checkAsked } from '../../why.ts';
import { type Grips, stop } from './act.ts';

/** A supervisor starts a server anew within this; systemd waits 100 ms. */
const SETTLE_MS = 400;

const NO_MANAGERS: Managers = { processes: new Map(), activations: new Map(), publishers: new Map() };
const NO_ASKER: Asker = { pids: [], unit: null, container: null };
const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];

/** What is to be stopped, and how. */
export interface KillWish {
  readonly range: PortRange;
  readonly transports: readonly Transport[];
  readonly force: boolean;
  readonly waitSeconds: number;
  /** Local address of what is to be stopped; null for any. */
  readonly address: string | null;
}

/** A plan of which nothing was done; `actions` is null where nothing can be, as on a recorded host. */
export interface PlannedKill {
  readonly report: KillReport;
  readonly actions: Actions | null;
}

/** Why nothing is stopped where there are no `Actions`. */
export function cannotStop(): string {
  return `stopping is not possible on ${process.platform} yet; nothing was done`;
}

/** Looks and plans. */
export async function planKill(context: Context, wish: KillWish): Promise<PlannedKill> {
  const { actionsFor } = await import('@portolan/probe');
  const { values, switches } = context.args;
  const actions = values.has('procfs-root')
    ? null
    : await actionsFor(process.platform, { ffi: !switches.has('no-ffi') });
  const use = await look(context, wish);
  const plan = await makePlan(context, wish, use, actions);
  const report: KillReport = {
    port: wish.range[0],
    transports: wish.transports,
    plan,
    dryRun: true,
    waitSeconds: wish.waitSeconds,
    force: wish.force,
    outcome: [],
    end: null,
    use,
  };
  return { report, actions };
}

/**
 * Stops what the plan showed, as far as it is still that, and looks again once a supervisor has had time to start the server
 * anew. `grips` were taken when the plan was made.
 */
export async function carryOut(
  context: Context,
  wish: KillWish,
  report: KillReport,
  actions: Actions,
  grips: Grips,
): Promise<KillReport> {
  const outcome: KillOutcome[] = [];
  for (const target of report.plan.targets) {
    // What is stopped is in this namespace.
    const now = await look(context, wish, false);
    const means = { actions, grips, force: wish.force, waitSeconds: wish.waitSeconds, lang: context.lang };
    outcome.push(...(await stop(target, now.holders, means)));
  }
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS);
  });
  const use = await look(context, wish);
  return { ...report, dryRun: false, outcome, use, end: killEnd(use, report.plan) };
}

async function look(
  context: Context,
  { range, transports, address }: KillWish,
  namespaces = true,
): Promise<Use> {
  const use = useOf(
    await context.look({ ports: range, transports, namespaces, threads: true }),
    range,
    transports,
  );
  return address === null ? use : useAt(use, address);
}

/** The address as the kernel's tables write it; null where none was named. Throws USAGE. */
export function readAddress(address: string | undefined, port: number): string | null {
  return address === undefined ? null : checkAsked({ port, transport: 'tcp', address }).address;
}

async function makePlan(
  context: Context,
  { range, transports }: KillWish,
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
      // Where nothing can be stopped, more rights would not help.
      command: refusal.command ?? (actions === null ? null : remedy(context, range[0], refusal.reason)),
    })),
  };
}

/** The command that would stop it after all, or null. */
function remedy(context: Context, port: number, reason: Refusal['reason']): string | null {
  if (reason === 'datagram') return `${context.call()} kill ${port}/udp`;
  // Root sees everybody's processes, or nobody does.
  const moreRights = (reason === 'hidden' || reason === 'inferred') && process.geteuid?.() !== 0;
  return moreRights ? `sudo ${context.call()} kill ${port}` : null;
}
