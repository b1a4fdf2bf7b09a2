// Starts the server on loopback, by address and never by name, and ends it.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { makeApp, type ServerParts } from './app.ts';
import { Front } from './front.ts';
import { ownHosts } from './guard.ts';
import { CODE_MS, Keys } from './keys.ts';
import { type Peers, Visitors } from './visitors.ts';

/** What the server needs. */
export interface ServeOptions
  extends Pick<ServerParts, 'site' | 'host' | 'assets' | 'feedback' | 'schema' | 'version' | 'onFault'> {
  /** Port to listen on; 0 for one that the system chooses. */
  readonly port: number;
  /** Tells who is at the other end; null where that cannot be told. */
  readonly peers: Peers | null;
}

/** A server that runs. */
export interface Serving {
  readonly port: number;
  /** Addresses it listens on, 127.0.0.1 first. */
  readonly listens: readonly string[];
  /** Why it does not listen on ::1, as the system calls it (`EADDRINUSE`); null where it does. */
  readonly withoutIpv6: string | null;
  /** How long a code is good. */
  readonly codeSeconds: number;
  /** A code that opens live data once; it takes the place of the one before. */
  newCode(): string;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1 and, where there is IPv6, on ::1. Rejects with the system's error where the first cannot be had. */
export async function listen(options: ServeOptions): Promise<Serving> {
  const now = (): number => performance.now();
  const keys = new Keys(now);
  const visitors = new Visitors(options.peers, keys);
  let hosts: ReadonlySet<string> = new Set();
  let answer: ReturnType<typeof getRequestListener> | null = null;
  const front = new Front({
    hosts: () => hosts,
    isOwn: (socket) => visitors.isOwn(socket),
    now,
    next: (incoming, outgoing) => void answer?.(incoming, outgoing),
  });
  const first = front.server();
  const port = await opened(first, options.port, '127.0.0.1');
  hosts = ownHosts(port);
  const app = makeApp({ ...options, port, visitors, keys, now });
  answer = getRequestListener(app.fetch);
  const second = front.server();
  const withoutIpv6 = await opened(second, port, '::1').then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  const servers = withoutIpv6 === null ? [first, second] : [first];
  return {
    port,
    listens: withoutIpv6 === null ? ['127.0.0.1', '::1'] : ['127.0.0.1'],
    withoutIpv6,
    codeSeconds: CODE_MS / 1000,
    newCode: () => keys.newCode(),
    close: async () => {
      await Promise.all(servers.map(ended));
    },
  };
}

function opened(server: Server, port: number, host: string): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen({ port, host, ipv6Only: true, exclusive: true }, () => {
      server.off('error', fail);
      done((server.address() as AddressInfo).port);
    });
  });
}

function ended(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}
