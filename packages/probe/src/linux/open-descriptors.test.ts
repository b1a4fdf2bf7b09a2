// Counts of descriptors: by the machine's open files where they are few, else by the sizes of the processes' folders.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OpenDescriptors } from './open-descriptors.ts';

test('few open files are few descriptors, and no process is looked at', () => {
  const root = mkdtempSync(join(tmpdir(), 'portolan-open-'));
  try {
    mkdirSync(join(root, 'sys/fs'), { recursive: true });
    writeFileSync(join(root, 'sys/fs/file-nr'), '700\t0\t1000000\n');
    expect(new OpenDescriptors(root).moreThan(2000)).toBe(false);
    // Many files may be few descriptors, but where nothing is counted it cannot be told.
    expect(new OpenDescriptors(root).moreThan(500)).toBe(true);
    expect(new OpenDescriptors(root).byProcess().size).toBe(0);
    // More sockets than that are more descriptors than that, without any process being looked at.
    mkdirSync(join(root, 'self/fd'), { recursive: true });
    mkdirSync(join(root, 'net'));
    writeFileSync(join(root, 'sys/fs/file-nr'), '70000\t0\t1000000\n');
    writeFileSync(join(root, 'net/sockstat'), 'sockets: used 45012\nTCP: inuse 45000 orphan 0 tw 0\n');
    const many = new OpenDescriptors(root);
    expect(many.moreThan(20_000)).toBe(true);
    writeFileSync(join(root, 'net/sockstat'), 'sockets: used 12\n');
    expect(many.moreThan(45_011)).toBe(true);
    rmSync(join(root, 'self'), { recursive: true });
    rmSync(join(root, 'sys'), { recursive: true });
    expect(new OpenDescriptors(root).moreThan(2000)).toBe(true);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test.runIf(process.platform === 'linux')('our own descriptors are counted', () => {
  const open = new OpenDescriptors('/proc');
  const count = open.byProcess().get(process.pid);
  // Listing the folder opens it; kernels before 6.2 do not count.
  if (count !== undefined) expect(Math.abs(count - readdirSync('/proc/self/fd').length)).toBeLessThan(5);
  expect(open.moreThan(2 ** 40)).toBe(count === undefined);
});
