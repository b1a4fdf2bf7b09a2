// The terminal renderer: lines that fit, colour that only colours, ASCII that is ASCII, data that cannot steer.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  makeAssigned,
  makeClaim,
  makeGap,
  makeHost,
  makeOwner,
  makeSocket,
  makeUse,
} from '../../../../fixtures/makers.ts';
import { disagreementsAbout } from '../decide/disagreements.ts';
import { risksOf } from '../decide/risks.ts';
import { toHolder } from '../decide/use.ts';
import { say } from '../model/message.ts';
import { ianaRangeOf } from '../model/port.ts';
import type { PortReport, Use } from '../model/report.ts';
import { translator } from '../text/catalog.ts';
import { listPage, whoPage } from '../view/list.ts';
import { reportPage } from '../view/report.ts';
import { data, type Inline, type Page, said } from '../view/tree.ts';
import { renderTerminal, type TerminalOptions } from './terminal.ts';
import { columns } from './width.ts';

const lang = translator('en');
const render = (page: Page, over: Partial<TerminalOptions> = {}) =>
  renderTerminal(page, { lang, width: 80, color: false, unicode: true, fit: false, ...over });
// biome-ignore lint: escapes are what is looked for
const SGR = /\u001b\[[0-9;]*m/g;
const lines = (text: string) => text.split('\n').slice(0, -1);

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const wide = fc.constantFrom('字字', '日本語', 'é', '🙂', 'ａ');
const emphasis = fc.constantFrom<
  Inline['kind'] extends string ? 'strong' | 'dim' | 'good' | 'warn' | 'bad' | 'accent' : never
>('strong', 'dim', 'good', 'warn', 'bad', 'accent');
const inline: fc.Arbitrary<Inline> = fc.oneof(
  fc
    .tuple(fc.array(fc.oneof(word, wide), { minLength: 1, maxLength: 12 }), fc.option(emphasis))
    .map(([words, how]) => (how === null ? data(`${words.join(' ')} `) : data(`${words.join(' ')} `, how))),
  fc.nat(99).map((n): Inline => ({ kind: 'ref', n })),
  fc.constant(said(say('risk.none'), 'dim')),
);
const prose = fc.array(inline, { minLength: 1, maxLength: 6 });
const nodes = fc.oneof(
  prose.map((line) => ({ kind: 'answer' as const, severity: 'info' as const, lines: [line] })),
  prose.map((line) => ({ kind: 'para' as const, inline: line })),
  fc.tuple(prose, prose).map(([a, b]) => ({
    kind: 'section' as const,
    title: say('section.here'),
    nodes: [
      { kind: 'para' as const, inline: a },
      {
        kind: 'list' as const,
        items: [{ mark: 'high' as const, inline: b, nodes: [{ kind: 'para' as const, inline: a }] }],
      },
    ],
  })),
  fc.array(fc.tuple(word, prose), { minLength: 1, maxLength: 4 }).map((rows) => ({
    kind: 'table' as const,
    header: false,
    columns: [
      { title: null, align: 'left' as const, grow: false },
      { title: null, align: 'left' as const, grow: true },
    ],
    rows: rows.map(([first, second]) => [[data(first)], second]),
  })),
);
const pages: fc.Arbitrary<Page> = fc
  .array(nodes, { minLength: 1, maxLength: 4 })
  .map((all) => ({ nodes: all }));
const widths = fc.integer({ min: 40, max: 160 });

describe('for any page', () => {
  test('no line of prose is wider than the terminal', () => {
    fc.assert(
      fc.property(pages, widths, (page, width) => {
        for (const line of lines(render(page, { width })))
          expect(columns(line), line).toBeLessThanOrEqual(width);
      }),
      { numRuns: 400 },
    );
  });
  test('prose stays readable on a very wide terminal', () => {
    const page: Page = { nodes: [{ kind: 'para', inline: [data('word '.repeat(200))] }] };
    for (const line of lines(render(page, { width: 300 }))) expect(line.length).toBeLessThanOrEqual(100);
  });
  test('no escape without colour; with colour the same text once the colour is taken out', () => {
    fc.assert(
      fc.property(pages, widths, (page, width) => {
        const plain = render(page, { width });
        expect(plain).not.toContain('\u001b');
        const coloured = render(page, { width, color: true });
        const bare = coloured.replace(SGR, '');
        expect(bare.replace(/ +$/gm, '')).toBe(plain.replace(/ +$/gm, ''));
        // Every colour that is opened is closed on its line, or a pager would bleed.
        for (const line of coloured.split('\n')) {
          const marks = line.match(SGR) ?? [];
          expect(marks.filter((mark) => mark === '\u001b[0m')).toHaveLength(marks.length / 2);
        }
      }),
      { numRuns: 400 },
    );
  });
  test('no word is lost or doubled', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 60 }), widths, (words, width) => {
        const page: Page = { nodes: [{ kind: 'para', inline: [data(words.join(' '))] }] };
        expect(
          render(page, { width })
            .split(/\s+/)
            .filter((part) => part !== ''),
        ).toEqual(words);
      }),
    );
  });
  test('it ends with one line end', () => {
    fc.assert(
      fc.property(pages, (page) => {
        expect(render(page)).toMatch(/[^\n]\n$/);
      }),
    );
  });
});

