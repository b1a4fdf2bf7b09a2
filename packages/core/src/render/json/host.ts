// The JSON output about several hosts, version 1: one of them a line.
import type { PortolanError } from '../../model/error.ts';

export interface HostV1 {
  readonly format: 'portolan.host/1';
  /** As it was named. */
  readonly host: string;
  /** Exit code of the command for this host alone. */
  readonly exit: number;
  /** What the command says of it alone, in its own format; null where it could not be asked. */
  readonly answer: unknown;
  readonly error: { readonly message: string; readonly hint: string | null } | null;
}

/** One line of `portolan … --host a --host b --json`. */
export function hostJson(host: string, exit: number, answer: unknown, error: PortolanError | null): HostV1 {
  return {
    format: 'portolan.host/1',
    host,
    exit,
    answer,
    error: error === null ? null : { message: error.message, hint: error.hint },
  };
}
