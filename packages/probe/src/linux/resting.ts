// Which processes have not run since they were noted: only a process itself changes its descriptors, so those of one that
// rested are as they were.
import { readdirSync } from 'node:fs';
import { type ProcStat, parseProcStat } from '../parse/linux-proc-pid.ts';
import { readText } from './read-text.ts';

/** A process with fewer descriptors is walked in the time it takes to find out. */
const WORTH_NOTING = 128;
/** Threads that are asked; of a process with more, walking it takes no longer. */
const MOST_THREADS = 32;
/** Most bytes that are read of one file about a thread. */
const TEXT_LIMIT = 4096;
/** States in which a thread is on no processor (man proc_pid_stat(5)). */
const ASLEEP: ReadonlySet<string> = new Set(['S', 'D', 'T', 't']);
/** What kernels without CONFIG_SCHED_INFO say of every thread. */
const NOTHING_COUNTED = '0 0 0\n';

/** Notes processes, and tells later which of them have not run since. */
export class RestingProcesses {
  readonly #procRoot: string;
  readonly #noted = new Map<number, string>();

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
  }

  /** Notes those of these processes that have many descriptors and are asleep; before they are walked. */
  note(descriptors: ReadonlyMap<number, number>): void {
    this.#noted.clear();
    for (const [pid, count] of descriptors) {
      if (count < WORTH_NOTING) continue;
      const mark = this.#mark(pid);
      if (mark !== null) this.#noted.set(pid, mark);
    }
  }

  /** True where the process was noted and no thread of it has been on a processor since. */
  rested(pid: number): boolean {
    const noted = this.#noted.get(pid);
    return noted !== undefined && noted === this.#mark(pid);
  }

  /**
   * How long and how often each thread has run (Documentation/scheduler/sched-stats.rst), or null where one is running.
   * The kernel counts when a thread leaves its processor: what sleeps is counted up to date. So the state is asked first;
   * a thread that goes to sleep after that has run, and its counts tell.
   */
  #mark(pid: number): string | null {
    const folder = `${this.#procRoot}/${pid}`;
    const stat = parseProcStat(textOf(`${folder}/stat`));
    if (stat === null) return null;
    // Most have one thread, which is the process.
    if (stat.threads === 1) return markOf(folder, stat);
    let threads: string[];
    try {
      threads = readdirSync(`${folder}/task`);
    } catch {
      return null;
    }
    if (threads.length > MOST_THREADS) return null;
    let mark = '';
    for (const thread of threads) {
      const task = `${folder}/task/${thread}`;
      const one = markOf(task, parseProcStat(textOf(`${task}/stat`)));
      if (one === null) return null;
      mark += `${thread} ${one}`;
    }
    return mark;
  }
}

function markOf(folder: string, stat: ProcStat | null): string | null {
  if (stat === null || !ASLEEP.has(stat.state)) return null;
  const counts = textOf(`${folder}/schedstat`);
  return counts === '' || counts === NOTHING_COUNTED ? null : `${stat.startTicks} ${counts}`;
}

function textOf(path: string): string {
  return readText(path, TEXT_LIMIT)?.text ?? '';
}
