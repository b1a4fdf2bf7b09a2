// Plays a container engine on a unix socket: one container, told as JSON in argv; /stop ends its process. Every request
// is written to stdout, one a line.
import { createServer } from 'node:http';

const { socket, id, pid, ports, published } = JSON.parse(process.argv[2]);
const server = createServer((request, response) => {
  process.stdout.write(`${request.method} ${request.url}\n`);
  const [path = ''] = (request.url ?? '').split('?');
  if (request.method === 'POST' && path === `/containers/${id}/stop`) {
    process.kill(pid, 'SIGKILL');
    response.writeHead(204).end();
  } else if (path === '/containers/json') {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify([{ Id: id, Names: ['/web'], Ports: published }]));
  } else if (path === `/containers/${id}/json`) {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(
      JSON.stringify({ Id: id, Name: '/web', State: { Pid: pid }, NetworkSettings: { Ports: ports } }),
    );
  } else {
    response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"message":"no such thing"}');
  }
});
server.listen(socket, () => process.stdout.write('READY\n'));
process.stdin.on('end', () => process.exit(0)).resume();
