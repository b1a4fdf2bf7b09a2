// A listener that only one thread of its process has: the thread takes a table of descriptors of its own
// (unshare(CLONE_FILES)) before it opens the socket. Argument: the port. Says "ready" once; ends with stdin.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const CLONE_FILES = 0x400;
const AF_INET = 2;
const SOCK_STREAM = 1;

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: Number(process.argv[2]) });
  worker.once('message', () => process.stdout.write('ready\n'));
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  const requireAsProbe = createRequire(new URL('../../../packages/probe/package.json', import.meta.url));
  const libc = requireAsProbe('koffi').load(null);
  const unshare = libc.func('int unshare(int)');
  const socket = libc.func('int socket(int, int, int)');
  const bind = libc.func('int bind(int, const uint8_t *, uint32_t)');
  const listen = libc.func('int listen(int, int)');
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(workerData, 2);
  address.set([127, 0, 0, 1], 4);
  if (unshare(CLONE_FILES) !== 0) throw new Error('unshare failed');
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, address, 16) !== 0 || listen(fd, 8) !== 0) throw new Error('listen failed');
  // The thread stays, and with it its descriptors, while it waits for messages.
  parentPort.on('message', () => undefined);
  parentPort.postMessage('ready');
}
