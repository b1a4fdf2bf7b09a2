// An export as files: writes what is new or other than before, and leaves the rest untouched.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PortolanError } from '@portolan/core';
import { Folder, type Written } from './folder.ts';
import { Mate, type MateProgram } from './mate.ts';
import { countOf, type ExportPlan, outputs, portsIn } from './outputs.ts';
import { meetingPlace, PortJobs, type PortPlan } from './port-files.ts';

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

/** Fewer files are made before a second thread has its facts open. */
const WORTH_A_THREAD = 4096;

/**
 * Writes the export into a folder, which is made if it is not there. An export that was ended half-way is finished by
 * running it again: what is there already is compared and kept. `mate` is the second thread, for a large export on a host
 * with more than one processor; null for none. Throws OUTPUT where the folder holds other things or cannot be written.
 */
export async function exportFiles(
  folder: string,
  plan: ExportPlan,
  mate: MateProgram | null,
  progress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<ExportResult> {
  const total = countOf(plan);
  const { languages, data, base, feedback } = plan;
  const ports: PortPlan = {
    ports: portsIn(plan.site, plan.scope),
    languages,
    data,
    base,
    feedback,
    shared: meetingPlace(),
  };
  const jobs = new PortJobs(ports);
  let beside = 0;
  /** Signals and the terminal get their turn. */
  const turn = async (): Promise<void> => {
    progress({ done: beside + jobs.done, total });
    await new Promise((next) => setImmediate(next));
    signal.throwIfAborted();
  };
  let other: Mate | null = null;
  try {
    claim(folder);
    const own = new Folder(folder);
    for (const path of jobs.folders) own.open(path);
    if (mate !== null && jobs.files >= WORTH_A_THREAD && availableParallelism() > 1)
      other = new Mate(mate, { plan: ports, root: folder, folders: own.folders });
    for await (const { path, content } of outputs(plan, 'ports')) {
      own.put(path, content);
      if (++beside % 32 === 0) await turn();
    }
    await jobs.work(plan.site, own, turn);
    const all: Written[] = [own, ...(other === null ? [] : [await other.end()])];
    progress({ done: total, total });
    const sum = (key: keyof Written): number => all.reduce((so, part) => so + part[key], 0);
    return { files: total, written: sum('written'), unchanged: sum('unchanged'), bytes: sum('bytes') };
  } catch (error) {
    jobs.stop();
    await other?.drop();
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
