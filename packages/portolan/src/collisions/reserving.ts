// Reserving ports and giving them back: plan, change under a lock, reading back, proof. What the program and the library
// share; nothing is asked or shown here.
import {
  isIdle,
  type PortRange,
  planReserve,
  type ReserveAction,
  type ReserveFailure,
  type ReservePlan,
  type ReserveProof,
  type ReserveReport,
  type ReserveState,
  type Snapshot,
  type Transport,
  type Use,
  useOf,
} from '@portolan/core';
import type { Prover, Reservations } from '@portolan/probe';
import { shellQuote } from '../program.ts';
import { change, droppedFolders, failureOf, readBack } from './reserve-change.ts';
import { planOnWindows } from './reserving-windows.ts';

const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];

/** A proof that nobody wanted. */
const NOT_ASKED: ReserveProof = {
  method: 'none',
  reason: 'not-asked',
  candidates: 0,
  exact: [],
  repeated: [],
};

/** What is wanted. */
export interface ReserveWish {
  readonly action: ReserveAction;
  /** At least one run, of ports from 1 on. */
  readonly ports: readonly PortRange[];
  /** One transport was named, though the list holds for all. */
  readonly transport: Transport | null;
  readonly apply: boolean;
  readonly nowOnly: boolean;
  readonly prove: boolean;
  readonly force: boolean;
  /** Absolute; null for this host's own. */
  readonly configRoot: string | null;
}

/** What it is done with. */
export interface ReserveTools {
  /** Looks at all sockets on these ports. */
  look(ports: PortRange): Promise<Snapshot>;
  /** How a shell calls this program. */
  readonly call: string;
  readonly ffi: boolean;
  /** A recorded /proc: it can be read only. */
  readonly procRoot: string | undefined;
  readonly signal?: AbortSignal;
  /**
   * Asked under the lock, with the plan as it is then; false leaves everything as it was. Without it what is then to be done is
   * done.
   */
  readonly agreed?: (plan: ReservePlan) => boolean;
}

/** A plan, and the change of it. */
export interface Reserving {
  readonly report: ReserveReport;
  /** Does it, planned anew from what is there then. Null where there is nothing to do, or nothing that may be done. */
  readonly apply: (() => Promise<ReserveReport>) | null;
}

/** Reads and plans; nothing is changed. */
export async function planReservation(wish: ReserveWish, tools: ReserveTools): Promise<Reserving> {
  const use = await look(wish, tools);
  if (process.platform === 'win32' && tools.procRoot === undefined) {
    const { windowsExclusions } = await import('@portolan/probe');
    const plain = reportOf(wish, tools, elsewhereState(), use);
    return planOnWindows(wish, plain, await windowsExclusions());
  }
  if (process.platform !== 'linux' && tools.procRoot === undefined)
    return { report: reportOf(wish, tools, elsewhereState(), use), apply: null };
  const { reservations } = await import('@portolan/probe');
  const host = await reservations({
    configRoot: wish.configRoot ?? '/',
    ffi: tools.ffi,
    ...(tools.procRoot === undefined ? {} : { procRoot: tools.procRoot }),
  });
  tools.signal?.throwIfAborted();
  const report = reportOf(wish, tools, host.read(), use);
  const nothing = report.plan.refusal !== null || (isIdle(report) && report.state.unfinishedText === null);
  return { report, apply: nothing ? null : () => apply(wish, tools, host, use) };
}

/** Was everything done that was asked for, and has the proof found nothing to the contrary? */
export function isDone(report: ReserveReport): boolean {
  const { plan, failure, verified } = report;
  return failure === null && plan.refusal === null && verified !== false && isKept(report);
}

function isKept({ proof, plan }: ReserveReport): boolean {
  if (proof === null || plan.action === 'unreserve') return true;
  return proof.method !== 'repeated' || proof.repeated.every(({ hits }) => hits === 0)
    ? proof.exact.every(({ after }) => after !== 'given')
    : false;
}

