// A picture of few colours as PNG (W3C PNG, third edition): 16 colours at most, four bits a pixel.
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/** Bits a pixel, and pixels a byte that they make. */
const DEPTH = 4;
const PER_BYTE = 8 / DEPTH;

/** Colour type "indexed" (s11.2.1). */
const INDEXED = 3;

/**
 * Encodes a picture. `pixels` has one number of the palette each, line by line; `palette` has `#rrggbb`. Throws RangeError
 * where they do not fit each other.
 */
export function encodePng(
  width: number,
  height: number,
  pixels: Uint8Array,
  palette: readonly string[],
): Uint8Array {
  if (pixels.length !== width * height)
    throw new RangeError(`${pixels.length} pixels for ${width}×${height}`);
  if (palette.length === 0 || palette.length > 2 ** DEPTH) throw new RangeError(`${palette.length} colours`);
  const stride = Math.ceil(width / PER_BYTE);
  // Each line starts with its filter; 0 is none, which serves few colours best (s12.7).
  const lines = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = pixels[y * width + x] ?? 0;
      if (colour >= palette.length) throw new RangeError(`colour ${colour} of ${palette.length}`);
      const at = y * (stride + 1) + 1 + Math.floor(x / PER_BYTE);
      lines[at] = (lines[at] ?? 0) | (x % PER_BYTE === 0 ? colour << DEPTH : colour);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = DEPTH;
  header[9] = INDEXED;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.map((colour) => colour.slice(1)).join(''), 'hex')),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Length, type, data, checksum of type and data (s5.3). */
function chunk(type: string, content: Uint8Array): Buffer {
  const out = Buffer.alloc(content.length + 12);
  out.writeUInt32BE(content.length, 0);
  out.write(type, 4, 'latin1');
  out.set(content, 8);
  out.writeUInt32BE(crc32(out.subarray(4, content.length + 8)), content.length + 8);
  return out;
}
