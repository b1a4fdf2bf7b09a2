// The chart of all ports: a picture that stands by itself, and what the program in the browser needs to draw its own.
import { type Message, say } from '../../model/message.ts';
import type { MessageKey } from '../../text/catalog.ts';
import { PATTERN_PORT, type PageEnv } from './env.ts';
import { h, Markup } from './escape.ts';

/** Layers that the legend switches, and whether they need a host; the picture has none of those, nor what browsers refuse. */
const LAYERS = [
  ['assigned', false],
  ['one', false],
  ['claimed', false],
  ['reserved', false],
  ['blocked', false],
  ['held', true],
  ['connections', true],
  ['range', true],
  ['kept', true],
] as const;

/** Keys and what they do. */
const KEYS = [
  ['← → ↑ ↓', 'arrows'],
  ['PgUp PgDn', 'page'],
  ['Home End', 'ends'],
  ['N', 'named'],
  ['L', 'live'],
  ['Enter', 'enter'],
  ['0–9', 'digits'],
  ['+ −', 'zoom'],
  ['Esc', 'whole'],
] as const;

type ChartWord =
  | 'label'
  | 'how'
  | 'folded'
  | 'bad'
  | 'lost'
  | 'assigned'
  | 'assignedPlain'
  | 'other'
  | 'reserved'
  | 'none'
  | 'never'
  | 'claimed'
  | 'claimedMore'
  | 'claimedPlain'
  | 'inRange'
  | 'blocked'
  | 'listening'
  | 'listeningPlain'
  | 'bound'
  | 'boundPlain'
  | 'kernel'
  | 'redirect'
  | 'redirectPlain'
  | 'connection'
  | 'nothing'
  | 'unseen'
  | 'handed'
  | 'kept'
  | 'system'
  | 'user'
  | 'dynamic'
  | 'userArea'
  | 'dynamicArea'
  | 'handedArea'
  | 'keptArea';

/** Sentences that the browser says by itself; `{name}` and the like stay for it to fill in. */
const WORDS: Readonly<Record<ChartWord, MessageKey>> = {
  label: 'web.chart.label',
  how: 'web.chart.how',
  folded: 'web.chart.how.folded',
  bad: 'web.chart.goto.bad',
  lost: 'web.chart.lost',
  assigned: 'web.chart.is.assigned',
  assignedPlain: 'web.chart.is.assigned.plain',
  other: 'web.chart.is.other',
  reserved: 'web.chart.is.reserved',
  none: 'web.chart.is.none',
  never: 'web.chart.is.never',
  claimed: 'web.chart.is.claimed',
  claimedMore: 'web.chart.is.claimed.more',
  claimedPlain: 'web.chart.is.claimed.plain',
  inRange: 'web.chart.is.range',
  blocked: 'web.chart.is.blocked',
  listening: 'web.chart.here.listening',
  listeningPlain: 'web.chart.here.listening.plain',
  bound: 'web.chart.here.bound',
  boundPlain: 'web.chart.here.bound.plain',
  kernel: 'web.chart.here.kernel',
  redirect: 'web.chart.here.redirect',
  redirectPlain: 'web.chart.here.redirect.plain',
  connection: 'web.chart.here.connection',
  nothing: 'web.chart.here.nothing',
  unseen: 'web.chart.here.unseen',
  handed: 'web.chart.here.handed',
  kept: 'web.chart.here.kept',
  system: 'range.system',
  user: 'range.user',
  dynamic: 'range.dynamic',
  userArea: 'web.chart.area.user',
  dynamicArea: 'web.chart.area.dynamic',
  handedArea: 'web.chart.area.handed',
  keptArea: 'web.chart.area.kept',
};

/** The chart's sentences by the names that the browser knows them by. */
export type ChartWords = Readonly<Record<ChartWord, string>>;

