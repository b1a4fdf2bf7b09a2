// The pages of `kill`: what would be stopped and what is left alone, the question, and what came of it.
import { isNewcomer, respawner } from '../decide/kill.ts';
import type {
  Elsewhere,
  KillOutcome,
  KillReport,
  KillTarget,
  Refusal,
  RefusalReason,
} from '../model/kill.ts';
import { listed, type Message, type MessageValue, say } from '../model/message.ts';
import type { Holder, Severity } from '../model/report.ts';
import type { Container, Owner } from '../model/socket.ts';
import {
  containerName,
  formatEndpoint,
  gapsNode,
  holderNodes,
  namespaceName,
  ownerNodes,
  secondsLeft,
  whoWords,
} from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** Most processes of one target that are described one by one. */
const OWNERS_SHOWN = 8;
/** Most sockets or refusals of one kind that are shown one by one. */
const SHOWN = 6;
/** Most other ports that are named. */
const ELSEWHERE_SHOWN = 8;

/** The plan, before anything is done. */
export function killPlanPage(report: KillReport): Page {
  return { nodes: [planAnswer(report), ...planNodes(report)] };
}

/** The plan where nothing was done, with the command that would do it (null where nothing can be done). */
export function killDryPage(report: KillReport, command: string | null): Page {
  const nodes = [planAnswer(report), ...planNodes(report)];
  if (report.plan.targets.length > 0) {
    nodes.push({ kind: 'para', inline: [said(say('kill.nothing-done'), 'strong')] });
    if (command !== null) nodes.push({ kind: 'commands', lines: [command] });
  }
  if (report.use.gaps.length > 0) nodes.push(gapsNode(report.use.gaps));
  return { nodes };
}

/** What came of it, and how the port stands now. */
export function killDonePage(report: KillReport): Page {
  const nodes: Node[] = [endAnswer(report)];
  nodes.push({
    kind: 'list',
    items: report.outcome.map((outcome) => ({
      mark: null,
      inline: [said(outcomeWords(outcome, report))],
      nodes: outcome.command === null ? [] : [{ kind: 'commands' as const, lines: [outcome.command] }],
    })),
  });
  const left = report.use.holders.filter((holder) => holder.namespace === null);
  if (left.length > 0) {
    nodes.push({
      kind: 'section',
      title: say('kill.section.now', { port: report.port }),
      nodes: holderList(left),
    });
  }
  nodes.push(...hintNodes(report));
  if (report.use.gaps.length > 0) nodes.push(gapsNode(report.use.gaps));
  return { nodes };
}

/** The question before anything is done. */
export function killQuestion(report: KillReport): Message {
  return say('kill.ask', { what: whatWords(report.plan.targets), port: report.port });
}

function planAnswer(report: KillReport): Node {
  const { port, plan, use, transports } = report;
  const lines = (message: Message, severity: Severity | 'good'): Node => ({
    kind: 'answer',
    severity,
    lines: [[said(message, 'strong')]],
  });
  if (plan.targets.length > 0) {
    return lines(say('kill.plan', { port, what: whatWords(plan.targets) }), 'medium');
  }
  const here = use.holders.filter((holder) => holder.namespace === null);
  if (here.length === 0) {
    return use.verdict === 'free'
      ? lines(say('kill.none.free', { port, transports: transports.join(', ') }), 'good')
      : lines(say('kill.none.unknown', { port }), 'medium');
  }
  if (here.every((holder) => holder.kind === 'closing')) {
    return lines(say('kill.none.closing', { port, seconds: longestWait(here) }), 'info');
  }
  return lines(say('kill.none.refused', { port }), 'medium');
}

function planNodes(report: KillReport): Node[] {
  const { plan } = report;
  const nodes: Node[] = [];
  if (plan.targets.length > 0) {
    nodes.push({
      kind: 'section',
      title: say('kill.section.stop'),
      nodes: [
        {
          kind: 'list',
          items: plan.targets.map((target) => ({ mark: null, ...targetNodes(target, report) })),
        },
      ],
    });
  }
  if (plan.refusals.length > 0) {
    nodes.push({ kind: 'section', title: say('kill.section.leave'), nodes: refusalNodes(plan.refusals) });
  }
  return nodes;
}

