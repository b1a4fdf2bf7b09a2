// The page of `reserve` and `unreserve`: the answer, what changes, the proof, where it applies, what to know, the undo.
import { commonRanges, formatRanges, joinRanges, portCount, withoutRanges } from '../decide/port-set.ts';
import { type ProofSum, proofSum } from '../decide/reserve-proof.ts';
import { listed, type Message, type MessageValue, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder, Severity } from '../model/report.ts';
import {
  type FileChange,
  RESERVED_KEY,
  type ReserveFailure,
  type ReserveNote,
  type ReservePlan,
  type ReserveProof,
  type ReserveRefusal,
  type ReserveReport,
} from '../model/reserve.ts';
import { gapsNode, holderNodes, whoWords } from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** Runs of a list that are shown; the whole of it is in the JSON. */
const RUNS_SHOWN = 12;
const PORTS_NAMED = 6;
const HOLDERS_SHOWN = 4;
/** Longest line of a file that is shown whole. */
const LINE_SHOWN = 76;

/** The page. */
export function reservePage(report: ReserveReport): Page {
  const { plan, failure } = report;
  const nodes: Node[] = [answer(report)];
  if (failure !== null) nodes.push(...failureNodes(failure, report.state.platform));
  const changes = changeNodes(report);
  if (changes.length > 0 && failure === null) {
    const title = say(report.applied ? 'reserve.section.changed' : 'reserve.section.change');
    nodes.push({ kind: 'section', title, nodes: changes });
  }
  const proof = proofNodes(report);
  if (proof.length > 0) nodes.push({ kind: 'section', title: say('reserve.section.proof'), nodes: proof });
  if (report.state.platform === 'linux') {
    nodes.push({
      kind: 'section',
      title: say('reserve.section.where'),
      nodes: [para(namespaceWords(report))],
    });
  }
  if (plan.notes.length > 0) {
    const items = plan.notes.map(noteItem);
    nodes.push({ kind: 'section', title: say('reserve.section.notes'), nodes: [{ kind: 'list', items }] });
  }
  if (
    !report.applied &&
    plan.refusal !== 'list-unreadable' &&
    failure === null &&
    plan.commands.length > 0 &&
    !isIdle(report)
  ) {
    nodes.push(
      commandsNode(
        plan.refusal === 'other-system' ? 'reserve.section.commands' : 'reserve.section.do',
        plan.commands,
      ),
    );
  }
  if (plan.undo.length > 0 && failure === null && !isIdle(report)) {
    nodes.push(commandsNode('reserve.section.undo', plan.undo));
  }
  if (report.gaps.length > 0) nodes.push(gapsNode(report.gaps));
  return { nodes };
}

/** The question before anything is done. */
export function reserveQuestion({ plan }: ReserveReport): Message {
  return say('reserve.ask', { what: whatWords(plan.ports) });
}

/** Would nothing change at all? */
export function isIdle({ plan }: ReserveReport): boolean {
  // Of other systems nothing is known.
  if (plan.refusal === 'other-system') return false;
  return plan.add.length === 0 && plan.remove.length === 0 && plan.files.length === 0;
}

/** Will all of it be so after a boot, too, where systemd-sysctl reads the files? */
function holdsAtBoot({ action, ports, boot }: ReservePlan): boolean {
  const set = boot?.after['systemd-sysctl'].ranges ?? [];
  return (action === 'reserve' ? withoutRanges(ports, set) : commonRanges(ports, set)).length === 0;
}

function para(message: Message, emphasis?: 'dim'): Node {
  return { kind: 'para', inline: [emphasis === undefined ? said(message) : said(message, emphasis)] };
}

function commandsNode(
  title: 'reserve.section.do' | 'reserve.section.undo' | 'reserve.section.commands',
  lines: readonly string[],
): Node {
  return { kind: 'section', title: say(title), nodes: [{ kind: 'commands', lines }] };
}

/** `port 60163`, `12 ports (3000–3010, 5432)`. */
function whatWords(ports: readonly PortRange[]): Message {
  return say('reserve.ports', { count: portCount(ports), ports: runs(ports, PORTS_NAMED) });
}

function runs(ports: readonly PortRange[], limit: number): MessageValue {
  return listed(
    joinRanges(ports).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)),
    limit,
  );
}

function answer(report: ReserveReport): Node {
  const { severity, first, second } = answerWords(report);
  const lines = [[said(first, 'strong')]];
  if (second !== null) lines.push([said(second)]);
  return { kind: 'answer', severity, lines };
}

interface Words {
  readonly severity: Severity | 'good';
  readonly first: Message;
  readonly second: Message | null;
}

