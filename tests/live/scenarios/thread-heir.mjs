// Inherits a socket as descriptor 3 and lets only one of its threads keep it: the thread takes a table of descriptors of
// its own (unshare(CLONE_FILES)), then the others close theirs. Says "ready" once; ends with stdin.
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const CLONE_FILES = 0x400;
const INHERITED = 3;

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url));
  worker.once('message', () => {
    closeSync(INHERITED);
    process.stdout.write('ready\n');
  });
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  const requireAsProbe = createRequire(new URL('../../../packages/probe/package.json', import.meta.url));
  const unshare = requireAsProbe('koffi').load(null).func('int unshare(int)');
  if (unshare(CLONE_FILES) !== 0) throw new Error('unshare failed');
  // The thread stays, and with it its descriptors, while it waits for messages.
  parentPort.on('message', () => undefined);
  parentPort.postMessage('ready');
}
