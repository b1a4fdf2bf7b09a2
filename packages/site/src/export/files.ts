// An export as files: writes what is new or other than before, and leaves the rest untouched.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PortolanError } from '@portolan/core';
import { countOf, type ExportPlan, outputs } from './outputs.ts';

/** Marks a folder as an export of ours, so that nobody else's files are ever written over. */
const MARK = '.portolan-export';

/** How far an export is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** What an export did. */
export interface ExportResult {
  readonly files: number;
  readonly written: number;
  readonly unchanged: number;
  readonly bytes: number;
}

/**
 * Writes the export into a folder, which is made if it is not there. An export that was ended half-way is finished by
 * running it again: what is there already is compared and kept. Throws OUTPUT where the folder holds other things or
 * cannot be written.
 */
export async function exportFiles(
  folder: string,
  plan: ExportPlan,
  progress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<ExportResult> {
  const total = countOf(plan);
  const folders = new Set<string>();
  let written = 0;
  let unchanged = 0;
  let bytes = 0;
  try {
    claim(folder);
    for await (const { path, content } of outputs(plan)) {
      signal.throwIfAborted();
      const file = join(folder, path);
      const parent = dirname(file);
      if (!folders.has(parent)) {
        mkdirSync(parent, { recursive: true });
        folders.add(parent);
      }
      const data = typeof content === 'string' ? Buffer.from(content) : content;
      bytes += data.length;
      if (writeIfOther(file, data)) written++;
      else unchanged++;
      if ((written + unchanged) % 256 === 0) {
        progress({ done: written + unchanged, total });
        // Signals and the terminal get their turn.
        await new Promise((next) => setImmediate(next));
      }
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof PortolanError || signal.aborted || typeof code !== 'string') throw error;
    throw new PortolanError('OUTPUT', `The export could not be written (${code}).`, {
      hint: `What is in ${folder} stays; the same command goes on from there.`,
      cause: error,
    });
  }
  progress({ done: total, total });
  return { files: written + unchanged, written, unchanged, bytes };
}

/** Makes the folder ours, or throws where it is somebody else's. */
function claim(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(folder);
  if (names.includes(MARK)) return;
  if (names.length > 0) {
    throw new PortolanError('OUTPUT', `${folder} holds other files and is no export of Portolan.`, {
      hint: 'Name a new or empty folder.',
    });
  }
  writeFileSync(join(folder, MARK), 'The files beside this one were written by portolan export.\n');
}

/** True where the file was not there or held something else. */
function writeIfOther(file: string, data: Uint8Array): boolean {
  const size = sizeOf(file);
  if (size === null) {
    writeFileSync(file, data);
    return true;
  }
  if (size === data.length && Buffer.compare(readFileSync(file), data) === 0) return false;
  // A page that is being served meanwhile is never seen half.
  const beside = `${file}.new`;
  const fd = openSync(beside, 'w');
  try {
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, file);
  return true;
}

function sizeOf(file: string): number | null {
  try {
    return statSync(file).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
