// An export as one file. Pages resemble each other, so each is compressed with a dictionary that all share, and can still
// be read alone.
//
// Layout: the mark; where the table of contents lies; dictionaries and pieces; the table. Numbers are little-endian, sums CRC-32.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { PortolanError } from '@portolan/core';
import type { ExportResult, Progress } from './files.ts';
import { countOf, type ExportPlan, outputs, samplePages } from './outputs.ts';

const MARK = 'PORTOLAN-PACK/1\n';
/** The mark, then where the table of contents begins, how long it is (two 64-bit numbers), and its sum (32 bits). */
const HEAD = MARK.length + 20;
/** What deflate can look back on (RFC 1951 s2). */
const WINDOW = 32_768;
/** Pages from which the dictionary is taken. */
const SAMPLES = [3000, 443, 60_163, 20_000];

/** What stands in the table of contents. */
interface Contents {
  readonly base: string | null;
  readonly languages: readonly string[];
  /** By language. */
  readonly dictionaries: Readonly<Record<string, readonly [offset: number, length: number, sum: number]>>;
  /** Paths with a line feed between them, in the order of `places`. */
  readonly paths: string;
  /** Offset, length and sum of each piece, one after the other; one of a negative length is not compressed. */
  readonly places: readonly number[];
}

/** Writes the pack beside its name and renames it, so that a reader has the old one or the new one. */
export async function exportPack(
  file: string,
  plan: ExportPlan,
  progress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<ExportResult> {
  const total = countOf(plan);
  const beside = `${file}.new`;
  const paths: string[] = [];
  const places: number[] = [];
  const dictionaries: Record<string, readonly [number, number, number]> = {};
  let at = HEAD;
  let done = 0;
  let fd: number | null = null;
  try {
    const out = openSync(beside, 'w');
    fd = out;
    const put = (data: Uint8Array): number => {
      const start = at;
      for (let from = 0; from < data.length; )
        from += writeSync(out, data, from, data.length - from, at + from);
      at += data.length;
      return start;
    };
    const known = new Map<string, Buffer>();
    for (const tag of plan.languages) {
      const dictionary = await dictionaryOf(tag, plan);
      known.set(tag, dictionary);
      dictionaries[tag] = [put(dictionary), dictionary.length, crc32(dictionary)];
    }
    for await (const { path, content } of outputs(plan)) {
      signal.throwIfAborted();
      const dictionary = known.get(path.slice(0, path.indexOf('/')));
      paths.push(path);
      if (dictionary === undefined || typeof content !== 'string') {
        const data = Buffer.from(content);
        places.push(put(data), -data.length, crc32(data));
      } else {
        const data = deflateRawSync(content, { dictionary, level: 6 });
        places.push(put(data), data.length, crc32(data));
      }
      if (++done % 256 === 0) {
        progress({ done, total });
        await new Promise((next) => setImmediate(next));
      }
    }
    const contents: Contents = {
      base: plan.base,
      languages: plan.languages,
      dictionaries,
      paths: paths.join('\n'),
      places,
    };
    const table = deflateRawSync(JSON.stringify(contents));
    const head = Buffer.alloc(HEAD);
    head.write(MARK, 'latin1');
    head.writeBigUInt64LE(BigInt(put(table)), MARK.length);
    head.writeBigUInt64LE(BigInt(table.length), MARK.length + 8);
    head.writeUInt32LE(crc32(table), MARK.length + 16);
    writeSync(out, head, 0, HEAD, 0);
    fsyncSync(out);
    closeSync(out);
    fd = null;
    renameSync(beside, file);
  } catch (error) {
    if (fd !== null) closeSync(fd);
    rmSync(beside, { force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof PortolanError || signal.aborted || typeof code !== 'string') throw error;
    throw new PortolanError('OUTPUT', `${file} could not be written (${code}).`, { cause: error });
  }
  progress({ done: total, total });
  return { files: done, written: done, unchanged: 0, bytes: at };
}

/** Pages of a language one after another, as much as deflate can look back on; the last are nearest. */
async function dictionaryOf(tag: string, plan: ExportPlan): Promise<Buffer> {
  return Buffer.from((await samplePages(plan, tag, SAMPLES)).join('')).subarray(-WINDOW);
}

/** A pack that was opened. */
export interface Pack {
  readonly languages: readonly string[];
  readonly base: string | null;
  /** A file by its path, such as `cs/ports/60163.html`; null where it is not there. Throws OUTPUT where it is damaged. */
  read(path: string): Buffer | null;
  /** Reads everything once. Throws OUTPUT where anything is damaged. */
  check(): void;
  paths(): IterableIterator<string>;
  close(): void;
}

/** Opens a pack. Throws OUTPUT where it cannot be read, is none, or its table of contents is damaged. */
export function openPack(file: string): Pack {
  const fd = opened(file);
  try {
    return readContents(fd, file);
  } catch (error) {
    closeSync(fd);
    if (error instanceof PortolanError) throw error;
    throw damaged(file, error);
  }
}

function readContents(fd: number, file: string): Pack {
  const { size } = fstatSync(fd);
  const read = (offset: number, length: number, sum: number | null): Buffer => {
    // What is no number fails this, too.
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) throw damaged(file, null);
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const got = readSync(fd, bytes, at, length - at, offset + at);
      if (got === 0) throw damaged(file, null);
      at += got;
    }
    if (sum !== null && crc32(bytes) !== sum) throw damaged(file, null);
    return bytes;
  };
  const head = read(0, HEAD, null);
  if (head.toString('latin1', 0, MARK.length) !== MARK) throw damaged(file, null);
  const start = Number(head.readBigUInt64LE(MARK.length));
  const length = Number(head.readBigUInt64LE(MARK.length + 8));
  const table = read(start, length, head.readUInt32LE(MARK.length + 16));
  const contents = JSON.parse(inflateRawSync(table).toString()) as Contents;
  const dictionaries = new Map(
    Object.entries(contents.dictionaries).map(([tag, [offset, bytes, sum]]) => [
      tag,
      read(offset, bytes, sum),
    ]),
  );
  const index = new Map(contents.paths.split('\n').map((path, place) => [path, place]));
  const raw = (place: number): { bytes: Buffer; packed: boolean } => {
    const [offset = -1, bytes = 0, sum = 0] = contents.places.slice(place * 3, place * 3 + 3);
    return { bytes: read(offset, Math.abs(bytes), sum), packed: bytes >= 0 };
  };
  return {
    languages: contents.languages,
    base: contents.base,
    paths: () => index.keys(),
    close: () => closeSync(fd),
    check() {
      for (const place of index.values()) raw(place);
    },
    read(path) {
      const place = index.get(path);
      if (place === undefined) return null;
      const { bytes, packed } = raw(place);
      if (!packed) return bytes;
      const dictionary = dictionaries.get(path.slice(0, path.indexOf('/')));
      if (dictionary === undefined) throw damaged(file, null);
      try {
        return inflateRawSync(bytes, { dictionary });
      } catch (error) {
        throw damaged(file, error);
      }
    },
  };
}

function opened(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new PortolanError('OUTPUT', `${file} cannot be read (${code}).`, {
      hint: 'A pack is made by: portolan export FILE --format pack',
      cause: error,
    });
  }
}

function damaged(file: string, cause: unknown): PortolanError {
  return new PortolanError('OUTPUT', `${file} is no pack of Portolan’s pages, or it is damaged.`, {
    hint: 'Make it anew: portolan export FILE --format pack',
    cause,
  });
}
