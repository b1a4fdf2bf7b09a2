// Asks a person before something is done: only where a person can be, and anything but a clear yes is a no.
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import type { Io } from '../io.ts';

export type Answer = 'yes' | 'no' | 'interrupted';

/** True where the question can be read and answered on a terminal: standard error and standard input are one. */
export function canConfirm(): boolean {
  return isatty(0) && isatty(2);
}

/** Writes the question to standard error and waits for a line. Ctrl-C is `interrupted`, the end of input is a no. */
export async function confirm(io: Io, question: string): Promise<Answer> {
  // The terminal stays in its own line mode: Ctrl-C is a signal there, and an answer is what Enter has sent.
  const lines = createInterface({ input: process.stdin, terminal: false });
  let interrupt = (): void => undefined;
  const interrupted = new Promise<Answer>((resolve) => {
    interrupt = (): void => resolve('interrupted');
  });
  process.once('SIGINT', interrupt);
  // Apart from what stands above it, the question is not overlooked; asked last, it can be answered at once.
  io.err(`\n${question}`);
  const answered = new Promise<Answer>((resolve) => {
    lines.once('line', (line) => resolve(/^\s*y(es)?\s*$/i.test(line) ? 'yes' : 'no'));
    lines.once('close', () => resolve('no'));
  });
  try {
    const answer = await Promise.race([answered, interrupted]);
    if (answer === 'interrupted') io.err('\n');
    return answer;
  } finally {
    process.off('SIGINT', interrupt);
    lines.close();
  }
}
