// The network namespaces of all processes in one read of a BPF program, where a link of each would be read.
import { statSync } from 'node:fs';
import type { KernelFacts } from '../../parse/linux-btf.ts';
import { type Libc, nativeBuffer } from '../native.ts';
import { BpfCalls } from './calls.ts';
import { canLoop, NAMESPACE_WORDS, namespaceProgram } from './programs.ts';

const READ_BYTES = 1 << 15;

/**
 * The inode of each process's network namespace, by process id of the first pid namespace. Null where the kernel refuses or
 * is older than 6.4, and where what it says of this process and of the first one is not what their links say. A process that
 * goes into another namespace at that very moment may have any number here: only what is the same as a known one is to be
 * believed.
 */
export function processNamespaces(libc: Libc, facts: KernelFacts): ReadonlyMap<number, number> | null {
  if (!canLoop(facts)) return null;
  const calls = BpfCalls.of(libc);
  const program = calls?.load(namespaceProgram(facts), facts.functions.bpf_iter_task) ?? null;
  if (calls === null || program === null) return null;
  try {
    const iterator = calls.iterator(program, null);
    if (iterator === null) return null;
    try {
      const found = readAll(libc, iterator);
      return found !== null && isProven(found) ? found : null;
    } finally {
      libc.close(iterator);
    }
  } finally {
    libc.close(program);
  }
}

function readAll(libc: Libc, iterator: number): Map<number, number> | null {
  const memory = nativeBuffer(READ_BYTES);
  const address = libc.address(memory);
  const found = new Map<number, number>();
  for (;;) {
    const length = libc.read(iterator, address, READ_BYTES);
    if (length === 0) return found;
    // Half a record would mean that the program is not what we think.
    if (length < 0 || length % (4 * NAMESPACE_WORDS) !== 0) return null;
    const words = new Uint32Array(memory.buffer, 0, length / 4);
    for (let at = 0; at < words.length; at += NAMESPACE_WORDS) found.set(words[at] ?? 0, words[at + 1] ?? 0);
  }
}

/** Of this process it must be told right, and of the first one, unless that is hidden from root as well, as in some sandboxes. */
function isProven(found: ReadonlyMap<number, number>): boolean {
  const own = inodeOf(process.pid);
  const first = inodeOf(1);
  return own !== null && found.get(process.pid) === own && (first === null || found.get(1) === first);
}

function inodeOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    return null;
  }
}
