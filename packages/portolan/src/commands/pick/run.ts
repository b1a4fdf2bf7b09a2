// `portolan pick`: reads the wish, tells the ports, and holds them if asked.
import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import {
  type PickDecision,
  PortolanError,
  pickJson,
  pickPage,
  TRANSPORTS,
  type Transport,
} from '@portolan/core';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { projectOf } from '../../leases/project.ts';
import { pickTools, readList, readNear } from '../../pick-tools.ts';
import { checkLifted, checkName, type PickTools, type PickWish, pickPorts } from '../../picking.ts';
import { showJson, showPage } from '../../show.ts';

const MOST = 1000;

/** Between two looks at whether the parent still lives, milliseconds. */
const PARENT_PAUSE = 250;

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  const [first] = positionals;
  if (first !== undefined) {
    throw new PortolanError('USAGE', `pick takes no “${echo(first)}”.`, {
      hint: 'A number to be near to is --near PORT, a name --name NAME.',
    });
  }
  const name = values.get('name') ?? null;
  if (name !== null) checkName(name);
  const parent = process.ppid;
  const wish = {
    count: readCount(values.get('count')),
    name,
    near: await readNear(context),
    transports: readTransports(values.get('transport')),
    lifted: checkLifted(readList(values.get('allow'))),
    excluded: new Set<number>(),
    preferred: [],
    host: null,
    trusting: false,
    counted: context.json || !switches.has('quiet'),
  };
  const tools = await pickTools(context);
  const project = projectOf(values.get('project') ?? process.cwd(), tools.uid);
  const hold = switches.has('hold') ? tools.marks.of(process.pid) : null;
  const asked: PickWish = { ...wish, project, hold };
  const decision = await pickPorts(asked, tools);
  const answer = (): void => tell(context, decision);
  if (decision.unsure || decision.ports.length === 0 || hold === null) {
    answer();
    return decision.unsure ? 3 : decision.ports.length === 0 ? 1 : 0;
  }
  try {
    return await heldUntilEnd(context, parent, answer);
  } finally {
    await giveBack(decision, tools, asked);
  }
};

function tell(context: Context, decision: PickDecision): void {
  if (context.json) showJson(context, pickJson(decision, context.lang));
  else if (!context.args.switches.has('quiet')) showPage(context, pickPage(decision));
  else context.io.out(decision.ports.map(({ port }) => `${port}\n`).join(''));
}

/** Signals count from before the answer on: whoever has read it may send one at once. */
async function heldUntilEnd({ io }: Context, parent: number, answer: () => void): Promise<number> {
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const off = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], (name) => end(128 + constants.signals[name]));
  const timer = setInterval(() => {
    if (process.ppid !== parent) end(0);
  }, PARENT_PAUSE);
  try {
    answer();
    if (canEnd()) {
      for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => end(0));
      process.stdin.resume();
    }
    return await ended;
  } finally {
    off();
    clearInterval(timer);
    if (canEnd()) process.stdin.destroy();
  }
}

/** Only a pipe, a socket or a terminal has an end that somebody brings about; a file or /dev/null is at its end at once. */
function canEnd(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isSocket() || (stat.isCharacterDevice() && process.stdin.isTTY);
  } catch {
    return false;
  }
}

async function giveBack(decision: PickDecision, { store }: PickTools, { hold }: PickWish): Promise<void> {
  const ours = new Set(decision.ports.map(({ port }) => port));
  await store.locked((writer) => {
    for (const { port, name, holder } of writer.found().leases) {
      const same = holder.pid === hold?.pid && holder.startTicks === hold.startTicks;
      if (name === null && same && ours.has(port)) writer.remove(port);
    }
  });
}

function readCount(raw: string | undefined): number {
  if (raw === undefined) return 1;
  const count = /^\d{1,4}$/.test(raw) ? Number(raw) : 0;
  if (count < 1 || count > MOST) {
    throw new PortolanError('USAGE', `--count takes 1 to ${MOST}, not “${echo(raw)}”.`);
  }
  return count;
}

function readTransports(raw: string | undefined): readonly Transport[] {
  if (raw === undefined) return ['tcp', 'udp'];
  const words = readList(raw.toLowerCase());
  const wrong = words.find((word) => word !== 'tcp' && word !== 'udp');
  if (wrong !== undefined || words.length === 0) {
    throw new PortolanError('USAGE', `--transport takes tcp, udp or tcp,udp here, not “${echo(raw)}”.`);
  }
  return TRANSPORTS.filter((transport) => words.includes(transport));
}
