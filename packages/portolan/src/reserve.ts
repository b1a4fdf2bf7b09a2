// Reserving ports and giving them back, for both commands: plan, question, change under a lock, reading back, proof.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  isIdle,
  PortolanError,
  type PortRange,
  planReserve,
  type ReserveAction,
  type ReserveFailure,
  type ReservePlan,
  type ReserveProof,
  type ReserveReport,
  type ReserveState,
  renderTerminal,
  reserveJson,
  reservePage,
  reserveQuestion,
  say,
  type Transport,
  type Use,
  useOf,
} from '@portolan/core';
import type { Prover, Reservations } from '@portolan/probe';
import { readPorts } from './ask.ts';
import type { Context } from './command.ts';
import { echo } from './flags.ts';
import { shellQuote } from './program.ts';
import { change, droppedFolders, failureOf, readBack } from './reserve-change.ts';
import { showJson, showPage } from './show.ts';
import { canConfirm, confirm } from './terminal/confirm.ts';

const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];
const INTERRUPTED = 130;
/** Most ports and runs of one command line. */
const WORDS_LIMIT = 4096;

/** A proof that nobody wanted. */
const NOT_ASKED: ReserveProof = {
  method: 'none',
  reason: 'not-asked',
  candidates: 0,
  exact: [],
  repeated: [],
};

/** What was asked for, read once. */
interface Wish {
  readonly action: ReserveAction;
  readonly ports: readonly PortRange[];
  readonly transport: Transport | null;
  readonly apply: boolean;
  readonly yes: boolean;
  readonly nowOnly: boolean;
  readonly prove: boolean;
  readonly force: boolean;
  /** Folder given by --config-root, absolute; null for this host's. */
  readonly configRoot: string | null;
}

/** Runs `reserve` or `unreserve`; gives the exit code. */
export async function runReservation(context: Context, action: ReserveAction): Promise<number> {
  const wish = await readWish(context, action);
  const recorded = context.args.values.get('procfs-root');
  if (recorded !== undefined && wish.apply)
    throw new PortolanError('USAGE', 'Nothing can be changed on a recorded host (--procfs-root).', {
      hint: 'Without --apply the plan is shown.',
    });
  const use = await look(context, wish);
  if (process.platform !== 'linux' && recorded === undefined) {
    const report = reportOf(context, wish, elsewhereState(), use);
    show(context, report);
    return wish.apply || report.plan.commands.length === 0 ? 1 : 0;
  }
  const { reservations } = await import('@portolan/probe');
  const configRoot = wish.configRoot ?? '/';
  const host = await reservations({ configRoot, ...(recorded === undefined ? {} : { procRoot: recorded }) });
  const report = reportOf(context, wish, host.read(), use);
  if (report.plan.refusal !== null) {
    show(context, report);
    return 1;
  }
  if (!wish.apply || isIdle(report)) {
    show(context, report);
    return 0;
  }
  const answer = await consent(context, wish, report);
  if (answer !== 'yes') return answer === 'interrupted' ? INTERRUPTED : 1;
  const done = await apply(context, wish, host, use);
  show(context, done);
  return done.failure === null && done.plan.refusal === null && done.verified !== false && isKept(done)
    ? 0
    : 1;
}

/** Has the proof found nothing to the contrary? */
function isKept({ proof, plan }: ReserveReport): boolean {
  if (proof === null || plan.action === 'unreserve') return true;
  return proof.method !== 'repeated' || proof.repeated.every(({ hits }) => hits === 0)
    ? proof.exact.every(({ after }) => after !== 'given')
    : false;
}

