// The one door to functions of the system's libraries. Two runtimes stand behind it: koffi in Node, bun:ffi in the single
// files. Nothing of any system is known here.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bunForeign } from './bun.ts';

/** Types of arguments and results, by their names in C; `str` is text that a function reads while it runs. */
export type ForeignType = 'int' | 'uint32' | 'int64' | 'uint64' | 'size_t' | 'intptr_t' | 'uintptr_t' | 'str';

/** A function of a library. Addresses are numbers; what no number can hold exactly comes as a bigint. */
export interface ForeignFunction<Result = number> {
  (...args: (number | bigint | string)[]): Result;
  /** The same on a thread of its own; the last argument is called back with what came of it. */
  async(...args: (number | ((error: unknown, result: Result) => void))[]): void;
}

/** A library that is loaded. */
export interface ForeignLibrary {
  /** Declares a function. Throws where the library has none of this name, at the latest when it is called. */
  func<Result = number>(
    name: string,
    result: ForeignType,
    args: readonly ForeignType[],
  ): ForeignFunction<Result>;
}

/** What a runtime gives. */
export interface Foreign {
  /** Loads a library by its name; null is the C library that the program is linked with. Throws where there is none. */
  load(path: string | null): ForeignLibrary;
  /** Address of a buffer's first byte. The buffer must own its ArrayBuffer and must stay referenced. */
  address(bytes: Uint8Array): number | bigint;
  /** errno(3) of the last call that failed or returned 0; sets it first where a value is given. */
  errno(value?: number): number;
}

/** The door, or an exception where no native code can be loaded. */
export function loadForeign(): Foreign {
  return process.versions['bun'] === undefined ? loadKoffi() : bunForeign();
}

/** koffi's own entry spends about 9 ms finding out which file to load: it serves only where that file is not as expected. */
function loadKoffi(): Foreign {
  // By its path: making an address of it and a path of that again takes as long as declaring all calls of a system.
  const require = createRequire(import.meta.filename);
  const { arch, platform } = process;
  const libc = platform === 'linux' && isMusl(arch) ? 'musl' : platform;
  try {
    return require(`@koromix/koffi-${platform}-${arch}/${libc}_${arch}/koffi.node`) as Foreign;
  } catch {
    return require('koffi') as Foreign;
  }
}

/** Is this program linked with musl? Its loader may be installed beside glibc, so a program's own memory decides then. */
function isMusl(arch: string): boolean {
  if (!existsSync(`/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`)) return false;
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
  } catch {
    return true;
  }
}
