// Lists every descriptor of an internet socket, of all processes and network namespaces, in one pass of a BPF program.
import type { KernelFacts } from '../../parse/linux-btf.ts';
import { type Libc, nativeBuffer } from '../native.ts';
import { BpfCalls } from './calls.ts';
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
import { atOnce, type Steps } from './steps.ts';

/** Room for records at first: for one port, and for all at least; grown as often as it does not do. */
const ROOM_ONE = 1 << 10;
const ROOM_ALL = 1 << 16;
/** Records for each socket that there is room for: some are open in several processes. */
const RECORDS_EACH = 1.25;
const ROOM_MOST = 1 << 22;
const READ_BYTES = 1 << 18;

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
  return atOnce(libc, descriptorSteps(libc, facts, port, sockets));
}

/** The same, stopping where the kernel goes through all descriptors, which may be done by another thread. */
export function* descriptorSteps(
  libc: Libc,
  facts: KernelFacts,
  port: number | null,
  sockets: number,
): Steps<Descriptors | 'unproven' | null> {
  const calls = BpfCalls.of(libc);
  const proof = calls === null ? null : openProof(libc);
  if (calls === null || proof === null) return null;
  try {
    const found = yield* list(new Run(libc, calls, proof.own), facts, port, sockets);
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

function* list(run: Run, facts: KernelFacts, port: number | null, sockets: number): Steps<Listing | null> {
  if (canLoop(facts)) {
    const expected = Math.max(ROOM_ALL, Math.ceil(sockets * RECORDS_EACH));
    for (let room = port === null ? expected : ROOM_ONE; room <= ROOM_MOST; room *= 8) {
      const found = yield* run.byTask(facts, port, room);
      if (found === null) break;
      if (found !== 'full') return found;
    }
  }
  return yield* run.byFile(facts, port);
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
  readonly #calls: BpfCalls;
  readonly #own: Own;

  constructor(libc: Libc, calls: BpfCalls, own: Own) {
    this.#libc = libc;
    this.#calls = calls;
    this.#own = own;
  }

  *byTask(facts: KernelFacts, port: number | null, room: number): Steps<Listing | 'full' | null> {
    const size = HEADER_BYTES + room * RECORD_BYTES;
    const map = this.#calls.array(size);
    if (map === null) return null;
    try {
      const target = facts.functions.bpf_iter_task;
      const program = this.#calls.load(taskProgram(facts, map, room, port, this.#own), target);
      if (program === null) return null;
      try {
        // Nothing is written to the file: one read runs the program over all its tasks.
        const nothing = nativeBuffer(8);
        const reading = { address: this.#libc.address(nothing), length: nothing.length };
        // Over our own process first, where it learns: that takes no time.
        for (const pid of [this.#own.pid, null]) {
          const iterator = this.#calls.iterator(program, pid);
          if (iterator === null) return null;
          try {
            const { address, length } = reading;
            const read =
              pid === null
                ? yield { fd: iterator, address, length, memory: nothing }
                : this.#libc.read(iterator, address, length);
            if (read !== 0) return null;
          } finally {
            this.#libc.close(iterator);
          }
        }
      } finally {
        this.#libc.close(program);
      }
      const value = nativeBuffer(size);
      if (!this.#calls.lookUp(map, value)) return null;
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

  *byFile(facts: KernelFacts, port: number | null): Steps<Listing | null> {
    const target = facts.functions.bpf_iter_task_file;
    if (target === 0) return null;
    const program = this.#calls.load(fileProgram(facts, port, this.#own), target);
    if (program === null) return null;
    const parts: Uint32Array[] = [];
    try {
      const iterator = this.#calls.iterator(program, null);
      if (iterator === null) return null;
      try {
        const memory = nativeBuffer(READ_BYTES);
        const address = this.#libc.address(memory);
        for (;;) {
          const length = yield { fd: iterator, address, length: READ_BYTES, memory };
          // Half a record would mean that the program is not what we think.
          if (length < 0 || length % RECORD_BYTES !== 0) return null;
          if (length === 0) break;
          parts.push(new Uint32Array(memory.buffer.slice(0, length)));
        }
      } finally {
        this.#libc.close(iterator);
      }
    } finally {
      this.#libc.close(program);
    }
    const words = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      words.set(part, at);
      at += part.length;
    }
    return { count: words.length / RECORD_WORDS, words, learned: null };
  }
}
