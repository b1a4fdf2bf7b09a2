// The other thread of an export: it takes jobs as the first one does, with facts that it opens itself.
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Site } from '../site.ts';
import { Folder, type Written } from './folder.ts';
import { PortJobs, type PortPlan } from './port-files.ts';

/** Where the thread's program is, and what it opens the facts with. */
export interface MateProgram {
  readonly file: string;
  readonly shipped: string;
  readonly dataDir: string | null;
}

/** What the thread is given. */
export interface MateTask extends Pick<MateProgram, 'shipped' | 'dataDir'> {
  readonly plan: PortPlan;
  readonly root: string;
  /** Folders that are there, by whether they were made just now. */
  readonly folders: ReadonlyMap<string, boolean>;
}

/** What it says at its end. */
type Outcome = Written | { readonly failed: { readonly message: string; readonly code: string | null } };

/** The thread, from the view of the first one. */
export class Mate {
  readonly #worker: Worker;
  readonly #outcome: Promise<Outcome>;

  constructor({ file, shipped, dataDir }: MateProgram, task: Omit<MateTask, 'shipped' | 'dataDir'>) {
    this.#worker = new Worker(file, { workerData: { ...task, shipped, dataDir } satisfies MateTask });
    const failed = (message: string, code: string | null = null): Outcome => ({ failed: { message, code } });
    this.#outcome = new Promise((tell) => {
      this.#worker.once('message', tell);
      this.#worker.once('error', (error: NodeJS.ErrnoException) => tell(failed(error.message, error.code)));
      this.#worker.once('exit', () => tell(failed('a thread of the export has ended')));
    });
  }

  /** Waits for its end, and tells what it wrote. Rejects with what kept it from going on. */
  async end(): Promise<Written> {
    const outcome = await this.#outcome;
    await this.drop();
    if (!('failed' in outcome)) return outcome;
    throw Object.assign(new Error(outcome.failed.message), { code: outcome.failed.code });
  }

  /** Ends the thread, wherever it is. */
  async drop(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** What the thread does. `open` makes the site from the same facts as the first one has. */
export async function takePart(open: (task: MateTask) => Site): Promise<void> {
  const task = workerData as MateTask;
  const jobs = new PortJobs(task.plan);
  let outcome: Outcome;
  try {
    const folder = new Folder(task.root, task.folders);
    await jobs.work(open(task), folder, () => null);
    const { written, unchanged, bytes } = folder;
    outcome = { written, unchanged, bytes };
  } catch (error) {
    // The first thread need not make what will not be whole.
    jobs.stop();
    const { message, code } = error as NodeJS.ErrnoException;
    outcome = { failed: { message, code: code ?? null } };
  }
  parentPort?.postMessage(outcome);
}