/** Who is on the asked ports in this namespace. */
async function look({ ports }: ReserveWish, tools: ReserveTools): Promise<Use> {
  const first = Math.min(...ports.map((range) => range[0]));
  const last = Math.max(...ports.map((range) => range[1]));
  const use = useOf(await tools.look([first, last]), [first, last], EVERYTHING);
  const asked = use.holders.filter(({ local }) =>
    ports.some((range) => local.port >= range[0] && local.port <= range[1]),
  );
  return { ...use, holders: asked };
}

/** A system without such a list. */
function elsewhereState(): ReserveState {
  return {
    platform: process.platform,
    list: null,
    ephemeral: null,
    namespace: { kind: 'unknown', inode: null, names: [], container: null },
    bootId: '',
    files: [],
    dropIn: '',
    dropInText: null,
    dropInProblem: null,
    unfinishedText: null,
    foldersMissing: 0,
  };
}

function reportOf(wish: ReserveWish, { call }: ReserveTools, state: ReserveState, use: Use): ReserveReport {
  const root = process.geteuid?.() === 0;
  const flags = [
    ...(wish.configRoot === null ? [] : ['--config-root', shellQuote(wish.configRoot)]),
    ...(wish.prove ? [] : ['--no-prove']),
  ];
  const plan: ReservePlan = planReserve({
    action: wish.action,
    ports: wish.ports,
    force: wish.force,
    nowOnly: wish.nowOnly,
    transport: wish.transport,
    state,
    holders: use.holders,
    call: root ? call : `sudo ${call}`,
    flags,
  });
  return {
    plan,
    state,
    asked: wish.apply,
    applied: false,
    verified: null,
    now: null,
    proof: null,
    failure: null,
    // Who holds a port now matters little to a list for the future; that the system has no probe is told as such.
    gaps:
      state.platform === 'linux'
        ? use.gaps.filter(({ code }) => code === 'limits-unreadable' || code === 'recorded-host')
        : [],
  };
}

/** The change: planned anew under the lock, from what is there then. */
async function apply(
  wish: ReserveWish,
  tools: ReserveTools,
  host: Reservations,
  use: Use,
): Promise<ReserveReport> {
  tools.signal?.throwIfAborted();
  const lock = await host.lock({ files: !wish.nowOnly });
  if ('refused' in lock) {
    const report = reportOf(wish, tools, host.read(), use);
    return { ...report, failure: failureOf('lock', lock.refused, null, [], lock.pid) };
  }
  let prover: Prover | null = null;
  let report: ReserveReport | null = null;
  try {
    report = reportOf(wish, tools, host.read(), use);
    if (report.plan.refusal !== null || tools.agreed?.(report.plan) === false) return report;
    if (isIdle(report)) {
      // What an ended run has left tells of nothing that is still there.
      if (!wish.nowOnly) host.dropUnfinished();
      return report;
    }
    // From here on it is done to the end.
    tools.signal?.throwIfAborted();
    if (wish.prove) {
      const { reserveProver } = await import('@portolan/probe');
      prover = await reserveProver({
        action: wish.action,
        ports: wish.action === 'reserve' ? report.plan.ports : report.plan.remove,
        ephemeral: report.state.ephemeral,
        ffi: tools.ffi,
      });
      await prover.before();
    }
    const failure = change(host, report);
    if (failure === null && !wish.nowOnly && report.plan.files.length === 0) host.dropUnfinished();
    if (failure !== null)
      return { ...report, failure: { ...failure, remedies: remediesOf(failure, report.plan) } };
    const back = readBack(host, report);
    const proof: ReserveProof = (await prover?.after()) ?? NOT_ASKED;
    report = {
      ...report,
      ...back,
      applied: true,
      proof,
      failure: back.verified ? null : failureOf('verify', null, false),
    };
    return report;
  } finally {
    prover?.close();
    lock.release();
    // The lock lay in the folder.
    if (report?.verified === true) host.dropFolders(droppedFolders(report.plan));
  }
}

/** More rights help where rights are lacking; nothing does on a file system that is read-only. */
function remediesOf({ code }: ReserveFailure, plan: ReservePlan): readonly string[] {
  const lacking = code === 'EACCES' || code === 'EPERM';
  return lacking && process.geteuid?.() !== 0 ? plan.commands : [];
}
