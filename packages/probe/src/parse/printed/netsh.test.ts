// netsh's lists of ports in several display languages, written after the forms they have; their words must not matter.
import { describe, expect, test } from 'vitest';
import { gapsOf } from './gaps.ts';
import { type PrintedReading, readPrinted } from './index.ts';

interface Language {
  /** Title of excluded ranges, their two headings, and the legend below. */
  readonly excluded: readonly [title: (of: string) => string, heads: string, legend: string];
  readonly dynamic: readonly [title: (of: string) => string, first: string, count: string];
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  English: {
    excluded: [(of) => `Protocol ${of} Port Exclusion Ranges`, 'Start Port    End Port      ', '* - Administered port exclusions.'],
    dynamic: [(of) => `Protocol ${of} Dynamic Port Range`, 'Start Port      : 49152', 'Number of Ports : 16384'],
  },
  German: {
    excluded: [(of) => `Portausschlussbereiche für Protokoll "${of}"`, 'Startport     Endport', '* - Verwaltete Portausschlüsse, Stufe 2.'],
    dynamic: [(of) => `Dynamischer Portbereich für Protokoll "${of}"`, 'Startport       : 49152', 'Anzahl von Ports: 16384'],
  },
  Japanese: {
    excluded: [(of) => `プロトコル ${of} ポート除外範囲`, '開始ポート    終了ポート', '* - 管理されたポート除外。'],
    dynamic: [(of) => `プロトコル${of}の動的ポートの範囲`, '開始ポート      ： 49152', 'ポート数        ： 16384'],
  },
  Arabic: {
    excluded: [(of) => `\u200fنطاقات استبعاد منافذ البروتوكول ${of}`, 'منفذ البدء    منفذ النهاية', '\u202b* - استبعادات المنافذ المدارة.\u202c'],
    dynamic: [(of) => `\u200fنطاق المنافذ الديناميكي للبروتوكول ${of}`, 'منفذ البدء : 49152\u200f', '\u200f16384 : عدد المنافذ'],
  },
}; // biome-ignore format: a line a table

const ROWS = ['      5357        5357      ', '     50000       50059     *'];
const KEPT = [
  { ports: [5357, 5357], administered: false },
  { ports: [50_000, 50_059], administered: true },
];

function excluded({ excluded: [title, heads, legend] }: Language, of = 'tcp', rows = ROWS): string {
  return ['', title(of), '', heads, '----------    --------      ', ...rows, '', legend, '', ''].join('\r\n');
}

function dynamic({ dynamic: [title, first, count] }: Language, of = 'tcp'): string {
  return ['', title(of), '---------------------------------', first, count, '', ''].join('\r\n');
}

/** What is not understood, and the codes of gaps. */
function rest({ unknown, gaps }: PrintedReading): { unknown: string[]; codes: string[] } {
  return {
    unknown: unknown.map(({ text, reason }) => `${reason}: ${text.trim()}`),
    codes: gaps.map(({ code }) => code),
  };
}

const English = LANGUAGES['English'] ?? expect.fail();

