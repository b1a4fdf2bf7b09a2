// The files for all systems, where `npm run build:binaries` has made them: each is for its system and its processor, and what a
// Mac asks of a signature holds. None of them is run here.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './built.ts';
import { readMachO } from './mach-o.ts';

const FOLDER = join(ROOT, 'dist', 'binaries');

/** e_machine of ELF (elf.h), by processor. */
const ELF = { x64: 62, arm64: 183 } as const;
/** IMAGE_FILE_MACHINE_AMD64 of the PE format. */
const AMD64 = 0x8664;

function headOf(file: string): Buffer {
  const head = Buffer.alloc(1 << 16);
  const fd = openSync(file, 'r');
  readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  return head;
}

/** A test of a file that may not have been made. */
function made(name: string, body: (file: string) => void): void {
  const file = join(FOLDER, name);
  const there = existsSync(file);
  test.skipIf(!there)(`${name}${there ? '' : ' (skipped: not built)'}`, () => body(file));
}

describe('a file is for', () => {
  for (const [name, cpu, loader] of [
    ['portolan-linux-x64', 'x64', '/lib64/ld-linux-x86-64.so.2'],
    ['portolan-linux-arm64', 'arm64', '/lib/ld-linux-aarch64.so.1'],
    ['portolan-linux-x64-musl', 'x64', '/lib/ld-musl-x86_64.so.1'],
    ['portolan-linux-arm64-musl', 'arm64', '/lib/ld-musl-aarch64.so.1'],
  ] as const) {
    made(name, (file) => {
      const head = headOf(file);
      expect(head.toString('latin1', 0, 4)).toBe('\u007fELF');
      expect(head.readUInt16LE(18)).toBe(ELF[cpu]);
      expect(head.toString('latin1')).toContain(`${loader}\0`);
    });
  }
  made('portolan-windows-x64.exe', (file) => {
    const head = headOf(file);
    const at = head.readUInt32LE(0x3c);
    expect(head.toString('latin1', at, at + 4)).toBe('PE\0\0');
    expect(head.readUInt16LE(at + 4)).toBe(AMD64);
  });
  made('portolan-macos-arm64', (file) => {
    const { cpu, executable, signature } = readMachO(readFileSync(file)) ?? {};
    expect([cpu, executable]).toEqual(['arm64', true]);
    expect(signature).toMatchObject({ adHoc: true, broken: 0 });
    expect(signature?.pages).toBeGreaterThan(10_000);
  });
  made('portolan-macos-x64', (file) => {
    // Its signature does not hold: docs/binaries.md says how to sign it on the Mac.
    expect(readMachO(readFileSync(file))).toMatchObject({ cpu: 'x64', executable: true });
  });
});
