// Short-lived listeners: again and again a child gets a listening socket and dies a moment later, beside children
// that have none. Arguments: copies of sleep for even ports, odd ports and no port; `reuse` to start pids over every
// few children. Tells again and again on stdout how far it is; ends with stdin, at the latest.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [, , even, odd, decoy, mode] = process.argv;
/** How long children live, in ms, in turn: from too short to be seen to long enough to be met on a busy machine. */
const LIFE = [1, 5, 20, 60, 200];
/** Pids are started over after this many children; far enough apart that start times differ. */
const LAP = 60;
const AT_ONCE = 4;

const seen = new Map();
let rounds = 0;
let reused = 0;
process.stdin.on('end', () => process.exit(0)).resume();

function started({ pid }, file) {
  if (pid === undefined) return;
  if (seen.has(pid) && seen.get(pid) !== file) reused++;
  seen.set(pid, file);
  if (mode === 'reuse' && seen.size > 0 && rounds % LAP === 0)
    writeFileSync('/proc/sys/kernel/ns_last_pid', '300');
}

function live(file, stdio, ms) {
  const child = spawn(file, [String(ms / 1000)], { stdio });
  started(child, file);
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
}

async function worker(index) {
  for (let turn = 0; ; turn++) {
    rounds++;
    // One look at everything else in the loop a turn: ends of children alone could keep it busy for good.
    await new Promise(setImmediate);
    const port = 20_000 + index * 100 + (turn % 50);
    const file = port % 2 === 0 ? even : odd;
    const life = LIFE[turn % LIFE.length];
    const server = createServer();
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: '127.0.0.1' }, resolve);
    });
    // oxlint-disable-next-line no-underscore-dangle -- Node has no public way to a server's descriptor
    const { fd } = server._handle;
    const ends = live(file, ['ignore', 'ignore', 'ignore', fd], life);
    // From here on the socket is the child's alone.
    await new Promise((resolve) => server.close(resolve));
    await Promise.all([ends, live(decoy, ['ignore', 'ignore', 'ignore'], 1)]);
    if (rounds % AT_ONCE === 0) process.stdout.write(`${JSON.stringify({ rounds, reused })}\n`);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => worker(index)));
