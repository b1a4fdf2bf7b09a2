// Input that nobody means: always an end, never a throw, never a port that is none, and nothing kept beyond the limits.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printedTexts } from '../../../../../fixtures/printed.ts';
import { DOCUMENTS } from './documents.ts';
import {
  PRINTED_FORMATS,
  type PrintedOptions,
  PrintedReader,
  type PrintedReading,
  readPrinted as readLines,
} from './index.ts';

/** Lines and documents. */
function readPrinted(text: string, options: PrintedOptions = {}): PrintedReading {
  return readLines(text, { documents: DOCUMENTS, ...options });
}

const TEXTS = [...printedTexts('printed').values(), ...printedTexts('printed-written').values()];
const LINES = TEXTS.flatMap((text) => text.split('\n'));

/** Real lines, with pieces changed, and any text besides. */
const texts: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...LINES),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc
        .tuple(
          fc.constantFrom(...LINES),
          fc.nat(200),
          fc.nat(20),
          fc.string({ unit: 'binary', maxLength: 8 }),
        )
        .map(([line, at, gone, put]) => line.slice(0, at) + put + line.slice(at + gone)),
      fc.constantFrom(...TEXTS).chain((text) => fc.nat(text.length).map((at) => text.slice(at, at + 700))),
    ),
    { maxLength: 20 },
  )
  .map((all) => all.join('\n'));

/** What must hold of every reading. */
function sane({ sockets, redirects, unknown, unknownCount, lines }: PrintedReading): void {
  const isPort = (port: number | null): boolean =>
    port === null || (Number.isInteger(port) && port >= 0 && port <= 65_535);
  for (const { local, peer, owners, inode, uid } of sockets) {
    expect([local.port, peer?.port ?? null].every(isPort)).toBe(true);
    expect(owners.every(({ pid }) => Number.isSafeInteger(pid) && pid > 0)).toBe(true);
    expect([inode, uid ?? 0].every(Number.isSafeInteger)).toBe(true);
  }
  for (const { ports, target } of redirects) expect([...ports, target.port].every(isPort)).toBe(true);
  for (const { line, text } of unknown) {
    expect(line >= 1 && line <= Math.max(lines, 1)).toBe(true);
    expect(text.length).toBeLessThanOrEqual(200);
  }
  expect(unknownCount).toBeGreaterThanOrEqual(unknown.length);
}

test('any text: a reading, the same however it comes', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(300), { maxLength: 30 }), (text, cuts) => {
      const whole = readPrinted(text);
      sane(whole);
      const reader = new PrintedReader({ documents: DOCUMENTS });
      let at = 0;
      for (const cut of cuts) {
        reader.feed(text.slice(at, at + cut));
        at += cut;
      }
      reader.feed(text.slice(at));
      expect(reader.end()).toEqual(whole);
    }),
    { numRuns: 3000 },
  );
});

