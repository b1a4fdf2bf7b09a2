// How a kernel chooses ports, as a section of a page: each way, what it resembles, and why.
import type { AllocatorFinding, AllocatorReport } from '../model/allocator.ts';
import { type Message, type MessageValue, say } from '../model/message.ts';
import { data, type Inline, type Node, said } from './tree.ts';

/** The section. */
export function allocatorNode({ findings }: AllocatorReport): Node {
  return {
    kind: 'section',
    title: say('ephemeral.section.sample'),
    nodes: [{ kind: 'list', items: findings.map(findingItem) }],
  };
}

function findingItem(finding: AllocatorFinding): { mark: null; inline: Inline[]; nodes: Node[] } {
  const { way, kind, randomSteps } = finding;
  const inline: Inline[] = [
    said(say(`allocator.way.${way}`), 'strong'),
    data(' '),
    said(say(`allocator.kind.${kind}`)),
  ];
  if (randomSteps && kind !== 5) inline.push(data(' '), said(say('allocator.random-steps')));
  const evidence = evidenceWords(finding).flatMap((message, index): Inline[] =>
    index === 0 ? [said(message, 'dim')] : [data(' '), said(message, 'dim')],
  );
  return { mark: null, inline, nodes: evidence.length === 0 ? [] : [{ kind: 'para', inline: evidence }] };
}

function evidenceWords({ measure, turnRatio }: AllocatorFinding): Message[] {
  const { draws, distinct, even, portBits, portBitsLimit, stepBits, steps, unit, reuse, beside } = measure;
  if (draws === 0) return [];
  const bits = (value: number): MessageValue => ({ decimal: value });
  const words = [
    say('allocator.even', { draws, distinct, even: even === 0 ? say('share.none') : { share: even } }),
    say('allocator.entropy', {
      portBits: bits(portBits),
      limit: bits(portBitsLimit),
      stepBits: bits(stepBits),
    }),
  ];
  if (steps !== null) {
    words.push(
      say('allocator.steps', { least: steps.least, most: steps.most, mean: bits(steps.mean), unit }),
    );
  }
  if (turnRatio !== null) words.push(say('allocator.turn', { ratio: bits(turnRatio) }));
  words.push(reuse === null ? say('allocator.reuse.none') : say('allocator.reuse', { ...reuse }));
  if (beside !== null) words.push(say('allocator.beside', { seen: beside.seen, expected: beside.expected }));
  return words;
}
