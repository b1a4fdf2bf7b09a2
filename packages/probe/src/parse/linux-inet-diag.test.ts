// sock_diag messages built byte by byte (include/uapi/linux/inet_diag.h), and what damage does to them.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALL_STATES, encodeDumpRequest, readDumpBatch } from './linux-inet-diag.ts';
import type { LinuxSocketRow } from './linux-row.ts';

const EBADMSG = 74;

interface Made {
  readonly timer?: number;
  family?: 'ipv4' | 'ipv6';
  state?: number;
  local?: readonly [address: string, port: number];
  peer?: readonly [address: string, port: number];
  expires?: number;
  uid?: number;
  inode?: number;
  attributes?: readonly (readonly [type: number, body: Buffer])[];
}

function netlink(type: number, body: Buffer, told = 16 + body.length): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(told, 0);
  head.writeUInt16LE(type, 4);
  return Buffer.concat([head, body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
}

function attribute([type, body]: readonly [number, Buffer]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + body.length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
}

/** struct inet_diag_msg with its attributes. */
function socketMessage(made: Made): Buffer {
  const body = Buffer.alloc(72);
  body[0] = made.family === 'ipv6' ? 10 : 2;
  body[1] = made.state ?? 10;
  body[2] = made.timer ?? 0;
  const [localHex, localPort] = made.local ?? ['7f000001', 60_163];
  const [peerHex, peerPort] = made.peer ?? ['00', 0];
  body.writeUInt16BE(localPort, 4);
  body.writeUInt16BE(peerPort, 6);
  Buffer.from(localHex, 'hex').copy(body, 8);
  Buffer.from(peerHex, 'hex').copy(body, 24);
  body.writeUInt32LE(made.expires ?? 0, 52);
  body.writeUInt32LE(made.uid ?? 1000, 64);
  body.writeUInt32LE(made.inode ?? 4242, 68);
  return netlink(20, Buffer.concat([body, ...(made.attributes ?? []).map(attribute)]));
}

const DONE = netlink(3, Buffer.alloc(4));
const errorMessage = (errno: number): Buffer => {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  return netlink(2, body);
};

function read(bytes: Buffer, length = bytes.length, transport: 'tcp' | 'udp' = 'tcp') {
  const rows: LinuxSocketRow[] = [];
  const progress = readDumpBatch(bytes, length, transport, (row) => rows.push(row));
  return { rows, progress };
}

describe('rows', () => {
  test('a v4 listener', () => {
    const { rows, progress } = read(socketMessage({}));
    expect(progress).toEqual({ done: false });
    expect(rows).toEqual([
      {
        transport: 'tcp',
        family: 'ipv4',
        local: { address: '127.0.0.1', port: 60_163 },
        peer: null,
        state: 'LISTEN',
        inode: 4242,
        uid: 1000,
        freeInMs: null,
        ipv6Only: null,
        cgroupId: null,
        device: null,
        mptcp: false,
      },
    ]);
  });
  test('a v6 listener: v6-only or not, and its cgroup', () => {
    const cgroup = Buffer.alloc(8);
    cgroup.writeBigUInt64LE(0x1_0000_0002n);
    const made = (v6only: number): Made => ({
      family: 'ipv6',
      local: ['00000000000000000000000000000001', 443],
      attributes: [
        [11, Buffer.from([v6only])],
        [99, Buffer.from('unknown attribute')],
        [21, cgroup],
      ],
    });
    expect(read(socketMessage(made(1))).rows[0]).toMatchObject({
      family: 'ipv6',
      local: { address: '::1', port: 443 },
      ipv6Only: true,
      cgroupId: 0x1_0000_0002,
      device: null,
      mptcp: false,
    });
    expect(read(socketMessage(made(0))).rows[0]?.ipv6Only).toBe(false);
    // The attribute says nothing about an IPv4 socket.
    expect(read(socketMessage({ attributes: [[11, Buffer.from([1])]] })).rows[0]?.ipv6Only).toBeNull();
  });
  test('TIME_WAIT: no user, no inode, and the time left', () => {
    const made: Made = { state: 6, timer: 3, peer: ['0a000001', 443], expires: 59_876, uid: 0, inode: 0 };
    expect(read(socketMessage(made)).rows[0]).toMatchObject({
      state: 'TIME_WAIT',
      peer: { address: '10.0.0.1', port: 443 },
      freeInMs: 59_876,
      uid: null,
      inode: 0,
    });
  });
  test('the timer of any other state is not a time until the port is free', () => {
    for (const timer of [0, 1, 2, 4]) {
      expect(read(socketMessage({ state: 1, timer, expires: 5000 })).rows[0]?.freeInMs).toBeNull();
    }
    expect(
      read(socketMessage({ state: 6, timer: 3, expires: 5000 }), undefined, 'udp').rows[0]?.freeInMs,
    ).toBeNull();
  });
  test('FIN_WAIT2 runs on the timer of TIME_WAIT, which follows it: that is no time until the port is free', () => {
    const row = read(socketMessage({ state: 5, timer: 3, expires: 7000, uid: 0, inode: 0 })).rows[0];
    expect(row).toMatchObject({ state: 'FIN_WAIT2', freeInMs: null, uid: null });
  });
  test('bound and not listening; a state of the future is not lost', () => {
    expect(read(socketMessage({ state: 13 })).rows[0]?.state).toBe('BOUND');
    expect(read(socketMessage({ state: 200 })).rows[0]?.state).toBe('CLOSE');
  });
  test('UDP: connected or not', () => {
    expect(read(socketMessage({ state: 7 }), undefined, 'udp').rows[0]?.state).toBe('UNCONN');
    expect(read(socketMessage({ state: 1, peer: ['08080808', 53] }), undefined, 'udp').rows[0]?.state).toBe(
      'ESTABLISHED',
    );
  });
  test('ports are 16 bits, big-endian', () => {
    for (const port of [0, 1, 255, 256, 65_535]) {
      expect(read(socketMessage({ local: ['7f000001', port] })).rows[0]?.local.port).toBe(port);
    }
  });
});

describe('the end of a dump', () => {
  test('DONE ends it, and what stands behind is not read', () => {
    const { rows, progress } = read(Buffer.concat([socketMessage({}), DONE, socketMessage({})]));
    expect(rows).toHaveLength(1);
    expect(progress.done && Math.abs(progress.errno)).toBe(0);
  });
  test('DONE may carry the dump’s own failure', () => {
    const body = Buffer.alloc(4);
    body.writeInt32LE(-12, 0);
    expect(read(netlink(3, body)).progress).toEqual({ done: true, errno: 12 });
  });
  test('ERROR gives its errno', () => {
    expect(read(errorMessage(2)).progress).toEqual({ done: true, errno: 2 });
    expect(read(Buffer.concat([socketMessage({}), errorMessage(1)]))).toMatchObject({
      rows: [{ inode: 4242 }],
      progress: { done: true, errno: 1 },
    });
  });
  test('an ERROR too short to carry one is malformed', () => {
    expect(read(netlink(2, Buffer.alloc(0))).progress).toEqual({ done: true, errno: EBADMSG });
  });
  test('other messages are passed over', () => {
    expect(read(Buffer.concat([netlink(1, Buffer.alloc(8)), socketMessage({})])).rows).toHaveLength(1);
  });
});

describe('damage', () => {
  test('a batch cut anywhere inside a message is malformed: no row is missing silently', () => {
    const messages = [
      socketMessage({}),
      socketMessage({ family: 'ipv6', attributes: [[11, Buffer.from([1])]] }),
    ];
    const whole = Buffer.concat(messages);
    const ends = new Set([0, messages[0]?.length ?? 0, whole.length]);
    for (let length = 0; length <= whole.length; length++) {
      const { rows, progress } = read(whole.subarray(0, length));
      const before = length === whole.length ? 2 : length >= (messages[0]?.length ?? 0) ? 1 : 0;
      expect(rows, `cut at ${length}`).toHaveLength(before);
      expect(progress, `cut at ${length}`).toEqual(
        ends.has(length) ? { done: false } : { done: true, errno: EBADMSG },
      );
    }
  });
  test('a length that lies', () => {
    const message = socketMessage({});
    for (const told of [0, 1, 15, message.length + 1, 0x7fff_ffff, 0xffff_ffff]) {
      const copy = Buffer.from(message);
      copy.writeUInt32LE(told, 0);
      expect(read(copy).progress, `told ${told}`).toEqual({ done: true, errno: EBADMSG });
    }
    const short = Buffer.from(message);
    short.writeUInt32LE(16 + 71, 0);
    expect(read(short)).toEqual({ rows: [], progress: { done: true, errno: EBADMSG } });
  });
  test('a damaged attribute costs the attribute, never the row', () => {
    const message = socketMessage({ attributes: [[11, Buffer.from([1])]] });
    for (const told of [0, 3, 4000]) {
      const copy = Buffer.from(message);
      copy.writeUInt16LE(told, 16 + 72);
      expect(read(copy).rows).toHaveLength(1);
    }
  });
  test('what the length does not cover is not read', () => {
    const message = socketMessage({});
    expect(read(Buffer.concat([message, message]), message.length).rows).toHaveLength(1);
  });
  test('no bytes at all make it throw or loop', () => {
    const framed = fc
      .array(
        fc.tuple(
          fc.constantFrom(2, 3, 18, 20, 20, 20, 0),
          fc.uint8Array({ maxLength: 120 }),
          fc.option(fc.nat(400)),
        ),
        { maxLength: 6 },
      )
      .map((parts) =>
        Buffer.concat(parts.map(([type, body, told]) => netlink(type, Buffer.from(body), told ?? undefined))),
      );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 600 }).map((part) => Buffer.from(part)),
      framed,
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom('tcp', 'udp'), (buffer, transport) => {
        let count = 0;
        const progress = readDumpBatch(buffer, buffer.length, transport, (row) => {
          count++;
          expect(row.local.port).toBeLessThanOrEqual(65_535);
        });
        expect(count).toBeLessThanOrEqual(buffer.length / 88);
        expect(typeof progress.done).toBe('boolean');
      }),
      { numRuns: 5000 },
    );
  });
});

