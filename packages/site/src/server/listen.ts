// Starts the server on loopback, by address and never by name, and ends it.

import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Site } from '../site.ts';
import { makeApp } from './app.ts';
import type { Assets } from './assets.ts';
import type { Host } from './lookout.ts';

/** What the server needs. */
export interface ServeOptions {
  readonly site: Site;
  readonly host: Host;
  readonly assets: Assets;
  /** Port to listen on. */
  readonly port: number;
  readonly isOwn: (request: IncomingMessage) => Promise<boolean | null>;
}

/** A server that runs. */
export interface Serving {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1. Rejects with the system's error where the port cannot be had. */
export async function listen(options: ServeOptions): Promise<Serving> {
  const app = makeApp({ ...options, now: () => performance.now() });
  return new Promise((done, fail) => {
    const server = serve(
      {
        fetch: app.fetch,
        port: options.port,
        hostname: '127.0.0.1',
        serverOptions: { requestTimeout: 10_000, headersTimeout: 5000, maxHeaderSize: 16_384 },
      },
      ({ port }: AddressInfo) => {
        server.off('error', fail);
        done({
          port,
          close: () =>
            new Promise((closed) => {
              server.close(() => closed());
              if ('closeAllConnections' in server) server.closeAllConnections();
            }),
        });
      },
    );
    server.once('error', fail);
  });
}