function targetNodes(target: KillTarget, report: KillReport): { inline: Inline[]; nodes: Node[] } {
  const nodes: Node[] = [];
  nodes.push(...target.owners.slice(0, OWNERS_SHOWN).flatMap(ownerNodes));
  const more = target.owners.length - OWNERS_SHOWN;
  if (more > 0) nodes.push({ kind: 'para', inline: [said(say('owner.skipped', { count: more }), 'dim')] });
  for (const holder of target.holders.slice(0, SHOWN)) {
    nodes.push({ kind: 'para', inline: [said(say('kill.frees')), data(' '), ...holderNodes(holder).inline] });
  }
  const sockets = target.holders.length - SHOWN;
  if (sockets > 0)
    nodes.push({ kind: 'para', inline: [said(say('here.skipped', { count: sockets }), 'dim')] });
  if (target.connections.length > 0) {
    const count = target.connections.length;
    nodes.push({
      kind: 'para',
      inline: [said(say('kill.connections', { count, port: report.port }), 'warn')],
    });
  }
  nodes.push(...elsewhereNodes(target));
  return { inline: [said(howWords(target, report), 'strong')], nodes };
}

/** What the target does beside this port, for it ends as well. */
function elsewhereNodes({ elsewhere, elsewhereConnections }: KillTarget): Node[] {
  const nodes: Node[] = [];
  if (elsewhere.length > 0) {
    const ports = listed(elsewhere.map(elsewhereWords), ELSEWHERE_SHOWN);
    nodes.push({ kind: 'para', inline: [said(say('kill.elsewhere', { ports }), 'warn')] });
  }
  if (elsewhereConnections > 0) {
    const count = elsewhereConnections;
    nodes.push({ kind: 'para', inline: [said(say('kill.elsewhere.connections', { count }), 'warn')] });
  }
  return nodes;
}

function elsewhereWords({ transport, local }: Elsewhere): string {
  return `${formatEndpoint(local)} ${transport}`;
}

function howWords(target: KillTarget, { force, waitSeconds }: KillReport): Message {
  const what = targetWords(target);
  const seconds = waitSeconds;
  if (target.how === 'unit') return say(force ? 'kill.how.unit.force' : 'kill.how.unit', { what, seconds });
  if (target.how === 'container') {
    return say('kill.how.container', { what, seconds, runtime: target.container?.runtime ?? '' });
  }
  const count = target.owners.length;
  if (count > 1) return say(force ? 'kill.how.processes.force' : 'kill.how.processes', { count, seconds });
  return say(force ? 'kill.how.process.force' : 'kill.how.process', { what, seconds });
}

function whatWords(targets: readonly KillTarget[]): Message {
  const words = targets.map(targetWords);
  const [first] = words;
  return first !== undefined && words.length === 1 ? first : say('kill.what.list', { what: { list: words } });
}

function targetWords({ how, owners, units, container }: KillTarget): Message {
  if (how === 'unit') return unitWords(units);
  if (how === 'container' && container !== null) return containerWords(container);
  const [first] = owners;
  if (first === undefined) return say('who.unknown');
  const one = ownerWords(first);
  return owners.length === 1 ? one : say('who.more', { who: one, count: owners.length - 1 });
}

function ownerWords({ name, pid }: Owner): Message {
  return say('who.process', { name, pid });
}

function unitWords(units: readonly string[]): Message {
  return say('kill.what.unit', { units: { list: units }, count: units.length });
}

function containerWords(container: Container): Message {
  return say('kill.what.container', { runtime: container.runtime, container: containerName(container) });
}

/** Refusals by reason, long runs cut short: a busy port has thousands of connections. */
function refusalNodes(refusals: readonly Refusal[]): Node[] {
  const groups = new Map<RefusalReason, Refusal[]>();
  for (const refusal of refusals) {
    const group = groups.get(refusal.reason);
    if (group === undefined) groups.set(refusal.reason, [refusal]);
    else group.push(refusal);
  }
  const items: { mark: null; inline: Inline[]; nodes: Node[] }[] = [];
  for (const group of groups.values()) {
    for (const refusal of group.slice(0, SHOWN)) {
      const { inline } = holderNodes(refusal.holder);
      const nodes: Node[] = [{ kind: 'para', inline: [said(refusalWords(refusal))] }];
      if (refusal.command !== null) nodes.push({ kind: 'commands', lines: [refusal.command] });
      items.push({ mark: null, inline, nodes });
    }
    const count = group.length - SHOWN;
    const [first] = group;
    if (count <= 0 || first === undefined) continue;
    const inline = [
      said(say(`kind.${first.holder.kind}`)),
      data('  '),
      said(say('here.skipped', { count }), 'dim'),
    ];
    items.push({ mark: null, inline, nodes: [] });
  }
  return [{ kind: 'list', items }];
}

