// A text read in slices is the same as one read at once, and its lines are found again.
import { readPrinted } from '@portolan/probe/printed';
import { DOCUMENTS } from '@portolan/probe/printed/documents';
import { describe, expect, test } from 'vitest';
import { linesOf, understand } from './reading.ts';

const course = {
  progress: () => undefined,
  stopped: () => false,
  portOf: () => null,
  documents: () => Promise.resolve(DOCUMENTS),
};

const ROW = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=7,fd=3))\n';

describe('understand', () => {
  test('over many pieces, as at once', async () => {
    const text = `${ROW.repeat(2000)}what 1\n[{"LocalAddress":"0.0.0.0","LocalPort":445,"State":2,"OwningProcess":4}]\n`;
    const got = await understand(text, course);
    expect(got?.reading).toEqual(readPrinted(text, { documents: DOCUMENTS }));
    expect(got?.rows).toHaveLength(2001);
    expect(got?.rows.at(-1)?.lines).toEqual([2002, 2002]);
  });
  test('loads what reads documents only when something looks like one', async () => {
    let loaded = 0;
    const documents = (): Promise<typeof DOCUMENTS> => {
      loaded++;
      return Promise.resolve(DOCUMENTS);
    };
    await understand(ROW, { ...course, documents });
    expect(loaded).toBe(0);
    await understand(`${ROW.repeat(500)}{"a":1}\n{"a":1}\n`, { ...course, documents });
    expect(loaded).toBe(1);
  });
  test('stopped, it gives nothing', async () => {
    expect(await understand(ROW, { ...course, stopped: () => true })).toBeNull();
  });
});

test('lines by their number, long ones cut', () => {
  const text = 'one\r\n\nthree is long\nfour';
  expect([...linesOf(text, [1, 3, 4, 9], 5)]).toEqual([
    [1, 'one'],
    [3, 'three…'],
    [4, 'four'],
  ]);
});
