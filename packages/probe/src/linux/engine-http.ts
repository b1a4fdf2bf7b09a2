// HTTP/1.1 to a container engine over its unix socket: one request, one answer, both bounded.

/** Most bytes of an answer's body: thousands of containers take a few megabytes. */
const BODY_LIMIT = 16 << 20;

/** What an engine answered. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends one request without a body and reads the whole answer. Rejects with an Error whose `code` says why: what the
 * system says for the socket (ENOENT, EACCES, ECONNREFUSED), `ETIMEDOUT` after `timeoutMs` for everything together,
 * `EFBIG` for a body over 16 MB, and the parser's own (`HPE_…`) for an answer that is no HTTP.
 */
export async function engineRequest(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  timeoutMs: number,
): Promise<EngineAnswer> {
  // Loaded here: a host without containers does not pay for it.
  const { request } = await import('node:http');
  return await new Promise((resolve, reject) => {
    const sent = request({
      socketPath,
      method,
      path,
      // A request on a unix socket has no host; Docker's own client sends this name, and HTTP/1.1 asks for one.
      headers: {
        Host: 'localhost',
        Accept: 'application/json',
        ...(method === 'POST' && { 'Content-Length': 0 }),
      },
      agent: false,
    });
    const timer = setTimeout(() => {
      fail(coded('ETIMEDOUT', `${socketPath} did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
    function fail(error: Error): void {
      clearTimeout(timer);
      reject(error);
      // An error after this one has nobody to go to, and a socket left open would keep the program from ending.
      sent.destroy();
    }
    sent.on('error', fail);
    // The last event in any case; before an answer it is the only one where an engine changes the protocol.
    sent.on('close', () => fail(coded('ECONNRESET', `${socketPath} closed the connection`)));
    sent.on('response', (answer) => {
      const parts: Buffer[] = [];
      let size = 0;
      answer.on('error', fail);
      answer.on('data', (part: Buffer) => {
        size += part.length;
        if (size > BODY_LIMIT)
          fail(coded('EFBIG', `${socketPath} answered with more than ${BODY_LIMIT} bytes`));
        else parts.push(part);
      });
      answer.on('end', () => {
        clearTimeout(timer);
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') });
      });
    });
    sent.end();
  });
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
