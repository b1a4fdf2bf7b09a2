// Lists every descriptor of an internet socket, of all processes and network namespaces, in one pass of a BPF program.
import type { KernelFacts } from '../../parse/linux-btf.ts';
import { type Libc, nativeBuffer } from '../native.ts';
import type { Assembler } from './assembler.ts';
import {
  canLoop,
  fileProgram,
  HEADER_BYTES,
  OTHER_OP,
  OWN_ROOM,
  type Own,
  RECORD_BYTES,
  RECORD_WORDS,
  SOCKET_OP,
  taskProgram,
} from './programs.ts';
import { openProof, type Proof } from './proof.ts';

/** bpf(2) by architecture (asm/unistd.h); null where we do not know it. Little-endian ones only. */
const BPF: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 };

/** Commands and types of linux/bpf.h. */
const BPF_MAP_CREATE = 0;
const BPF_MAP_LOOKUP_ELEM = 1;
const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_ITER_CREATE = 33;
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_PROG_TYPE_TRACING = 26;
const BPF_TRACE_ITER = 28;
/** The helpers that read kernel memory are for GPL-compatible programs only; ours is under both licences. */
const LICENSE = 'Dual MIT/GPL\0';
const ATTRIBUTES = 148;

/** Room for records at first: for one port, and for all at least; grown as often as it does not do. */
const ROOM_ONE = 1 << 10;
const ROOM_ALL = 1 << 16;
/** Records for each socket that there is room for: some are open in several processes. */
const RECORDS_EACH = 1.25;
const ROOM_MOST = 1 << 22;
const READ_BYTES = 1 << 18;
const EAGAIN = 11;
const ATTEMPTS = 16;

/** Records one after another, `RECORD_WORDS` words each. */
export interface Descriptors {
  readonly count: number;
  /** As programs.ts has them. */
  readonly words: Uint32Array;
}

/**
 * All descriptors of sockets on `port`, or of all with a port, of which there are about `sockets`. Null where the kernel
 * refuses: rights (CAP_BPF and
 * CAP_PERFMON), its age (5.11 at least), a lockdown. `unproven` where sockets of our own, of which everything is known,
 * are not in the list as they are: then the facts are not those of this kernel, and nothing in the list is to be
 * believed. Process ids are those of the first pid namespace.
 */
export function bpfDescriptors(
  libc: Libc,
  facts: KernelFacts,
  port: number | null,
  sockets = 0,
): Descriptors | 'unproven' | null {
  const call = BPF[process.arch];
  if (call === undefined) return null;
  const proof = openProof(libc);
  if (proof === null) return null;
  try {
    const found = list(new Run(libc, call, proof.own), facts, port, sockets);
    return found === null ? null : proven(proof, found);
  } finally {
    proof.close();
  }
}

/** A list as the kernel gave it. */
interface Listing extends Descriptors {
  /**
   * The room of our own table of descriptors, and whether sockets can be told from other files by what was learned; null
   * where neither was asked for.
   */
  readonly learned: { readonly room: number; readonly tells: boolean } | null;
}

function list(run: Run, facts: KernelFacts, port: number | null, sockets: number): Listing | null {
  if (canLoop(facts)) {
    const expected = Math.max(ROOM_ALL, Math.ceil(sockets * RECORDS_EACH));
    for (let room = port === null ? expected : ROOM_ONE; room <= ROOM_MOST; room *= 8) {
      const found = run.byTask(facts, port, room);
      if (found === null) break;
      if (found !== 'full') return found;
    }
  }
  return run.byFile(facts, port);
}

/** The list without the records that prove it. */
function proven(proof: Proof, { words, learned }: Listing): Descriptors | 'unproven' {
  const rest = proof.without(words);
  if (rest === null) return 'unproven';
  if (learned !== null && !(learned.tells && proof.hasRoom(learned.room))) return 'unproven';
  return { count: rest.length / RECORD_WORDS, words: rest };
}

class Run {
  readonly #libc: Libc;
  readonly #call: number;
  readonly #attributes = nativeBuffer(ATTRIBUTES);

  readonly #own: Own;

  constructor(libc: Libc, call: number, own: Own) {
    this.#libc = libc;
    this.#call = call;
    this.#own = own;
  }

