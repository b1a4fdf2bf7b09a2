// Runs the built program in a process of its own, with nothing of this machine's settings.
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { launcherOf, SINGLE } from '../binary/launcher.ts';

export const PACKAGE: string = fileURLToPath(new URL('../../packages/portolan/', import.meta.url));
const { bin } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as {
  bin: { portolan: string };
};

/** The program of the package. */
const PACKAGED = join(PACKAGE, bin.portolan);

/** The built program: that of the package, or what becomes the single file which PORTOLAN_BIN names. */
export const PROGRAM: string = SINGLE === null ? PACKAGED : launcherOf(SINGLE);
if (!existsSync(PACKAGED) || !existsSync(join(PACKAGE, 'dist', 'facts'))) {
  throw new Error(
    `The built program ${PACKAGED} or its dist is missing: run npm run build, then test again.`,
  );
}

/** Copies the built program, without its types, to where a test may spoil it; returns the copy of the package's program. */
export function copyProgram(root: string, filter: (path: string) => boolean = () => true): string {
  for (const part of ['dist', 'bin', 'package.json']) {
    if (!existsSync(join(PACKAGE, part))) continue;
    cpSync(join(PACKAGE, part), join(root, part), {
      recursive: true,
      filter: (path) => !path.includes('/dist/types') && filter(path),
    });
  }
  return join(root, PACKAGED.slice(PACKAGE.length));
}

/** A data directory that no test writes an update into. */
const DATA_DIR = mkdtempSync(join(tmpdir(), 'portolan-cli-'));

/** The environment tests start from: no COLUMNS, no NO_COLOR, a UTF-8 locale. */
export function environment(over: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: DATA_DIR,
    LANG: 'C.UTF-8',
    PORTOLAN_DATA_DIR: DATA_DIR,
    ...over,
  };
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly program?: string;
  readonly node?: readonly string[];
}

/** Runs `portolan ARGS`. */
export function portolan(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...(options.node ?? []), options.program ?? PROGRAM, ...args],
      { env: environment(options.env), encoding: 'utf8', maxBuffer: 1 << 28, timeout: 50_000 },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, out, err });
      },
    );
  });
}

/** Runs a line of bash in which `$PORTOLAN` is the program. */
export function bash(line: string, env: Readonly<Record<string, string>> = {}): Outcome {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], {
    env: environment({ PORTOLAN: `${process.execPath} ${PROGRAM}`, ...env }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 50_000,
  });
  return { code: status ?? -1, out: stdout, err: stderr };
}

const ajv = new Ajv2020({ strict: true, strictTuples: false, strictTypes: false, allErrors: true });
const validate = ajv.compile(
  JSON.parse(readFileSync(join(PACKAGE, 'schema/v1.schema.json'), 'utf8')) as object,
);

/** Parses JSON output and holds it against the shipped schema. */
export function checked<T = Record<string, unknown>>(out: string): T {
  const value = JSON.parse(out) as T;
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
  return value;
}

/** A failure that is told to the user: its code, a first line, and no fault of ours. */
export function expectTold(outcome: Outcome, code: number, message: RegExp): void {
  // Messages are wrapped at the terminal's width.
  expect(outcome.err.replace(/\s+/g, ' ')).toMatch(message);
  expect(outcome.err).toMatch(/^portolan: /);
  expect(outcome.err).not.toMatch(/\n\s+at |fault in Portolan|Error:/);
  expect(outcome.out).toBe('');
  expect(outcome.code).toBe(code);
}
