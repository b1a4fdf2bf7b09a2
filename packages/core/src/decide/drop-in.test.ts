// The drop-in's text: written, read again, cut anywhere, edited by hand, and taken away to the byte.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PortRange } from '../model/port.ts';
import type { DropInBlock } from '../model/reserve.ts';
import { blockValue, readDropIn, settingsIn, writeDropIn } from './drop-in.ts';
import { joinRanges, sameRanges, withoutRanges } from './port-set.ts';

const someRanges = fc
  .array(
    fc
      .tuple(fc.integer({ min: 1, max: 65_000 }), fc.integer({ min: 0, max: 9 }))
      .map(([first, more]): PortRange => [first, first + more]),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) => joinRanges(list));
const block = fc.record({
  ours: someRanges,
  theirs: fc.oneof(fc.constant([]), someRanges),
  added: fc.array(
    fc.record({
      boot: fc.constantFrom('a7b747bd-02cd-4011-8b24-e2ffacfdd98e', 'b'),
      namespace: fc.integer({ min: 1, max: 4_294_967_295 }),
      ports: someRanges,
    }),
    { maxLength: 2 },
  ),
  madeFolders: fc.integer({ min: 0, max: 2 }),
});
/** Lines of other people, with and without an end. */
const foreign = fc
  .tuple(
    fc.array(
      fc.constantFrom(
        '# local',
        'kernel.pid_max = 65536',
        '',
        'net.ipv4.ip_local_reserved_ports = 9',
        'grüße',
      ),
    ),
    fc.boolean(),
  )
  .map(([lines, ended]) => lines.join('\n') + (ended && lines.length > 0 ? '\n' : ''));

const EMPTY: DropInBlock = { ours: [], theirs: [], added: [], madeFolders: 0 };

describe('the drop-in', () => {
  it('is read as it was written, and comes off without a trace', () => {
    fc.assert(
      fc.property(foreign, block, (text, wanted) => {
        const written = writeDropIn(readDropIn(text), wanted) ?? '';
        const read = readDropIn(written);
        expect(read.block).toEqual(wanted);
        expect(read).toMatchObject({ damaged: false, edited: [] });
        expect(writeDropIn(read, EMPTY)).toBe(text === '' ? null : text);
        // Written again it is the same to the byte.
        expect(writeDropIn(read, read.block)).toBe(written);
        // Ours is the last word in the file.
        expect(sameRanges(settingsIn(written).at(-1)?.ranges ?? [], blockValue(wanted))).toBe(true);
      }),
    );
  });

  it('cut anywhere it names no port that was not there, and foreign lines stay', () => {
    fc.assert(
      fc.property(foreign, block, fc.double({ min: 0, max: 1, noNaN: true }), (text, wanted, share) => {
        const written = writeDropIn(readDropIn(text), wanted) ?? '';
        const start = written.indexOf('# portolan reserve/1 begin');
        const cut = start + 27 + Math.floor((written.length - start - 29) * share);
        const read = readDropIn(written.slice(0, cut));
        const all = [...blockValue(wanted), ...wanted.added.flatMap(({ ports }) => ports)];
        const got = [...(read.block?.ours ?? []), ...(read.block?.theirs ?? []), ...read.edited];
        expect(withoutRanges(got, all)).toEqual([]);
        expect(read.damaged).toBe(true);
        expect(written.slice(0, cut).startsWith(read.before)).toBe(true);
      }),
    );
  });

  it('keeps what somebody added to it by hand', () => {
    const written = writeDropIn(readDropIn(''), { ...EMPTY, ours: [[60_163, 60_163]] }) ?? '';
    const edited = written
      .replace('ports = 60163', 'ports = 60163,8080')
      .replace('#: ours', 'vm.swappiness = 1\n#: ours');
    const read = readDropIn(edited);
    expect(read.edited).toEqual([[8080, 8080]]);
    expect(writeDropIn(read, EMPTY)).toBe('vm.swappiness = 1\n');
  });
});

describe('lines that set the list', () => {
  it.each([
    [
      'net.ipv4.ip_local_reserved_ports = 1,2-4',
      [
        [
          [1, 1],
          [2, 4],
        ],
      ],
    ],
    ['net/ipv4/ip_local_reserved_ports=5', [[[5, 5]]]],
    ['-net.ipv4.ip_local_reserved_ports = 5', [[[5, 5]]]],
    ['  net.ipv4.ip_local_reserved_ports  =  5  ', [[[5, 5]]]],
    ['net.ipv4.ip_local_reserved_ports =', [[]]],
    ['net.ipv4.ip_local_reserved_ports = 5 6', [null]],
    ['net.ipv4.ip_local_* = 5', [[[5, 5]]]],
    ['# net.ipv4.ip_local_reserved_ports = 5', []],
    ['; net.ipv4.ip_local_reserved_ports = 5', []],
    ['net.ipv4.ip_local_port_range = 5 6', []],
    ['-net.ipv4.ip_local_*', []],
    ['net.ipv4.[ = 5', []],
  ])('%s', (text, wanted) => {
    expect(settingsIn(`x\n${text}\n`).map(({ ranges }) => ranges)).toEqual(wanted);
  });
});
