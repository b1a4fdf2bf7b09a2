// Work that stops at reads: done at once or beside another thread it makes the same calls and ends the same.
import { expect, test } from 'vitest';
import { type Libc, nativeBuffer } from '../native.ts';
import { atOnce, prepare, type Steps } from './steps.ts';

/** Reads what it is told, in turn; the log says what was done when. */
function fake(results: readonly number[]): { libc: Libc; log: string[] } {
  const log: string[] = [];
  const left = [...results];
  const read = (fd: number): number => {
    const result = left.shift() ?? -1;
    log.push(`read ${fd} ${result}`);
    return result;
  };
  const libc = {
    read,
    readBeside: async (fd: number) => {
      await new Promise((resolve) => setImmediate(resolve));
      return read(fd);
    },
  };
  return { libc: libc as unknown as Libc, log };
}

function* summing(log: string[]): Steps<number> {
  const memory = nativeBuffer(8);
  let sum = 0;
  try {
    for (let fd = 3; ; fd++) {
      const length = yield { fd, address: 0, length: 8, memory };
      if (length < 0) throw new Error('refused');
      if (length === 0) return sum;
      sum += length;
    }
  } finally {
    log.push('closed');
  }
}

test('both ways make the same reads and give the same result', async () => {
  const now = fake([8, 4, 0]);
  expect(atOnce(now.libc, summing(now.log))).toBe(12);
  const later = fake([8, 4, 0]);
  const prepared = prepare(later.libc, summing(later.log));
  const begun = prepared.beside();
  expect(later.log).toEqual([]);
  prepared.drop();
  expect(await begun).toBe(12);
  expect(later.log).toEqual(now.log);
  expect(now.log).toEqual(['read 3 8', 'read 4 4', 'read 5 0', 'closed']);
});

test('a failure ends the work, and what it holds is let go', async () => {
  const now = fake([8, -1]);
  expect(() => atOnce(now.libc, summing(now.log))).toThrow('refused');
  const later = fake([8, -1]);
  await expect(prepare(later.libc, summing(later.log)).beside()).rejects.toThrow('refused');
  expect(later.log).toEqual(now.log);
  expect(now.log.at(-1)).toBe('closed');
});

test('work that is prepared and not wanted reads nothing and lets go of what it holds', () => {
  const { libc, log } = fake([8, 0]);
  prepare(libc, summing(log)).drop();
  expect(log).toEqual(['closed']);
});
