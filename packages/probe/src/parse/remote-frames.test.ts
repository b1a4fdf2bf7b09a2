// Frames of another machine's answer: the same however the bytes come, and nobody but the script makes one.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, FrameReader } from './remote-frames.ts';

const BOUNDARY = '0123456789abcdef0123456789abcdef';
const mark = (name: string): string => `\n${BOUNDARY} ${name}\n`;

function read(bytes: Buffer, cuts: readonly number[] = [], most = 1 << 20): Frame[] {
  const reader = new FrameReader(BOUNDARY, most);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).flatMap((end, index) => reader.feed(bytes.subarray(places[index], end)));
}

const told = (frames: readonly Frame[]): [string, string][] =>
  frames.map(({ name, bytes }) => [name, bytes.toString('latin1')]);

describe('frames', () => {
  test('a banner before, empty frames, bytes of any kind; the last one is whole when another begins', () => {
    const text = `Welcome to box\n${BOUNDARY}x no mark\n${mark('a')}one\n${mark('b/c.d')}${mark('e')}\0\xff${mark('end')}rest`;
    expect(told(read(Buffer.from(text, 'latin1')))).toEqual([
      ['a', 'one\n'],
      ['b/c.d', ''],
      ['e', '\0\xff'],
    ]);
  });

  test('what is no mark of ours stays in the frame', () => {
    const forged = [
      `\n${BOUNDARY} a b\n`,
      `\n${BOUNDARY} \n`,
      `\n${BOUNDARY}\n`,
      ` ${BOUNDARY} a\n`,
      '\nffff a\n',
    ];
    for (const body of [...forged, `\n${BOUNDARY} ${'n'.repeat(65)}\n`]) {
      expect(told(read(Buffer.from(`${mark('a')}${body}${mark('b')}`)))).toEqual([['a', body]]);
    }
  });

  test('nothing is taken beyond the limit', () => {
    const reader = new FrameReader(BOUNDARY, 1000);
    expect(reader.feed(Buffer.from(`${mark('a')}x${mark('b')}`))).toHaveLength(1);
    expect(reader.overflowed).toBe(false);
    expect(reader.feed(Buffer.alloc(2000))).toEqual([]);
    expect(reader.feed(Buffer.from(`${mark('a')}x${mark('b')}`))).toEqual([]);
    expect(reader.overflowed).toBe(true);
  });

  test('any bodies, in any pieces', () => {
    const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[a-z0-9/.]{1,20}$/), body), { maxLength: 8 }),
        fc.array(fc.nat(4000), { maxLength: 12 }),
        (parts, cuts) => {
          const pieces = parts.flatMap(([name, bytes]) => [Buffer.from(mark(name)), bytes]);
          const all = Buffer.concat([...pieces, Buffer.from(mark('end'))]);
          const expected = parts.map(([name, bytes]) => [name, bytes.toString('latin1')]);
          expect(told(read(all, cuts))).toEqual(expected);
        },
      ),
    );
  });
});
