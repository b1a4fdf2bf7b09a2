// `portolan serve --json`, version 1: one line once it serves.

export interface ServeV1 {
  readonly format: 'portolan.serve/1';
  /** Where the pages are: `http://127.0.0.1:4650/`. */
  readonly address: string;
  readonly port: number;
  /** Addresses it listens on. */
  readonly listens: readonly string[];
  readonly pid: number;
  /** The address that opens live data once, within `codeSeconds`. */
  readonly open: string;
  readonly codeSeconds: number;
  /** Does the kernel tell who is at the other end, so that this user needs no code? */
  readonly peerCheck: boolean;
}

/** What a program needs to know of the server. */
export function serveJson(told: Omit<ServeV1, 'format'>): ServeV1 {
  return { format: 'portolan.serve/1', ...told };
}
