// The page of one port: the numeral and what is true of it, claims, range, this host, risks, questions, sources.
import { claimName, isWide } from '../../decide/claims.ts';
import type { Claim, Source } from '../../model/claim.ts';
import { listed, type Message, say } from '../../model/message.ts';
import type { Transport } from '../../model/port.ts';
import type { PortReport } from '../../model/report.ts';
import { couldNodes, References, rangeHere } from '../report.ts';
import { data, type Inline, type Node, said } from '../tree.ts';
import { portCard } from './card.ts';
import { checksBlock } from './checks.ts';
import { claimBlocks, NEVER_SOURCE } from './claims.ts';
import { versusBlocks } from './disagree.ts';
import { questionsOf } from './questions.ts';
import type { Hundred, Section, WebPage } from './tree.ts';

/** What is known of the ports around, as the site's atlas has it. */
export interface Surroundings {
  readonly hundred: Hundred;
  /** Nearest lower and higher port that somebody names; null where there is none. */
  readonly before: number | null;
  readonly after: number | null;
  /** Other ports of the same products. */
  readonly related: readonly { readonly product: string; readonly ports: readonly number[] }[];
  /** Page of a service or product; null where it has none. */
  readonly serviceOf: (name: string) => string | null;
}

/** What the page of a port is made from. */
export interface PortPageInput {
  readonly report: PortReport;
  /** Transport that alone is asked about; null for all. */
  readonly transport: Transport | null;
  /** Name of this host, where the report saw it and the reader may; null for a page that knows no host. */
  readonly host: string | null;
  /** Source of the registry, for what it does not list. */
  readonly registry: string;
  /** Looks a source up by its id. */
  readonly source: (id: string) => Source;
  readonly around: Surroundings;
  /** Ports in use here, for the ruler. */
  readonly inUse: readonly number[];
}

/** The page of one port. */
export function portWebPage(input: PortPageInput): WebPage {
  const { report, host, around, transport } = input;
  const { port, range } = report;
  const refs = new References();
  const claims = claimBlocks(report, input.registry, refs, around.serviceOf);
  const disagreements = versusBlocks(report, refs);
  const rangeSection: Section = {
    id: 'range',
    title: say('web.section.range'),
    blocks: [
      {
        kind: 'para',
        inline: [said(say(`web.range.${range.name}`, { port })), data(' '), refs.mark(NEVER_SOURCE)],
      },
      ...(host === null ? [] : [{ kind: 'para' as const, inline: [said(rangeHere(report))] }]),
    ],
  };
  const matters: Section = {
    id: 'matters',
    title: say('web.section.matters'),
    blocks: report.risks.length === 0 && host === null ? [noRisk(report)] : couldNodes(report, refs),
  };
  const questions = questionsOf(report, host !== null, refs);
  const narrow = report.claims.filter((claim) => !isWide(claim));
  const specific = narrow.length > 0 || report.host.browserBlocked;
  const path = transport === null ? `/ports/${port}` : `/ports/${port}/${transport}`;
  return {
    path,
    title: titleOf(port, narrow, transport),
    crumbs: [
      { to: '/', text: say('web.nav.ports') },
      { to: `/ranges/${range.name}`, text: say(`range.${range.name}`) },
    ],
    heading: { port },
    lead: leadOf(report, transport),
    counts: [
      say('web.count.claims', { count: report.claims.length }),
      say('web.count.sources', { count: refs.ids().length }),
    ],
    ruler: {
      port,
      ephemeral: report.host.ephemeral,
      reserved: report.host.reserved ?? [],
      inUse: input.inUse,
      label: rulerWords(report),
    },
    main: [
      {
        id: 'carries',
        title: say('web.section.carries'),
        blocks: [claims.narrow, ...disagreements, ...claims.wide, claims.words],
      },
      rangeSection,
      matters,
      { id: 'check', title: say('web.section.check'), blocks: [checksBlock(port)] },
      ...(questions.length === 0
        ? []
        : [
            {
              id: 'questions',
              title: say('web.section.questions'),
              blocks: [{ kind: 'questions' as const, items: questions }],
            },
          ]),
    ],
    rail: [
      {
        id: 'here',
        title: say('web.section.here'),
        blocks: [{ kind: 'card', card: portCard(report, host) }],
      },
      { id: 'bearings', title: say('web.section.bearings'), blocks: [bearings(report)] },
      neighbours(port, around),
      ...(around.related.length === 0 ? [] : [related(around)]),
    ],
    sources: refs.ids().map((id, index) => ({ n: index + 1, source: input.source(id) })),
    index: specific && transport === null,
    data: `/ports/${port}.json`,
    canonical: transport === null ? null : `/ports/${port}`,
    term: { code: String(port), specific },
    asks: true,
    islands: [],
  };
}

/** `60163`, `5432: postgresql, PostgreSQL`. */
function titleOf(port: number, narrow: readonly Claim[], transport: Transport | null): Message {
  const number = transport === null ? String(port) : `${port}/${transport}`;
  const names = [...new Set(narrow.filter((claim) => claim.status !== 'reserved').map(claimName))];
  if (names.length === 0) return say('web.title.port', { port: number });
  return say('web.title.port.named', { port: number, names: listed(names, 2) });
}

