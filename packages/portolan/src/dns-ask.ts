// Asks a DNS resolver for many names of which none was asked before, a few at a time.
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Endpoint } from '@portolan/core';
import dns from 'dns-packet';

/** Queries under way at a time: a resolver that keeps order shows it. */
const AT_ONCE = 4;
/** How long one answer may take, in milliseconds. */
const ANSWER_MS = 3000;
/** So many without any answer at first, and nobody is there. */
const GIVE_UP = 8;

/** What became of the queries. */
export interface Asked {
  readonly sent: number;
  readonly answered: number;
}

/** Asks for `count` names of `zone`, until `end` (performance.now) at most. */
export async function askResolver(
  { address, port }: Endpoint,
  zone: string,
  count: number,
  end: number,
): Promise<Asked> {
  const nonce = randomBytes(5).toString('hex');
  let sent = 0;
  let answered = 0;
  const worker = async (): Promise<void> => {
    while (sent < count && performance.now() < end && (answered > 0 || sent < GIVE_UP)) {
      const name = `n${sent++}-${nonce}.${zone}`;
      if (await askOne({ address, port }, name)) answered++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { sent, answered };
}

function askOne({ address, port }: Endpoint, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const id = randomInt(65_536);
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    let open = true;
    const finish = (answered: boolean): void => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    };
    const timer = setTimeout(() => finish(false), ANSWER_MS);
    socket.on('error', () => finish(false));
    socket.on('message', (bytes) => {
      if (bytes.length >= 4 && bytes.readUInt16BE(0) === id && (bytes.readUInt16BE(2) & 0x800f) === 0x8000)
        finish(true);
      else if (bytes.length >= 2 && bytes.readUInt16BE(0) === id) finish(false);
    });
    const query = dns.encode({
      type: 'query',
      id,
      flags: dns.RECURSION_DESIRED,
      questions: [{ type: 'A', name, class: 'IN' }],
    });
    socket.send(query, port, address, (error) => {
      if (error !== null) finish(false);
    });
  });
}