describe.each(Object.entries(LANGUAGES))('%s', (_, language) => {
  test('excluded ranges, the transport out of the title', () => {
    const reading = readPrinted(excluded(language) + excluded(language, 'udp', []));
    expect(reading.formats).toEqual(['netsh']);
    expect(reading.unknown).toEqual([]);
    expect(reading.ranges).toEqual([
      { list: 'excluded', transport: 'tcp', family: null, line: 5, ranges: KEPT },
      { list: 'excluded', transport: 'udp', family: null, line: 15, ranges: [] },
    ]);
  });
  test('dynamic ranges', () => {
    const reading = readPrinted(dynamic(language) + dynamic(language, 'UDP'));
    expect(reading.unknown).toEqual([]);
    expect(reading.ranges.map(({ transport, ranges }) => [transport, ranges[0]?.ports])).toEqual([
      ['tcp', [49_152, 65_535]],
      ['udp', [49_152, 65_535]],
    ]);
  });
  test('the family out of the command that was typed, in all its spellings', () => {
    const reading = readPrinted(
      `C:\\Users\\x>netsh interface ipv6 show excludedportrange protocol=tcp\r\n${excluded(language)}` +
        `PS C:\\> netsh.exe int ip show dynamicport TCP\r\n${dynamic(language)}> netsh int ipv4 sho excl udp\r\n${excluded(language, 'udp')}`,
    );
    expect(reading.unknown).toEqual([]);
    expect(reading.ranges.map(({ list, transport, family }) => `${list} ${transport} ${family}`)).toEqual([
      'excluded tcp ipv6',
      'dynamic tcp ipv4',
      'excluded udp ipv4',
    ]);
  });
  test('cut off anywhere: no line is lost', () => {
    const text = excluded(language) + dynamic(language);
    for (let length = 1; length < text.length; length += 3) {
      const { ranges, unknown, lines } = readPrinted(text.slice(0, length));
      const told = new Set(unknown.map(({ line }) => line));
      // Above the first port of a dynamic range that breaks off stand its title and its rule.
      for (const { line, reason } of unknown) if (reason === 'cut') told.add(line - 1).add(line - 2);
      for (const list of ranges) {
        // Its headings and its rows.
        for (let line = 1; line <= list.line + list.ranges.length; line++) told.add(line);
        if (list.list === 'excluded')
          for (let line = list.line; line <= list.line + 4; line++) told.add(line);
        else told.add(list.line + 1);
      }
      const shown = text
        .slice(0, length)
        .split('\n')
        .map((line) => line.trim());
      const lost = shown.flatMap((line, nth) =>
        line === '' || told.has(nth + 1) || nth + 1 > lines ? [] : [line],
      );
      expect(lost.filter((line) => /[^\u200e\u200f\u202a-\u202e]/.test(line))).toEqual([]);
    }
  });
});

describe('what is not printed is not guessed', () => {
  const bare = [
    'Puerto de inicio    Puerto final',
    '----------          --------',
    '      1025        1124',
  ].join('\n');
  test('without a title or a command the transport is open', () => {
    const reading = readPrinted(bare);
    expect(reading.ranges).toMatchObject([
      { transport: null, family: null, ranges: [{ ports: [1025, 1124] }] },
    ]);
    expect(rest(reading)).toMatchObject({ unknown: [] });
    expect(reading.gaps.find(({ code }) => code === 'printed-ranges-transport')).toMatchObject({
      coversUse: true,
      values: { count: 1 },
    });
  });
  test('nor where the title names both', () => {
    expect(readPrinted(excluded(English, 'tcp/udp')).ranges[0]?.transport).toBeNull();
    expect(readPrinted(excluded(English, 'tcpip')).ranges[0]?.transport).toBeNull();
  });
  test('a command of another list, or of another transport, tells nothing of this one', () => {
    const other = readPrinted(`> netsh int ipv6 show dynamicport tcp\n${excluded(English)}`);
    expect(other.ranges).toMatchObject([{ list: 'excluded', transport: 'tcp', family: null }]);
    const wrong = readPrinted(`> netsh int ipv6 show excludedportrange udp\n${excluded(English)}`);
    expect(wrong.ranges).toMatchObject([{ transport: 'tcp', family: null }]);
  });
  test.each([
    [
      'PowerShell’s table of two columns',
      'LocalPort OwningProcess\n--------- -------------\n      135          1052\n',
    ],
    ['any two columns', 'a        b\n-----  -----\n 10 20\n'],
    ['a sum below a line', 'Summary\n----------\nTotal: 5\nFailed: 6\n'],
    ['a message of error', 'The parameter is incorrect.\n 10 20\n'],
  ])('%s is none of it', (_, text) => {
    const { formats, ranges, unknownCount } = readPrinted(text);
    expect({ formats, ranges, unknownCount }).toEqual({
      formats: [],
      ranges: [],
      unknownCount: text.trim().split('\n').length,
    });
  });
});

