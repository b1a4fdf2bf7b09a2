// Why a bind failed, told while the process waits: at its end nothing that takes turns of the event loop would come to pass.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ListenFailure, unseenWords, whyArguments } from './failure.ts';

/** The program, whose place beside this folder is the same in the sources and in the package. */
const PROGRAM = fileURLToPath(new URL('../bin/portolan.cjs', import.meta.url));

/** Longest that the end of a program is held up, milliseconds. */
const LIMIT_MS = 3000;
/** Longest answer, bytes. */
const ANSWER_LIMIT = 1 << 18;
const WIDTH = '78';

/** The answer of `portolan why`, or that it could not be had. Never throws. */
export function tellNow(failed: ListenFailure): string {
  try {
    // Options for the program that failed are none for this one; least of all its hooks.
    const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env;
    const args = whyArguments(failed);
    const run = spawnSync(process.execPath, [PROGRAM, ...args], {
      env: { ...env, COLUMNS: WIDTH, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: ANSWER_LIMIT,
      windowsHide: true,
    });
    if (run.error !== undefined) throw run.error;
    const text = run.stdout.trim();
    if (run.status === null || text === '') throw new Error(`exit ${run.status ?? run.signal}`);
    // Whoever reads it has asked for no such text in this place: the first line says what it is.
    return `portolan ${args.join(' ')}:\n${text}`;
  } catch (error) {
    return unseenWords(failed, error instanceof Error ? error.message : String(error));
  }
}
