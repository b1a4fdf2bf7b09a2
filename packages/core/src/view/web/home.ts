// The page of all ports: the chart, and the same thousand by thousand as a table.
import { connectionPorts, type LiveChart } from '../../decide/live-chart.ts';
import { say } from '../../model/message.ts';
import { PORT_MAX } from '../../model/port.ts';
import { data, type Inline, type Node, said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** How much is said of a thousand ports. */
export interface Thousand {
  readonly first: number;
  readonly assigned: number;
  readonly claimed: number;
}

/** What the page is made from. */
export interface HomePageInput {
  readonly thousands: readonly Thousand[];
  /** What is in use on this host; null for a page that knows no host. */
  readonly here: LiveChart | null;
}

/** Most holders of a thousand that are named one by one. */
const NAMED = 8;

/** The page of all ports. */
export function homeWebPage({ thousands, here }: HomePageInput): WebPage {
  return {
    path: '/',
    title: say('web.home.title'),
    crumbs: [],
    heading: { words: say('web.home.title') },
    lead: [[said(say(here === null ? 'web.home.lead' : 'web.home.lead.here'))]],
    counts: [],
    ruler: null,
    main: [
      { id: 'chart', title: say('web.chart.label'), blocks: [{ kind: 'chart', live: here !== null }] },
      {
        id: 'table',
        title: say('web.home.table'),
        blocks: [
          // Only the chart is kept up to date.
          ...(here === null
            ? []
            : [{ kind: 'para' as const, inline: [said(say('web.home.table.when'), 'dim')] }]),
          tableOf(thousands, here),
        ],
      },
    ],
    rail: [],
    sources: [],
    index: true,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: ['chart'],
  };
}

function tableOf(thousands: readonly Thousand[], here: LiveChart | null): Node {
  const connections = new Map<number, number>();
  for (const port of here === null ? [] : connectionPorts(here)) {
    const thousand = Math.floor(port / 1000);
    connections.set(thousand, (connections.get(thousand) ?? 0) + 1);
  }
  return {
    kind: 'table',
    header: true,
    columns: [
      { title: say('web.home.col.ports'), align: 'left', grow: false },
      { title: say('web.home.col.assigned'), align: 'right', grow: false },
      { title: say('web.home.col.claimed'), align: 'right', grow: false },
      ...(here === null ? [] : [{ title: say('web.home.col.here'), align: 'left' as const, grow: true }]),
    ],
    rows: thousands.map(({ first, assigned, claimed }) => {
      const last = Math.min(first + 999, PORT_MAX);
      return [
        [{ kind: 'link', to: `/thousands/${first / 1000}`, text: `${first}–${last}` }],
        [said(say('web.home.count', { count: assigned }))],
        [said(say('web.home.count', { count: claimed }))],
        ...(here === null ? [] : [hereCell(here, first, last, connections.get(first / 1000) ?? 0)]),
      ];
    }),
  };
}

function hereCell(here: LiveChart, first: number, last: number, connections: number): Inline[] {
  const held = here.held.filter(([port]) => port >= first && port <= last);
  const pieces: Inline[][] = held
    .slice(0, NAMED)
    .map(([port, , name]) => [
      { kind: 'link', to: `/ports/${port}`, text: String(port) },
      ...(name === '' ? [] : [data(` ${name}`)]),
    ]);
  if (held.length > NAMED) pieces.push([said(say('web.home.more', { count: held.length - NAMED }), 'dim')]);
  if (connections > 0) pieces.push([said(say('web.home.connections', { count: connections }), 'dim')]);
  return pieces.flatMap((piece, index) => (index === 0 ? piece : [data(', '), ...piece]));
}
