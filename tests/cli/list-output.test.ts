// The JSON of many holders, which is written beside being made: whatever reads it, and however, nothing is lost.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bash } from './program.ts';

/** Listeners of a recorded machine: enough for several pieces of a mebibyte. */
const LISTENERS = 20_000;

const root = mkdtempSync(join(tmpdir(), 'portolan-output-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(() => {
  mkdirSync(join(root, 'net'));
  const lines = Array.from({ length: LISTENERS }, (_, index) => {
    const port = (10_000 + index).toString(16).toUpperCase().padStart(4, '0');
    return `${index}: 0100007F:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 ${index + 1} 1 0 100 0 0 10 0`;
  });
  const title = 'sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode';
  writeFileSync(join(root, 'net', 'tcp'), `${[title, ...lines].join('\n')}\n`);
});

const LIST = `$PORTOLAN list --json --procfs-root ${root}`;

test.each([
  ['at once', 'cat'],
  ['slowly', '(sleep 1; cat)'],
])('a pipe that is read %s', (_how, reader) => {
  const { out, err, code } = bash(
    `${LIST} | ${reader} > ${root}/out; echo \${PIPESTATUS[0]}; wc -l < ${root}/out`,
  );
  expect(err).toBe('');
  expect(code).toBe(0);
  const [ended, lines] = out.trim().split('\n').map(Number);
  expect(ended).toBe(0);
  expect(lines).toBeGreaterThan(LISTENERS);
  const ports = bash(
    `node -e 'const { holders } = JSON.parse(require("fs").readFileSync("${root}/out", "utf8"));
      console.log(holders.length, holders.every(({ local }, index) => local.port === 10000 + index))'`,
  );
  expect(ports.out).toBe(`${LISTENERS} true\n`);
});

test.each(['head -c 1', 'head -c 3000000', 'true'])('a reader that goes away is no failure: %s', (reader) => {
  const { out, err } = bash(`${LIST} | ${reader} | wc -c; echo \${PIPESTATUS[0]}`);
  expect(err).toBe('');
  expect(out.trim().split('\n').at(-1)).toBe('0');
});

test.skipIf(!existsSync('/dev/full'))('a full disk is told', () => {
  const { code, err } = bash(`${LIST} > /dev/full`);
  expect(code).toBe(1);
  expect(err).toMatch(/ENOSPC/);
  expect(err).not.toMatch(/\n\s+at /);
});
