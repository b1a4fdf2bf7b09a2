// The kernel's BTF facts: read once a kernel build, then kept in the user's cache under the build's id.
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isKernelFacts, type KernelFacts, readBuildId, readKernelFacts } from '../../parse/linux-btf.ts';

const BTF = '/sys/kernel/btf/vmlinux';
/** ELF notes of the running kernel, its build id among them (Documentation/ABI/testing/sysfs-kernel-notes). */
const NOTES = '/sys/kernel/notes';
/** Kept facts are some hundred bytes. */
const FILE_LIMIT = 1 << 16;
/** Raised when other facts are needed. */
const EDITION = 5;

/** The facts of the running kernel; null where it does not describe itself, or not in a way we understand. */
export function kernelFacts(cacheDir: string | null): KernelFacts | null {
  const file = cacheDir === null ? null : cacheFile(cacheDir);
  const kept = file === null ? null : readKept(file);
  return kept ?? freshFacts(cacheDir);
}

/** The same, whatever is kept: that is replaced. */
export function freshFacts(cacheDir: string | null): KernelFacts | null {
  const file = cacheDir === null ? null : cacheFile(cacheDir);
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

/** No link, and no waiting for a named pipe that was put in its place. */
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What is kept; null unless it is whole, of this build, and nobody else can have written it. */
function readKept(file: string): KernelFacts | null {
  let fd = -1;
  try {
    // Looked at after it was opened: in a folder of somebody else's, the name may mean another file a moment later.
    fd = openSync(file, OPEN);
    const stat = fstatSync(fd);
    const mine = stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
    if (!mine || !stat.isFile() || stat.size > FILE_LIMIT) return null;
    const text = readFileSync(fd, 'latin1');
    const end = text.indexOf('\n');
    // Changed offsets would make a program that runs and tells nonsense.
    if (end < 0 || text.slice(0, end) !== checksum(file, text.slice(end + 1))) return null;
    const value: unknown = JSON.parse(text.slice(end + 1));
    return isKernelFacts(value) ? value : null;
  } catch {
    return null;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/**
 * 32 bits of FNV-1a (RFC 9923) over the file's name, which has the build in it, and its text, both ASCII: against
 * accidents and files that were given another name, for nobody else can write there.
 */
function checksum(file: string, text: string): string {
  const whole = `${basename(file)}\n${text}`;
  let sum = 0x811c_9dc5;
  for (let index = 0; index < whole.length; index++)
    sum = Math.imul(sum ^ whole.charCodeAt(index), 0x0100_0193) >>> 0;
  return sum.toString(16);
}

/** Keeps the facts, whole or not at all; that it cannot be done costs time and nothing else. */
function keep(cacheDir: string, file: string, facts: KernelFacts): void {
  const draft = `${file}.${process.pid}`;
  try {
    makeFolder(dirname(cacheDir));
    makeFolder(cacheDir);
    const text = JSON.stringify(facts);
    writeFileSync(draft, `${checksum(file, text)}\n${text}`, { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch {
    try {
      rmSync(draft, { force: true });
    } catch {
      // Where nothing could be written there is nothing to take away.
    }
  }
}

/** Not `recursive`, which never comes back where the kernel says of a new folder that there is none, as in /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // It is there already, or writing into it will fail.
  }
}
