// Starts the server on loopback, by address and never by name, and ends it.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Pack } from '../export/pack.ts';
import { makeApp, type ServerParts } from './app.ts';
import type { AppEnv } from './app-env.ts';
import { Front } from './front.ts';
import { ownHosts } from './guard.ts';
import { CODE_MS, Keys } from './keys.ts';
import { makePackApp } from './pack-app.ts';
import { type Peers, Visitors } from './visitors.ts';

/** Where to listen, and who asks. */
interface Place {
  /** Port to listen on; 0 for one that the system chooses. */
  readonly port: number;
  /** Tells who is at the other end; null where that cannot be told. */
  readonly peers: Peers | null;
}

/** What the server needs. */
export interface ServeOptions
  extends Place,
    Pick<ServerParts, 'site' | 'host' | 'assets' | 'feedback' | 'schema' | 'version' | 'onFault'> {}

/** What a server of a pack needs. */
export interface ServePackOptions extends Place, Pick<ServerParts, 'onFault'> {
  readonly pack: Pack;
}

/** A server that runs. */
export interface Serving {
  readonly port: number;
  /** Addresses it listens on, 127.0.0.1 first. */
  readonly listens: readonly string[];
  /** Why it does not listen on ::1, as the system calls it (`EADDRINUSE`); null where it does. */
  readonly withoutIpv6: string | null;
  /** How long a code is good, in seconds; 0 where there is nothing live. */
  readonly codeSeconds: number;
  /** A code that opens live data once; it takes the place of the one before. Null where there is nothing live. */
  newCode(): string | null;
  close(): Promise<void>;
}

/** Serves the pages live. Rejects with the system's error where the port cannot be had on 127.0.0.1. */
export async function listen(options: ServeOptions): Promise<Serving> {
  const keys = new Keys(now);
  const visitors = new Visitors(options.peers, keys);
  const serving = await listenWith(options.port, visitors, (port) =>
    makeApp({ ...options, port, visitors, keys, now }),
  );
  return { ...serving, codeSeconds: CODE_MS / 1000, newCode: () => keys.newCode() };
}

/** Serves the files of a pack, behind the same gate. Rejects as `listen` does. */
export async function listenPack({ pack, port, peers, onFault }: ServePackOptions): Promise<Serving> {
  const visitors = new Visitors(peers, new Keys(now));
  const serving = await listenWith(port, visitors, () => makePackApp(pack, onFault));
  return { ...serving, codeSeconds: 0, newCode: () => null };
}

const now = (): number => performance.now();

const isBun = process.versions['bun'] !== undefined;

/**
 * The library tells Node how long a body is by a private field, of which Bun knows nothing: answers would come in chunks. With
 * this mark, also Node's own, it sends a header.
 */
const LENGTH_AS_HEADER = { _removedContLen: true };

/** Listens on 127.0.0.1 and, where there is IPv6, on ::1. */
async function listenWith(
  wanted: number,
  visitors: Visitors,
  make: (port: number) => Hono<AppEnv>,
): Promise<Pick<Serving, 'port' | 'listens' | 'withoutIpv6' | 'close'>> {
  let hosts: ReadonlySet<string> = new Set();
  let answer: ReturnType<typeof getRequestListener> | null = null;
  const front = new Front({
    hosts: () => hosts,
    isOwn: (socket) => visitors.isOwn(socket),
    now,
    next: (incoming, outgoing) => {
      if (isBun) Object.assign(outgoing, LENGTH_AS_HEADER);
      void answer?.(incoming, outgoing);
    },
  });
  const first = front.server();
  const port = await opened(first, wanted, '127.0.0.1');
  hosts = ownHosts(port);
  answer = getRequestListener(make(port).fetch);
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
