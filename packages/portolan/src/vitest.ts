// A setup file for vitest (`setupFiles: ['portolan/vitest']`): under a test that failed because it could not listen, says why.
import { afterAll, beforeEach } from 'vitest';
import { listenFailureOf } from './listening/failure.ts';

/** Answers that are still being looked for; a worker may end after its last test. */
const pending = new Set<Promise<void>>();

/** Errors that were told: a test that is tried again has those of every attempt, and this hook once for each. */
const known = new WeakSet<object>();

/** What is said beside a test may not make it fail. */
async function tell(error: unknown): Promise<void> {
  try {
    if (typeof error !== 'object' || error === null || known.has(error)) return;
    known.add(error);
    if (listenFailureOf(error) === null) return;
    const { explainListenError } = await import('portolan');
    const answer = await explainListenError(error);
    if (answer !== null) console.error(answer.text);
  } catch {
    // See above.
  }
}

async function begin(failure: unknown): Promise<void> {
  const telling = tell(failure);
  pending.add(telling);
  await telling;
  pending.delete(telling);
}

beforeEach(({ task, onTestFailed }) => {
  onTestFailed(async () => {
    const errors: readonly unknown[] = task.result?.errors ?? [];
    await Promise.all(errors.map(begin));
  });
});

// Vitest reports what nobody handles; the tests go on meanwhile.
process.on('uncaughtExceptionMonitor', (error) => void begin(error));
afterAll(async () => {
  await Promise.all(pending);
});
