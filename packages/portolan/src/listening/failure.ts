// A failure to listen, told by what Node puts on its errors. Nothing else is loaded for it, for it runs in other programs.

/** A bind that failed. */
export interface ListenFailure {
  readonly code: 'EADDRINUSE' | 'EACCES' | 'EADDRNOTAVAIL';
  /** 1–65535. */
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
  /** Null for every address of both families, as servers bind by default. */
  readonly address: string | null;
}

const CODES: readonly unknown[] = ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'];

/**
 * Node names `listen` for servers of node:net, and `bind` for sockets of node:dgram; but `bind` as well for TCP where the
 * primary of a cluster could not listen for a worker, and where a client asked for a local port. Which of them it was, the
 * stack tells by the module that made the error.
 */
function transportOf(error: Readonly<Record<string, unknown>>): 'tcp' | 'udp' | null {
  const { syscall } = error;
  if (syscall === 'listen') return 'tcp';
  if (syscall !== 'bind') return null;
  // Read here alone: a stack that was read makes Node show another line of source above a rejection's error.
  const [, maker] = /\bnode:(net|dgram):\d/.exec(String(error['stack'])) ?? [];
  return maker === undefined ? null : maker === 'net' ? 'tcp' : 'udp';
}

/** How far causes and errors inside errors are followed. */
const DEPTH = 5;

/** The failure that an error tells of, itself or as a cause; null for any other value. Never throws. */
export function listenFailureOf(error: unknown): ListenFailure | null {
  try {
    return search(error, DEPTH);
  } catch {
    // A getter of somebody's error: what cannot be read is no failure that we know.
    return null;
  }
}

function search(error: unknown, depth: number): ListenFailure | null {
  if (typeof error !== 'object' || error === null || depth === 0) return null;
  const found = failure(error as Readonly<Record<string, unknown>>);
  if (found !== null) return found;
  const { cause, errors } = error as { readonly cause?: unknown; readonly errors?: unknown };
  for (const inner of [cause, ...(Array.isArray(errors) ? (errors as unknown[]).slice(0, DEPTH) : [])]) {
    const deeper = search(inner, depth - 1);
    if (deeper !== null) return deeper;
  }
  return null;
}

function failure(error: Readonly<Record<string, unknown>>): ListenFailure | null {
  const { code, port, address } = error;
  if (!CODES.includes(code) || typeof port !== 'number') return null;
  const transport = transportOf(error);
  if (transport === null) return null;
  // Unix sockets have no port.
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  const named = typeof address === 'string' && address !== '' && address !== '::';
  return { code: code as ListenFailure['code'], port, transport, address: named ? address : null };
}

/** The command that looks, without the program's name. */
export function whyArguments({ port, transport, address }: ListenFailure): string[] {
  return ['why', `${port}/${transport}`, ...(address === null ? [] : ['--address', address])];
}

/** What is said where nothing could be looked at: English alone, like everything that is said of the program itself. */
export function unseenWords(failed: ListenFailure, reason: string): string {
  const line = reason.split('\n', 1)[0] ?? '';
  return [
    `portolan: ${failed.port}/${failed.transport} could not be bound (${failed.code}), and why could not be looked at: ${line}`,
    `To look: portolan ${whyArguments(failed).join(' ')}`,
  ].join('\n');
}
