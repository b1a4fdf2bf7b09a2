// Whether a server could have a port right now: binds and listens as servers do, and lets go at once.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { createServer, isIP } from 'node:net';
import { PortolanError, type Transport } from '@portolan/core';
import { echo } from './flags.ts';

/** Errors that mean that there is no IPv6 here. */
const WITHOUT_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/**
 * True where every transport could be bound: on `host`, or where none is named on [::] with IPv4 too, which is on every
 * address of both families (0.0.0.0 where there is no IPv6).
 */
export async function bindable(
  port: number,
  transports: readonly Transport[],
  host: string | null,
): Promise<boolean> {
  for (const transport of transports) {
    const tried = transport === 'udp' ? tryUdp : tryTcp;
    let code = await tried(port, host ?? '::');
    if (host === null && code !== null && WITHOUT_IPV6.has(code)) code = await tried(port, '0.0.0.0');
    if (code !== null) return false;
  }
  return true;
}

/**
 * The address that a name stands for, looked up once: a walk over ports must not ask a name server for each. Throws USAGE
 * for a host on which nothing could be bound, whatever the port.
 */
export async function bindAddressOf(host: string): Promise<string> {
  let address = host;
  let code: string | null;
  try {
    address = isIP(host) === 0 ? (await lookup(host)).address : host;
    code = await tryTcp(0, address);
  } catch (error) {
    code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  }
  if (code === null) return address;
  throw new PortolanError('USAGE', `No port can be bound on “${echo(host)}” (${code}).`, {
    hint: 'The host is an address that this machine has, or a name of one.',
  });
}

/** null, or the name of the error. */
function tryTcp(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown error'));
    // Whoever connects in this moment is turned away, as before and after it.
    server.on('connection', (socket) => socket.destroy());
    server.listen({ host, port, exclusive: true, backlog: 1 }, () => server.close(() => resolve(null)));
  });
}

function tryUdp(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    let socket: DatagramSocket;
    try {
      socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
    } catch (error) {
      resolve((error as NodeJS.ErrnoException).code ?? 'unknown error');
      return;
    }
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? 'unknown error');
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}
