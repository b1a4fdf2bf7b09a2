// The archives of recorded machines: what is written comes back, and nothing lands outside.
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseArchive, unpack } from '../../../fixtures/archive.ts';

const ARCHIVE = `How it was made.
-- a/text --
two
lines
-- a/cmdline --
node\\0a b\\0\\
-- a/odd --
back\\\\slash\\nsplit
-- empty --
-- link -> socket:[12] --
-- ../../outside --
x
`;

test('files, links, escapes', () => {
  expect(parseArchive(ARCHIVE)).toEqual([
    { path: 'a/text', text: 'two\nlines\n', target: null },
    { path: 'a/cmdline', text: 'node\0a b\0', target: null },
    { path: 'a/odd', text: 'back\\slash\nsplit\n', target: null },
    { path: 'empty', text: '', target: null },
    { path: 'link', text: null, target: 'socket:[12]' },
    { path: '../../outside', text: 'x\n', target: null },
  ]);
});

test('unpacked below the folder, whatever the paths say', () => {
  const root = mkdtempSync(join(tmpdir(), 'portolan-archive-'));
  try {
    unpack(parseArchive(ARCHIVE), join(root, 'in'));
    expect(readFileSync(join(root, 'in/a/cmdline'), 'latin1')).toBe('node\0a b\0');
    expect(readlinkSync(join(root, 'in/link'))).toBe('socket:[12]');
    expect(existsSync(join(root, 'in/outside'))).toBe(true);
    expect(existsSync(join(root, 'outside'))).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});
