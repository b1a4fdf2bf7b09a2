// Kept facts: what somebody else may have written, or what is damaged, is never believed; nothing is kept by half.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readKernelFacts } from '../../parse/linux-btf.ts';
import { kernelFacts } from './facts.ts';

const BTF = '/sys/kernel/btf/vmlinux';
const isRoot = process.geteuid?.() === 0;
/** The kernel tells its types and its build, and little-endian. */
const described = existsSync(BTF) && existsSync('/sys/kernel/notes');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-facts-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

/** The only file in a folder. */
function keptIn(where: string): string {
  const names = readdirSync(where);
  expect(names).toHaveLength(1);
  expect(names[0]).toMatch(/^kernel-\d+-[0-9a-f]+\.json$/);
  return join(where, names[0] ?? '');
}

/** What the kernel says, read here anew. */
function truth(): unknown {
  const reading = readKernelFacts(readFileSync(BTF));
  return reading.ok ? reading.facts : null;
}

describe.skipIf(!described)('kept facts', () => {
  test('are written once, for their owner alone, and then believed', () => {
    const cache = join(folder, 'not', 'there');
    expect(kernelFacts(cache)).toEqual(truth());
    const file = keptIn(cache);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const { ino, mtimeMs } = statSync(file);
    expect(kernelFacts(cache)).toEqual(truth());
    expect(statSync(file)).toMatchObject({ ino, mtimeMs });
  });

  test('without a folder nothing is kept', () => {
    expect(kernelFacts(null)).toEqual(truth());
    expect(readdirSync(folder)).toEqual([]);
  });

  /** Makes kept facts bad; then they must not be believed, and be replaced by good ones. */
  const replaced = (spoil: (file: string) => void): void => {
    kernelFacts(folder);
    const file = keptIn(folder);
    const good = readFileSync(file, 'utf8');
    spoil(file);
    const { ino } = statSync(file);
    expect(kernelFacts(folder)).toEqual(truth());
    expect(keptIn(folder)).toBe(file);
    expect(readFileSync(file, 'utf8')).toBe(good);
    expect(statSync(file).ino).not.toBe(ino);
  };

  test.each<[string, (text: string) => string]>([
    ['nothing', () => ''],
    ['garbage', () => '\0\xff{{{'],
    ['another shape', () => '{"functions":{}}'],
    ['half of it', (text) => text.slice(0, text.length / 2)],
    ['all but the end', (text) => text.slice(0, -1)],
    ['another offset', (text) => text.replace(/("socket\.sk":)\d+/, '$18')],
    ['another id', (text) => text.replace(/("bpf_iter_task":)\d+/, '$199')],
    ['an offset too large', (text) => text.replace(/("socket\.sk":)\d+/, '$1999999')],
    ['another sum', (text) => `0${text}`],
    ['no sum', (text) => text.slice(text.indexOf('\n') + 1)],
    ['far too much', (text) => text + ' '.repeat(1 << 17)],
  ])('%s: read anew and replaced', (_, change) => {
    replaced((file) => {
      const text = readFileSync(file, 'latin1');
      expect(change(text)).not.toBe(text);
      writeFileSync(file, change(text), 'latin1');
    });
  });

  test('of another build under this name: the sum goes over the name as well', () => {
    replaced((file) => {
      const text = readFileSync(file, 'latin1');
      const facts = text.slice(text.indexOf('\n') + 1);
      // FNV-1a over name and text, as another build's name would have it.
      const other = `kernel-0-0.json\n${facts}`;
      let sum = 0x811c_9dc5;
      for (const char of other) sum = Math.imul(sum ^ char.charCodeAt(0), 0x0100_0193) >>> 0;
      writeFileSync(file, `${sum.toString(16)}\n${facts}`, 'latin1');
    });
  });

  test('a named pipe in its place keeps nobody waiting', () => {
    replaced((file) => {
      rmSync(file);
      expect(spawnSync('/usr/bin/mkfifo', [file]).status).toBe(0);
    });
  });

  test('cut at any length', () => {
    kernelFacts(folder);
    const file = keptIn(folder);
    const { size } = statSync(file);
    const wanted = truth();
    for (let length = 0; length < size; length += 97) {
      truncateSync(file, length);
      expect(kernelFacts(folder), `cut at ${length}`).toEqual(wanted);
      expect(statSync(file).size).toBe(size);
    }
  });

  test('writable by others', () => {
    for (const mode of [0o620, 0o602, 0o666]) replaced((file) => chmodSync(file, mode));
  });

  test.skipIf(!isRoot)('of another owner', () => {
    replaced((file) => chownSync(file, 65_534, 65_534));
  });

  test.skipIf(!isRoot)('a link to what another wrote', () => {
    kernelFacts(folder);
    const file = keptIn(folder);
    const theirs = mkdtempSync(join(tmpdir(), 'portolan-theirs-'));
    try {
      const planted = join(theirs, 'facts');
      const text = readFileSync(file);
      writeFileSync(planted, text);
      chownSync(planted, 65_534, 65_534);
      rmSync(file);
      symlinkSync(planted, file);
      expect(kernelFacts(folder)).toEqual(truth());
      // The link is replaced, and not what it leads to.
      expect(statSync(file).uid).toBe(0);
      expect(statSync(planted).uid).toBe(65_534);
    } finally {
      rmSync(theirs, { recursive: true });
    }
  });

  test('a link to nowhere, or to itself', () => {
    kernelFacts(folder);
    const file = keptIn(folder);
    for (const target of [join(folder, 'nowhere'), file]) {
      rmSync(file);
      symlinkSync(target, file);
      expect(kernelFacts(folder)).toEqual(truth());
      expect(existsSync(join(folder, 'nowhere'))).toBe(false);
      expect(statSync(keptIn(folder)).isFile()).toBe(true);
    }
  });

  test('a folder in its place, or a file in place of the folder: nothing is kept and nothing left behind', () => {
    kernelFacts(folder);
    const file = keptIn(folder);
    rmSync(file);
    mkdirSync(file);
    expect(kernelFacts(folder)).toEqual(truth());
    expect(keptIn(folder)).toBe(file);
    expect(readdirSync(file)).toEqual([]);
    const plain = join(folder, 'plain');
    writeFileSync(plain, 'mine');
    expect(kernelFacts(plain)).toEqual(truth());
    expect(kernelFacts(join(plain, 'below'))).toEqual(truth());
    expect(readFileSync(plain, 'utf8')).toBe('mine');
  });

  test('a folder that cannot be written', () => {
    // What refuses root as well; a mode alone would not.
    const nowhere = '/proc/self/portolan';
    expect(kernelFacts(nowhere)).toEqual(truth());
    chmodSync(folder, 0o500);
    expect(kernelFacts(folder)).toEqual(truth());
  });

  test('a draft that was left behind stands in the way once', () => {
    kernelFacts(folder);
    const file = keptIn(folder);
    rmSync(file);
    writeFileSync(`${file}.${process.pid}`, 'half');
    for (let run = 0; run < 2; run++) expect(kernelFacts(folder)).toEqual(truth());
    expect(keptIn(folder)).toBe(file);
  });

  test('several processes at once', async () => {
    const script = `
      const { kernelFacts } = await import(process.argv[1]);
      for (let run = 0; run < 20; run++) {
        const facts = kernelFacts(process.argv[2]);
        if (facts === null || facts.offsets['fdtable.max_fds'] !== 0) process.exit(1);
        if (run % 4 === 3) (await import('node:fs')).rmSync(process.argv[3], { force: true });
      }`;
    kernelFacts(folder);
    const file = keptIn(folder);
    const module = new URL('../../../dist/linux/bpf/facts.js', import.meta.url).href;
    const ends = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, module, folder, file], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return new Promise<number | null>((resolve) => child.once('exit', resolve));
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
    expect(kernelFacts(folder)).toEqual(truth());
    expect(statSync(keptIn(folder)).size).toBeGreaterThan(500);
  });
});
