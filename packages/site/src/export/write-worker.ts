// The thread that writes an export's files while the next pages are made: a program of its own.
import { parentPort, workerData } from 'node:worker_threads';
import type { Batch, Done } from './batches.ts';
import { Folder } from './folder.ts';

const folder = new Folder(workerData as string);

parentPort?.on('message', ({ memory, files }: Batch) => {
  let failed: Done['failed'] = null;
  try {
    for (const { path, from, to } of files) folder.put(path, new Uint8Array(memory, from, to - from));
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    failed = { message, code: code ?? null };
  }
  const { written, unchanged } = folder;
  parentPort?.postMessage({ memory, written, unchanged, failed } satisfies Done, [memory]);
});