/** What is true of the port in two sentences: the registry's word, then everybody else's. */
function leadOf(report: PortReport, transport: Transport | null): Inline[][] {
  const { port, range, claims } = report;
  const narrow = claims.filter((claim) => !isWide(claim));
  const registry = narrow.filter((claim) => claim.authority === 'registry');
  const assigned = registry.filter((claim) => claim.status !== 'reserved');
  const names = [...new Set(assigned.map((claim) => claim.service))];
  const lines: Inline[][] = [];
  if (!range.assignable) lines.push([said(say('web.lead.dynamic', { port }), 'strong')]);
  else if (names.length > 0) {
    lines.push([said(say('web.lead.assigned', { port, names: listed(names, 3) }), 'strong')]);
  } else if (registry.length > 0) lines.push([said(say('web.lead.reserved', { port }), 'strong')]);
  else lines.push([said(say('web.lead.unassigned', { port }), 'strong')]);
  const users = narrow.filter((claim) => claim.authority !== 'registry' && claim.authority !== 'observed');
  const products = [...new Set(users.map(claimName))];
  if (products.length > 0) {
    lines.push([said(say('web.lead.uses', { names: listed(products, 3), count: products.length }))]);
  }
  const wide = claims.filter(isWide).length;
  if (wide > 0) {
    const key = narrow.length > 0 ? 'web.lead.wide' : 'web.lead.wide.only';
    lines.push([said(say(key, { port, count: wide }))]);
  }
  if (transport !== null) {
    lines.push([said(say('web.lead.transport', { transport })), data(' '), wholePort(port)]);
  }
  return lines;
}

function wholePort(port: number): Inline {
  return { kind: 'link', to: `/ports/${port}`, text: say('web.lead.whole', { port }) };
}

function rulerWords({ port, range, host }: PortReport): Message {
  const name = say(`range.${range.name}`);
  if (host.ephemeral === null) return say('ruler.label.plain', { port, range: name });
  return say('ruler.label', { port, range: name, first: host.ephemeral[0], last: host.ephemeral[1] });
}

function noRisk({ port, host }: PortReport): Node {
  const blocked = host.browserBlocked ? 'web.matters.none.blocked' : 'web.matters.none';
  return { kind: 'para', inline: [said(say(port === 0 ? 'answer.zero' : blocked))] };
}

function bearings({ port, host, claims }: PortReport): Section['blocks'][number] {
  const transports = [...new Set(claims.filter((claim) => !isWide(claim)).flatMap((c) => c.transports))];
  return {
    kind: 'bearings',
    rows: [
      {
        name: say('web.bearings.hex'),
        value: [data(`0x${port.toString(16).toUpperCase().padStart(4, '0')}`)],
      },
      {
        name: say('web.bearings.transports'),
        value: transports.length === 0 ? [data('–')] : transportLinks(port, transports),
      },
      {
        name: say('web.bearings.browsers'),
        value: [said(say(host.browserBlocked ? 'web.bearings.blocked' : 'web.bearings.open'))],
      },
    ],
  };
}

function transportLinks(port: number, transports: readonly Transport[]): Inline[] {
  return transports.flatMap((transport, index): Inline[] => [
    ...(index === 0 ? [] : [data(' ')]),
    { kind: 'link', to: `/ports/${port}/${transport}`, text: transport },
  ]);
}

function neighbours(port: number, { hundred, before, after }: Surroundings): Section {
  const rows: { name: Message; value: Inline[] }[] = [];
  const to = (target: number): Inline => ({ kind: 'link', to: `/ports/${target}`, text: String(target) });
  const beside = [port - 1, port + 1].filter((target) => target >= 0 && target <= 65_535);
  rows.push({
    name: say('web.near.beside'),
    value: beside.flatMap((target, index) => (index === 0 ? [to(target)] : [data(' · '), to(target)])),
  });
  const named = [before, after].filter((target) => target !== null);
  if (named.length > 0) {
    rows.push({
      name: say('web.near.named'),
      value: named.flatMap((target, index) => (index === 0 ? [to(target)] : [data(' · '), to(target)])),
    });
  }
  return {
    id: 'near',
    title: say('web.section.near'),
    blocks: [
      { kind: 'hundred', hundred },
      { kind: 'bearings', rows },
    ],
  };
}

/** Other ports of the products that name this one. */
function related(around: Surroundings): Section {
  return {
    id: 'related',
    title: say('web.section.related'),
    blocks: [
      {
        kind: 'bearings',
        rows: around.related.map(({ product, ports }) => {
          const page = around.serviceOf(product);
          return {
            name: product,
            value: [
              ...ports.flatMap((target, index): Inline[] => [
                ...(index === 0 ? [] : [data(' ')]),
                { kind: 'link', to: `/ports/${target}`, text: String(target) },
              ]),
              ...(page === null
                ? []
                : [
                    data(' '),
                    { kind: 'link' as const, to: page, text: say('web.related.all', { product }) },
                  ]),
            ],
          };
        }),
      },
    ],
  };
}
