// A small authority for one test zone, by UDP and TCP, that remembers from which ports it was asked (RFC 1035, 6891).
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket as TcpSocket } from 'node:net';
import { type Endpoint, PortolanError, type ResolverQuery } from '@portolan/core';
import dns from 'dns-packet';
import { echo } from './flags.ts';

/** What every name of the zone resolves to: an address for documentation (RFC 5737). */
const ANSWER = '192.0.2.1';
const REFUSED = 5;
const FORMAT_ERROR = 1;
/** Kind of query in the header; 0 is a standard one. */
const OPCODE = 0x7800;
/** RFC 6891 s6.2.5, and what passes everywhere. */
const UDP_PAYLOAD = 1232;
const HEADER_BYTES = 12;
/** Longest TCP message is 65,535 bytes, after a length of two. */
const LENGTH_BYTES = 2;
/** Connections at a time, and how long one may be quiet, in milliseconds. */
const CONNECTIONS = 64;
const QUIET_MS = 10_000;
/** Queries that are remembered. */
const QUERIES_KEPT = 100_000;
/** Ports that are tried until UDP and TCP are both to be had. */
const ATTEMPTS = 16;

/** A running authority; `close` must be called. */
export interface DnsAuthority {
  readonly at: Endpoint;
  readonly queries: readonly ResolverQuery[];
  malformed(): number;
  close(): Promise<void>;
}

/** Starts answering for `zone`; throws USAGE where nothing can listen there. */
export async function openAuthority(
  address: string,
  port: number | null,
  zone: string,
): Promise<DnsAuthority> {
  const queries: ResolverQuery[] = [];
  let malformed = 0;
  const take = (bytes: Buffer, transport: 'udp' | 'tcp', from: Endpoint): Buffer | null => {
    const { reply, id } = answerTo(bytes, zone);
    if (id === null) malformed++;
    else if (queries.length < QUERIES_KEPT) queries.push({ transport, from, id });
    return reply;
  };
  for (let attempt = 0; ; attempt++) {
    const udp = await bound(address, port ?? 0);
    const at: Endpoint = { address, port: udp.address().port };
    const tcp = await listening(at, take).catch((error: NodeJS.ErrnoException) => error);
    if (tcp instanceof Error) {
      udp.close();
      // Somebody has the same number of the other transport.
      if (port === null && attempt < ATTEMPTS) continue;
      throw unavailable(at, tcp);
    }
    udp.on('error', () => undefined);
    udp.on('message', (bytes, { address: peer, port: source }) => {
      const reply = take(bytes, 'udp', { address: peer, port: source });
      // A source port of 0 is none that can be answered.
      if (reply !== null && source !== 0) udp.send(reply, source, peer, () => undefined);
    });
    return {
      at,
      queries,
      malformed: () => malformed,
      async close() {
        udp.close();
        await tcp.close();
      },
    };
  }
}

function bound(address: string, port: number): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      reject(unavailable({ address, port }, error));
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function unavailable({ address, port }: Endpoint, { code }: NodeJS.ErrnoException): PortolanError {
  const where = port === 0 ? echo(address) : `port ${port} of ${echo(address)}`;
  return new PortolanError(
    'USAGE',
    `The test zone cannot be answered for at ${where} (${code ?? 'unknown error'}).`,
    {
      hint: port === 0 ? 'Another --address?' : `Who has it: portolan ${port}`,
    },
  );
}

type Take = (bytes: Buffer, transport: 'udp' | 'tcp', from: Endpoint) => Buffer | null;

function listening(at: Endpoint, take: Take): Promise<{ close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const open = new Set<TcpSocket>();
    const server: Server = createServer((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      serve(socket, take);
    });
    server.maxConnections = CONNECTIONS;
    server.once('error', reject);
    server.listen({ host: at.address, port: at.port, exclusive: true }, () => {
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      resolve({
        close: () =>
          new Promise((done) => {
            for (const socket of open) socket.destroy();
            server.close(() => done());
          }),
      });
    });
  });
}

/** Messages of a connection, each after its length (RFC 1035 s4.2.2). */
function serve(socket: TcpSocket, take: Take): void {
  const from: Endpoint = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.setTimeout(QUIET_MS, () => socket.destroy());
  socket.on('data', (part: Buffer) => {
    rest = Buffer.concat([rest, part]);
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt16BE(0);
      if (rest.length < end) return;
      const reply = take(rest.subarray(LENGTH_BYTES, end), 'tcp', from);
      rest = rest.subarray(end);
      if (reply === null) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}

/** The reply to a message; null for one that gets none, an id of null where it is no query for the zone. */
export function answerTo(bytes: Buffer, zone: string): { reply: Buffer | null; id: number | null } {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt16BE(2) & 0x8000) !== 0) return { reply: null, id: null };
  const id = bytes.readUInt16BE(0);
  try {
    const query = dns.decode(bytes);
    const [question] = query.questions ?? [];
    if ((bytes.readUInt16BE(2) & OPCODE) !== 0 || question === undefined || query.questions?.length !== 1) {
      return { reply: failure(id, FORMAT_ERROR), id: null };
    }
    const name = question.name.toLowerCase();
    const ours = name === zone || name.endsWith(`.${zone}`);
    if (!ours) return { reply: failure(id, REFUSED), id: null };
    const soa = {
      type: 'SOA' as const,
      name: zone,
      ttl: 0,
      data: {
        mname: zone,
        rname: `hostmaster.${zone}`,
        serial: 1,
        refresh: 1,
        retry: 1,
        expire: 1,
        minimum: 0,
      },
    };
    // A name of its own has an address; the zone itself tells that it is one.
    const answers: dns.Answer[] =
      question.type === 'A'
        ? [{ type: 'A', name: question.name, ttl: 0, data: ANSWER }]
        : name !== zone
          ? []
          : question.type === 'SOA'
            ? [soa]
            : question.type === 'NS'
              ? [{ type: 'NS', name: zone, ttl: 0, data: `ns.${zone}` }]
              : [];
    const reply = dns.encode({
      type: 'response',
      id,
      flags: dns.AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & dns.RECURSION_DESIRED),
      questions: [question],
      answers,
      authorities: answers.length === 0 ? [soa] : [],
      additionals: (query.additionals ?? []).some(({ type }) => type === 'OPT')
        ? [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: UDP_PAYLOAD,
              flags: 0,
              options: [],
              extendedRcode: 0,
              ednsVersion: 0,
              flag_do: false,
            },
          ]
        : [],
    });
    return { reply, id };
  } catch {
    // Whatever it is, it is no message that can be read.
    return { reply: failure(id, FORMAT_ERROR), id: null };
  }
}

/** A header alone, with an error code (RFC 1035 s4.1.1). */
function failure(id: number, code: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x8000 | code, 2);
  return bytes;
}
