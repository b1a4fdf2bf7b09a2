// `portolan facts`: tells about the facts, updates the registry, drops the update.
import { resolve } from 'node:path';
import {
  data,
  type Inline,
  type Message,
  type Node,
  type Page,
  PortolanError,
  type Source,
  said,
  say,
} from '@portolan/core';
import { IANA_URL, resetRegistry, updateRegistry } from '@portolan/facts/update';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const [what = 'show', ...more] = context.args.positionals;
  if (more.length > 0) throw new PortolanError('USAGE', `facts ${what} takes no “${echo(more[0] ?? '')}”.`);
  if (context.args.values.has('from') && what !== 'update') {
    throw new PortolanError('USAGE', '--from belongs to facts update.');
  }
  switch (what) {
    case 'show':
      await show(context);
      return 0;
    case 'sources':
      await sources(context);
      return 0;
    case 'update':
      await update(context);
      return 0;
    case 'reset':
      reset(context);
      return 0;
    default:
      throw new PortolanError('USAGE', `facts does not know “${echo(what)}”.`, {
        hint: 'It takes sources, update or reset, or nothing.',
      });
  }
};

async function show(context: Context): Promise<void> {
  const facts = await context.facts(false);
  const info = facts.info();
  const { blocked } = facts.extras();
  const now = context.io.now();
  if (context.json) {
    showJson(context, {
      format: 'portolan.facts/1',
      registry: { ...info.registry, updated: info.registryUpdated, path: info.registryPath },
      claims: info.claims,
      sources: info.sources,
      names: info.names,
      blocked: { count: info.blocked, asOf: blocked.asOf },
      dataDir: info.dataDir,
    });
    return;
  }
  const row = (title: Message, ...lines: Inline[][]): Inline[][][] =>
    lines.map((line, index) => [index === 0 ? [said(title, 'strong')] : [], line]);
  const { registry, claims } = info;
  const nodes: Node[] = [
    {
      kind: 'answer',
      severity: 'info',
      lines: [
        [
          said(
            say('facts.title', {
              claims: registry.claims + claims.claims,
              sources: info.sources,
              names: info.names,
            }),
            'strong',
          ),
        ],
      ],
    },
    {
      kind: 'table',
      header: false,
      columns: [
        { title: null, align: 'left', grow: false },
        { title: null, align: 'left', grow: true },
      ],
      rows: [
        ...row(
          say('facts.registry'),
          [
            said(
              say('facts.registry.line', {
                claims: registry.claims,
                edition: registry.edition,
                date: { date: registry.date },
                age: age(registry.date, now),
              }),
            ),
          ],
          [
            said(
              info.registryUpdated
                ? say('facts.registry.updated', {
                    built: { date: registry.builtAt.slice(0, 10) },
                    from: registry.from,
                  })
                : say('facts.registry.shipped'),
              'dim',
            ),
          ],
        ),
        ...row(say('facts.own'), [
          said(
            say('facts.own.line', {
              claims: claims.claims,
              date: { date: claims.date },
              age: age(claims.date, now),
            }),
          ),
        ]),
        ...row(say('facts.blocked'), [
          said(say('facts.blocked.line', { count: info.blocked, date: { date: blocked.asOf } })),
        ]),
        ...row(say('facts.dir'), [data(info.dataDir)]),
      ],
    },
    { kind: 'para', inline: [said(say('facts.update.hint'), 'dim')] },
  ];
  showPage(context, { nodes });
}

const MS_PER_DAY = 86_400_000;

/** Days since a date; a month alone counts from its first day. */
function age(date: string, now: Date): Message {
  const then = Date.parse(date.length === 7 ? `${date}-01` : date);
  return say('facts.age', { count: Math.max(0, Math.floor((now.getTime() - then) / MS_PER_DAY)) });
}

async function sources(context: Context): Promise<void> {
  const facts = await context.facts(true);
  const all = facts
    .sourceIds()
    .toSorted()
    .map((id): [string, Source] => [id, facts.source(id)]);
  if (context.json) {
    showJson(context, { format: 'portolan.facts-sources/1', sources: Object.fromEntries(all) });
    return;
  }
  const page: Page = {
    nodes: [{ kind: 'sources', items: all.map(([, source], index) => ({ n: index + 1, source })) }],
  };
  showPage(context, page);
}

async function update(context: Context): Promise<void> {
  const asked = context.args.values.get('from') ?? IANA_URL;
  // The path is kept as the claims' source, so it must mean the same from any folder.
  const from = /^[a-z][a-z0-9+.-]+:\/\//i.test(asked) ? asked : resolve(asked);
  const result = await updateRegistry({
    shipped: context.shippedFacts,
    dataDir: context.dataDir,
    from,
    now: context.io.now(),
  });
  if (context.json) {
    showJson(context, { format: 'portolan.facts-update/1', ...result });
    return;
  }
  const { before, after } = result;
  const lines: Message[] = result.changed
    ? [
        say('facts.updated', {
          date: { date: after.date },
          claims: after.claims,
          before: before.edition,
          had: before.claims,
        }),
        ...(result.kept > 0 ? [say('facts.updated.kept', { count: result.kept })] : []),
      ]
    : [say('facts.unchanged', { date: { date: after.date } })];
  showPage(context, { nodes: lines.map((line): Node => ({ kind: 'para', inline: [said(line)] })) });
}

function reset(context: Context): void {
  const dropped = resetRegistry(context.dataDir);
  if (context.json) showJson(context, { format: 'portolan.facts-reset/1', reset: dropped });
  else {
    const line = say(dropped ? 'facts.reset' : 'facts.reset.none');
    showPage(context, { nodes: [{ kind: 'para', inline: [said(line)] }] });
  }
}
