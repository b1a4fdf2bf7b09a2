// bpf(2): maps, programs and iterators, as far as our programs need them.
import { type Libc, nativeBuffer } from '../native.ts';
import type { Assembler } from './assembler.ts';

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
const EAGAIN = 11;
const ATTEMPTS = 16;

/** The calls. Descriptors that they give are closed by whoever asked; null where the kernel refuses. */
export class BpfCalls {
  readonly #libc: Libc;
  readonly #call: number;
  readonly #attributes = nativeBuffer(ATTRIBUTES);

  private constructor(libc: Libc, call: number) {
    this.#libc = libc;
    this.#call = call;
  }

  /** Null on an architecture whose number of the call we do not know. */
  static of(libc: Libc): BpfCalls | null {
    const call = BPF[process.arch];
    return call === undefined ? null : new BpfCalls(libc, call);
  }

  /** An array map with one value of `size` bytes. */
  array(size: number): number | null {
    return this.#bpf(BPF_MAP_CREATE, 72, (out) => {
      out.writeUInt32LE(BPF_MAP_TYPE_ARRAY, 0);
      out.writeUInt32LE(4, 4);
      out.writeUInt32LE(size, 8);
      out.writeUInt32LE(1, 12);
    });
  }

  /** Copies the map's value into `value`; false where that is refused. */
  lookUp(map: number, value: Buffer): boolean {
    const key = nativeBuffer(4);
    const read = this.#bpf(BPF_MAP_LOOKUP_ELEM, 32, (out) => {
      out.writeUInt32LE(map, 0);
      this.#pointer(out, 8, key);
      this.#pointer(out, 16, value);
    });
    return read !== null;
  }

  /** Loads a program that iterates; `target` is the BTF id of the kernel's function for the iterator. */
  load(asm: Assembler, target: number): number | null {
    const instructions = asm.bytes(nativeBuffer);
    const license = nativeBuffer(LICENSE.length);
    license.write(LICENSE, 'latin1');
    return this.#bpf(BPF_PROG_LOAD, ATTRIBUTES, (out) => {
      out.writeUInt32LE(BPF_PROG_TYPE_TRACING, 0);
      out.writeUInt32LE(instructions.length / 8, 4);
      this.#pointer(out, 8, instructions);
      this.#pointer(out, 16, license);
      out.writeUInt32LE(BPF_TRACE_ITER, 68);
      out.writeUInt32LE(target, 108);
    });
  }

  /** An iterator of a loaded program, over the first thread of a process or over all tasks (null). */
  iterator(program: number, pid: number | null): number | null {
    // union bpf_iter_link_info: the thread, and process and pidfd, which are not asked for.
    const info = nativeBuffer(16);
    info.writeUInt32LE(pid ?? 0, 0);
    const link = this.#bpf(BPF_LINK_CREATE, 64, (out) => {
      out.writeUInt32LE(program, 0);
      out.writeUInt32LE(BPF_TRACE_ITER, 8);
      if (pid === null) return;
      this.#pointer(out, 16, info);
      out.writeUInt32LE(info.length, 24);
    });
    if (link === null) return null;
    try {
      // It holds the program, and what the link says of the tasks is copied into it.
      return this.#bpf(BPF_ITER_CREATE, 8, (out) => out.writeUInt32LE(link, 0));
    } finally {
      this.#libc.close(link);
    }
  }

  #bpf(command: number, size: number, fill: (attributes: Buffer) => void): number | null {
    for (let attempt = 1; ; attempt++) {
      this.#attributes.fill(0);
      fill(this.#attributes);
      const result = this.#libc.syscall3(this.#call, command, this.#libc.address(this.#attributes), size);
      if (result >= 0) return result;
      // The verifier gives up for any signal that is pending.
      if (this.#libc.errno() !== EAGAIN || attempt >= ATTEMPTS) return null;
    }
  }

  #pointer(out: Buffer, at: number, to: Buffer): void {
    const address = this.#libc.address(to);
    out.writeUInt32LE(address % 2 ** 32, at);
    out.writeUInt32LE(Math.floor(address / 2 ** 32), at + 4);
  }
}
