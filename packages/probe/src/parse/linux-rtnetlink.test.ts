// rtnetlink link messages built byte by byte: which tunnels take which UDP port.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLinks } from './linux-rtnetlink.ts';

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

const port = (number: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
};

/** struct ifinfomsg: flags stand at byte 8, IFF_UP is the lowest bit. */
function interfaceInfo(up: boolean): Buffer {
  const info = Buffer.alloc(16);
  info.writeUInt32LE(up ? 1 : 0, 8);
  return info;
}

/** RTM_NEWLINK with a name, and IFLA_LINKINFO nested in it. */
function link(kind: string, attributes: readonly Buffer[], nestedFlag = 0, up = true): Buffer {
  const info = Buffer.concat([
    attribute(1, Buffer.from(`${kind}\0`)),
    attribute(2 | nestedFlag, Buffer.concat(attributes)),
  ]);
  return message(
    16,
    Buffer.concat([interfaceInfo(up), attribute(3, Buffer.from('vx0\0')), attribute(18 | nestedFlag, info)]),
  );
}

function read(bytes: Buffer): { ports: number[]; ended: boolean } {
  const ports: number[] = [];
  const ended = parseLinks(bytes, bytes.length, ({ tunnelPort }) => {
    if (tunnelPort !== null) ports.push(tunnelPort);
  });
  return { ports, ended };
}

const DONE = message(3, Buffer.alloc(4));

test('VXLAN and Geneve, each with its own attribute', () => {
  const bytes = Buffer.concat([
    link('vxlan', [attribute(1, Buffer.alloc(4)), attribute(15, port(4789))]),
    link('geneve', [attribute(5, port(6081))]),
    link('dummy', [attribute(15, port(1))]),
    link('constructor', [attribute(15, port(1))]),
    DONE,
  ]);
  expect(read(bytes)).toEqual({ ports: [4789, 6081], ended: true });
});

test('an interface that is down takes no port', () => {
  const bytes = Buffer.concat([link('vxlan', [attribute(15, port(4789))], 0, false), DONE]);
  expect(read(bytes)).toEqual({ ports: [], ended: true });
});

test('the nested flag of newer kernels does not hide the attribute', () => {
  expect(read(link('vxlan', [attribute(15, port(8472))], 0x8000))).toEqual({ ports: [8472], ended: false });
});

test('an interface without link information, or a tunnel without a port, is passed over', () => {
  const bytes = Buffer.concat([
    message(16, Buffer.alloc(16)),
    link('vxlan', []),
    link('vxlan', [attribute(15, Buffer.alloc(1))]),
    link('vxlan', [attribute(15, port(4789))]),
  ]);
  expect(read(bytes)).toEqual({ ports: [4789], ended: false });
});

test('a message cut short ends the dump', () => {
  const bytes = link('vxlan', [attribute(15, port(4789))]);
  expect(read(bytes.subarray(0, bytes.length - 8))).toEqual({ ports: [], ended: true });
});

test('no bytes make it throw or loop', () => {
  const damaged = fc.tuple(fc.nat(200), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.concat([link('vxlan', [attribute(15, port(4789))]), DONE]);
    bytes[at % bytes.length] = value;
    return bytes;
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }).map((part) => Buffer.from(part)),
        damaged,
      ),
      (bytes) => {
        const { ports } = read(bytes);
        for (const found of ports) expect(found).toBeLessThanOrEqual(65_535);
      },
    ),
    { numRuns: 5000 },
  );
});
