// The second thread of a shared walk: a program of its own, started with the shared memory as its data.
import { workerData } from 'node:worker_threads';
import { filesWalk, syscallWalk } from './fd-walk.ts';
import { loadLibc } from './native.ts';
import { type SharedWalk, walkShare } from './shared-walk.ts';

const PROC = '/proc';
const libc = loadLibc();
walkShare(workerData as SharedWalk, (libc === null ? null : syscallWalk(libc, PROC)) ?? filesWalk(PROC));
