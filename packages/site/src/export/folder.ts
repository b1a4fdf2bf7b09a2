// Writing files below a folder: each is compared with what is there, and only others are written.
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** What was done so far. */
export interface Written {
  readonly written: number;
  readonly unchanged: number;
  /** Bytes of both. */
  readonly bytes: number;
}

/** Most bytes of UTF-8 that a unit of a string takes. */
const UNIT_BYTES = 3;

/** A folder that is written into. */
export class Folder implements Written {
  readonly #root: string;
  /** Folders that are there; true for one that was made just now, in which nothing has to be looked for. */
  readonly #folders: Map<string, boolean>;
  #there = new Uint8Array(1 << 16);
  #text = Buffer.alloc(1 << 17);
  written = 0;
  unchanged = 0;
  bytes = 0;

  /** `folders` are those that another thread has made sure of, as `folders` there tells. */
  constructor(root: string, folders: ReadonlyMap<string, boolean> = new Map()) {
    this.#root = root;
    this.#folders = new Map(folders);
  }

  /** The folders that are there, by whether they were made just now. */
  get folders(): ReadonlyMap<string, boolean> {
    return this.#folders;
  }

  /** Makes sure that a folder below this one is there. */
  open(path: string): void {
    this.#isNew(`${this.#root}/${path}`);
  }

  /** Writes a file by its path below the folder, unless it holds the same already. */
  put(path: string, content: string | Uint8Array): void {
    const data = typeof content === 'string' ? this.#encoded(content) : content;
    this.bytes += data.length;
    const file = `${this.#root}/${path}`;
    if (this.#isNew(dirname(file))) {
      const fd = openSync(file, 'w');
      try {
        writeWhole(fd, data);
      } finally {
        closeSync(fd);
      }
    } else if (this.#holds(file, data)) {
      this.unchanged++;
      return;
    } else writeBeside(file, data);
    this.written++;
  }

  /** Valid until the next call. */
  #encoded(text: string): Uint8Array {
    const most = text.length * UNIT_BYTES;
    if (this.#text.length < most) this.#text = Buffer.alloc(most);
    return this.#text.subarray(0, this.#text.write(text));
  }

  #isNew(folder: string): boolean {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const made = mkdirSync(folder, { recursive: true }) !== undefined;
    this.#folders.set(folder, made);
    return made;
  }

  #holds(file: string, data: Uint8Array): boolean {
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    try {
      const { size } = fstatSync(fd);
      if (size !== data.length) return false;
      if (this.#there.length < size) this.#there = new Uint8Array(size);
      for (let at = 0; at < size; ) {
        const got = readSync(fd, this.#there, at, size - at, at);
        if (got === 0) return false;
        at += got;
      }
      return Buffer.compare(this.#there.subarray(0, size), data) === 0;
    } finally {
      closeSync(fd);
    }
  }
}

/** A page that is being served meanwhile is never seen half. */
function writeBeside(file: string, data: Uint8Array): void {
  const beside = `${file}.new`;
  const fd = openSync(beside, 'w');
  try {
    writeWhole(fd, data);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, file);
}

function writeWhole(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
}
