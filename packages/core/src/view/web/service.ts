// The page of a service or product: every port that is said to carry it, and who says so.
import { isWide } from '../../decide/claims.ts';
import { type Claim, FACTS_LANGUAGE, type Source } from '../../model/claim.ts';
import { listed, type Message, say } from '../../model/message.ts';
import { rangeSize } from '../../model/port.ts';
import { formatRange, References } from '../report.ts';
import { data, fact, type Inline, type Node, said } from '../tree.ts';
import { verdictOf } from './claims.ts';
import type { Section, WebPage } from './tree.ts';

/** What the page of a service is made from. */
export interface ServicePageInput {
  readonly slug: string;
  /** As its sources write it. */
  readonly name: string;
  readonly claims: readonly Claim[];
  /** Others of the same makers. */
  readonly siblings: readonly { readonly name: string; readonly to: string }[];
  readonly source: (id: string) => Source;
}

/** The page of a service. */
export function serviceWebPage(input: ServicePageInput): WebPage {
  const { name, slug } = input;
  const refs = new References();
  const claims = input.claims.toSorted((a, b) => a.ports[0] - b.ports[0] || a.ports[1] - b.ports[1]);
  const vendors = [...new Set(claims.map(({ vendor }) => vendor).filter((vendor) => vendor !== null))];
  const ports = [...new Set(claims.map((claim) => formatRange(claim.ports)))];
  const table = claimsTable(claims, refs);
  const lead: Inline[][] = [
    [said(say('web.service.lead', { name, ports: listed(ports, 6), count: ports.length }), 'strong')],
  ];
  if (vendors.length > 0) lead.push([said(say('web.service.vendors', { names: listed(vendors, 4) }))]);
  const sections: Section[] = [{ id: 'ports', title: say('web.section.ports'), blocks: [table] }];
  if (input.siblings.length > 0) sections.push(siblings(input.siblings, vendors));
  return {
    path: `/services/${slug}`,
    title: say('web.title.service', { name }),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { name },
    lead,
    counts: [
      say('web.count.claims', { count: claims.length }),
      say('web.count.sources', { count: refs.ids().length }),
    ],
    ruler: null,
    main: sections,
    rail: [],
    sources: refs.ids().map((id, index) => ({ n: index + 1, source: input.source(id) })),
    index: true,
    data: null,
    canonical: null,
    term: null,
    asks: true,
    islands: [],
  };
}

/** Claims by port: the number, the transports, how it stands to it, what the source says. */
export function claimsTable(claims: readonly Claim[], refs: References): Node {
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('web.col.port'), align: 'right', grow: false },
      { title: say('web.col.transport'), align: 'left', grow: false },
      { title: say('web.col.verdict'), align: 'left', grow: false },
      { title: say('web.col.what'), align: 'left', grow: true },
    ],
    rows: claims.map((claim) => [
      portsCell(claim),
      [data(claim.transports.join(' '))],
      [said(say(`web.verdict.${verdictOf(claim)}`))],
      whatCell(claim, refs),
    ]),
  };
}

function portsCell(claim: Claim): Inline[] {
  const [first, last] = claim.ports;
  const link = (port: number): Inline => ({ kind: 'link', to: `/ports/${port}`, text: String(port) });
  if (first === last) return [link(first)];
  const count: Message | null = isWide(claim)
    ? say('web.ports.count', { count: rangeSize(claim.ports) })
    : null;
  return [link(first), data('–'), link(last), ...(count === null ? [] : [data(' '), said(count, 'dim')])];
}

function whatCell(claim: Claim, refs: References): Inline[] {
  const words = [claim.product, claim.service, claim.note]
    .filter((text) => text !== null)
    .filter((text, index, all) => all.indexOf(text) === index);
  return [fact(words.join('. ')), data(' '), refs.mark(claim.source)];
}

function siblings(others: ServicePageInput['siblings'], vendors: readonly string[]): Section {
  return {
    id: 'related',
    title: say('web.section.same', { names: listed(vendors, 2) }),
    blocks: [
      {
        kind: 'para',
        inline: others.flatMap(({ name, to }, index): Inline[] => [
          ...(index === 0 ? [] : [data(' · ')]),
          { kind: 'link', to, text: name, lang: FACTS_LANGUAGE },
        ]),
      },
    ],
  };
}
