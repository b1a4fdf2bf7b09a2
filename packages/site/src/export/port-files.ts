// What each port has in an export, as jobs that threads take one after another: whoever has one makes its files and writes
// them. Which files there are and what stands in them is the same however many threads there are.
import type { Translator } from '@portolan/core';
import type { Site } from '../site.ts';
import type { Folder } from './folder.ts';
import { type Look, portFile, type Render, renderer, reportFile, reportWords } from './outputs.ts';

/** Ports of a job: short enough that signals and the terminal get their turn, long enough that taking it costs nothing. */
const JOB = 32;

/** What a thread must know to take part; it can be sent to one. */
export interface PortPlan extends Look {
  /** The ports that have a page, ascending. */
  readonly ports: readonly number[];
  /** Where the threads meet; from `meetingPlace`. */
  readonly shared: SharedArrayBuffer;
}

/** Places of the shared numbers. */
const NEXT = 0;
const DONE = 1;
const STOP = 2;

/** What threads that share the jobs have in common: the next job, files done so far, whether it is over. */
export function meetingPlace(): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
}

/** The jobs, from the view of one thread. */
export class PortJobs {
  readonly #plan: PortPlan;
  readonly #shared: Int32Array;
  readonly #jobsEach: number;
  readonly #renders = new Map<string, Render>();
  #words: Translator | null = null;

  constructor(plan: PortPlan) {
    this.#plan = plan;
    this.#shared = new Int32Array(plan.shared);
    this.#jobsEach = Math.ceil(plan.ports.length / JOB);
  }

  /** Files of all jobs together. */
  get files(): number {
    return this.#kinds.length * this.#plan.ports.length;
  }

  /** How many of them are there, whoever made them. */
  get done(): number {
    return Atomics.load(this.#shared, DONE);
  }

  /** Folders that the files lie in. */
  get folders(): string[] {
    return this.#kinds.map((tag) => (tag === null ? 'ports' : `${tag}/ports`));
  }

  /** Lets no thread begin another job. */
  stop(): void {
    Atomics.store(this.#shared, STOP, 1);
  }

  /** Takes jobs until none is left or somebody stops them. `turn` is called after each. */
  async work(site: Site, folder: Folder, turn: () => Promise<void> | null): Promise<void> {
    const has = new Set(this.#plan.ports);
    while (Atomics.load(this.#shared, STOP) === 0) {
      const job = Atomics.add(this.#shared, NEXT, 1);
      const tag = this.#kinds[Math.floor(job / this.#jobsEach)];
      if (tag === undefined) return;
      const from = (job % this.#jobsEach) * JOB;
      const ports = this.#plan.ports.slice(from, from + JOB);
      if (tag === null) {
        this.#words ??= await reportWords();
        for (const port of ports) {
          const { path, content } = reportFile(port, site, this.#words);
          folder.put(path, content);
        }
      } else {
        const render = this.#renders.get(tag) ?? (await renderer(tag, this.#plan, has));
        this.#renders.set(tag, render);
        for (const port of ports) {
          const { path, content } = portFile(tag, port, site, render);
          folder.put(path, content);
        }
      }
      Atomics.add(this.#shared, DONE, ports.length);
      await turn();
    }
  }

  /** Languages of pages, and null for the reports. */
  get #kinds(): (string | null)[] {
    const { languages, data } = this.#plan;
    return data ? [...languages, null] : [...languages];
  }
}