/** Why a holder is left alone. */
export function refusalWords({ reason, holder, owner }: Refusal): Message {
  const who = owner === null ? whoWords(holder) : ownerWords(owner);
  const namespace = holder.namespace === null ? '' : namespaceName(holder.namespace);
  if (reason === 'closing' && holder.freeInMs === null) return say('kill.refused.closing.open');
  return say(`kill.refused.${reason}`, { who, namespace, port: holder.local.port });
}

/** What came of one process, unit or container. */
export function outcomeWords(outcome: KillOutcome, { waitSeconds }: KillReport): Message {
  const { result, signals, detail, how } = outcome;
  const who = outcomeSubject(outcome);
  if (result === 'ended') {
    if (how === 'unit') return say('kill.result.unit', { who });
    if (how === 'container') return say('kill.result.container', { who });
    return signals.length === 0
      ? say('kill.result.along', { who })
      : say('kill.result.ended', { who, signals: signals.at(-1) ?? '' });
  }
  return say(`kill.result.${result}`, { who, seconds: waitSeconds, detail: detail ?? '' });
}

function outcomeSubject({ owner, units, container }: KillOutcome): Message {
  if (owner !== null) return ownerWords(owner);
  return container === null ? unitWords(units) : containerWords(container);
}

function endAnswer(report: KillReport): Node {
  const { port, use, end, transports } = report;
  const here = use.holders.filter((holder) => holder.namespace === null);
  const answer = (severity: Severity | 'good', message: Message, more: Message | null = null): Node => ({
    kind: 'answer',
    severity,
    lines: [[said(message, 'strong')], ...(more === null ? [] : [[said(more)]])],
  });
  switch (end) {
    case 'free':
      return answer('good', say('kill.end.free', { port, transports: transports.join(', ') }));
    case 'closing':
      return answer(
        'good',
        say('kill.end.closing', { port, seconds: longestWait(here) }),
        say('kill.end.closing.reuse'),
      );
    case 'taken': {
      const newcomer = newcomerOf(report);
      return answer(
        'high',
        newcomer === null
          ? say('kill.end.held', { port, who: say('who.unknown') })
          : say('kill.end.taken', { port, who: whoWords(newcomer) }),
      );
    }
    case 'held': {
      const first = here.find((holder) => holder.kind !== 'closing');
      const who = first === undefined ? say('who.unknown') : whoWords(first);
      return answer('medium', say('kill.end.held', { port, who }));
    }
    case 'unknown':
    case null:
      return answer('medium', say('kill.end.unknown', { port }));
  }
}

function newcomerOf({ use, plan }: KillReport): Holder | null {
  return (
    use.holders.find(
      (holder) =>
        holder.namespace === null &&
        holder.kind !== 'closing' &&
        holder.kind !== 'connection' &&
        isNewcomer(holder, plan),
    ) ?? null
  );
}

/** What to do where the port is not free. */
function hintNodes(report: KillReport): Node[] {
  const nodes: Node[] = [];
  const hint = (message: Message): void => {
    nodes.push({ kind: 'para', inline: [said(message)] });
  };
  if (report.outcome.some(({ result }) => result === 'remains') && !report.force)
    hint(say('kill.hint.force'));
  if (report.end !== 'taken') return nodes;
  const newcomer = newcomerOf(report);
  if (newcomer === null) return nodes;
  const launcher = respawner(newcomer, report.outcome);
  if (launcher !== null) hint(say('kill.hint.respawn', { name: launcher.name, pid: launcher.pid }));
  const unit = newcomer.owners[0]?.unit ?? null;
  if (unit?.endsWith('.service') === true) hint(say('kill.hint.unit', { unit }));
  return nodes;
}

function holderList(holders: readonly Holder[]): Node[] {
  const items = holders.slice(0, SHOWN).map((holder) => ({ mark: null, ...holderNodes(holder) }));
  const count = holders.length - SHOWN;
  if (count > 0) items.push({ mark: null, inline: [said(say('here.skipped', { count }), 'dim')], nodes: [] });
  return [{ kind: 'list', items }];
}

/** Seconds until the last closing socket goes by itself. */
function longestWait(holders: readonly Holder[]): MessageValue {
  return secondsLeft(holders.reduce((most, { freeInMs }) => Math.max(most, freeInMs ?? 0), 0));
}