describe('what is wrong is told', () => {
  test('numbers that are no ports, and a dynamic range that breaks off', () => {
    expect(
      rest(readPrinted(excluded(English, 'tcp', ['     70000       70001', '   90   80', ...ROWS]))).unknown,
    ).toEqual(['port: 70000       70001', 'port: 90   80']);
    expect(rest(readPrinted(dynamic(English).replace('16384', '99999'))).unknown).toEqual([
      'port: Start Port      : 49152',
      'port: Number of Ports : 99999',
    ]);
    expect(rest(readPrinted(dynamic(English).replace(/^Number.*$/m, ''))).unknown).toEqual([
      'cut: Start Port      : 49152',
    ]);
    expect(rest(readPrinted(dynamic(English).replace(/^Number.*$/m, 'x 1 2'))).unknown).toEqual([
      'cut: Start Port      : 49152',
      'unrecognised: x 1 2',
    ]);
  });
  test('rows beyond what is kept are counted', () => {
    const rows = Array.from({ length: 9 }, (_, nth) => `     ${1000 + nth}        ${1000 + nth}      `);
    const reading = readPrinted(excluded(English, 'tcp', rows), { rows: 5 });
    expect(reading.ranges[0]?.ranges).toHaveLength(5);
    expect(reading.gaps.find(({ code }) => code === 'printed-more')?.values).toEqual({ count: 4 });
  });
});

describe('gaps', () => {
  const all = (['tcp', 'udp'] as const).flatMap((transport) =>
    (['ipv4', 'ipv6'] as const).map(
      (family) => `> netsh int ${family} show excl ${transport}\n${excluded(English, transport)}`,
    ),
  );
  const handed = (['tcp', 'udp'] as const).flatMap((transport) =>
    (['ipv4', 'ipv6'] as const).map(
      (family) => `> netsh int ${family} show dynamicport ${transport}\n${dynamic(English, transport)}`,
    ),
  );
  test('none of the ranges where all eight lists are there', () => {
    expect(rest(readPrinted([...all, ...handed].join('')))).toEqual({
      unknown: [],
      codes: ['printed-ranges', 'printed-rest-ranges'],
    });
  });
  test('lists that were not printed, by name', () => {
    const { gaps } = readPrinted([...all.slice(1), ...handed.slice(0, 3)].join(''));
    expect(gaps.find(({ code }) => code === 'exclusions-unreadable')).toMatchObject({
      values: { lists: 'TCP/IPv4' },
      coversUse: true,
      transports: ['tcp'],
      remedy: 'netsh interface ipv4 show excludedportrange protocol=tcp',
    });
    expect(gaps.find(({ code }) => code === 'printed-dynamic')?.values).toEqual({ lists: 'UDP/IPv6' });
  });
  test('a family that was not printed covers use, for the other list may have more', () => {
    const { gaps } = readPrinted(excluded(English));
    expect(gaps.find(({ code }) => code === 'printed-ranges-family')).toMatchObject({
      coversUse: true,
      transports: ['tcp'],
      values: { lists: 'TCP/?' },
    });
    expect(gaps.find(({ code }) => code === 'exclusions-unreadable')?.values).toEqual({
      lists: 'UDP/IPv4, UDP/IPv6',
    });
  });
  test('ranges that differ', () => {
    const text = dynamic(English) + dynamic(English, 'udp').replace('49152', '49153').replace('16384', '100');
    expect(readPrinted(text).gaps.find(({ code }) => code === 'ranges-differ')?.values).toEqual({
      given: 'TCP/?',
      others: 'UDP/? (49153–49252)',
    });
  });
  test('netstat of Windows alone shows no port that is kept back', () => {
    const netstat =
      '  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1052\n  UDP    0.0.0.0:123    *:*     4\n';
    expect(rest(readPrinted(netstat)).codes).toContain('exclusions-unreadable');
    expect(rest(readPrinted(netstat + all.join(''))).codes).not.toContain('exclusions-unreadable');
    expect(rest(readPrinted('tcp LISTEN 0 5 127.0.0.1:80 0.0.0.0:*\n')).codes).not.toContain(
      'exclusions-unreadable',
    );
    expect(gapsOf([], [], { unknown: 0, dropped: 0 })).toEqual([]);
  });
});
