// An export as files: writes what is new or other than before, and leaves the rest untouched.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PortolanError } from '@portolan/core';
import { Batches } from './batches.ts';
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
 * running it again: what is there already is compared and kept. `writer` is the program of the thread that writes. Throws OUTPUT where the folder holds other things or
 * cannot be written.
 */
export async function exportFiles(
  folder: string,
  plan: ExportPlan,
  writer: string,
  progress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<ExportResult> {
  const total = countOf(plan);
  let files = 0;
  let batches: Batches | null = null;
  try {
    claim(folder);
    batches = new Batches(writer, folder);
    for await (const { path, content } of outputs(plan)) {
      signal.throwIfAborted();
      await batches.put(path, content);
      if (++files % 256 === 0) {
        progress({ done: files, total });
        // Signals and the terminal get their turn.
        await new Promise((next) => setImmediate(next));
      }
    }
    await batches.end();
    const { written, unchanged, bytes } = batches;
    progress({ done: total, total });
    return { files, written, unchanged, bytes };
  } catch (error) {
    await batches?.drop();
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof PortolanError || signal.aborted || typeof code !== 'string') throw error;
    throw new PortolanError('OUTPUT', `The export could not be written (${code}).`, {
      hint: `What is in ${folder} stays; the same command goes on from there.`,
      cause: error,
    });
  }
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
