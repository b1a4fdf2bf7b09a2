// Stands in for a container engine on a unix socket and prints a line for every question.
// Arguments: the socket's path; `http FILE`, `containerd FILE` (a recorded answer), or a fault: `silent`, `garbage`,
// `status`, `huge`, `half`.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { dirname } from 'node:path';

const [path, mode, file] = process.argv.slice(2);

const ANSWERS = {
  silent() {},
  garbage(request) {
    request.socket.end('\u0000\u001b[2J not HTTP at all\r\n\r\n');
  },
  status(_, response) {
    response.writeHead(500).end('{"message":"\\u001b[31mno"}');
  },
  huge(_, response) {
    const part = Buffer.alloc(1 << 20, 32);
    const more = () => {
      while (!response.destroyed && response.write(part));
    };
    response.on('drain', more);
    more();
  },
  half(_, response) {
    response.writeHead(200, { 'Content-Length': 1000 }).write('[{"Id":"a"');
  },
  http(_, response) {
    response.setHeader('Content-Type', 'application/json');
    response.end(readFileSync(file));
  },
};

function say(what) {
  process.stdout.write(`${what}\n`);
}

function containerd() {
  const recorded = JSON.parse(readFileSync(file, 'utf8'));
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    const namespace = headers['containerd-namespace'];
    say(`${headers[':path']} ${String(namespace ?? '')}`);
    const answer = namespace === undefined ? recorded.namespaces : recorded.containers[namespace];
    const body = Buffer.from(answer ?? '', 'base64');
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(Buffer.concat([head, body]));
  });
  return server;
}

function http() {
  return createServer((request, response) => {
    say(`${request.method} ${request.url}`);
    ANSWERS[mode](request, response);
  });
}

mkdirSync(dirname(path), { recursive: true });
const server = mode === 'containerd' ? containerd() : http();
server.listen(path, () => {
  // As engines have it: for root and their group alone.
  chmodSync(path, 0o660);
  say('ready');
});
process.stdin.on('end', () => process.exit(0)).resume();
