// Sysctl texts and passwd: what the kernel and people write there.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseOpenFiles, parsePasswd, parsePortRangeSysctl, parseReservedPorts } from './linux-limits.ts';

test.each([
  ['45603\t0\t2466177\n', 45_603],
  ['0\t0\t9223372036854775807\n', 0],
  ['45603', null],
  ['-1\t0\t5\n', null],
  ['', null],
])('open files %j', (text, expected) => {
  expect(parseOpenFiles(text)).toBe(expected);
});

test.each([
  ['32768\t60999\n', [32_768, 60_999]],
  ['1024 65535', [1024, 65_535]],
  ['9\t9\n', [9, 9]],
  ['60999\t32768\n', null],
  ['32768\t70000\n', null],
  ['32768', null],
  ['', null],
  ['a b', null],
  ['-1 5', null],
])('port range %j', (text, expected) => {
  expect(parsePortRangeSysctl(text)).toEqual(expected);
});

test.each([
  ['\n', []],
  ['', []],
  ['8080\n', [[8080, 8080]]],
  [
    '8080,9000-9010\n',
    [
      [8080, 8080],
      [9000, 9010],
    ],
  ],
  [
    '1, 2-3 ,4\n',
    [
      [1, 1],
      [2, 3],
      [4, 4],
    ],
  ],
  ['5-4', null],
  ['8080,', null],
  ['8080,x', null],
  ['70000', null],
  ['1-2-3', null],
])('reserved ports %j', (text, expected) => {
  expect(parseReservedPorts(text)).toEqual(expected);
});

test('any list of ranges comes back as it was written', () => {
  const range = fc
    .tuple(fc.nat(65_535), fc.nat(65_535))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 10 }), (ranges) => {
      const text = ranges.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',');
      expect(parseReservedPorts(`${text}\n`)).toEqual(ranges);
    }),
  );
});

test('no text makes them throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parsePortRangeSysctl(text);
      parseReservedPorts(text);
      expect(parsePasswd(text)).toBeInstanceOf(Map);
    }),
  );
});

test('passwd: the first name of a uid, comments and broken lines aside', () => {
  const names = parsePasswd(
    'root:x:0:0:root:/root:/bin/bash\n# comment\ntoor:x:0:0::/:/bin/sh\nbroken\n:x:5:5::/:\nalice:x:1000:1000::/home/alice:/bin/zsh\nbad:x:abc:1::/:\n',
  );
  expect([...names]).toEqual([
    [0, 'root'],
    [1000, 'alice'],
  ]);
});
