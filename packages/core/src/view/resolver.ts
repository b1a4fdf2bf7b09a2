// The page of `ephemeral --resolver`: the grade, what it rests on, and the lines that point a resolver at the test zone.
import { listed, type Message, say } from '../model/message.ts';
import type { Severity } from '../model/report.ts';
import type { ResolverGrade, ResolverReport, ResolverSetup } from '../model/resolver.ts';
import { formatEndpoint } from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

const SEVERITY: Readonly<Record<ResolverGrade, Severity | 'good'>> = {
  random: 'good',
  narrow: 'medium',
  few: 'high',
  sequential: 'high',
  fixed: 'high',
  unknown: 'medium',
};

/** The page; the lines of the set-up stand on it where nothing was seen. */
export function resolverPage(report: ResolverReport): Page {
  const { grade, udp, tcp } = report;
  const nodes: Node[] = [
    {
      kind: 'answer',
      severity: SEVERITY[grade],
      lines: [[said(gradeWords(report), 'strong')], [said(basisWords(report))]],
    },
  ];
  const evidence = evidenceWords(report);
  if (udp + tcp > 0) {
    const items = evidence.map((message) => ({ mark: null, inline: [said(message)], nodes: [] }));
    nodes.push({
      kind: 'section',
      title: say('resolver.section.evidence'),
      nodes: [{ kind: 'list', items }],
    });
  }
  if (grade === 'unknown') nodes.push(...setupNodes(report));
  return { nodes };
}

/** Where the authority answers, and the lines for each resolver: told before any query can come. */
export function resolverSetupPage(report: Pick<ResolverReport, 'zone' | 'setup'>): Page {
  return { nodes: setupNodes(report) };
}

function setupNodes({ zone, setup }: Pick<ResolverReport, 'zone' | 'setup'>): Node[] {
  const intro: Inline[] = [
    said(say('resolver.setup', { zone: zone.name, where: formatEndpoint(zone.authority) })),
  ];
  return [
    {
      kind: 'section',
      title: say('resolver.section.setup'),
      nodes: [{ kind: 'para', inline: intro }, ...setup.flatMap(oneSetup)],
    },
  ];
}

function oneSetup({ resolver, lines }: ResolverSetup): Node[] {
  const nodes: Node[] = [
    { kind: 'para', inline: [data(`${resolver}:`, 'strong')] },
    { kind: 'commands', lines },
  ];
  if (resolver === 'systemd-resolved')
    nodes.push({ kind: 'para', inline: [said(say('resolver.setup.resolved'), 'dim')] });
  if (resolver === 'BIND') nodes.push({ kind: 'para', inline: [said(say('resolver.setup.bind'), 'dim')] });
  return nodes;
}

/** The grade in a sentence. */
export function gradeWords({ grade, bits, spread, asked, udp, tcp, distinct }: ResolverReport): Message {
  const who =
    asked === null ? say('resolver.who.any') : say('resolver.who', { where: formatEndpoint(asked) });
  if (grade === 'unknown' && udp === 0)
    return say(tcp > 0 ? 'resolver.grade.tcp' : 'resolver.grade.none', { who });
  return say(`resolver.grade.${grade}`, {
    who,
    bits: { decimal: bits ?? 0 },
    port: spread?.[0] ?? 0,
    distinct,
    count: udp,
  });
}

function basisWords({ udp, distinct, spread, grade }: ResolverReport): Message {
  if (spread === null) return say('resolver.basis.none');
  const [first, last] = spread;
  return say(grade === 'random' ? 'resolver.basis.good' : 'resolver.basis', {
    queries: udp,
    distinct,
    first,
    last,
  });
}

function evidenceWords(report: ResolverReport): Message[] {
  const { sent, answered, asked, udp, tcp, sources, pool, seenBits, seenBitsLimit, avoided, ids } = report;
  const words: Message[] = [];
  if (asked !== null) words.push(say('resolver.asked', { sent, answered, udp, tcp }));
  words.push(say('resolver.sources', { sources: listed(sources, 3), udp, tcp }));
  if (pool !== null)
    words.push(
      say('resolver.pool', { pool, seen: { decimal: seenBits }, limit: { decimal: seenBitsLimit } }),
    );
  if (avoided.length > 0) {
    const runs = avoided.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
    words.push(say('resolver.avoided', { ports: listed(runs, 4) }));
  }
  if (report.outsideEphemeral !== null && report.outsideEphemeral > 0) {
    words.push(say('resolver.outside', { count: report.outsideEphemeral }));
  }
  if (report.onReserved !== null && report.onReserved > 0) {
    words.push(say('resolver.reserved', { count: report.onReserved }));
  }
  if (udp > 0) words.push(say(`resolver.ids.${ids.order}`, { distinct: ids.distinct, queries: udp }));
  if (report.malformed > 0) words.push(say('resolver.malformed', { count: report.malformed }));
  return words;
}
