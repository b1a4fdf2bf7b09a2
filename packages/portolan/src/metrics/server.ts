// The door that a scraper knocks at: HTTP on loopback alone, one page, and no answer to a browser that was sent here by
// somebody else's name (DNS rebinding).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HEADERS, ownHosts, REFUSALS, refusalOf } from '@portolan/site/gate';

/** The only address it listens on. */
export const METRICS_ADDRESS = '127.0.0.1';
const PATH = '/metrics';
/** Connections at once; a scraper needs one. */
const MOST_CONNECTIONS = 16;
const TIMEOUT_MS = 10_000;

/** A server that listens. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Text for a scraper, made anew for each. */
export interface Exposition {
  readonly type: string;
  text(): Promise<string>;
}

/**
 * Listens on loopback. Rejects with what the system says, such as EADDRINUSE. `failed` is told what kept a scrape from being
 * answered.
 */
export async function serveMetrics(
  port: number,
  exposition: Exposition,
  failed: (error: unknown) => void,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    answer(request, response, exposition).catch((error: unknown) => {
      failed(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'the look failed; Portolan tells why on its standard error');
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.headersTimeout = TIMEOUT_MS;
  server.requestTimeout = TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: METRICS_ADDRESS, port, exclusive: true }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  exposition: Exposition,
): Promise<void> {
  const { method = '', url: target = '', headersDistinct, socket } = request;
  const asked = { method, target, values: (name: string) => headersDistinct[name] ?? [] };
  const refusal = refusalOf(asked, ownHosts(socket.localPort ?? 0));
  if (refusal !== null && refusal !== 'origin') {
    refuse(response, REFUSALS[refusal].status, REFUSALS[refusal].words);
  } else if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    refuse(response, 405, 'metrics can be read, and nothing else');
  } else if (refusal !== null) {
    refuse(response, REFUSALS[refusal].status, REFUSALS[refusal].words);
  } else if (target.split('?')[0] !== PATH) {
    refuse(response, 404, `metrics are at ${PATH}`);
  } else {
    send(response, 200, exposition.type, await exposition.text());
  }
}

function refuse(response: ServerResponse, code: number, why: string): void {
  send(response, code, 'text/plain; charset=utf-8', `${why}\n`);
}

function send(response: ServerResponse, code: number, type: string, text: string): void {
  response.writeHead(code, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...HEADERS,
  });
  // Node leaves the body of an answer to HEAD out by itself.
  response.end(text);
}