describe('requests', () => {
  test('everything: header, family, protocol, states, no cookie', () => {
    const bytes = encodeDumpRequest({ family: 'ipv6', transport: 'udp', states: ALL_STATES, ports: null });
    expect(bytes.length).toBe(72);
    expect(bytes.readUInt32LE(0)).toBe(72);
    expect(bytes.readUInt16LE(4)).toBe(20);
    expect(bytes.readUInt16LE(6)).toBe(0x301);
    expect([bytes[16], bytes[17]]).toEqual([10, 17]);
    expect(bytes.readUInt32LE(20)).toBe(ALL_STATES);
    expect(bytes.readUInt16BE(24)).toBe(0);
    expect(bytes.subarray(64).equals(Buffer.alloc(8, 0xff))).toBe(true);
  });
  test('bound and inactive sockets are asked for', () => {
    expect(ALL_STATES & (1 << 13)).not.toBe(0);
    expect(ALL_STATES & (1 << 10)).not.toBe(0);
    expect(ALL_STATES & (1 << 6)).not.toBe(0);
  });
  test('one port stands in the source port, big-endian', () => {
    const bytes = encodeDumpRequest({ family: 'ipv4', transport: 'tcp', states: 1, ports: [60_163, 60_163] });
    expect(bytes.length).toBe(72);
    expect([bytes[16], bytes[17]]).toEqual([2, 6]);
    expect(bytes.readUInt16BE(24)).toBe(60_163);
  });
  test('a run of ports is a program that accepts exactly it', () => {
    /** The kernel's interpreter (inet_diag_bc_run) for the two comparisons that are used. */
    const accepts = (program: Buffer, port: number): boolean => {
      let at = 0;
      let left = program.length;
      while (left > 0) {
        const code = program[at] ?? 0;
        const operand = program.readUInt16LE(at + 6);
        const yes = code === 2 ? port >= operand : code === 3 ? port <= operand : false;
        const step = yes ? (program[at + 1] ?? 0) : program.readUInt16LE(at + 2);
        at += step;
        left -= step;
      }
      return left === 0;
    };
    fc.assert(
      fc.property(fc.nat(65_534), fc.nat(65_535), (first, more) => {
        const last = Math.min(65_535, first + 1 + more);
        const bytes = encodeDumpRequest({
          family: 'ipv4',
          transport: 'tcp',
          states: 1,
          ports: [first, last],
        });
        expect(bytes.readUInt32LE(0)).toBe(bytes.length);
        expect(bytes.readUInt16BE(24)).toBe(0);
        expect(bytes.readUInt16LE(72)).toBe(bytes.length - 72);
        expect(bytes.readUInt16LE(74)).toBe(1);
        const program = bytes.subarray(76);
        for (const port of [0, first - 1, first, first + 1, last - 1, last, last + 1, 65_535]) {
          if (port < 0 || port > 65_535) continue;
          expect(accepts(program, port), `${port} in ${first}-${last}`).toBe(port >= first && port <= last);
        }
      }),
    );
  });
});

