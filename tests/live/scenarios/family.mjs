// A family of processes that open listeners within the family's ports, hand them on and close them, again and again:
// children inherit them (copies of sleep that live for a moment) or are sent them (SCM_RIGHTS, through Node's own way
// to pass a handle). Arguments: the family's number, its first port, how many ports, the copy of sleep, how many
// children at once. Says how far it is; ends with stdin, and its children with it.
import { fork, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const [, , family, firstPort, ports, sleep, atOnce] = process.argv;
const first = Number(firstPort);

if (process.send !== undefined) {
  // A member: keeps what it is sent for a moment.
  process.on('message', (_, server) => {
    setTimeout(() => server?.close(() => process.send?.('closed')), 20);
  });
  process.on('disconnect', () => process.exit(0));
} else {
  process.stdin.on('end', () => process.exit(0)).resume();
  const member = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  const running = new Set();
  let turn = 0;
  let inherited = 0;
  let sent = 0;
  member.on('message', () => sent++);
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  for (;;) {
    turn++;
    const port = first + (turn % Number(ports));
    const server = createServer();
    const listening = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1' }, () => resolve(true));
    });
    // A port that one of the children still has: another one next time.
    if (listening) {
      if (turn % 8 === 0) {
        member.send('yours', server);
      } else if (running.size < Number(atOnce)) {
        // oxlint-disable-next-line no-underscore-dangle -- Node has no public way to a server's descriptor
        const { fd } = server._handle;
        // The number of seconds tells the family.
        const child = spawn(sleep, [`0.${String((turn * 7) % 40).padStart(2, '0')}${family}`], {
          stdio: ['ignore', 'ignore', 'ignore', fd],
        });
        running.add(child);
        child.once('exit', () => running.delete(child));
        inherited++;
      }
      server.close();
    }
    if (turn % 16 === 0) process.stdout.write(`${JSON.stringify({ turn, inherited, sent })}\n`);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}
