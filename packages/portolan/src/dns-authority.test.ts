// The authority for the test zone: what it answers, and that nothing it is sent can stop it.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import dns from 'dns-packet';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerTo, type DnsAuthority, openAuthority } from './dns-authority.ts';

const ZONE = 'z.example';

function query(name: string, type: dns.RecordType, more: Partial<dns.Packet> = {}): Buffer {
  return dns.encode({ type: 'query', id: 4711, flags: 0, questions: [{ type, name, class: 'IN' }], ...more });
}

const decoded = (bytes: Buffer): dns.DecodedPacket =>
  dns.decode(answerTo(bytes, ZONE).reply ?? Buffer.alloc(0));

describe('an answer', () => {
  test('is authoritative, keeps the case of the name, and is not to be cached', () => {
    const answer = decoded(query('N1.z.Example', 'A'));
    expect(answer).toMatchObject({ id: 4711, rcode: 'NOERROR', flag_aa: true });
    expect(answer.questions?.[0]?.name).toBe('N1.z.Example');
    expect(answer.answers).toMatchObject([{ type: 'A', name: 'N1.z.Example', ttl: 0 }]);
  });
  test('tells SOA and NS of the zone, and nothing for other types', () => {
    expect(decoded(query(ZONE, 'SOA')).answers).toMatchObject([{ type: 'SOA' }]);
    expect(decoded(query(ZONE, 'NS')).answers).toMatchObject([{ type: 'NS' }]);
    const none = decoded(query(`n.${ZONE}`, 'AAAA'));
    expect(none).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA' }] });
  });
  test('has EDNS where the query has', () => {
    const opt = {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 4096,
      flags: 0,
      options: [],
    } as unknown as dns.Answer;
    expect(decoded(query(`n.${ZONE}`, 'A', { additionals: [opt] })).additionals).toHaveLength(1);
    expect(decoded(query(`n.${ZONE}`, 'A')).additionals).toHaveLength(0);
  });
  test('is a refusal outside the zone, and counts as none of ours', () => {
    for (const name of ['example', 'az.example', 'z.example.org']) {
      const { reply, id } = answerTo(query(name, 'A'), ZONE);
      expect([(reply?.[3] ?? 0) & 15, id], name).toEqual([5, null]);
    }
  });
  test('is none for answers, and an error for what cannot be read', () => {
    expect(answerTo(Buffer.alloc(5), ZONE).reply).toBeNull();
    const response = query(`n.${ZONE}`, 'A');
    response[2] = 0x80;
    expect(answerTo(response, ZONE).reply).toBeNull();
    const broken = query(`n.${ZONE}`, 'A').subarray(0, 15);
    expect((answerTo(broken, ZONE).reply?.[3] ?? 0) & 15).toBe(1);
    const update = query(`n.${ZONE}`, 'A');
    update[2] = 5 << 3;
    expect((answerTo(update, ZONE).reply?.[3] ?? 0) & 15).toBe(1);
  });
  test('never throws, whatever is sent', () => {
    const good = query(`n.${ZONE}`, 'A');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        answerTo(Buffer.from(bytes), ZONE);
      }),
    );
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(good.length),
        (at, byte, length) => {
          const bytes = Buffer.from(good);
          bytes[at] = byte;
          const { reply } = answerTo(bytes.subarray(0, length), ZONE);
          expect(reply === null || reply.length >= 12).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
    // A name that points at itself.
    const loop = Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]);
    expect((answerTo(loop, ZONE).reply?.[3] ?? 0) & 15).toBe(1);
  });
});

/** One message to the authority, and its reply within a second; null for none. */
function send({ at }: DnsAuthority, bytes: Buffer): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => finish(null), 1000);
    const finish = (reply: Buffer | null): void => {
      clearTimeout(timer);
      socket.close(() => resolve(reply));
    };
    socket.once('message', finish);
    socket.send(bytes, at.port, at.address);
  });
}

describe('the authority', () => {
  test('answers by UDP and TCP on one port, and remembers who asked', async () => {
    const authority = await openAuthority('127.0.0.1', null, ZONE);
    try {
      expect(await send(authority, Buffer.from('rubbish that is long enough'))).not.toBeNull();
      expect((await send(authority, query(`a.${ZONE}`, 'A')))?.length).toBeGreaterThan(12);
      const message = query(`b.${ZONE}`, 'A');
      const length = Buffer.from([0, message.length]);
      const reply = await new Promise<Buffer>((resolve, reject) => {
        const socket = connect(authority.at.port, '127.0.0.1');
        socket.once('error', reject);
        socket.once('data', (part) => {
          socket.destroy();
          resolve(part);
        });
        // In two pieces, as TCP may have it.
        socket.write(Buffer.concat([length, message.subarray(0, 7)]));
        setTimeout(() => socket.write(message.subarray(7)), 50);
      });
      expect(reply.readUInt16BE(0)).toBe(reply.length - 2);
      expect(authority.queries.map(({ transport, id }) => [transport, id])).toEqual([
        ['udp', 4711],
        ['tcp', 4711],
      ]);
      expect(authority.malformed()).toBe(1);
    } finally {
      await authority.close();
    }
  });
  test('says why it cannot listen', async () => {
    const one = await openAuthority('127.0.0.1', null, ZONE);
    try {
      await expect(openAuthority('127.0.0.1', one.at.port, ZONE)).rejects.toThrow(/EADDRINUSE/);
      await expect(openAuthority('192.0.2.1', null, ZONE)).rejects.toThrow(/EADDRNOTAVAIL/);
    } finally {
      await one.close();
    }
  });
});
