// The one error class users may see: what happened, why, what to do, and the exit code it means.

/** Closed set of failures; `exitCodeOf` gives each its exit code. */
export type ErrorCode =
  | 'USAGE'
  | 'FACTS_MISSING'
  | 'FACTS_CORRUPT'
  | 'FACTS_UPDATE'
  | 'DATA_DIR'
  | 'LEASES'
  | 'OUTPUT'
  | 'SERVE'
  | 'FEEDBACK'
  | 'NO_DESCRIPTORS'
  | 'REMOTE';

/** A failure to be told to the user: `message` says what happened and why, `hint` what to do. */
export class PortolanError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PortolanError';
    this.code = code;
    this.hint = options.hint ?? null;
  }
}

/** Exit codes: 2 usage, 3 could not look, 1 the action failed. */
const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  USAGE: 2,
  FACTS_MISSING: 3,
  FACTS_CORRUPT: 3,
  FACTS_UPDATE: 1,
  DATA_DIR: 1,
  LEASES: 1,
  OUTPUT: 1,
  SERVE: 1,
  FEEDBACK: 1,
  NO_DESCRIPTORS: 3,
  REMOTE: 3,
};

/** The exit code that stands for this error. */
export function exitCodeOf(error: PortolanError): number {
  return EXIT_CODES[error.code];
}
