// A parent that listens and hands its listening socket to three forked workers, as Node's own documentation has
// it; prints the port and all four pids once every worker serves, and ends with stdin.
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

if (process.send !== undefined) {
  process.on('message', (message, server) => {
    if (message === 'serve') {
      server.on('connection', (socket) => socket.end());
      process.send('serving');
    }
  });
  process.on('disconnect', () => process.exit(0));
} else {
  const server = createServer();
  server.listen({ port: 6100, host: '127.0.0.1' }, () => {
    const workers = [1, 2, 3].map(() => fork(fileURLToPath(import.meta.url)));
    let serving = 0;
    for (const worker of workers) {
      worker.once('message', () => {
        serving++;
        if (serving < workers.length) return;
        const pids = [process.pid, ...workers.map(({ pid }) => pid)];
        process.stdout.write(`${JSON.stringify({ port: server.address().port, pids })}\n`);
      });
      worker.send('serve', server);
    }
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}
