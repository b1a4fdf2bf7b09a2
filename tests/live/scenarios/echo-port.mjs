// Servers on a run of ports that answer with their own port; then, for each line `FIRST LAST` on stdin, connections to
// those ports of 127.0.0.1, and one line of JSON: which port answered each.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [first, last] = process.argv.slice(2).map(Number);

for (let port = first; port <= last; port++) {
  await new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(String(socket.localPort));
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const [from, to] = line.split(' ').map(Number);
  const answers = {};
  for (let port = from; port <= to; port++) answers[port] = await ask(port);
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
process.exit(0);

function ask(port) {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (bytes) => (text += bytes));
    socket.on('error', () => resolve(null));
    socket.on('end', () => resolve(Number(text)));
  });
}