test('a word longer than a line stands alone and whole', () => {
  const long = `https://example.org/${'x'.repeat(100)}`;
  const text = render({ nodes: [{ kind: 'para', inline: [data(`see ${long} there`)] }] }, { width: 60 });
  expect(lines(text)).toEqual(['see', long, 'there']);
});

test('a command is never broken', () => {
  const command = `sudo sysctl -w ${'1,'.repeat(200)}2`;
  const text = render({ nodes: [{ kind: 'commands', lines: [command] }] }, { width: 40 });
  expect(lines(text)).toEqual([`  ${command}`]);
});

/** A report with everything in it, and hostile data wherever data can stand. */
function hostileReport(evil: string): PortReport {
  const port = 60_163;
  const range = ianaRangeOf(port);
  const claims = [
    makeAssigned(port, `svc${evil}`, `note ${evil}`),
    makeClaim({ ports: [port, port], product: `product${evil}`, vendor: evil, service: evil, note: evil }),
    makeClaim({
      ports: [49_152, 65_535],
      product: 'Xsan',
      vendor: 'Apple',
      authority: 'vendor',
      service: evil,
    }),
  ];
  const host = makeHost({ inEphemeral: true, browserBlocked: true });
  const owner = makeOwner({
    name: evil,
    argv: [evil, `--x=${evil}`],
    cwd: evil,
    user: evil,
    unit: evil,
    container: { runtime: 'docker', id: evil, name: evil },
  });
  const holders = [
    toHolder(
      makeSocket({
        local: { address: '::', port },
        ipv6Only: false,
        owners: [owner, { ...owner, inferred: true }],
      }),
    ),
    toHolder(
      makeSocket({
        local: { address: '127.0.0.1', port },
        state: 'TIME_WAIT',
        inode: 0,
        freeInMs: 1234,
        peer: { address: '::1', port: 9 },
        user: null,
        uid: null,
      }),
    ),
  ];
  const use: Use = {
    verdict: 'held',
    holders,
    gaps: [makeGap({ values: { transport: 'tcp', reason: evil, file: evil }, remedy: evil })],
  };
  return {
    port,
    transports: ['tcp', 'udp'],
    range: { ...range, source: 'rfc6335' },
    claims,
    disagreements: disagreementsAbout(port, range, claims),
    sources: Object.fromEntries(
      ['rfc6335', 'a-source', 'linux-ip-sysctl', 'rfc6056', 'whatwg'].map((id) => [
        id,
        { title: evil, url: `https://x/${evil}`, date: '2026', edition: evil },
      ]),
    ),
    host,
    use,
    risks: risksOf({
      port,
      transports: ['tcp', 'udp'],
      claims,
      host,
      use,
      ephemeralUse: makeUse({ bindUpper: { used: 2 } }),
      defaults: [],
      blockedSource: 'whatwg',
      call: 'portolan',
    }),
  };
}