test('any text by the name of any form', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom(...PRINTED_FORMATS), (text, as) => {
      const reading = readPrinted(text, { as });
      sane(reading);
      expect(reading.formats.every((format) => format === as)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

describe('lines that are cut', () => {
  test('an ss line, at every place: the whole of it is never told of a part that says something else', () => {
    const line =
      'tcp   LISTEN 0      128        [fe80::1]%eth0:9090         [::]:*    users:(("nginx",pid=52,fd=20),("nginx",pid=53,fd=20)) ino:16414435 sk:277661';
    for (let at = 0; at <= line.length; at++) {
      const { sockets, unknownCount, unknown } = readPrinted(line.slice(0, at));
      const blank = line.slice(0, at).trim() === '';
      expect(sockets.length + unknownCount > 0 || blank).toBe(true);
      for (const { local, owners } of sockets) {
        expect(local).toEqual({ address: 'fe80::1', port: 9090 });
        if (line.slice(0, at).includes('users') && !line.slice(0, at).includes('))')) {
          expect(unknown.map(({ reason }) => reason)).toEqual(['cut']);
        }
        for (const { pid } of owners) expect([52, 53]).toContain(pid);
      }
    }
  });

  test('JSON that breaks off, and output of another tool after it', () => {
    const text =
      '[{"LocalAddress":"0.0.0.0","LocalPort":80,"State":2,"OwningProcess":4},\n{"LocalAddress":"0.0.\n';
    const reading = readPrinted(`${text}LISTEN 0 5 127.0.0.1:8080 0.0.0.0:*\n`);
    expect(reading.sockets.map(({ local }) => local.port)).toEqual([80, 8080]);
    expect(reading.unknown.map(({ reason, line }) => [reason, line])).toEqual([['json', 2]]);
  });

  test('a saved list that has lost its holders is none without any', () => {
    const whole = '{"format":"portolan.list/1","holders":[],"gaps":[]}';
    expect(readPrinted(whole).unknown).toEqual([]);
    for (const text of [
      '{"format":"portolan.list/1","gaps":[]}',
      '{"format":"portolan.list/1","holders":null,"gaps":[]}',
      '{"format":"portolan.list/1","holders":{},"gaps":[]}',
    ]) {
      expect(readPrinted(text).unknown.map(({ reason }) => reason)).toEqual(['json-shape']);
    }
  });

  test('words where a list has its holders are told, each with its line', () => {
    const holder = '{"LocalAddress":"0.0.0.0","LocalPort":80,"State":2,"OwningProcess":4}';
    for (const [list, lines] of [
      [`[${holder},\n"cut"]`, [2]],
      [`[${holder},\nnull, true,\n7]`, [2, 3]],
      [`{"value":[${holder},\n"a",\n"b"]}`, [2, 3]],
      [`[${holder},\n["LocalPort", 81]]`, [2]],
    ] as const) {
      const { sockets, unknown } = readPrinted(list);
      expect(sockets.map(({ local }) => local.port)).toEqual([80]);
      expect(unknown.map(({ reason, line }) => [reason, line])).toEqual(
        lines.map((line) => ['json-shape', line]),
      );
    }
  });

  test('an XML report that breaks off', () => {
    const text =
      '<?xml version="1.0"?>\n<nmaprun>\n<host><address addr="10.0.0.1" addrtype="ipv4"/><ports><port protocol="tcp" portid="80"><state state="open"/></port><port prot';
    const reading = readPrinted(text);
    expect(reading.sockets).toHaveLength(1);
    expect(reading.unknown.map(({ reason }) => reason)).toEqual(['cut']);
  });
});

describe('ports that are none', () => {
  test.each([
    'tcp LISTEN 0 5 127.0.0.1:65536 0.0.0.0:*',
    'tcp LISTEN 0 5 127.0.0.1:99999999999999999999 0.0.0.0:*',
    'tcp        0      0 127.0.0.1:70000          0.0.0.0:*               LISTEN',
    'tcp4       0      0  127.0.0.1.70000         *.*                    LISTEN',
    '  TCP    127.0.0.1:70000        0.0.0.0:0              LISTENING       1',
    'a 1 root 3u IPv4 1 0t0 TCP 127.0.0.1:70000 (LISTEN)',
    'Host: 10.0.0.1 ()\tPorts: 70000/open/tcp//x///',
  ])('%s', (line) => {
    const reading = readPrinted(`${line}\n`);
    expect(reading.sockets).toEqual([]);
    expect(reading.unknown.map(({ reason }) => reason)).toEqual(['port']);
  });

  test('in JSON', () => {
    for (const port of ['65536', '-1', '1.5', '"80x"', 'null', '1e9']) {
      const { sockets, unknown } = readPrinted(`{"LocalAddress":"0.0.0.0","LocalPort":${port},"State":2}\n`);
      expect(sockets).toEqual([]);
      expect(unknown.map(({ reason }) => reason)).toEqual(['json-shape']);
    }
  });

  test('names: one port or none', () => {
    const line = 'tcp LISTEN 0 5 127.0.0.1:no-such-name 0.0.0.0:*\n';
    expect(readPrinted(line).unknown.map(({ reason }) => reason)).toEqual(['port-name']);
    const asked: string[] = [];
    const reading = readPrinted(line, {
      portOf(name, transport) {
        asked.push(`${name}/${transport}`);
        return 4711;
      },
    });
    expect(reading.sockets[0]?.local.port).toBe(4711);
    expect(asked).toEqual(['no-such-name/tcp']);
  });
});

describe('names that processes give themselves', () => {
  test.each([
    ['a",pid=7,b', 'a",pid=7,b'],
    ['x",pid=7,fd=1)', 'x",pid=7,fd=1)'],
    ['",pid=7,fd=1),("', '",pid=7,fd=1),("'],
    ['users:(("a",pid=', 'users:(("a",pid='],
  ])('%s is a name and no owner', (name) => {
    const { sockets } = readPrinted(
      `tcp LISTEN 0 5 127.0.0.1:80 0.0.0.0:* users:(("${name.slice(0, 15)}",pid=123,fd=3))\n`,
    );
    expect(sockets[0]?.owners.map(({ pid }) => pid)).not.toContain(7);
    expect(sockets[0]?.owners.map(({ pid }) => pid)).toEqual([123]);
  });

  test('netstat -p: the first number with a stroke is its own', () => {
    const { sockets } = readPrinted('tcp 0 0 127.0.0.1:80 0.0.0.0:* LISTEN 123/a 7/b off (0.00/0/0)\n');
    expect(sockets[0]?.owners).toMatchObject([{ pid: 123, name: 'a 7/b' }]);
  });
});

test('control characters, colours and marks of direction are none of it, and none is told', () => {
  const line =
    '\u001b[32mtcp\u001b[0m LISTEN 0 5 \u202a127.0.0.1:8\u0000080\u200e 0.0.0.0:*\n\u0007\u0000jun\u202ek\n';
  const reading = readPrinted(line);
  expect(reading.sockets.map(({ local }) => local.port)).toEqual([8080]);
  expect(reading.unknown).toEqual([{ line: 2, text: 'junk', reason: 'unrecognised' }]);
});

test('a heading in any language is known by what stands below it, and junk there is told', () => {
  const row = '  TCP    0.0.0.0:135            0.0.0.0:0              לאזין       1128\n';
  expect(
    readPrinted(`חיבורים פעילים\n\n  פרוטוקול  כתובת מקומית   כתובת זרה   מצב   PID\n${row}`).unknown,
  ).toEqual([]);
  expect(readPrinted(`hello\n${row}`).unknown).toMatchObject([{ line: 1, text: 'hello' }]);
  expect(readPrinted(`one two three four five\nhello\n${row}`).unknown).toHaveLength(2);
});

describe('much of it', () => {
  test('10 MB of junk: counted, the first thousand told, and an end', () => {
    const junk = `${'x:y.z 1 (2) {"a" <b> '.repeat(50)}\n`.repeat(10_000);
    const reading = readPrinted(junk);
    expect(reading.unknownCount).toBe(10_000);
    expect(reading.unknown).toHaveLength(1000);
    expect(reading.formats).toEqual([]);
  });

  test.each([
    ['letters', 'x'],
    ['colons', ':'],
    ['blanks', ' '],
    ['brackets', '['],
    ['tags', '<'],
    ['quotes', '"'],
    ['digits', '1'],
    ['row beginnings', 'tcp LISTEN 0 0 ::'],
    ['users', 'users:(("'],
    ['lsof rows', 'a 1 b IPv4 '],
    ['dots', 'tcp 0 0 1.'],
  ])('a line of 1 MB of %s', (_name, piece) => {
    for (const before of [
      '',
      'tcp LISTEN 0 0 ',
      'tcp 0 0 ',
      '  TCP ',
      'a 1 r 3u IPv4 1 0t0 TCP ',
      '{"a":',
      '<nmaprun ',
      '[{',
    ]) {
      const reading = readPrinted(
        `${before}${piece.repeat(1_000_000 / piece.length)}\nLISTEN 0 5 127.0.0.1:81 0.0.0.0:*\n`,
      );
      sane(reading);
      const isDocument = /^[{[<]/.test(before);
      if (!isDocument) expect(reading.sockets.map(({ local }) => local.port)).toContain(81);
    }
  });

  test('JSON nested a million deep', () => {
    for (const text of ['['.repeat(1_000_000), '{"a":'.repeat(200_000), `[${'['.repeat(199)}`])
      sane(readPrinted(text));
  });

  test('more rows than are kept: the others are a gap', () => {
    const row = (nth: number): string => `tcp LISTEN 0 5 127.0.0.1:${nth} 0.0.0.0:*\n`;
    const reading = readPrinted(Array.from({ length: 300 }, (_, nth) => row(nth)).join(''), { rows: 100 });
    expect(reading.sockets).toHaveLength(100);
    expect(reading.gaps).toContainEqual(
      expect.objectContaining({ code: 'printed-more', values: { count: 200 } }),
    );
  });

  test('a range of published ports ends where ports do', () => {
    const row = '{"ID":"1","Image":"x","Names":"x","Ports":"0.0.0.0:1-65535->1-65535/tcp"}\n';
    expect(readPrinted(row).sockets).toHaveLength(65_535);
    const beyond =
      '[{"Id":"1","Names":["/x"],"Ports":[{"host_port":65000,"container_port":1,"range":4000000000}]}]';
    expect(readPrinted(beyond).sockets).toHaveLength(536);
  });
});
