// The page of `pick`: the ports, whose the wished number is, why these, and which rule took how many of the others.
import { say } from '../model/message.ts';
import type { PickDecision, PickReason } from '../model/pick.ts';
import { gapsNode } from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** Most ports of the first line; the table has all. */
const FIRST_LINE = 8;

/** Reasons that are of one port and not of all. */
const OWN: ReadonlySet<PickReason['id']> = new Set(['near']);

/** The page. */
export function pickPage(decision: PickDecision): Page {
  const nodes: Node[] = [answer(decision)];
  const { ports } = decision;
  const [first] = ports;
  if (first !== undefined) {
    const shared = first.reasons.filter(({ id }) => !OWN.has(id));
    const items = shared.map(({ text }) => ({ mark: null, inline: [said(text)], nodes: [] }));
    nodes.push({ kind: 'section', title: say('pick.section.why'), nodes: [{ kind: 'list', items }] });
  }
  const own = ports.flatMap(({ port, reasons }) =>
    reasons.filter(({ id }) => OWN.has(id)).map(({ text }) => ({ port, text })),
  );
  if (own.length > 0 && ports.length > 1) {
    nodes.push({
      kind: 'table',
      header: false,
      columns: [
        { title: null, align: 'right', grow: false },
        { title: null, align: 'left', grow: true },
      ],
      rows: own.map(({ port, text }) => [[data(String(port), 'strong')], [said(text)]]),
    });
  }
  if (decision.refused.length > 0 && !decision.unsure) {
    nodes.push({
      kind: 'section',
      title: say('pick.section.refused'),
      nodes: [
        {
          kind: 'table',
          header: false,
          columns: [
            { title: null, align: 'right', grow: false },
            { title: null, align: 'left', grow: false },
            { title: null, align: 'left', grow: true },
          ],
          rows: decision.refused.map(({ rule, count }) => [
            [said(say('pick.count', { count }))],
            [data(rule, 'strong')],
            [said(say(`pick.rule.${rule}`))],
          ]),
        },
      ],
    });
  }
  if (decision.gaps.length > 0) nodes.push(gapsNode(decision.gaps));
  return { nodes };
}

function answer({ ports, count, near, unsure, left, held }: PickDecision): Node {
  const lines: Inline[][] = [];
  const [first] = ports;
  if (unsure) {
    lines.push([said(say('pick.unsure'), 'strong')]);
    return { kind: 'answer', severity: 'medium', lines };
  }
  if (first === undefined) {
    lines.push([said(say('pick.none'), 'strong')]);
  } else {
    const shown = ports.slice(0, FIRST_LINE).map(({ port }) => String(port));
    const more = ports.length - shown.length;
    const list = { list: shown };
    const numbers = more === 0 ? list : say('names.more', { names: list, count: more });
    lines.push([
      said(say(held ? 'pick.held' : 'pick.answer', { count: ports.length, ports: numbers }), 'strong'),
    ]);
  }
  if (near?.text != null) lines.push([said(near.text)]);
  if (ports.length < count && first !== undefined) {
    lines.push([said(say('pick.fewer', { count: ports.length, wanted: count }))]);
  } else if (first === undefined) {
    lines.push([said(say('pick.allow'))]);
  } else if (lines.length === 1) {
    lines.push([said(say('pick.left', { count: left }))]);
  }
  return { kind: 'answer', severity: first === undefined ? 'medium' : 'good', lines };
}
