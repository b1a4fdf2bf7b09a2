// netsh in several display languages, written after the forms it has; its words must not matter.
import { isPort } from '@portolan/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDynamicPorts, parseExcludedRanges, parseHttpQueues } from './win32-netsh.ts';
import { parseTasks } from './win32-services.ts';

const TABLE = [
  '----------    --------      ',
  '        80          80      ',
  '      5357        5357      ',
  '     50000       50059     *',
];
const FOOTS: Readonly<Record<string, readonly [string, string, string]>> = {
  English: ['Protocol tcp Port Exclusion Ranges', 'Start Port    End Port', '* - Administered port exclusions.'],
  French: ['Plages d’exclusion de ports du protocole tcp', 'Port de début  Port de fin', '* - Exclusions de ports administrées.'],
  German: ['Portausschlussbereiche für Protokoll "tcp"', 'Startport     Endport', '* - Verwaltete Portausschlüsse, Stufe 2.'],
  Hebrew: ['טווחי אי-הכללה של יציאות עבור פרוטוקול tcp', 'יציאת התחלה 1    יציאת סיום 2', '* - אי-הכללות'],
  Japanese: ['プロトコル tcp ポート除外範囲', '開始ポート    終了ポート', '* - 管理されたポート除外。'],
}; // biome-ignore format: a line a language
const EXPECTED = [
  { ports: [80, 80], administered: false },
  { ports: [5357, 5357], administered: false },
  { ports: [50_000, 50_059], administered: true },
];

describe('excluded ranges', () => {
  test.each(Object.entries(FOOTS))('%s', (_, [title, heads, foot]) => {
    const text = ['', title, '', heads, ...TABLE, '', foot, ''].join('\r\n');
    expect(parseExcludedRanges(text)).toEqual(EXPECTED);
    // The same in a code page that was decoded as Latin-1.
    expect(parseExcludedRanges(Buffer.from(text, 'utf8').toString('latin1'))).toEqual(EXPECTED);
  });
  test('marks of writing direction, and the star on the other side', () => {
    const text = ['\ufeff\u200fx', '----------    --------', '\u200f     50000\u200f       50059     ', '\u202a* 6000 6001\u202c'].join('\n');
    const ranges = [
      { ports: [50_000, 50_059], administered: false },
      { ports: [6000, 6001], administered: true },
    ];
    expect(parseExcludedRanges(text)).toEqual(ranges);
    expect(parseExcludedRanges(Buffer.from(text, 'utf8').toString('latin1'))).toEqual(ranges);
  }); // biome-ignore format: the text reads better as one
  test('an empty table is empty; a message of error is no table; numbers that are no ports make it unread', () => {
    expect(parseExcludedRanges('\r\nX\r\n----------    --------\r\n\r\n* - y 1 2 z.\r\n')).toEqual([]);
    expect(parseExcludedRanges('The parameter is incorrect.\r\n 10 20\r\n')).toBeNull();
    expect(parseExcludedRanges('----------    --------\n 70000 70001\n')).toBeNull();
    expect(parseExcludedRanges('----------    --------\n 90 80\n')).toBeNull();
  });
});

describe('dynamic range', () => {
  const form = (a: string, b: string): string =>
    `\r\nProtocol tcp\r\n---------------------------------\r\n${a}\r\n${b}\r\n\r\n`;
  test.each([
    ['Start Port      : 49152', 'Number of Ports : 16384'],
    ['Port de démarrage  : 49152', 'Nombre de ports : 16384'],
    ['開始ポート      ： 49152', 'ポート数        ： 16384'],
    ['\u200fיציאת התחלה : 49152\u200f', '16384 : מספר היציאות'],
  ])('%s', (start, count) => {
    expect(parseDynamicPorts(form(start, count))).toEqual([49_152, 65_535]);
  });
  test.each([
    ['more than there are', 'Start : 60000', 'Number : 16384'],
    ['none', 'Start : 60000', 'Number : 0'],
    ['two numbers in a line', 'Start 1 : 60000', 'Number : 10'],
    ['a line is missing', 'Start : 60000', ''],
  ])('%s', (_, start, count) => {
    expect(parseDynamicPorts(form(start, count))).toBeNull();
  });
});

describe('HTTP.sys', () => {
  test('queues with URLs and processes, in both forms of pids, whatever the words', () => {
    const text = `
Momentaufnahme des HTTP-Dienststatus (Ansicht der Anforderungswarteschlange):
-----------------------------------------------------

Name der Warteschlange: Unbenannt.
    Version: 2.0
    Status: Aktiv
    Maximale Anforderungen: 1000
    Anzahl angefügter Prozesse: 1
    Prozesse:
        ID: 2952, Abbild: C:\\Windows\\System32\\svchost.exe
            Dienste: WinRM
    Registrierte URLs:
        HTTP://+:5985/WSMAN/
        HTTP://[::1]:47001/WSMAN/

要求キュー名: DefaultAppPool
    バージョン: 2.0
    プロセス ID:
            3100
            3200
    登録された URL:
        HTTPS://WWW.EXAMPLE.TEST:443:10.0.0.1/A/
Empty:
    Version: 2.0
`;
    expect(parseHttpQueues(text)).toEqual([
      {
        pids: [2952],
        urls: [
          { url: 'HTTP://+:5985/WSMAN/', port: 5985 },
          { url: 'HTTP://[::1]:47001/WSMAN/', port: 47_001 },
        ],
      },
      { pids: [3100, 3200], urls: [{ url: 'HTTPS://WWW.EXAMPLE.TEST:443:10.0.0.1/A/', port: 443 }] },
    ]);
  });
});

test('processes by name; services of svchost.exe, and the word for none is not one of them', () => {
  const text =
    '"svchost.exe","1044","Dhcp,EventLog"\r\n"svchost.exe","7","N/A"\r\n"a ""b"".exe","9","Nicht zutreffend"\r\nINFO: none\r\n';
  expect([...parseTasks(text)]).toEqual([
    [1044, { image: 'svchost.exe', services: ['Dhcp', 'EventLog'] }],
    [7, { image: 'svchost.exe', services: [] }],
    [9, { image: 'a "b".exe', services: [] }],
  ]);
});

test('any text gives ports or nothing, and always an end', () => {
  const pieces = fc.constantFrom(
    '----------    --------', '---------------------------------', '80 90 *', '* 65535 65535', ' 1 70000', 'a : 5', 'b',
    '    HTTP://+:80/x/', '  123', '  ID: 5, image: x', '"a","1","b,c"', '\u200f',
  ); // biome-ignore format: pieces read better as one list
  const text = fc
    .array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 40 })), { maxLength: 14 })
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, (given) => {
      for (const { ports } of parseExcludedRanges(given) ?? []) {
        expect(ports[0] <= ports[1] && isPort(ports[1])).toBe(true);
      }
      const dynamic = parseDynamicPorts(given);
      expect(dynamic === null || (dynamic[0] <= dynamic[1] && isPort(dynamic[1]))).toBe(true);
      for (const { urls } of parseHttpQueues(given))
        expect(urls.every(({ port }) => isPort(port))).toBe(true);
      parseTasks(given);
    }),
    { numRuns: 3000 },
  );
  const long = `x\n${' '.repeat(200_000)}1${' '.repeat(200_000)}\n`;
  expect(parseHttpQueues(long)).toEqual([]);
});