/** Where the chart's data lies; JSON in the page. */
export interface ChartPlaces {
  readonly flags: string;
  readonly names: string;
  /** What is in use here, line by line; null where no host is known. */
  readonly live: string | null;
  /** Page of port 80, for that of every other. */
  readonly page: string;
  /** Page of the first thousand, where ports that nobody names have no page of their own; else null. */
  readonly thousand: string | null;
}

/** Values that stand for themselves until the browser has them. */
const LATER = Object.fromEntries(
  ['name', 'transports', 'first', 'last', 'lines'].map((name) => [name, `{${name}}`]),
);

/** The chart with its legend, controls and keys. */
export function chartHtml(live: boolean, env: PageEnv): Markup {
  const { lang, links } = env;
  // A page that was made for nobody in particular shows the host to whoever turns out to have the token.
  const later = !live && env.outlet === 'closed' && env.live !== null;
  const text = (key: MessageKey): string => lang.say(say(key));
  const words = Object.fromEntries(
    Object.entries(WORDS).map(([name, key]) => {
      const sentence = lang.say({ key, values: LATER } satisfies Message);
      // What is written into the drawing, which runs from the left in every language, keeps its own direction.
      return [name, env.dir === 'rtl' && name.endsWith('Area') ? `\u2067${sentence}\u2069` : sentence];
    }),
  );
  const places: ChartPlaces = {
    flags: links.asset('chart.bin'),
    names: links.asset('names.json'),
    live: live || later ? env.live : null,
    page: links.page(`/ports/${PATTERN_PORT}`),
    thousand: links.everyPort ? null : links.page('/thousands/0'),
  };
  const layers = LAYERS.filter(([, host]) => live || later || !host).map(
    ([name, host]) =>
      h`<label class="${host || name === 'blocked' ? 'layer scripted' : 'layer'}"${host && later ? new Markup(' data-later hidden') : null}><input type="checkbox" name="${name}" checked><i class="k-${name}"></i>${text(`web.chart.layer.${name}`)}</label> `,
  );
  const zoom = ([['out', '−'] as const, ['whole', '⤢'] as const, ['in', '+'] as const] as const).map(
    ([name, sign]) =>
      h`<button type="button" data-zoom="${name}" aria-label="${text(`web.chart.zoom.${name}`)}">${sign}</button>`,
  );
  const find = env.find === null ? new Markup(' class="scripted"') : h` action="${env.find}"`;
  const closed = env.outlet === 'closed' ? h`<p class="note closed">${text('web.chart.closed')}</p>` : null;
  return h`<div class="chart" data-words="${JSON.stringify(words)}" data-places="${JSON.stringify(places)}"><div class="chart-bar"><p class="chart-how">${text('web.chart.how')}</p><form${find}><label>${text('web.chart.goto')} <input name="q" type="text" inputmode="numeric" maxlength="5" autocomplete="off" aria-label="${text('web.chart.goto.label')}"></label><button>${text('web.chart.goto.do')}</button><span class="chart-bad" role="alert"></span></form><div class="zoom scripted">${zoom}</div></div><fieldset class="layers"><legend class="quiet">${text('web.chart.layers')}</legend>${layers}</fieldset><div class="chart-box" dir="ltr"><picture><source srcset="${links.asset('chart-night.png')}" media="(prefers-color-scheme: dark)"><img src="${links.asset('chart.png')}" width="1000" height="66" alt="${text('web.chart.picture')}"></picture></div><p class="lost" hidden>${text('web.chart.lost')}</p>${closed}<p class="readout scripted"></p><details class="keys scripted"><summary>${text('web.chart.keys')}</summary><dl>${KEYS.filter(
    ([, name]) => live || later || name !== 'live',
  ).map(
    ([key, name]) =>
      h`<div${name === 'live' && later ? new Markup(' data-later hidden') : null}><dt dir="ltr">${key.split(' ').map((one) => h`<kbd>${one}</kbd> `)}</dt><dd>${text(`web.chart.key.${name}`)}</dd></div>`,
  )}</dl></details></div>`;
}