describe('a report', () => {
  const EVIL = 'a\u001b[31m\u001b]0;x\u0007\r\n\u202eb\u200bc\u009b2J\u0000';
  test('shows hostile data as text: no escape, no line of its own, nothing turned round', () => {
    const report = hostileReport(EVIL);
    const text = render(reportPage(report));
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200b]/u);
    expect(text).toContain('\\x1b[31m');
    const list = render(
      listPage({
        holders: report.use.holders,
        gaps: [],
        claimsOf: () => report.claims,
        all: true,
        filtered: false,
        forecasts: [],
        ephemeral: null,
      }),
    );
    expect(list.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200b]/u);
    const coloured = render(reportPage(report), { color: true }).replace(SGR, '');
    expect(coloured.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200b]/u);
  });
  test('gives the answer in the first two sentences', () => {
    const text = render(reportPage(hostileReport('x')), { width: 100 });
    expect(lines(text)[0]).toMatch(
      /^60163 is in use here: x \(pid 4711\) and 1 more listens on \[::\]:60163 tcp\.$/,
    );
    expect(lines(text)[1]).toMatch(/^IANA never assigns it/);
  });
  test('in ASCII has ASCII alone where the data has', () => {
    const text = render(reportPage(hostileReport('plain')), { unicode: false });
    // biome-ignore lint: the bounds of ASCII
    expect(text.replace(/[\n\x20-\x7e]/g, '')).toBe('');
    expect(text).toContain('32768-60999');
  });
  test('in ASCII keeps to the width, too', () => {
    fc.assert(
      fc.property(widths, (width) => {
        const text = render(reportPage(hostileReport('plain')), { unicode: false, width });
        const prosaic = lines(text).filter((line) => !/https?:\/\/|^ +(sudo|echo|ss|Ambient)/.test(line));
        for (const line of prosaic) expect(line.length, line).toBeLessThanOrEqual(width);
      }),
      { numRuns: 60 },
    );
  });
});

test('a long run of holders of one kind is cut short, with how many more there are', () => {
  const connection = (i: number) =>
    toHolder(makeSocket({ state: 'ESTABLISHED', peer: { address: '10.0.0.1', port: 1024 + i } }));
  const holders = [toHolder(makeSocket({})), ...Array.from({ length: 30_000 }, (_, i) => connection(i))];
  const text = render(whoPage(443, ['tcp'], { verdict: 'held', holders, gaps: [] }));
  expect(text).toContain('and 29,994 more like it');
  expect(text.match(/^connection/gm)).toHaveLength(7);
  expect(text.match(/^listener/gm)).toHaveLength(1);
});

test('in ASCII mode no sentence of the catalog keeps a character that cannot be shown', async () => {
  const en = (await import('../text/messages/en.json', { with: { type: 'json' } })).default;
  for (const [key, template] of Object.entries(en)) {
    for (const text of typeof template === 'string' ? [template] : Object.values(template)) {
      const shown = render({ nodes: [{ kind: 'para', inline: [data(text)] }] }, { unicode: false });
      // biome-ignore lint: the bounds of ASCII
      expect(shown.replace(/[\n\x20-\x7e]/g, ''), key).toBe('');
    }
  }
});

describe('lists on a terminal', () => {
  const rows = Array.from({ length: 300_000 }, () => [[data('80/tcp')], [data('x')]]);
  const table = (count: number, cell = 'x'): Page => ({
    nodes: [
      {
        kind: 'table',
        header: true,
        columns: [
          { title: say('list.col.port'), align: 'right', grow: false },
          { title: say('list.col.claim'), align: 'left', grow: true },
        ],
        rows: rows.slice(0, count).map((row) => [row[0] ?? [], [data(cell)]]),
      },
    ],
  });
  test('a cell that is too long is cut with a sign on a terminal and kept whole in a pipe', () => {
    const long = 'w'.repeat(200);
    expect(lines(render(table(1, long), { fit: true }))[1]).toMatch(/w…$/);
    expect(columns(lines(render(table(1, long), { fit: true }))[1] ?? '')).toBeLessThanOrEqual(80);
    expect(render(table(1, long), { fit: false })).toContain(long);
  });
  test('300,000 rows are no trouble', () => {
    expect(lines(render(table(300_000)))).toHaveLength(300_001);
  });
});
