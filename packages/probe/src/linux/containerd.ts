// containerd over its unix socket: unary gRPC calls (gRPC over HTTP2, grpc/doc/PROTOCOL-HTTP2.md).
import type { ClientHttp2Session } from 'node:http2';
import type { EngineContainer } from '../parse/container-engines.ts';
import { parseContainerdContainers, parseNamespaces } from '../parse/containerd.ts';

/** Most bytes of one answer: it holds every container's whole specification. */
const ANSWER_LIMIT = 64 << 20;

/** A frame's first bytes: a flag for compression, then the length (PROTOCOL-HTTP2.md, Length-Prefixed-Message). */
const PREFIX = 5;

/** Most namespaces that are looked through; hosts have one to three. */
const NAMESPACE_LIMIT = 64;

/**
 * Every container of every namespace. Rejects with an Error whose `code` says why: what the system says for the
 * socket, `ETIMEDOUT` after `timeoutMs` for everything together, `EFBIG`, `EPROTO` for an answer that is none, or
 * `GRPC_n` for a status other than 0.
 */
export async function listContainerd(socketPath: string, timeoutMs: number): Promise<EngineContainer[]> {
  // Loaded here: a host without containerd does not pay for it.
  const { connect } = await import('node:http2');
  const { createConnection } = await import('node:net');
  const session = connect('http://localhost', { createConnection: () => createConnection(socketPath) });
  const timer = setTimeout(() => {
    session.destroy(coded('ETIMEDOUT', `${socketPath} did not answer within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    // What ends the session rejects whatever is under way, and there is always something.
    const ended = new Promise<never>((_, reject) => {
      session.on('error', reject);
      session.on('close', () => reject(coded('ECONNRESET', `${socketPath} closed the connection`)));
    });
    return await Promise.race([ended, listAll(session)]);
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}

async function listAll(session: ClientHttp2Session): Promise<EngineContainer[]> {
  const namespaces = parseNamespaces(await call(session, 'namespaces.v1.Namespaces', null));
  if (!namespaces.ok) throw coded('EPROTO', namespaces.problem);
  const found: EngineContainer[] = [];
  for (const name of namespaces.names.slice(0, NAMESPACE_LIMIT)) {
    // Docker's own containers are here as well, without their names.
    if (name === 'moby') continue;
    const answer = parseContainerdContainers(await call(session, 'containers.v1.Containers', name));
    if (!answer.ok) throw coded('EPROTO', answer.problem);
    found.push(...answer.containers);
  }
  return found;
}

/** `List` of a service, with an empty message; the answer's message. */
function call(session: ClientHttp2Session, service: string, namespace: string | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/containerd.services.${service}/List`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(namespace === null ? {} : { 'containerd-namespace': namespace }),
    });
    const parts: Buffer[] = [];
    let size = 0;
    let status: unknown;
    stream.on('error', reject);
    // A call that fails at once has its status in the headers.
    stream.on('response', (headers) => (status ??= headers['grpc-status']));
    stream.on('trailers', (headers) => (status = headers['grpc-status']));
    stream.on('data', (part: Buffer) => {
      size += part.length;
      if (size > ANSWER_LIMIT) stream.destroy(coded('EFBIG', `more than ${ANSWER_LIMIT} bytes`));
      else parts.push(part);
    });
    stream.on('end', () => {
      if (status !== '0') {
        reject(
          coded(typeof status === 'string' ? `GRPC_${status.slice(0, 3)}` : 'EPROTO', `${service} refused`),
        );
        return;
      }
      const bytes = Buffer.concat(parts);
      // One message, not compressed: no compression was offered.
      if (bytes.length < PREFIX || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - PREFIX) {
        reject(coded('EPROTO', `${service} gave no message`));
        return;
      }
      resolve(bytes.subarray(PREFIX));
    });
    stream.end(Buffer.alloc(PREFIX));
  });
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
