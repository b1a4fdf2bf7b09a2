// The page of `why`: the answer and the bind that was tried, then causes with ways out, then what else matters.

import { type Message, say } from '../model/message.ts';
import type { Holder, Remedy, Risk, Severity } from '../model/report.ts';
import type { BindResult, BindWish, CauseKind, WhyDecision } from '../model/why.ts';
import { forecastNodes } from './forecast.ts';
import { formatEndpoint, gapsNode, holderNodes, secondsLeft, whoWords } from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** The page. */
export function whyPage(decision: WhyDecision): Page {
  const nodes: Node[] = [answer(decision)];
  const { changed } = decision;
  if (changed !== null) {
    const parts: Message[] = [];
    if (changed.gone.length > 0) parts.push(say('why.changed.gone', { who: whoAll(changed.gone) }));
    if (changed.came.length > 0) parts.push(say('why.changed.came', { who: whoAll(changed.came) }));
    const inline: Inline[] = [said(say('why.changed'), 'warn')];
    for (const part of parts) inline.push(data(' '), said(part));
    nodes.push({ kind: 'para', inline });
  }
  const seen: Seen = { holders: new Set(), pids: new Set() };
  if (decision.causes.length > 0) {
    const items = decision.causes.map(({ text, holders, remedies }) =>
      item(null, text, holderList(holders, seen), remedies),
    );
    nodes.push({ kind: 'section', title: say('why.section.causes'), nodes: [{ kind: 'list', items }] });
  }
  const told = [
    ...decision.notes.map(({ severity, text, holders }) =>
      item(severity, text, holderList(holders, seen), []),
    ),
    ...decision.risks.map(riskItem),
  ];
  if (told.length > 0) {
    const grave = decision.bindable === true && told.some(({ mark }) => mark !== 'info');
    const title = say(grave ? 'section.could' : 'why.section.notes');
    nodes.push({ kind: 'section', title, nodes: [{ kind: 'list', items: told }] });
  }
  if (decision.gaps.length > 0) nodes.push(gapsNode(decision.gaps));
  return { nodes };
}

interface Item {
  readonly mark: Severity | null;
  readonly inline: readonly Inline[];
  readonly nodes: readonly Node[];
}

/** What this page has described already: a holder is shown once, a process in full once. */
interface Seen {
  readonly holders: Set<Holder>;
  readonly pids: Set<number>;
}

/** Most holders of one item that are shown; a busy server's port has tens of thousands. */
const HOLDERS_SHOWN = 6;

function holderList(holders: readonly Holder[], seen: Seen): Node[] {
  const fresh = holders.filter((holder) => !seen.holders.has(holder));
  if (fresh.length === 0) return [];
  const items = fresh.slice(0, HOLDERS_SHOWN).map((holder): Item => {
    const { inline, nodes } = holderNodes(holder);
    const known = holder.owners.length > 0 && holder.owners.every(({ pid }) => seen.pids.has(pid));
    for (const { pid } of holder.owners) seen.pids.add(pid);
    const who: Inline[] = known ? [data('  '), said(whoWords(holder), 'dim')] : [];
    const simple = known && holder.namespace === null && holder.activation === null;
    return { mark: null, inline: simple ? [...inline, ...who] : inline, nodes: simple ? [] : nodes };
  });
  for (const holder of fresh) seen.holders.add(holder);
  const count = fresh.length - HOLDERS_SHOWN;
  if (count > 0) {
    items.push({ mark: null, inline: [said(say('here.skipped', { count }), 'dim')], nodes: [] });
  }
  return [{ kind: 'list', items }];
}

function item(
  mark: Severity | null,
  text: Message,
  holders: readonly Node[],
  remedies: readonly Remedy[],
): Item {
  return {
    mark,
    inline: [said(text, mark === null ? 'strong' : undefined)],
    nodes: [...holders, ...remedyNodes(remedies)],
  };
}

/** Ways out, each with an arrow that its lines hang from. */
function remedyNodes(remedies: readonly Remedy[]): Node[] {
  if (remedies.length === 0) return [];
  const items = remedies.map(({ title, commands, undo }): Item => {
    const nodes: Node[] = [];
    if (commands.length > 0) nodes.push({ kind: 'commands', lines: commands });
    if (undo.length > 0) {
      nodes.push({ kind: 'para', inline: [said(say('remedy.undo'), 'dim')] });
      nodes.push({ kind: 'commands', lines: undo });
    }
    return { mark: null, inline: [data('→ ', 'good'), said(title)], nodes };
  });
  return [{ kind: 'list', items }];
}

/** A risk with what is foretold, and ways out. */
export function riskItem(risk: Risk): Item {
  const plain = item(risk.severity, risk.text, [], risk.remedies);
  return risk.chance === null ? plain : { ...plain, nodes: [...forecastNodes(risk, false), ...plain.nodes] };
}

function answer(decision: WhyDecision): Node {
  const { wish, bindable, result } = decision;
  const severity =
    bindable === true ? (isRisky(decision) ? 'medium' : 'good') : bindable === null ? 'medium' : 'high';
  const first = [said(sentence(decision), 'strong')];
  if (result === null) {
    const untried = bindable === null ? [] : [[said(say('why.evidence'))]];
    return { kind: 'answer', severity, lines: [first, ...untried] };
  }
  const values = { bind: bindWords(wish), result: resultWords(wish, result) };
  return {
    kind: 'answer',
    severity,
    lines: [first, [said(say(decision.usual ? 'why.tried.usual' : 'why.tried', values))]],
  };
}