function answerWords(report: ReserveReport): Words {
  const { plan, failure, applied, verified } = report;
  const what = whatWords(plan.ports);
  const count = portCount(plan.ports);
  if (failure !== null) return { severity: 'high', ...failureWords(failure) };
  if (plan.refusal !== null) return refusalWords(report, plan.refusal, what);
  const bootless = plan.boot === null;
  if (isIdle(report)) {
    const key =
      plan.action === 'unreserve'
        ? 'reserve.plan.none.unreserve'
        : bootless || !holdsAtBoot(plan)
          ? 'reserve.plan.none.reserve.now'
          : 'reserve.plan.none.reserve';
    return { severity: 'good', first: say(key, { what, count }), second: null };
  }
  if (!applied) {
    const key = plan.action === 'reserve' ? 'reserve.plan.add' : 'reserve.plan.remove';
    return { severity: 'info', first: say(key, { what }), second: say('reserve.purpose') };
  }
  const lasting = report.state.platform === 'win32';
  const when = lasting
    ? say('reserve.when.both')
    : bootless
      ? say('reserve.when.now')
      : say(holdsAtBoot(plan) ? 'reserve.when.both' : 'reserve.when.part');
  const key = plan.action === 'reserve' ? 'reserve.done.add' : 'reserve.done.remove';
  return {
    severity: verified === true ? 'good' : 'medium',
    first: say(key, { what, when, count }),
    second: say(bootless ? 'reserve.verified.now' : 'reserve.verified'),
  };
}

function refusalWords({ state }: ReserveReport, refusal: ReserveRefusal, what: Message): Words {
  const first = say(`reserve.refused.${refusal}`, {
    file: state.dropIn,
    reason: state.dropInProblem ?? '',
    system: systemName(state.platform),
    what,
  });
  if (refusal === 'other-system' && state.platform === 'win32')
    return { severity: 'info', first: say('reserve.refused.unread.win32'), second: null };
  if (refusal === 'other-system') return { severity: 'info', first, second: null };
  if (refusal === 'not-ours' && state.platform === 'win32')
    return { severity: 'medium', first, second: say('reserve.refused.not-ours.win32') };
  if (refusal === 'not-ours') {
    return { severity: 'medium', first, second: say('reserve.refused.not-ours.hint') };
  }
  return { severity: 'high', first, second: null };
}

function systemName(platform: string): string {
  return { darwin: 'macOS', win32: 'Windows' }[platform] ?? platform;
}

/** What failed, and how things stand. */
export function failureWords({ step, code, path, restored, pid }: ReserveFailure): {
  first: Message;
  second: Message;
} {
  const values = { code: code ?? '?', file: path ?? '', pid: pid ?? 0 };
  const first =
    step === 'lock' && pid !== null
      ? say('reserve.failed.lock.busy', values)
      : say(`reserve.failed.${step}`, values);
  const how = restored === null ? 'untouched' : restored ? 'restored' : 'half';
  return { first, second: say(`reserve.failed.${how}`) };
}

function failureNodes({ step, code, remedies }: ReserveFailure, platform: string): Node[] {
  const nodes: Node[] = [];
  if (platform === 'win32') nodes.push(para(say('reserve.failed.administrator')));
  else if (step === 'list' && code === 'EROFS') nodes.push(para(say('reserve.failed.readonly')));
  else if (step === 'list') nodes.push(para(say('reserve.failed.rights')));
  if (remedies.length > 0) nodes.push(commandsNode('reserve.section.do', remedies));
  return nodes;
}

function changeNodes({ plan }: ReserveReport): Node[] {
  const nodes: Node[] = [];
  const { before, after, files, boot } = plan;
  if (before !== null && after !== null && plan.refusal === null) {
    if (plan.add.length === 0 && plan.remove.length === 0) {
      nodes.push(para(say('reserve.list.same', { list: listWords(before) })));
    } else {
      nodes.push(para(say('reserve.list', { key: RESERVED_KEY })), {
        kind: 'table',
        header: false,
        columns: [
          { title: null, align: 'left', grow: false },
          { title: null, align: 'left', grow: true },
        ],
        rows: [
          [[said(say('reserve.list.before'), 'dim')], [said(listWords(before))]],
          [[said(say('reserve.list.after'), 'dim')], [said(listWords(after), 'strong')]],
        ],
      });
    }
  }
  for (const file of files) nodes.push(...fileNodes(file));
  if (boot !== null && files.length > 0) {
    const { path } = boot.after['systemd-sysctl'];
    nodes.push(para(path === null ? say('reserve.boot.none') : say('reserve.boot', { file: path }), 'dim'));
  }
  return nodes;
}