async function readWish(context: Context, action: ReserveAction): Promise<Wish> {
  const { positionals, switches, values } = context.args;
  const words = positionals.flatMap((word) => word.split(',')).map((word) => word.trim());
  if (words.every((word) => word === ''))
    throw new PortolanError('USAGE', 'Ports are missing.', {
      hint: `For example: portolan ${action} 60163,7000-7010`,
    });
  if (words.length > WORDS_LIMIT)
    throw new PortolanError('USAGE', `More than ${WORDS_LIMIT} ports and ranges in one command.`, {
      hint: 'Write runs of ports as 3000-3010.',
    });
  const ports: PortRange[] = [];
  const transports = new Set<string>();
  for (const word of words) {
    const asked = await readPorts(word, context.lang, () => context.facts(false));
    const [first, last] = asked.range;
    if (last === 0)
      throw new PortolanError('USAGE', 'Port 0 is no port: it stands for “choose one”, and is never chosen.');
    ports.push([Math.max(1, first), last]);
    transports.add(asked.transports.join(' '));
  }
  const [only = ''] = transports;
  const folder = values.get('config-root');
  const flags = { apply: switches.has('apply'), yes: switches.has('yes') };
  if (flags.yes && !flags.apply)
    throw new PortolanError(
      'USAGE',
      '--yes answers the question that --apply asks; without --apply nothing is done.',
    );
  return {
    action,
    ports,
    transport: transports.size === 1 && !only.includes(' ') ? (only as Transport) : null,
    ...flags,
    // The files of this host say nothing about a recorded one.
    nowOnly: switches.has('now') || (values.has('procfs-root') && folder === undefined),
    prove: !switches.has('no-prove'),
    force: switches.has('force'),
    configRoot: folder === undefined ? null : rootFolder(folder),
  };
}

function rootFolder(folder: string): string {
  const path = resolve(folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new PortolanError('USAGE', `--config-root: ${echo(folder)} is not a folder.`, {
      hint: 'Drop-ins are read and written in its etc/sysctl.d.',
    });
  return path;
}

/** Who is on the asked ports in this namespace. */
async function look(context: Context, { ports }: Wish): Promise<Use> {
  const first = Math.min(...ports.map((range) => range[0]));
  const last = Math.max(...ports.map((range) => range[1]));
  const snapshot = await context.look({ ports: [first, last], transports: EVERYTHING, namespaces: false });
  const use = useOf(snapshot, [first, last], EVERYTHING);
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
    foldersMissing: 0,
  };
}

function reportOf(context: Context, wish: Wish, state: ReserveState, use: Use): ReserveReport {
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
    call: root ? context.call() : `sudo ${context.call()}`,
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

/** --apply is the consent of a script; a person at a terminal is asked as well. */
async function consent(
  context: Context,
  wish: Wish,
  report: ReserveReport,
): Promise<'yes' | 'no' | 'interrupted'> {
  if (wish.yes || context.json || !canConfirm()) return 'yes';
  const page = reservePage(report);
  if (context.io.stdoutIsTerminal) showPage(context, page);
  else {
    const { lang, unicode } = context;
    context.io.err(renderTerminal(page, { lang, unicode, width: 80, color: false, fit: false }));
  }
  const answer = await confirm(context.io, context.lang.say(reserveQuestion(report)));
  if (answer !== 'yes') context.io.err(`${context.lang.say(say('reserve.declined'))}\n`);
  return answer;
}

/** The change: planned anew under the lock, from what is there then. */
async function apply(context: Context, wish: Wish, host: Reservations, use: Use): Promise<ReserveReport> {
  const lock = await host.lock();
  if ('refused' in lock) {
    const report = reportOf(context, wish, host.read(), use);
    return { ...report, failure: failureOf('lock', lock.refused, null, [], lock.pid) };
  }
  let prover: Prover | null = null;
  let report: ReserveReport | null = null;
  try {
    report = reportOf(context, wish, host.read(), use);
    if (report.plan.refusal !== null || isIdle(report)) return report;
    if (wish.prove) {
      const { reserveProver } = await import('@portolan/probe');
      prover = await reserveProver({
        action: wish.action,
        ports: wish.action === 'reserve' ? report.plan.ports : report.plan.remove,
        ephemeral: report.state.ephemeral,
        ffi: !context.args.switches.has('no-ffi'),
      });
      await prover.before();
    }
    const failure = change(host, report);
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

function show(context: Context, report: ReserveReport): void {
  if (context.json) showJson(context, reserveJson(report, context.lang));
  else showPage(context, reservePage(report));
}
