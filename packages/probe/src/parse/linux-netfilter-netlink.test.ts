// nf_tables chain messages built byte by byte: which of them may send packets elsewhere, and broken bytes.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHAINS_REQUEST_LENGTH, readChainsBatch, writeChainsRequest } from './linux-netfilter-netlink.ts';

function attribute(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + body.length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
}

function message(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  return Buffer.concat([head, body]);
}

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const NESTED = 0x8000;

/** NFT_MSG_NEWCHAIN; without a hook it is a chain that others jump to. */
function chain(family: number, type: string, hook: number | null): Buffer {
  const attributes = [attribute(1, Buffer.from('t\0')), attribute(3, Buffer.from('c\0'))];
  if (hook !== null) {
    attributes.push(
      attribute(4 | NESTED, Buffer.concat([attribute(1, be32(hook)), attribute(2, be32(-100))])),
    );
    attributes.push(attribute(7, Buffer.from(`${type}\0`)));
  }
  return message(0x0a03, Buffer.concat([Buffer.from([family, 0, 0, 0]), ...attributes]));
}

const DONE = message(3, Buffer.alloc(4));
const [PRE, IN, OUT, POST] = [0, 1, 3, 4];

function read(...parts: readonly Buffer[]): ReturnType<typeof readChainsBatch> {
  const bytes = Buffer.concat(parts);
  return readChainsBatch(bytes, bytes.length);
}

test('the request is a dump of chains of any family', () => {
  const bytes = Buffer.alloc(CHAINS_REQUEST_LENGTH, 0xff);
  writeChainsRequest(bytes);
  expect(bytes.toString('hex')).toBe('14000000040a0103000000000000000000000000');
});

test.each<[string, Buffer, boolean]>([
  ['nat in prerouting', chain(2, 'nat', PRE ?? 0), true],
  ['nat in output, IPv6', chain(10, 'nat', OUT ?? 0), true],
  ['nat in output, both families', chain(1, 'nat', OUT ?? 0), true],
  ['nat in postrouting', chain(2, 'nat', POST ?? 0), false],
  ['nat in input', chain(2, 'nat', IN ?? 0), false],
  ['filter in prerouting, where tproxy may stand', chain(2, 'filter', PRE ?? 0), true],
  ['filter in input', chain(2, 'filter', IN ?? 0), false],
  ['a chain without a hook', chain(2, 'nat', null), false],
  ['a bridge', chain(7, 'nat', PRE ?? 0), false],
])('%s', (_, bytes, found) => {
  expect(read(bytes, DONE)).toEqual({ found, done: true, errno: 0 });
  expect(read(chain(2, 'filter', IN ?? 0), bytes)).toEqual({ found, done: false, errno: 0 });
});

test('a refusal says why', () => {
  const errno = Buffer.alloc(20);
  errno.writeInt32LE(-1, 0);
  expect(read(message(2, errno))).toEqual({ found: false, done: true, errno: 1 });
});

test('cut anywhere it ends with EIO, or asks for more at the end of a message', () => {
  const whole = Buffer.concat([chain(2, 'filter', IN ?? 0), chain(2, 'nat', PRE ?? 0)]);
  const first = chain(2, 'filter', IN ?? 0).length;
  for (let length = 0; length <= whole.length; length++) {
    const edge = length === 0 || length === first || length === whole.length;
    expect(readChainsBatch(whole, length)).toEqual({
      found: length === whole.length,
      done: !edge,
      errno: edge ? 0 : 5,
    });
  }
});

test('any bytes end and never throw', () => {
  const good = Buffer.concat([chain(2, 'nat', PRE ?? 0), DONE]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 12 }),
      fc.uint8Array({ maxLength: 80 }),
      (changes, tail) => {
        const bytes = Buffer.concat([good, tail]);
        for (const [at, value] of changes) bytes.writeUInt8(value, at);
        readChainsBatch(bytes, bytes.length);
        readChainsBatch(Buffer.from(tail), tail.length);
      },
    ),
    { numRuns: 3000 },
  );
});