function listWords(ranges: readonly PortRange[]): Message {
  if (ranges.length === 0) return say('reserve.list.empty');
  const shown = formatRanges(ranges.slice(0, RUNS_SHOWN)).replaceAll(',', ', ');
  const count = ranges.length - RUNS_SHOWN;
  return count > 0
    ? say('reserve.list.more', { list: shown, count })
    : say('reserve.list.whole', { list: shown });
}

function fileNodes({ path, old, new: text }: FileChange): Node[] {
  if (text === null) return [para(say('reserve.file.gone', { file: path }))];
  const title = say(old === null ? 'reserve.file.new' : 'reserve.file.changed', { file: path });
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => (line.length <= LINE_SHOWN ? line : `${line.slice(0, LINE_SHOWN - 1)}…`));
  return [para(title), { kind: 'commands', lines }];
}

function noteItem({ severity, text, holders }: ReserveNote): {
  mark: Severity;
  inline: Inline[];
  nodes: Node[];
} {
  return { mark: severity, inline: [said(text)], nodes: holders.length === 0 ? [] : [holderList(holders)] };
}

function holderList(holders: readonly Holder[]): Node {
  const items: { mark: null; inline: Inline[]; nodes: Node[] }[] = holders
    .slice(0, HOLDERS_SHOWN)
    .map((holder) => ({
      mark: null,
      inline: [...holderNodes(holder).inline, data('  '), said(whoWords(holder), 'dim')],
      nodes: [],
    }));
  const count = holders.length - HOLDERS_SHOWN;
  if (count > 0) items.push({ mark: null, inline: [said(say('here.skipped', { count }), 'dim')], nodes: [] });
  return { kind: 'list', items };
}

/** Which namespace it is about. */
export function namespaceWords({ state, plan }: Pick<ReserveReport, 'state' | 'plan'>): Message {
  const { kind, inode, names } = state.namespace;
  const name = inode === null ? '' : say('reserve.namespace.name', { inode });
  return say(`reserve.namespace.${kind}`, {
    name,
    names: names.join(', '),
    key: RESERVED_KEY,
    ports: formatRanges(plan.ports.slice(0, RUNS_SHOWN)),
  });
}

/** The proof added up, for whoever shows it. */
export function proofTotals({ action }: ReserveReport['plan'], proof: ReserveProof): ProofSum {
  return proofSum(proof, action);
}

/** What the proof has shown, in sentences. */
export function proofWords({
  plan,
  proof,
  state,
}: Pick<ReserveReport, 'plan' | 'proof' | 'state'>): Message[] {
  if (proof === null) return [];
  const { method, reason, candidates } = proof;
  if (method === 'none') {
    const [first, last] = state.ephemeral ?? [0, 0];
    return [say(`reserve.proof.none.${reason ?? 'too-many'}`, { first, last })];
  }
  const sum = proofTotals(plan, proof);
  const { right, made, asked, proven, broken, open, luck } = sum;
  const words: Message[] = [say('reserve.proof.proven', { proven, count: asked })];
  if (method === 'exact') {
    words.push(say(`reserve.proof.exact.${plan.action}`, { right, made }));
    const tried = proof.exact.filter(({ before }) => before !== 'untried');
    const given = tried.filter(({ before }) => before === 'given').length;
    if (tried.length > 0 && plan.action === 'reserve') {
      words.push(say('reserve.proof.before', { count: asked, given, tried: tried.length }));
    }
  } else if (broken.length === 0 && plan.action === 'reserve') {
    words.push(say('reserve.proof.repeated.reserve', { right, made }));
    if (proven > 0) words.push(say('reserve.proof.luck', { percent: { share: luck } }));
  } else {
    const hits = proof.repeated.reduce((total, trial) => total + trial.hits, 0);
    words.push(say('reserve.proof.repeated.hits', { made, hits }));
  }
  if (broken.length > 0)
    words.push(say('reserve.proof.broken', { ports: runs(asRanges(broken), PORTS_NAMED) }));
  if (open.length > 0) {
    words.push(say('reserve.proof.open', { count: open.length, ports: runs(asRanges(open), PORTS_NAMED) }));
  }
  if (candidates > asked) words.push(say('reserve.proof.sampled', { asked, candidates }));
  return words;
}

function proofNodes(report: ReserveReport): Node[] {
  const words = proofWords(report);
  if (words.length === 0) return [];
  const inline = words.flatMap((message, index): Inline[] =>
    index === 0 ? [said(message)] : [data(' '), said(message)],
  );
  return [{ kind: 'para', inline }];
}

function asRanges(ports: readonly number[]): PortRange[] {
  return ports.map((port): PortRange => [port, port]);
}
