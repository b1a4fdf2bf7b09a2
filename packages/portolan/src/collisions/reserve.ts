// `reserve` and `unreserve` on the command line: the words, the question, and what is shown.
import {
  isIdle,
  PortolanError,
  type PortRange,
  type ReserveAction,
  type ReserveReport,
  renderTerminal,
  reserveJson,
  reservePage,
  reserveQuestion,
  say,
  type Transport,
} from '@portolan/core';
import { readPorts } from '../ask.ts';
import type { Context } from '../command.ts';
import { configRoot } from '../config-root.ts';
import { showJson, showPage } from '../show.ts';
import { canConfirm, confirm } from '../terminal/confirm.ts';
import { isDone, planReservation, type ReserveWish } from './reserving.ts';

const EVERYTHING: readonly Transport[] = ['tcp', 'udp'];
const INTERRUPTED = 130;
/** Most ports and runs of one command line. */
const WORDS_LIMIT = 4096;

/** Runs `reserve` or `unreserve`; gives the exit code. */
export async function runReservation(context: Context, action: ReserveAction): Promise<number> {
  const wish = await readWish(context, action);
  const procRoot = context.args.values.get('procfs-root');
  if (procRoot !== undefined && wish.apply)
    throw new PortolanError('USAGE', 'Nothing can be changed on a recorded host (--procfs-root).', {
      hint: 'Without --apply the plan is shown.',
    });
  const { report, apply } = await planReservation(wish, {
    look: (ports) => context.look({ ports, transports: EVERYTHING, namespaces: false }),
    call: context.call(),
    ffi: !context.args.switches.has('no-ffi'),
    procRoot,
  });
  if (!wish.apply || apply === null) {
    show(context, report);
    const { refusal, commands } = report.plan;
    if (refusal === 'other-system') return wish.apply || commands.length === 0 ? 1 : 0;
    return refusal === null ? 0 : 1;
  }
  const answer = isIdle(report) ? 'yes' : await consent(context, report);
  if (answer !== 'yes') return answer === 'interrupted' ? INTERRUPTED : 1;
  const done = await apply();
  show(context, done);
  return isDone(done) ? 0 : 1;
}

async function readWish(context: Context, action: ReserveAction): Promise<ReserveWish> {
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
  const folder = configRoot(context, 'Drop-ins are read and written in its etc/sysctl.d.');
  const apply = switches.has('apply');
  if (switches.has('yes') && !apply)
    throw new PortolanError(
      'USAGE',
      '--yes answers the question that --apply asks; without --apply nothing is done.',
    );
  return {
    action,
    ports,
    transport: transports.size === 1 && !only.includes(' ') ? (only as Transport) : null,
    apply,
    // The files of this host say nothing about a recorded one.
    nowOnly: switches.has('now') || (values.has('procfs-root') && folder === null),
    prove: !switches.has('no-prove'),
    force: switches.has('force'),
    configRoot: folder,
  };
}

/** --apply is the consent of a script; a person at a terminal is asked as well. */
async function consent(context: Context, report: ReserveReport): Promise<'yes' | 'no' | 'interrupted'> {
  if (context.args.switches.has('yes') || context.json || !canConfirm()) return 'yes';
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

function show(context: Context, report: ReserveReport): void {
  if (context.json) showJson(context, reserveJson(report, context.lang));
  else showPage(context, reservePage(report));
}