  byTask(facts: KernelFacts, port: number | null, room: number): Listing | 'full' | null {
    const size = HEADER_BYTES + room * RECORD_BYTES;
    const map = this.#bpf(BPF_MAP_CREATE, 72, (out) => {
      out.writeUInt32LE(BPF_MAP_TYPE_ARRAY, 0);
      out.writeUInt32LE(4, 4);
      out.writeUInt32LE(size, 8);
      out.writeUInt32LE(1, 12);
    });
    if (map < 0) return null;
    try {
      const program = taskProgram(facts, map, room, port, this.#own);
      // Nothing is written to the file: one read runs the program over all its tasks.
      const run = (iterator: number): boolean => {
        const nothing = nativeBuffer(8);
        return this.#libc.read(iterator, this.#libc.address(nothing), 8) === 0;
      };
      // Over our own process first, where it learns.
      const ran = this.#iterate(program, facts.functions.bpf_iter_task, [this.#own.pid, null], run);
      if (ran !== true) return null;
      const value = nativeBuffer(size);
      const key = nativeBuffer(4);
      const read = this.#bpf(BPF_MAP_LOOKUP_ELEM, 32, (out) => {
        out.writeUInt32LE(map, 0);
        this.#pointer(out, 8, key);
        this.#pointer(out, 16, value);
      });
      if (read < 0) return null;
      if (value.readUInt32LE(4) !== 0) return 'full';
      const count = value.readUInt32LE(0);
      const words = new Uint32Array(value.buffer, HEADER_BYTES, count * RECORD_WORDS);
      const socket = value.readBigUInt64LE(SOCKET_OP);
      const tells = socket !== 0n && value.readBigUInt64LE(OTHER_OP) !== socket;
      return { count, words, learned: { room: value.readUInt32LE(OWN_ROOM), tells } };
    } finally {
      this.#libc.close(map);
    }
  }

  byFile(facts: KernelFacts, port: number | null): Listing | null {
    const id = facts.functions.bpf_iter_task_file;
    if (id === 0) return null;
    const parts: Uint32Array[] = [];
    const ran = this.#iterate(fileProgram(facts, port, this.#own), id, [null], (iterator) => {
      const buffer = nativeBuffer(READ_BYTES);
      for (;;) {
        const length = this.#libc.read(iterator, this.#libc.address(buffer), READ_BYTES);
        // Half a record would mean that the program is not what we think.
        if (length < 0 || length % RECORD_BYTES !== 0) return false;
        if (length === 0) return true;
        parts.push(new Uint32Array(buffer.buffer.slice(0, length)));
      }
    });
    if (ran !== true) return null;
    const words = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      words.set(part, at);
      at += part.length;
    }
    return { count: words.length / RECORD_WORDS, words, learned: null };
  }

  /**
   * Loads a program, makes iterators of it in turn, over the first thread of a process or over all (null), and lets `use`
   * read each; null where the kernel refuses.
   */
  #iterate(
    asm: Assembler,
    target: number,
    over: readonly (number | null)[],
    use: (iterator: number) => boolean,
  ): boolean | null {
    const instructions = asm.bytes(nativeBuffer);
    const license = nativeBuffer(LICENSE.length);
    license.write(LICENSE, 'latin1');
    const open: number[] = [];
    const opened = (fd: number): number => {
      if (fd >= 0) open.push(fd);
      return fd;
    };
    try {
      const program = opened(
        this.#bpf(BPF_PROG_LOAD, ATTRIBUTES, (out) => {
          out.writeUInt32LE(BPF_PROG_TYPE_TRACING, 0);
          out.writeUInt32LE(instructions.length / 8, 4);
          this.#pointer(out, 8, instructions);
          this.#pointer(out, 16, license);
          out.writeUInt32LE(BPF_TRACE_ITER, 68);
          out.writeUInt32LE(target, 108);
        }),
      );
      if (program < 0) return null;
      for (const pid of over) {
        // union bpf_iter_link_info: the thread, and process and pidfd, which are not asked for.
        const info = nativeBuffer(16);
        info.writeUInt32LE(pid ?? 0, 0);
        const link = opened(
          this.#bpf(BPF_LINK_CREATE, 64, (out) => {
            out.writeUInt32LE(program, 0);
            out.writeUInt32LE(BPF_TRACE_ITER, 8);
            if (pid === null) return;
            this.#pointer(out, 16, info);
            out.writeUInt32LE(info.length, 24);
          }),
        );
        if (link < 0) return null;
        const iterator = opened(this.#bpf(BPF_ITER_CREATE, 8, (out) => out.writeUInt32LE(link, 0)));
        if (iterator < 0) return null;
        if (!use(iterator)) return false;
      }
      return true;
    } finally {
      for (const fd of open.toReversed()) this.#libc.close(fd);
    }
  }

  #bpf(command: number, size: number, fill: (attributes: Buffer) => void): number {
    for (let attempt = 1; ; attempt++) {
      this.#attributes.fill(0);
      fill(this.#attributes);
      const result = this.#libc.syscall3(this.#call, command, this.#libc.address(this.#attributes), size);
      // The verifier gives up for any signal that is pending.
      if (result >= 0 || this.#libc.errno() !== EAGAIN || attempt >= ATTEMPTS) return result;
    }
  }

  #pointer(out: Buffer, at: number, to: Buffer): void {
    const address = this.#libc.address(to);
    out.writeUInt32LE(address % 2 ** 32, at);
    out.writeUInt32LE(Math.floor(address / 2 ** 32), at + 4);
  }
}
