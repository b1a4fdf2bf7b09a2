// The pages of leases: one that was given, all there are, those that were given back.
import type { DamagedLease, LeasePlace, LeaseView, StoredLease } from '../model/lease.ts';
import { type Message, say } from '../model/message.ts';
import type { Gap } from '../model/socket.ts';
import { gapsNode } from './holder-words.ts';
import { data, type Inline, type Node, type Page, said } from './tree.ts';

/** One lease: whose it is, and how long it stands. */
export function leasedPage(
  { lease, state, startedAt }: LeaseView,
  told: { readonly fresh: boolean; readonly near: Message | null; readonly gaps: readonly Gap[] },
): Page {
  const { name, port, transport, project, holder } = lease;
  const values = { name: name ?? '', port: `${port}/${transport}`, project };
  const lines: Inline[][] = [[said(say(told.fresh ? 'lease.given' : 'lease.known', values), 'strong')]];
  if (told.near !== null) lines.push([said(told.near)]);
  const since = startedAt === null ? null : `${startedAt.slice(0, 19).replace('T', ' ')}Z`;
  lines.push([
    said(
      state === 'gone'
        ? say('lease.holder.gone', { pid: holder.pid })
        : since === null
          ? say('lease.holder', { pid: holder.pid })
          : say('lease.holder.since', { pid: holder.pid, since }),
    ),
  ]);
  const nodes: Node[] = [{ kind: 'answer', severity: 'good', lines }];
  if (told.gaps.length > 0) nodes.push(gapsNode(told.gaps));
  return { nodes };
}

/** What `leases` shows. */
export interface LeasesModel {
  readonly place: LeasePlace;
  readonly leases: readonly LeaseView[];
  readonly damaged: readonly DamagedLease[];
  readonly gaps: readonly Gap[];
}

/** Every lease of the folder. */
export function leasesPage({ place, leases, damaged, gaps }: LeasesModel): Page {
  const { folder } = place;
  const count = leases.length;
  const nodes: Node[] = [
    {
      kind: 'answer',
      severity: 'info',
      lines: [
        [said(say(count === 0 ? 'leases.none' : 'leases.title', { count, folder }), 'strong')],
        ...(damaged.length === 0 ? [] : [[said(say('leases.damaged', { count: damaged.length }), 'warn')]]),
      ],
    },
  ];
  if (count > 0) {
    nodes.push({
      kind: 'table',
      header: true,
      columns: [
        { title: say('list.col.port'), align: 'right', grow: false },
        { title: say('leases.col.name'), align: 'left', grow: false },
        { title: say('leases.col.holder'), align: 'left', grow: false },
        { title: say('leases.col.use'), align: 'left', grow: false },
        { title: say('list.col.user'), align: 'left', grow: false, optional: true },
        { title: say('leases.col.project'), align: 'left', grow: true },
      ],
      rows: leases.map(({ lease, state, user, inUse }) => [
        [data(`${lease.port}/${lease.transport}`, 'strong')],
        [lease.name === null ? said(say('leases.held'), 'dim') : data(lease.name)],
        [data(`${lease.holder.pid} `), said(say(`leases.state.${state}`), 'dim')],
        [said(say(inUse === null ? 'leases.use.unknown' : inUse ? 'leases.use.yes' : 'leases.use.no'))],
        [data(user ?? String(lease.uid))],
        [data(lease.project)],
      ]),
    });
  }
  if (damaged.length > 0) {
    const items = damaged.map(({ port, why }) => ({
      mark: 'medium' as const,
      inline: [data(`${port}: `, 'strong'), said(say(`leases.why.${why}`))],
      nodes: [],
    }));
    nodes.push({
      kind: 'section',
      title: say('leases.section.damaged'),
      nodes: [
        { kind: 'para', inline: [said(say('leases.damaged.help'))] },
        { kind: 'list', items },
      ],
    });
  }
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}

/** Leases that were given back, and names that had none. */
export function releasedPage(
  released: readonly StoredLease[],
  ports: readonly number[],
  missing: readonly string[],
): Page {
  const lines: Inline[][] = [
    ...released.map(({ name, port, transport, project }) => [
      said(
        name === null
          ? say('release.held', { port: `${port}/${transport}` })
          : say('release.done', { name, port: `${port}/${transport}`, project }),
        'strong' as const,
      ),
    ]),
    ...ports.map((port) => [said(say('release.file', { port }), 'strong' as const)]),
    ...missing.map((name) => [said(say('release.none', { name }))]),
  ];
  return { nodes: [{ kind: 'answer', severity: missing.length > 0 ? 'info' : 'good', lines }] };
}
