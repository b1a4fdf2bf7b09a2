// A UDP port that is held at every moment, by another socket every few milliseconds: the next one is bound before
// the one before is closed. Argument: the port. Says "ready" once; ends with stdin.
import { createSocket } from 'node:dgram';

const port = Number(process.argv[2]);
process.stdin.on('end', () => process.exit(0)).resume();

function open() {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}

let held = await open();
process.stdout.write('ready\n');
for (;;) {
  const next = await open();
  held.close();
  held = next;
  await new Promise((resolve) => setTimeout(resolve, 3));
}