describe('the older request, struct inet_diag_req: both families at once', () => {
  const all = { family: 'both', transport: 'tcp', states: ALL_STATES, ports: null } as const;

  test('byte by byte', () => {
    const bytes = encodeDumpRequest(all);
    // nlmsghdr 16, then family, source and destination length, extensions, sockid 48, states, dbs.
    expect(bytes.length).toBe(76);
    expect(bytes.toString('hex')).toBe(
      [
        '4c000000',
        // TCPDIAG_GETSOCK, NLM_F_REQUEST | NLM_F_DUMP
        '12000103',
        '00000000',
        '00000000',
        // AF_UNSPEC
        '00000000',
        // ports, addresses, interface
        '00000000',
        '00'.repeat(32),
        '00000000',
        // INET_DIAG_NOCOOKIE
        'ffffffffffffffff',
        'ff2f0000',
        '00000000',
      ].join(''),
    );
  });
  test('one port, and the states asked for', () => {
    const bytes = encodeDumpRequest({ ...all, states: 1 << 10, ports: [60_163, 60_163] });
    expect(bytes.length).toBe(76);
    expect(bytes.readUInt16BE(20)).toBe(60_163);
    expect(bytes.readUInt16BE(22)).toBe(0);
    expect(bytes.readUInt32LE(68)).toBe(1 << 10);
  });
  test('a run of ports is the same program as in the newer request', () => {
    const ports = [1000, 2000] as const;
    const older = encodeDumpRequest({ ...all, ports });
    const newer = encodeDumpRequest({ ...all, family: 'ipv4', ports });
    expect(older.readUInt32LE(0)).toBe(older.length);
    expect(older.readUInt16BE(20)).toBe(0);
    expect(older.subarray(76)).toEqual(newer.subarray(72));
    expect(older.readUInt16LE(76)).toBe(older.length - 76);
  });
  test('its buffer is its own, so that its address stays', () => {
    for (const family of ['ipv4', 'both'] as const) {
      const bytes = encodeDumpRequest({ ...all, family });
      expect(bytes.byteOffset).toBe(0);
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
  });
  test('its answers are rows of either family', () => {
    const older = (made: Made): Buffer => {
      const bytes = socketMessage(made);
      bytes.writeUInt16LE(18, 4);
      return bytes;
    };
    const { rows, progress } = read(
      Buffer.concat([
        older({}),
        older({ family: 'ipv6', local: ['00'.repeat(16), 443], attributes: [[11, Buffer.from([0])]] }),
        socketMessage({ inode: 3 }),
        DONE,
      ]),
    );
    expect(rows.map(({ family, inode, ipv6Only }) => [family, inode, ipv6Only])).toEqual([
      ['ipv4', 4242, null],
      ['ipv6', 4242, false],
      ['ipv4', 3, null],
    ]);
    expect(progress.done).toBe(true);
    const short = older({});
    short.writeUInt32LE(16 + 71, 0);
    expect(read(short)).toEqual({ rows: [], progress: { done: true, errno: EBADMSG } });
  });
});

describe('interface and Multipath TCP', () => {
  const device = (index: number): string | null => {
    const bytes = socketMessage({});
    bytes.writeUInt32LE(index, 16 + 40);
    return read(bytes).rows[0]?.device ?? null;
  };
  test('the interface by its number', () => {
    expect(device(0)).toBeNull();
    expect(device(2)).toBe('2');
    expect(device(0x7fff_ffff)).toBe('2147483647');
  });

  test('Multipath TCP is asked for by an attribute, for its number has nine bits', () => {
    const asked = { family: 'ipv6', transport: 'tcp', states: ALL_STATES, multipath: true } as const;
    const plain = encodeDumpRequest({ ...asked, ports: [80, 80] });
    expect(plain.length).toBe(80);
    expect(plain.readUInt32LE(0)).toBe(80);
    // length 8, INET_DIAG_REQ_PROTOCOL, IPPROTO_MPTCP
    expect(plain.subarray(72).toString('hex')).toBe('0800030006010000');
    expect(plain.readUInt16BE(24)).toBe(80);
    const run = encodeDumpRequest({ ...asked, ports: [80, 90] });
    expect(run.readUInt32LE(0)).toBe(run.length);
    expect(run.subarray(-8).toString('hex')).toBe('0800030006010000');
    const without = encodeDumpRequest({ ...asked, multipath: false, ports: [80, 90] });
    expect(run.subarray(72, -8)).toEqual(without.subarray(72));
  });
  test('damage to attributes never makes another row of it', () => {
    const whole = socketMessage({
      family: 'ipv6',
      attributes: [
        [11, Buffer.from([1])],
        [18, Buffer.from('whatever')],
        [21, Buffer.alloc(8, 1)],
      ],
    });
    const [good] = read(whole).rows as [LinuxSocketRow];
    expect(good).toMatchObject({ ipv6Only: true, cgroupId: 0x0101_0101 + 0x0101_0101 * 2 ** 32 });
    fc.assert(
      fc.property(fc.integer({ min: 16 + 72, max: whole.length - 1 }), fc.nat(255), (at, value) => {
        const copy = Buffer.from(whole);
        copy[at] = value;
        const { rows } = read(copy);
        expect(rows).toHaveLength(1);
        const { noPort: _, ...row } = rows[0] as LinuxSocketRow;
        expect({ ...row, ipv6Only: true, cgroupId: 0 }).toEqual({ ...good, cgroupId: 0 });
      }),
      { numRuns: 3000 },
    );
  });
  test('a cgroup id of more than 32 bits, and one cut short', () => {
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(2n ** 40n + 12_345n);
    expect(read(socketMessage({ attributes: [[21, id]] })).rows[0]?.cgroupId).toBe(2 ** 40 + 12_345);
    expect(read(socketMessage({ attributes: [[21, Buffer.alloc(7)]] })).rows[0]?.cgroupId).toBeNull();
  });
});
