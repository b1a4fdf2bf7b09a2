import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Death,
  encodeConnectionLookup,
  encodeListenerLookup,
  type Key,
  keyOfSocket,
  readDeaths,
  readDiagKeys,
} from './linux-diag-keys.ts';

/** struct nlmsghdr and struct inet_diag_msg of one socket, with an attribute that names its protocol. */
function message(
  over: { state?: number; inode?: number; protocol?: number; peerPort?: number; peer?: number[] } = {},
): Buffer {
  const bytes = Buffer.alloc(16 + 72 + 8);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(20, 4);
  bytes[16] = 2;
  bytes[17] = over.state ?? 10;
  bytes.writeUInt16BE(8080, 20);
  bytes.writeUInt16BE(over.peerPort ?? 0, 22);
  bytes.set([127, 0, 0, 1], 24);
  bytes.set(over.peer ?? [], 40);
  bytes.writeUInt32LE(over.inode ?? 777, 16 + 68);
  bytes.writeUInt16LE(5, 88);
  bytes.writeUInt16LE(10, 90);
  bytes[92] = over.protocol ?? 6;
  return bytes;
}

function keysOf(bytes: Buffer): [Key, number][] {
  const keys: [Key, number][] = [];
  readDiagKeys(bytes, bytes.length, (key, port) => keys.push([key, port]));
  return keys;
}

describe('readDiagKeys', () => {
  test('a key is the same for the same socket in the same state, and for the socket that a look gives', () => {
    const [[listening] = []] = keysOf(message());
    expect(keysOf(message())).toEqual([[listening, 8080]]);
    expect(keyOfSocket({ inode: 777, state: 'LISTEN' })).toBe(listening);
    expect(keysOf(message({ state: 7 }))[0]?.[0]).toBe(keyOfSocket({ inode: 777, state: 'BOUND' }));
    expect(keysOf(message({ state: 7 }))[0]?.[0]).toBe(keyOfSocket({ inode: 777, state: 'UNCONN' }));
    expect(keysOf(message({ state: 1 }))[0]?.[0]).not.toBe(listening);
    expect(keysOf(message({ inode: 778 }))[0]?.[0]).not.toBe(listening);
  });

  test('without an inode its addresses stand for it', () => {
    const one = keysOf(message({ inode: 0, state: 6, peerPort: 1 }));
    expect(keysOf(message({ inode: 0, state: 6, peerPort: 1 }))).toEqual(one);
    expect(keysOf(message({ inode: 0, state: 6, peerPort: 2 }))).not.toEqual(one);
    expect(keyOfSocket({ inode: 0, state: 'TIME_WAIT' })).toBeNull();
  });

  test('a message cut short is an error and gives no key', () => {
    const bytes = message();
    for (let length = 1; length < bytes.length; length++) {
      const keys: Key[] = [];
      expect(readDiagKeys(bytes, length, (key) => keys.push(key))).toEqual({ done: true, errno: 74 });
      expect(keys).toEqual([]);
    }
    expect(readDiagKeys(bytes, bytes.length, () => undefined)).toEqual({ done: false });
  });
});

describe('readDeaths', () => {
  test('transport, endpoint, and whether it ever had a peer', () => {
    const deaths: Death[] = [];
    const bytes = Buffer.concat([
      message(),
      message({ protocol: 17, peerPort: 53, peer: [127, 0, 0, 1] }),
      // Reset or refused: the port of its peer is gone, the address is not; the last bytes are those of ::1.
      message({ peer: [127, 0, 0, 1] }),
      message({ peer: [...Array.from({ length: 15 }, () => 0), 1] }),
      message({ protocol: 132 }),
    ]);
    readDeaths(bytes, bytes.length, (death) => deaths.push(death));
    const local = { address: '127.0.0.1', port: 8080 };
    expect(deaths).toEqual([
      { transport: 'tcp', family: 'ipv4', local, peerless: true },
      { transport: 'udp', family: 'ipv4', local, peerless: false },
      { transport: 'tcp', family: 'ipv4', local, peerless: false },
      { transport: 'tcp', family: 'ipv4', local, peerless: false },
    ]);
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, framed) => {
        const bytes = Buffer.concat([framed ? message() : Buffer.alloc(0), noise]);
        readDeaths(bytes, bytes.length, () => undefined);
        readDiagKeys(bytes, bytes.length, () => undefined);
      }),
    );
  });
});

describe('encodeListenerLookup', () => {
  test('puts the address where the kernel reads it', () => {
    const four = encodeListenerLookup('ipv4', { address: '10.1.2.3', port: 80 });
    expect([...(four?.subarray(24, 32) ?? [])]).toEqual([0, 80, 0, 0, 10, 1, 2, 3]);
    const six = encodeListenerLookup('ipv6', { address: 'fe80::1', port: 443 });
    expect(six?.subarray(28, 44).toString('hex')).toBe('fe800000000000000000000000000001');
    expect(six?.[16]).toBe(10);
  });

  test('null for what is no address of the family', () => {
    expect(encodeListenerLookup('ipv4', { address: '::1', port: 80 })).toBeNull();
    expect(encodeListenerLookup('ipv6', { address: 'x', port: 80 })).toBeNull();
  });
});

describe('encodeConnectionLookup', () => {
  test('names both ends, each where the kernel looks for it', () => {
    const local = { address: '127.0.0.1', port: 0x1234 };
    const four = encodeConnectionLookup(local, { address: '127.0.0.2', port: 0x5678 });
    expect(four?.subarray(24, 28).toString('hex')).toBe('12345678');
    expect(four?.subarray(28, 32).toString('hex')).toBe('7f000001');
    expect(four?.subarray(44, 48).toString('hex')).toBe('7f000002');
    expect(four?.[16]).toBe(2);
    // One socket and not a dump: NLM_F_REQUEST alone.
    expect(four?.readUInt16LE(6)).toBe(1);
    const six = encodeConnectionLookup({ address: '::1', port: 1 }, { address: 'fe80::2', port: 2 });
    expect(six?.subarray(28, 60).toString('hex')).toBe(`${'0'.repeat(31)}1fe80${'0'.repeat(27)}2`);
  });

  test('is none for two families, or for what is no address', () => {
    const local = { address: '127.0.0.1', port: 1 };
    expect(encodeConnectionLookup(local, { address: '::1', port: 2 })).toBe(null);
    expect(encodeConnectionLookup(local, { address: 'localhost', port: 2 })).toBe(null);
  });
});
