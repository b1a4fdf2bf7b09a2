// Asks a person before something is done: only where a person can be, and anything but a clear yes is a no.
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import type { Io } from '../io.ts';

export type Answer = 'yes' | 'no' | 'interrupted';

/** True where the question can be read and answered on a terminal: standard error and standard input are one. */
export function canConfirm(): boolean {
  return isatty(0) && isatty(2);
}

/**
 * Writes the question to standard error and waits for a line. Ctrl-C is `interrupted`, the end of input is a no. What
 * was typed before the question is no answer to it.
 */
export async function confirm(io: Io, question: string): Promise<Answer> {
  let interrupt = (): void => undefined;
  const interrupted = new Promise<Answer>((resolve) => {
    interrupt = (): void => resolve('interrupted');
  });
  process.once('SIGINT', interrupt);
  try {
    const before = await discardTyped(process.stdin);
    if (before !== 'none') return before;
    const answer = await Promise.race([asked(io, question), interrupted]);
    if (answer === 'interrupted') io.err('\n');
    return answer;
  } finally {
    process.off('SIGINT', interrupt);
    process.stdin.destroy();
  }
}

/** The terminal stays in its own line mode: Ctrl-C is a signal there, and an answer is what Enter has sent. */
function asked(io: Io, question: string): Promise<Answer> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const answer = new Promise<Answer>((resolve) => {
    lines.once('line', (line) => {
      resolve(/^\s*y(es)?\s*$/i.test(line) ? 'yes' : 'no');
      lines.close();
    });
    lines.once('close', () => resolve('no'));
  });
  // Apart from what stands above it, the question is not overlooked; asked last, it can be answered at once.
  io.err(`\n${question}`);
  return answer;
}

/** Ctrl-C, where it comes as a byte. */
const INTERRUPT = 3;

/**
 * Discards what was typed and not read yet, with a line that Enter has not ended: it would become part of the answer.
 * The terminal gives that out in raw mode only, and in that moment it makes no signal of Ctrl-C. A terminal that
 * refuses is a no.
 */
async function discardTyped(stdin: NodeJS.ReadStream): Promise<'none' | 'no' | 'interrupted'> {
  let found: 'none' | 'no' | 'interrupted' = 'none';
  const refuse = (): void => {
    found = 'no';
  };
  const discard = (bytes: Buffer): void => {
    if (bytes.includes(INTERRUPT)) found = 'interrupted';
  };
  stdin.on('error', refuse);
  stdin.setRawMode(true);
  stdin.on('data', discard);
  // The first turn may begin after this one's input was read; the second has read what there is.
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
  stdin.pause();
  stdin.off('data', discard);
  stdin.setRawMode(false);
  stdin.off('error', refuse);
  return found;
}
