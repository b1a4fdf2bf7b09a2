// The pages of many ports: search results, and a run of ports side by side.
import { claimName } from '../decide/claims.ts';
import type { Claim } from '../model/claim.ts';
import { say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder, PortReport } from '../model/report.ts';
import { gapsNode, whoWords } from './holder-words.ts';
import { shortClaim } from './list.ts';
import { data, fact, type Inline, type Node, type Page, said } from './tree.ts';

/** Claims found for words; `shown` of them are listed. */
export function searchPage(words: string, found: readonly Claim[], shown: number): Page {
  if (found.length === 0) {
    return {
      nodes: [{ kind: 'answer', severity: 'info', lines: [[said(say('search.none', { words }), 'strong')]] }],
    };
  }
  const lines: Inline[][] = [[said(say('search.title', { count: found.length, words }), 'strong')]];
  if (found.length > shown) lines.push([said(say('search.more', { count: shown }))]);
  return {
    nodes: [
      { kind: 'answer', severity: 'info', lines },
      {
        kind: 'table',
        header: true,
        columns: [
          { title: say('search.col.port'), align: 'right', grow: false },
          { title: say('search.col.transport'), align: 'left', grow: false },
          { title: say('search.col.says'), align: 'left', grow: false },
          { title: say('search.col.what'), align: 'left', grow: true },
        ],
        rows: found
          .slice(0, shown)
          .map((claim) => [
            [
              data(
                claim.ports[0] === claim.ports[1] ? String(claim.ports[0]) : claim.ports.join('–'),
                'strong',
              ),
            ],
            [
              claim.transports.length === 0
                ? said(say('said.transport.none'))
                : data(claim.transports.join(' ')),
            ],
            [said(say(`authority.${claim.authority}`))],
            [fact(whatLine(claim))],
          ]),
      },
    ],
  };
}

function whatLine(claim: Claim): string {
  if (claim.authority === 'registry')
    return claim.note === null ? claim.service : `${claim.service}: ${claim.note}`;
  const name = claimName(claim);
  return name === claim.service ? name : `${name}: ${claim.service}`;
}

/** A run of ports, one line each. */
export function rangePage(range: PortRange, reports: readonly PortReport[]): Page {
  const held = reports.filter((report) => report.use.verdict === 'held').length;
  const lines: Inline[][] = [
    [said(say('range.title', { count: reports.length, first: range[0], last: range[1], held }), 'strong')],
  ];
  if (reports.some((report) => report.use.verdict === 'unknown')) {
    lines.push([said(say('range.title.unknown', { first: range[0], last: range[1] }), 'warn')]);
  }
  const nodes: Node[] = [
    { kind: 'answer', severity: 'info', lines },
    {
      kind: 'table',
      header: true,
      columns: [
        { title: say('list.col.port'), align: 'right', grow: false },
        { title: say('range.col.here'), align: 'left', grow: false },
        { title: say('range.col.said'), align: 'left', grow: true },
      ],
      rows: reports.map((report) => {
        const first = report.use.holders[0];
        const here: Inline[] =
          first === undefined
            ? [said(say(report.use.verdict === 'free' ? 'range.free' : 'range.unknown'), 'dim')]
            : hereWords(first);
        return [[data(String(report.port), 'strong')], here, shortClaim(report.claims, report.transports)];
      }),
    },
  ];
  const gaps = reports[0]?.use.gaps ?? [];
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}

/** The first holder of a port in a cell; a socket that is closing without a process is nobody's, and no unknown one's. */
function hereWords(holder: Holder): Inline[] {
  if (holder.kind === 'closing' && holder.owners.length === 0)
    return [said(say('range.closing', { state: holder.state }))];
  return [said(say(`kind.${holder.kind}`)), data(', '), said(whoWords(holder))];
}
