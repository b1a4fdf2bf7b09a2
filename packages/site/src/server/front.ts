// What every request passes before the pages: Node's side of the server. Headers first, then the guard, then the rate; and
// the answers that Node would give by itself.
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { Bucket, type Rate } from './bucket.ts';
import { HEADERS, METHODS, REFUSALS, type Refusal, refusalOf } from './guard.ts';

/** What the front needs. */
export interface FrontParts {
  /** The hosts that are ours, once it is known on which port. */
  readonly hosts: () => ReadonlySet<string>;
  /** Is it this user, or root? Such requests have a rate of their own, so that nobody else can use it up. */
  readonly isOwn: (socket: Socket) => boolean;
  readonly now: () => number;
  /** Answers a request that may be answered. */
  readonly next: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
}

/** Requests of all connections of one kind of visitor; a page with all that belongs to it is six. */
const ALL: Rate = { burst: 400, perSecond: 200 };

/** Requests of one connection. */
const EACH: Rate = { burst: 120, perSecond: 60 };

/** Most requests that wait for their answer at once: on a busy host an early no is better than a late answer. */
const WAITING = 200;

/** Visitors of one kind together. */
interface Kind {
  readonly bucket: Bucket;
  waiting: number;
}

/** Limits of Node's server, in milliseconds and bytes. */
const LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  // Headers come with the cookies of every other program on this host name.
  maxHeaderSize: 16_384,
  // Judged by the guard, whose answer has our headers.
  requireHostHeader: false,
} as const;

/** A connection on which nothing moves for so long is ended, whoever of the two waits. */
const IDLE_MS = 15_000;

/** Most connections at once. */
const CONNECTIONS = 1200;

/** Makes servers that share one front: one for each address. */
export class Front {
  readonly #parts: FrontParts;
  readonly #own: Kind;
  readonly #others: Kind;
  readonly #connections = new WeakMap<Socket, { readonly bucket: Bucket; busy: number }>();

  constructor(parts: FrontParts) {
    this.#parts = parts;
    this.#own = { bucket: new Bucket(ALL, parts.now()), waiting: 0 };
    this.#others = { bucket: new Bucket(ALL, parts.now()), waiting: 0 };
  }

  /** A server that is not listening yet. */
  server(): Server {
    const server = createServer(LIMITS, (incoming, outgoing) => this.#answer(incoming, outgoing));
    server.timeout = IDLE_MS;
    server.maxConnections = CONNECTIONS;
    // Those over Node's own number would be dropped unseen, and Origin may be one of them; the size is limited.
    server.maxHeadersCount = 0;
    server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) =>
      this.#answer(incoming, outgoing, () => outgoing.writeContinue()),
    );
    server.on('checkExpectation', (_incoming: IncomingMessage, outgoing: ServerResponse) => {
      setHeaders(outgoing);
      send(outgoing, 417, 'Refused: this is not expected here.\n');
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      this.#unreadable(error, socket),
    );
    return server;
  }

  #answer(incoming: IncomingMessage, outgoing: ServerResponse, proceed?: () => void): void {
    const connection = this.#connection(incoming.socket);
    connection.busy++;
    outgoing.once('close', () => connection.busy--);
    setHeaders(outgoing);
    const refusal = refusalOf(
      {
        method: incoming.method ?? '',
        target: incoming.url ?? '',
        values: (name) => valuesOf(incoming.rawHeaders, name),
      },
      this.#parts.hosts(),
    );
    if (refusal !== null) {
      refuse(outgoing, refusal);
      return;
    }
    const now = this.#parts.now();
    const all = this.#parts.isOwn(incoming.socket) ? this.#own : this.#others;
    if (all.waiting >= WAITING || !connection.bucket.take(now) || !all.bucket.take(now)) {
      outgoing.setHeader('retry-after', '1');
      send(outgoing, 429, 'Too many requests; wait a second.\n');
      return;
    }
    all.waiting++;
    outgoing.once('close', () => all.waiting--);
    proceed?.();
    this.#parts.next(incoming, outgoing);
  }

  #connection(socket: Socket): { readonly bucket: Bucket; busy: number } {
    let known = this.#connections.get(socket);
    if (known === undefined) {
      known = { bucket: new Bucket(EACH, this.#parts.now()), busy: 0 };
      this.#connections.set(socket, known);
    }
    return known;
  }

  /** What no request could be made of, or did not come in time: answered by hand, for Node's answer has no headers. */
  #unreadable(error: NodeJS.ErrnoException, socket: Socket): void {
    const status =
      error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
    // In the middle of an answer it would be read as a part of it.
    if (error.code === 'ECONNRESET' || !socket.writable || (this.#connections.get(socket)?.busy ?? 0) > 0) {
      socket.destroy();
      return;
    }
    const body = `Refused: ${STATUS_CODES[status]?.toLowerCase() ?? ''}.\n`;
    const headers = {
      ...HEADERS,
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(body.length),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    // A client that goes on sending shall not keep it open.
    socket.destroySoon();
  }
}

function setHeaders(outgoing: ServerResponse): void {
  for (const name in HEADERS) outgoing.setHeader(name, HEADERS[name] ?? '');
}

/** Values of a header in the order in which they came. */
function valuesOf(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const key = raw[index] ?? '';
    if (key.length === name.length && key.toLowerCase() === name) values.push((raw[index + 1] ?? '').trim());
  }
  return values;
}

function refuse(outgoing: ServerResponse, refusal: Refusal): void {
  const { status, words } = REFUSALS[refusal];
  if (refusal === 'method') outgoing.setHeader('allow', METHODS);
  send(outgoing, status, `Refused: ${words}.\n`);
}

/** The connection ends with it: what the client still sends is not read. */
function send(outgoing: ServerResponse, status: number, text: string): void {
  outgoing.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  });
  outgoing.end(text);
}