/** Does anything grave speak against relying on it? */
function isRisky({ notes, risks }: WhyDecision): boolean {
  return [...notes, ...risks].some(({ severity }) => severity === 'high');
}

/** Gap over which numbers the system hands out. */
const LIMITS = 'limits-unreadable';

/** Could something that speaks against it have gone unseen? */
function isUnseen({ gaps }: WhyDecision): boolean {
  return gaps.some(({ coversUse, code }) => coversUse || code === LIMITS);
}

function sentence(decision: WhyDecision): Message {
  const { wish, bindable, causes, result, notes, risks } = decision;
  const port = `${wish.port}/${wish.transport}`;
  if (bindable === null) return say(result === null ? 'why.unknown' : 'why.unknown.inexact', { port });
  if (bindable) {
    if (wish.port === 0) return say('why.can.any', { transport: wish.transport });
    if (notes.some(({ kind }) => kind === 'redirect')) return say('why.can.redirect', { port });
    if (notes.some(({ kind }) => kind === 'shared')) return say('why.can.shared', { port });
    if (risks.some(({ id }) => id === 'ephemeral-overlap')) return say('why.can.ephemeral', { port });
    if (isRisky(decision)) return say('why.can.risky', { port });
    return say(isUnseen(decision) ? 'why.can.unseen' : 'why.can', { port });
  }
  const first = causes[0];
  const holder = first?.holders[0];
  if (first === undefined) return say('why.cannot', { port, reason: say('why.reason.other') });
  if (holder === undefined) {
    // A link-local address that names no interface may be there all the same.
    const unzoned = first.kind === 'address-not-here' && wish.zone === null && result?.errno === 'EINVAL';
    const key = unzoned ? 'why.reason.zone' : (REASONS[first.kind] ?? 'why.reason.other');
    return say('why.cannot', { port, reason: say(key, { address: bindAddress(wish) }) });
  }
  return say('why.cannot', { port, reason: holderReason(first.kind, first.holders, holder) });
}

/** The same of causes that have no holder. */
const REASONS: Readonly<Partial<Record<CauseKind, Message['key']>>> = {
  privileged: 'why.reason.privileged',
  'address-not-here': 'why.reason.address',
  'family-unsupported': 'why.reason.family',
  'security-module': 'why.reason.refused',
  exhausted: 'why.reason.exhausted',
  unseen: 'why.reason.unseen',
};

/** Why, in the few words that an answer's first line has room for. */
function holderReason(kind: string, holders: readonly Holder[], first: Holder): Message {
  const values = { who: whoWords(first), where: formatEndpoint(first.local), count: holders.length };
  switch (kind) {
    case 'listener':
      return say(first.transport === 'udp' ? 'why.reason.socket' : 'why.reason.listener', values);
    case 'bound':
      return say('why.reason.bound', values);
    case 'excluded':
      return say('why.reason.excluded');
    case 'kernel':
      return say('why.reason.kernel', values);
    case 'closing': {
      const ms = holders.reduce((longest, { freeInMs }) => Math.max(longest, freeInMs ?? 0), 0);
      const state = first.state;
      return ms === 0
        ? say('why.reason.closing.open', { state })
        : say('why.reason.closing', { state, seconds: secondsLeft(ms) });
    }
    default:
      return say('why.reason.connection', values);
  }
}

function whoAll(holders: readonly Holder[]): { readonly list: readonly Message[] } {
  return {
    list: holders.slice(0, WHO_SHOWN).map((holder) =>
      say('why.changed.who', {
        kind: say(`kind.${holder.kind}`),
        where: formatEndpoint(holder.local),
        who: holder.owners.length === 0 ? say('why.changed.nobody') : whoWords(holder),
      }),
    ),
  };
}

/** Most comers and goers that are named. */
const WHO_SHOWN = 4;

/** An address as a program would be given it. */
function bindAddress({ family, address, zone }: BindWish): string {
  const full = zone === null ? address : `${address}%${zone}`;
  return family === 'ipv6' ? `[${full}]` : full;
}

function bindWords(wish: BindWish): Message {
  const { address, v6only, reuse, transport, listen } = wish;
  const where =
    address !== '::'
      ? bindAddress(wish)
      : say(v6only === true ? 'why.where.v6only' : 'why.where.dual', { address: bindAddress(wish) });
  const options = say(`why.reuse.${reuse}`);
  return say(transport === 'udp' || listen ? 'why.bind' : 'why.bind.only', { where, options });
}

function resultWords({ listen, transport }: BindWish, { ok, errno, step }: BindResult): Message {
  if (ok) return say(listen || transport === 'udp' ? 'why.result.ok' : 'why.result.bind');
  if (step === null || step === 'bind') return say('why.result.errno', { errno: errno ?? '?' });
  return say('why.result.failed', { call: step === 'option' ? 'setsockopt' : step, errno: errno ?? '?' });
}
