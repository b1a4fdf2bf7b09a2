// Answers to "was this page useful?" as one file in the user's own data folder: changed under the folder's lock, put in
// its place whole.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  FEEDBACK_LINES,
  type FeedbackCount,
  formatFeedback,
  PortolanError,
  parseFeedback,
  type Vote,
  withVote,
} from '@portolan/core';

/** Longer than any file that we write: a line is at most this many bytes. */
const SIZE_LIMIT = FEEDBACK_LINES * 200;

/** How long another server may hold the lock, in milliseconds. */
const LOCK_WAIT = 5000;

/** Locks a folder against every other process; see the probe. */
export type LockFolder = (
  folder: string,
  options: { readonly waitMs: number },
) => Promise<{ release(): void }>;

/** The answers below a data folder. */
export class FeedbackFile {
  readonly path: string;
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = dataDir;
    this.path = join(dataDir, 'feedback.json');
  }

  /** What was answered. Throws FEEDBACK where the file cannot be read or is none of ours. */
  read(): readonly FeedbackCount[] {
    let text: string;
    try {
      const { size } = statSync(this.path);
      if (size > SIZE_LIMIT) throw this.#damaged();
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error instanceof PortolanError ? error : this.#failure('read', error);
    }
    const counts = parseFeedback(text);
    if (counts === null) throw this.#damaged();
    return counts;
  }

  /** Counts an answer of a day (`2026-11-25`). Throws FEEDBACK; what was counted before is never lost by that. */
  async note(vote: Vote, day: string, lock: LockFolder): Promise<void> {
    let held: { release(): void };
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      held = await lock(this.#folder, { waitMs: LOCK_WAIT });
    } catch (error) {
      throw this.#failure('locked', error);
    }
    try {
      const before = this.read();
      const after = withVote(before, vote, day);
      if (after === null) {
        throw new PortolanError('FEEDBACK', `${this.path} has ${FEEDBACK_LINES} lines and takes no more.`, {
          hint: 'Move it away, and counting begins anew.',
        });
      }
      if (after !== before) this.#write(formatFeedback(after));
    } finally {
      held.release();
    }
  }

  /** Written beside, made durable, then renamed: a reader sees the old counts or the new. */
  #write(text: string): void {
    const beside = `${this.path}.${randomBytes(6).toString('hex')}`;
    try {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const fd = openSync(beside, flags, 0o600);
      try {
        writeFileSync(fd, text);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(beside, this.path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw this.#failure('written', error);
    }
  }

  #failure(what: 'read' | 'written' | 'locked', cause: unknown): PortolanError {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    return new PortolanError('FEEDBACK', `${this.path} could not be ${what} (${code}).`, { cause });
  }

  #damaged(): PortolanError {
    return new PortolanError('FEEDBACK', `${this.path} is not what Portolan wrote, and is left as it is.`, {
      hint: 'Move it away, and counting begins anew.',
    });
  }
}
