// The door's other side in the single files: bun:ffi, which needs no file beside the program and none in a temporary folder.
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { Foreign, ForeignFunction, ForeignLibrary, ForeignType } from './foreign.ts';

/** What is used of bun:ffi. */
interface BunFfi {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, { readonly args: readonly string[]; readonly returns: string }>>,
  ): { readonly symbols: Readonly<Record<string, (...args: unknown[]) => number>> };
  ptr(bytes: Uint8Array): number;
  toArrayBuffer(address: number, offset: number, length: number): ArrayBuffer;
}

/** bun:ffi's names; `_fast` gives a number wherever one is exact, and a bigint else. */
const TYPES: Readonly<Record<ForeignType, string>> = {
  int: 'i32',
  uint32: 'u32',
  int64: 'i64_fast',
  uint64: 'u64_fast',
  size_t: 'u64_fast',
  intptr_t: 'i64_fast',
  uintptr_t: 'u64_fast',
  // Its address: see `passed`.
  str: 'u64_fast',
};

/** musl answers to every name that begins with “libc.”, and so to glibc's. */
const LIBC: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: 'libc.so.6',
  darwin: '/usr/lib/libSystem.B.dylib',
};

/** The function that gives the address of the calling thread's errno. */
const ERRNO: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: '__errno_location',
  darwin: '__error',
};

/** Runs in a thread of its own: calls one function after the other, and sends back what each returned. */
const BESIDE = `
const { parentPort } = require('node:worker_threads');
const { dlopen } = require('bun:ffi');
parentPort.on('message', ({ id, path, name, declared, values }) => {
  let answer;
  try {
    answer = { id, error: null, result: dlopen(path, { [name]: declared }).symbols[name](...values) };
  } catch (error) {
    answer = { id, error: String(error), result: -1 };
  }
  parentPort.postMessage(answer);
});
`;

type Done = (error: unknown, result: number) => void;

let cached: Foreign | undefined;

/** The door through bun:ffi. */
export function bunForeign(): Foreign {
  cached ??= new BunForeign(createRequire(import.meta.url)('bun:ffi') as BunFfi);
  return cached;
}

class BunForeign implements Foreign {
  readonly #ffi: BunFfi;
  readonly #errnoNow: DataView | null;
  readonly #waiting = new Map<number, Done>();
  #errno = 0;
  #beside: Worker | null = null;
  #asked = 0;

  constructor(ffi: BunFfi) {
    this.#ffi = ffi;
    const name = ERRNO[process.platform];
    const address = name === undefined ? undefined : this.#declare(libc(), name, 'uintptr_t', [])();
    // A thread's errno stays where it is.
    this.#errnoNow = address === undefined ? null : new DataView(ffi.toArrayBuffer(address, 0, 4));
  }

  load(path: string | null): ForeignLibrary {
    const file = path ?? libc();
    return {
      func: <Result>(name: string, result: ForeignType, args: readonly ForeignType[]) =>
        this.#function(file, name, result, args) as ForeignFunction<Result>,
    };
  }

  address(bytes: Uint8Array): number {
    return bytes.length === 0 ? 0 : this.#ffi.ptr(bytes);
  }

  errno(value?: number): number {
    if (value !== undefined) {
      this.#errno = value;
      this.#errnoNow?.setInt32(0, value, endianness() === 'LE');
    }
    return this.#errno;
  }

  #function(file: string, name: string, result: ForeignType, args: readonly ForeignType[]): unknown {
    let bound: ((...values: unknown[]) => number) | null = null;
    const text = args.includes('str');
    const call = (...values: (number | bigint | string)[]): number => {
      // Bound when it is called first: every declaration is compiled, and most of them serve few questions.
      bound ??= this.#declare(file, name, result, args);
      const returned = text ? this.#withText(bound, values) : bound(...values);
      // At once, for the runtime may make system calls of its own before anybody asks.
      if (returned <= 0) this.#errno = this.#errnoNow?.getInt32(0, endianness() === 'LE') ?? 0;
      return returned;
    };
    return Object.assign(call, {
      async: (...values: (number | Done)[]) => {
        const done = values.pop() as Done;
        this.#ask(file, name, declared(result, args), values as number[], done);
      },
    });
  }

  #declare(file: string, name: string, result: ForeignType, args: readonly ForeignType[]) {
    const call = this.#ffi.dlopen(file, { [name]: declared(result, args) }).symbols[name];
    if (call === undefined) throw new Error(`${file} has no ${name}`);
    return call;
  }

  /** Text goes as the address of its bytes, which end with a zero and live until the call is over. */
  #withText(bound: (...values: unknown[]) => number, values: (number | bigint | string)[]): number {
    const kept: Uint8Array[] = [];
    const passed = values.map((value) => {
      if (typeof value !== 'string') return value;
      const bytes = Buffer.from(`${value}\0`, 'utf8');
      kept.push(bytes);
      return this.#ffi.ptr(bytes);
    });
    const returned = bound(...passed);
    // Named after the call, so that nothing is taken away during it.
    kept.length = 0;
    return returned;
  }

  #ask(file: string, name: string, how: object, values: readonly number[], done: Done): void {
    this.#beside ??= this.#startBeside();
    const id = this.#asked++;
    this.#waiting.set(id, done);
    // The process waits for a call that was begun, and not for a thread that has none.
    this.#beside.ref();
    this.#beside.postMessage({ id, path: file, name, declared: how, values });
  }

  #startBeside(): Worker {
    const { Worker: Thread } = process.getBuiltinModule('node:worker_threads');
    const worker = new Thread(BESIDE, { eval: true });
    const end = (id: number, error: unknown, result: number): void => {
      const done = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      done?.(error, result);
    };
    worker.on('message', (told: { id: number; error: string | null; result: number }) =>
      end(told.id, told.error, told.result),
    );
    worker.on('error', (error) => {
      this.#beside = null;
      for (const id of this.#waiting.keys()) end(id, error, -1);
    });
    return worker;
  }
}

function declared(result: ForeignType, args: readonly ForeignType[]): { args: string[]; returns: string } {
  return { args: args.map((type) => TYPES[type]), returns: TYPES[result] };
}

function libc(): string {
  const file = LIBC[process.platform];
  if (file === undefined) throw new Error(`no C library is known for ${process.platform}`);
  return file;
}
