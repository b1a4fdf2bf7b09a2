// The encoder's output, taken apart again by the specification and not by its own words.
import { crc32, inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePng } from '../../../fixtures/png.ts';
import { encodePng } from './png.ts';

const PALETTE = Array.from({ length: 16 }, (_, index) => `#${index.toString(16).repeat(6)}`);

test('what is decoded is what was encoded, at any size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 16 }),
      fc.infiniteStream(fc.nat(15)),
      (width, height, colours, stream) => {
        const pixels = Uint8Array.from(
          { length: width * height },
          () => (stream.next().value ?? 0) % colours,
        );
        const decoded = decodePng(encodePng(width, height, pixels, PALETTE.slice(0, colours)));
        expect(decoded).toEqual({ width, height, pixels, palette: PALETTE.slice(0, colours) });
      },
    ),
  );
});

test('what does not fit is refused', () => {
  expect(() => encodePng(2, 2, new Uint8Array(3), PALETTE)).toThrow(RangeError);
  expect(() => encodePng(1, 1, Uint8Array.of(2), PALETTE.slice(0, 2))).toThrow(RangeError);
  expect(() => encodePng(1, 1, Uint8Array.of(0), [])).toThrow(RangeError);
  expect(() => encodePng(1, 1, Uint8Array.of(0), [...PALETTE, '#123456'])).toThrow(RangeError);
});

test('chunks carry the checksum that readers compute', () => {
  const png = Buffer.from(encodePng(3, 1, Uint8Array.of(0, 1, 2), PALETTE));
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const names: string[] = [];
  for (let from = 8; from < png.length; ) {
    const length = png.readUInt32BE(from);
    const name = png.toString('latin1', from + 4, from + 8);
    names.push(name);
    expect(png.readUInt32BE(from + 8 + length), name).toBe(crc32(png.subarray(from + 4, from + 8 + length)));
    if (name === 'IDAT') expect(inflateSync(png.subarray(from + 8, from + 8 + length))).toHaveLength(3);
    from += length + 12;
  }
  expect(names).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND']);
});
