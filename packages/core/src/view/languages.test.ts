// Whole pages in every language: nothing is missing, lines fit, and claims stay in the language of their sources.
import { describe, expect, test } from 'vitest';
import {
  makeAssigned,
  makeClaim,
  makeGap,
  makeOwner,
  makeRedirect,
  makeSnapshot,
  makeSocket,
  makeUse,
} from '../../../../fixtures/makers.ts';
import { explain } from '../decide/explain.ts';
import { holdersOf, useOf } from '../decide/use.ts';
import { FACTS_LANGUAGE } from '../model/claim.ts';
import type { PortReport } from '../model/report.ts';
import type { Snapshot } from '../model/socket.ts';
import { renderTerminal } from '../render/terminal.ts';
import { columns } from '../render/width.ts';
import { loadTranslator, PAGE_LANGUAGES } from '../text/catalog.ts';
import { listPage, whoPage } from './list.ts';
import { reportPage } from './report.ts';
import { rangePage, searchPage } from './search.ts';
import type { Inline, Page } from './tree.ts';

const PORT = 60_163;
const here = { address: '0.0.0.0', port: PORT };
const claims = [
  makeAssigned(PORT, 'example', 'Example Service'),
  makeClaim({ ports: [PORT, PORT], product: 'Gadget', vendor: 'Maker', service: 'gadget control' }),
  makeClaim({ ports: [49_152, 65_535], product: 'Xsan', vendor: 'Apple', service: 'Xsan filesystem access' }),
];

function report(snapshot: Snapshot, port = PORT): PortReport {
  return explain({
    port,
    transports: ['tcp', 'udp'],
    claims: { claims, sources: {} },
    snapshot,
    blocked: { source: 'whatwg', ports: [{ port: 6000, service: 'x11' }] },
    defaults: [],
    source: (id) => ({ title: id, url: `https://example.org/${id}`, date: '2026-03-04', edition: '1' }),
    call: 'portolan',
  });
}

const many = Array.from({ length: 11 }, (_, pid) => makeOwner({ name: 'worker', pid: pid + 1 }));
const listener = makeSocket({ local: here, owners: [makeOwner({ unit: 'web.service', user: 'root' })] });
const connection = makeSocket({
  local: here,
  state: 'ESTABLISHED',
  peer: { address: '10.0.0.1', port: 443 },
  owners: many,
});
const closing = makeSocket({
  local: here,
  state: 'TIME_WAIT',
  freeInMs: 1500,
  inode: 0,
  user: null,
  uid: null,
});
const states: readonly (readonly [string, Partial<Snapshot>])[] = [
  ['free', { ephemeralUse: makeUse({ connect: { used: 5, waiting: 2 } }, {}) }],
  ['listened on', { sockets: [listener, { ...listener, transport: 'udp', state: 'UNCONN' }] }],
  ['held by a connection', { sockets: [connection, connection] }],
  ['closing', { sockets: [closing] }],
  [
    'redirected',
    { redirects: [makeRedirect({ ports: [PORT, PORT], maker: 'kubernetes', name: 'shop/web' })] },
  ],
  ['not seen', { gaps: [makeGap()] }],
  ['on a host of unknown limits', { limits: { ephemeral: null, reserved: null, unprivilegedFrom: null } }],
];
const snapshots = states.map(([, over]) => makeSnapshot(over));
const pages: readonly (readonly [string, Page])[] = [
  ...states.map(([name, over]): [string, Page] => [
    `a port that is ${name}`,
    reportPage(report(makeSnapshot(over))),
  ]),
  ...[0, 22, 1023, 6000, 50_000].map((port): [string, Page] => [
    `port ${port}`,
    reportPage(report(makeSnapshot(), port)),
  ]),
  ...states.map(([name, over]): [string, Page] => [
    `holders where it is ${name}`,
    whoPage(PORT, ['tcp'], useOf(makeSnapshot(over), [PORT, PORT], ['tcp'])),
  ]),
  ...snapshots.map((snapshot, index): [string, Page] => [
    `list ${index}`,
    listPage({
      holders: holdersOf(snapshot, null, ['tcp', 'udp']),
      gaps: snapshot.gaps,
      claimsOf: () => claims,
      all: false,
      filtered: false,
      forecasts: [],
      ephemeral: null,
    }),
  ]),
  ['search', searchPage('xsan', claims, 2)],
  [
    'range',
    rangePage(
      [PORT, PORT],
      snapshots.map((snapshot) => report(snapshot)),
    ),
  ],
];

describe.each(PAGE_LANGUAGES)('$tag', ({ tag, dir }) => {
  test.each(pages)('%s', async (_name, page) => {
    const lang = await loadTranslator(tag, 'pages');
    const text = renderTerminal(page, { lang, width: 80, color: false, unicode: true, fit: true });
    expect(text).not.toMatch(/[{}]|undefined|NaN/);
    // A terminal shows the isolates of right-to-left languages as escapes: those are for pages.
    if (dir === 'ltr')
      for (const line of text.split('\n')) expect(columns(line), line).toBeLessThanOrEqual(80);
  });
});

test('what claims say is marked as the language of their sources, and reads the same in every language', async () => {
  const facts: string[] = [];
  JSON.stringify(reportPage(report(makeSnapshot())), (_key, value: Inline) => {
    if (value?.kind === 'data' && value.lang === FACTS_LANGUAGE) facts.push(value.text);
    return value;
  });
  expect(facts).toContain(': gadget control');
  expect(facts).toContain('Xsan filesystem access');
  expect(facts).not.toContain('tcp');
});

test('Czech where only ASCII can be shown: letters without their marks, commands as they are', async () => {
  const lang = await loadTranslator('cs', 'program');
  const page: Page = {
    nodes: [
      ...reportPage(report(makeSnapshot())).nodes,
      { kind: 'commands', lines: ['portolan audit /srv/účty'] },
    ],
  };
  const text = renderTerminal(page, { lang, width: 80, color: false, unicode: false, fit: true });
  expect(text).toContain('60163 je tu ted volny');
  expect(text).toContain('/srv/účty');
  const sentences = text.split('\n').filter((line) => !line.includes('/srv/'));
  // biome-ignore lint: control characters are what ASCII has too
  expect(sentences.join('\n')).toMatch(/^[\u0000-\u007f]*$/);
});
