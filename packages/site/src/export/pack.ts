// An export as one file. Pages resemble each other, so each is compressed with a dictionary that all share, and can still
// be read alone.
//
// Layout: the mark; a table of contents, its length before it; the dictionary; the pieces. Numbers are little-endian.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { PortolanError } from '@portolan/core';
import type { ExportResult, Progress } from './files.ts';
import { countOf, type ExportPlan, outputs, samplePages } from './outputs.ts';

const MARK = 'PORTOLAN-PACK/1\n';
/** The mark, then where the table of contents begins and how long it is (two 64-bit numbers). */
const HEAD = MARK.length + 16;
/** What deflate can look back on (RFC 1951 s2). */
const WINDOW = 32_768;
/** Pages from which the dictionary is taken. */
const SAMPLES = [3000, 443, 60_163, 20_000];

/** What stands in the table of contents. */
interface Contents {
  readonly base: string | null;
  readonly languages: readonly string[];
  /** By language, then ''. */
  readonly dictionaries: Readonly<Record<string, readonly [offset: number, length: number]>>;
  /** Paths with a line feed between them, in the order of `places`. */
  readonly paths: string;
  /** Offset and length of each piece, one after the other; a negative length is not compressed. */
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
  const dictionaries: Record<string, readonly [number, number]> = {};
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
      dictionaries[tag] = [put(dictionary), dictionary.length];
    }
    for await (const { path, content } of outputs(plan)) {
      signal.throwIfAborted();
      const dictionary = known.get(path.slice(0, path.indexOf('/')));
      paths.push(path);
      if (dictionary === undefined || typeof content !== 'string') {
        const data = Buffer.from(content);
        places.push(put(data), -data.length);
      } else {
        const data = deflateRawSync(content, { dictionary, level: 6 });
        places.push(put(data), data.length);
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
  /** A file by its path, such as `cs/ports/60163.html`; null where it is not there. */
  read(path: string): Buffer | null;
  paths(): IterableIterator<string>;
  close(): void;
}

/** Opens a pack. Throws OUTPUT where it is none or damaged. */
export function openPack(file: string): Pack {
  const fd = openSync(file, 'r');
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
  const read = (offset: number, length: number): Buffer => {
    if (offset < 0 || length < 0 || offset + length > size) throw damaged(file, null);
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const got = readSync(fd, bytes, at, length - at, offset + at);
      if (got === 0) throw damaged(file, null);
      at += got;
    }
    return bytes;
  };
  const head = read(0, HEAD);
  if (head.toString('latin1', 0, MARK.length) !== MARK) throw damaged(file, null);
  const start = Number(head.readBigUInt64LE(MARK.length));
  const length = Number(head.readBigUInt64LE(MARK.length + 8));
  const contents = JSON.parse(inflateRawSync(read(start, length)).toString()) as Contents;
  const dictionaries = new Map(
    Object.entries(contents.dictionaries).map(([tag, [offset, bytes]]) => [tag, read(offset, bytes)]),
  );
  const index = new Map(contents.paths.split('\n').map((path, place) => [path, place]));
  return {
    languages: contents.languages,
    base: contents.base,
    paths: () => index.keys(),
    close: () => closeSync(fd),
    read(path) {
      const place = index.get(path);
      if (place === undefined) return null;
      const offset = contents.places[place * 2] ?? -1;
      const bytes = contents.places[place * 2 + 1] ?? 0;
      if (bytes < 0) return read(offset, -bytes);
      const dictionary = dictionaries.get(path.slice(0, path.indexOf('/')));
      if (dictionary === undefined) throw damaged(file, null);
      try {
        return inflateRawSync(read(offset, bytes), { dictionary });
      } catch (error) {
        throw damaged(file, error);
      }
    },
  };
}

function damaged(file: string, cause: unknown): PortolanError {
  return new PortolanError('OUTPUT', `${file} is no pack of Portolan’s pages, or it is damaged.`, {
    hint: 'Make it anew: portolan export FILE --format pack',
    cause,
  });
}
