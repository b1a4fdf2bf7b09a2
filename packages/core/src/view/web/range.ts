// The pages of a range: one of IANA's three, or a thousand ports, each with the numbers that somebody names.
import type { Claim, EphemeralDefault, Source } from '../../model/claim.ts';
import { say } from '../../model/message.ts';
import { type IanaRange, type PortRange, rangeSize } from '../../model/port.ts';
import { formatRange, References } from '../report.ts';
import { data, fact, type Inline, type Node, said } from '../tree.ts';
import { NEVER_SOURCE } from './claims.ts';
import { claimsTable } from './service.ts';
import type { Section, WebPage } from './tree.ts';

/** What a range's page is made from. */
export interface RangePageInput {
  readonly range: IanaRange;
  /** How many ports of the range somebody names, by thousand. */
  readonly named: readonly { readonly thousand: number; readonly count: number }[];
  /** Claims on whole runs of ports that lie in it or overlap it. */
  readonly wide: readonly Claim[];
  readonly defaults: readonly EphemeralDefault[];
  readonly source: (id: string) => Source;
}

/** The page of one of IANA's ranges. */
export function rangeWebPage(input: RangePageInput): WebPage {
  const { range } = input;
  const refs = new References();
  const first = said(say(`web.range.${range.name}.about`), 'strong');
  const lead: Inline[][] = [[first, data(' '), refs.mark(NEVER_SOURCE)]];
  const total = input.named.reduce((sum, { count }) => sum + count, 0);
  const overlapping = input.defaults.filter(({ ranges }) =>
    ranges.some(([from, to]) => from <= range.last && to >= range.first),
  );
  const sections: Section[] = [];
  if (overlapping.length > 0) {
    sections.push({
      id: 'systems',
      title: say('web.section.systems'),
      blocks: [{ kind: 'para', inline: [said(say('web.systems.about'))] }, systemsTable(overlapping, refs)],
    });
  }
  sections.push({
    id: 'thousands',
    title: say('web.section.thousands'),
    blocks: [thousandsTable(input.named)],
  });
  if (input.wide.length > 0) {
    sections.push({ id: 'wide', title: say('web.section.wide'), blocks: [claimsTable(input.wide, refs)] });
  }
  return {
    path: `/ranges/${range.name}`,
    title: say(`range.${range.name}`),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { words: say(`range.${range.name}`) },
    lead,
    counts: [
      say('web.ports.count', { count: rangeSize([range.first, range.last]) }),
      say('web.count.named', { count: total }),
    ],
    ruler: { port: range.first, ephemeral: null, reserved: [], label: say(`range.${range.name}`) },
    main: sections,
    rail: [],
    sources: refs.ids().map((id, index) => ({ n: index + 1, source: input.source(id) })),
    index: true,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: [],
  };
}

function systemsTable(defaults: readonly EphemeralDefault[], refs: References): Node {
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('web.col.system'), align: 'left', grow: false },
      { title: say('web.col.versions'), align: 'left', grow: true },
      { title: say('web.col.range'), align: 'left', grow: false },
    ],
    rows: defaults.map(({ os, versions, ranges, source }) => [
      [data(os, 'strong')],
      [fact(versions)],
      [data(ranges.map(formatRange).join(', ')), data(' '), refs.mark(source)],
    ]),
  };
}

function thousandsTable(named: RangePageInput['named']): Node {
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('web.col.thousand'), align: 'right', grow: false },
      { title: say('web.col.named'), align: 'right', grow: false },
    ],
    rows: named.map(({ thousand, count }) => [
      [{ kind: 'link', to: `/thousands/${thousand}`, text: formatRange(thousandRange(thousand)) }],
      [data(String(count))],
    ]),
  };
}

/** The ports of a thousand; the last one is shorter. */
export function thousandRange(thousand: number): PortRange {
  return [thousand * 1000, Math.min(65_535, thousand * 1000 + 999)];
}

/** What a thousand's page is made from. */
export interface ThousandPageInput {
  readonly thousand: number;
  /** Claims on single ports and short runs that begin in it, by port. */
  readonly claims: readonly Claim[];
  readonly source: (id: string) => Source;
}

/** The page of a thousand ports: all names in it, and a way to every number. */
export function thousandWebPage(input: ThousandPageInput): WebPage {
  const { thousand } = input;
  const refs = new References();
  const [first, last] = thousandRange(thousand);
  const table = claimsTable(input.claims, refs);
  const beside = [thousand - 1, thousand + 1].filter((other) => other >= 0 && other <= 65);
  return {
    path: `/thousands/${thousand}`,
    title: say('web.title.thousand', { first, last }),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { words: say('web.title.thousand', { first, last }) },
    lead: [
      [said(say('web.thousand.lead', { count: input.claims.length }), 'strong')],
      beside.flatMap((other, index): Inline[] => [
        ...(index === 0 ? [] : [data(' · ')]),
        { kind: 'link', to: `/thousands/${other}`, text: formatRange(thousandRange(other)) },
      ]),
    ],
    counts: [],
    ruler: null,
    main: [
      ...(input.claims.length === 0
        ? []
        : [{ id: 'named', title: say('web.section.named'), blocks: [table] } as const]),
      { id: 'all', title: say('web.section.all'), blocks: [{ kind: 'numbers', first, last }] },
    ],
    rail: [],
    sources: refs.ids().map((id, index) => ({ n: index + 1, source: input.source(id) })),
    index: input.claims.length > 0,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: [],
  };
}
