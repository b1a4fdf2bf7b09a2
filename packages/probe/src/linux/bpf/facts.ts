// The kernel's BTF facts: read once a kernel build, then kept in the user's cache under the build's id.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isKernelFacts, type KernelFacts, readBuildId, readKernelFacts } from '../../parse/linux-btf.ts';

const BTF = '/sys/kernel/btf/vmlinux';
/** ELF notes of the running kernel, its build id among them (Documentation/ABI/testing/sysfs-kernel-notes). */
const NOTES = '/sys/kernel/notes';
/** Kept facts are some hundred bytes. */
const FILE_LIMIT = 1 << 16;
/** Raised when other facts are needed. */
const EDITION = 1;

/** The facts of the running kernel; null where it does not describe itself, or not in a way we understand. */
export function kernelFacts(cacheDir: string | null): KernelFacts | null {
  const file = cacheDir === null ? null : cacheFile(cacheDir);
  const kept = file === null ? null : readKept(file);
  if (kept !== null) return kept;
  let bytes: Buffer;
  try {
    bytes = readFileSync(BTF);
  } catch {
    return null;
  }
  const reading = readKernelFacts(bytes);
  if (!reading.ok) return null;
  if (cacheDir !== null && file !== null) keep(cacheDir, file, reading.facts);
  return reading.facts;
}

/** Named after the build, so that another kernel never gets these facts; null where it does not tell its build. */
function cacheFile(cacheDir: string): string | null {
  try {
    const build = readBuildId(readFileSync(NOTES));
    return build === null ? null : join(cacheDir, `kernel-${EDITION}-${build}.json`);
  } catch {
    return null;
  }
}

/** What is kept; null unless it is whole and nobody else can have written it. */
function readKept(file: string): KernelFacts | null {
  try {
    const stat = statSync(file);
    const mine = stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
    if (!mine || !stat.isFile() || stat.size > FILE_LIMIT) return null;
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isKernelFacts(value) ? value : null;
  } catch {
    return null;
  }
}

/** Keeps the facts, whole or not at all; that it cannot be done costs time and nothing else. */
function keep(cacheDir: string, file: string, facts: KernelFacts): void {
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
    writeFileSync(draft, JSON.stringify(facts), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch {
    rmSync(draft, { force: true });
  }
}
