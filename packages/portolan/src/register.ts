// `node --import portolan/register PROGRAM`: when PROGRAM ends because it could not listen, says why on standard error, and
// changes nothing else about it. Only Node's own modules are loaded until then.
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { type ListenFailure, listenFailureOf } from './listening/failure.ts';
import { tellNow } from './listening/told-now.ts';

/** A program that ends by itself later than this after a failure, milliseconds, ends for another reason. */
const SOON_MS = 10_000;

/** Set once a process, however often and from wherever this is loaded. */
const MARK = Symbol.for('portolan.register');

/** What failed and was handled, while no server of the process has listened since. */
let handled: { readonly failed: ListenFailure; readonly at: number } | null = null;
let watchesExit = false;
let told = false;

/**
 * An error that nobody handles is printed by Node after the last turn of the process: what is to stand under it has to be
 * part of it. As its cause it is printed last, and neither message, code, stack nor enumerable properties change.
 */
function onUncaught(error: unknown): void {
  try {
    const failed = listenFailureOf(error);
    if (failed === null || told) return;
    const handles =
      process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    // Whoever handles it decides what it is; if the process ends for it, that is told at the end.
    if (handles) return note(failed);
    told = true;
    const text = tellNow(failed);
    if (!attach(error, text)) write(text);
  } catch {
    // Nothing of ours may come before the error that ends the program.
  }
}

/** How far causes are followed. */
const DEPTH = 5;

/** True where the text now stands on the error, or on the last of its causes. */
function attach(thrown: unknown, text: string): boolean {
  let error = thrown;
  for (let depth = 0; depth < DEPTH && isObject(error) && Object.hasOwn(error, 'cause'); depth++)
    error = (error as { readonly cause?: unknown }).cause;
  if (!isObject(error) || Object.hasOwn(error, 'cause')) return false;
  const cause = new Error(text.split('\n', 1)[0]);
  cause.stack = text;
  return Reflect.defineProperty(error, 'cause', {
    value: cause,
    enumerable: false,
    configurable: true,
    writable: true,
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Servers that are told of a failure mostly say so and end the process: what is said at its end stands under theirs. */
function onFailure(message: unknown): void {
  try {
    const { error } = message as { readonly error?: unknown };
    const failed = listenFailureOf(error);
    if (failed !== null) note(failed);
  } catch {
    // See above.
  }
}

function note(failed: ListenFailure): void {
  handled = { failed, at: performance.now() };
  if (watchesExit) return;
  watchesExit = true;
  // Only now, so that listeners that the program has set come first.
  process.on('exit', onExit);
}

function onExit(code: number): void {
  try {
    if (code === 0 || told || handled === null || performance.now() - handled.at > SOON_MS) return;
    told = true;
    write(tellNow(handled.failed));
  } catch {
    // See above.
  }
}

/** Standard error may be a pipe that is full, or closed. */
function write(text: string): void {
  const bytes = Buffer.from(`${text}\n`);
  const wait = new Int32Array(new SharedArrayBuffer(4));
  for (let at = 0, tries = 0; at < bytes.length && tries < 100; tries++) {
    try {
      at += writeSync(2, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(wait, 0, 0, 5);
    }
  }
}

// A worker's errors come to the main thread, or are handled there.
if (isMainThread && !Object.hasOwn(globalThis, MARK)) {
  Object.defineProperty(globalThis, MARK, { value: true });
  process.on('uncaughtExceptionMonitor', onUncaught);
  // Published since Node 20.20; where they are not, only what nobody handles is told.
  subscribe('tracing:net.server.listen:error', onFailure);
  subscribe('tracing:net.server.listen:asyncEnd', () => {
    handled = null;
  });
}
