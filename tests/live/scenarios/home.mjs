// Asks the library again and again and prints whether the thread is still in its own network namespace, how many
// descriptors are open before and after, and which children there are, dead ones included. Argument: how often.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

const { snapshot } = await import(new URL('../../../packages/portolan/dist/index.js', import.meta.url).href);

const where = () => readlinkSync('/proc/thread-self/ns/net');
const open = () => readdirSync('/proc/self/fd').length;
const before = where();
// What is loaded once stays open.
await snapshot();
await snapshot();
const openBefore = open();
let foreign = 0;
let away = 0;
for (let turn = Number(process.argv[2]); turn > 0; turn--) {
  const { sockets } = await snapshot();
  foreign = Math.max(foreign, sockets.filter(({ namespace }) => namespace !== null).length);
  if (where() !== before) away++;
}
const openAfter = open();
const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
// A socket of ours is still one of our own namespace.
const server = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address();
const { sockets } = await snapshot();
const mine = sockets.filter(
  ({ local, owners }) => local.port === port && owners.some(({ pid }) => pid === process.pid),
);
process.stdout.write(
  JSON.stringify({
    away,
    foreign,
    openBefore,
    openAfter,
    children,
    mine: mine.map(({ namespace }) => namespace),
  }),
);
process.exit(0);
