// Runs a command on hosts that are asked over ssh: on one as on this host, on several side by side.
import { isatty } from 'node:tty';
import { exitCodeOf, hostJson, PortolanError, printable, printableJson, say } from '@portolan/core';
import type { Context, Run } from '../command.ts';
import { failureText } from '../failure-text.ts';
import type { Parsed } from '../flags.ts';
import type { Io } from '../io.ts';
import { readHosts } from './hosts.ts';
import { RemoteHost } from './look.ts';

/** Hosts that are asked at one time. */
const AT_ONCE = 8;
const USUAL_SECONDS = 30;
const MOST_SECONDS = 3600;
/** Exit code after a signal, as shells have it: 128 and its number. */
const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** What it is done with. */
export interface HostsRun {
  readonly io: Io;
  readonly parsed: Parsed;
  readonly run: Run;
  readonly call: () => string;
  /** A context that writes to `io` and looks at `host` by `look`. */
  readonly context: (io: Io, host: string, look: Context['look']) => Context;
}

/** Runs the command; the exit code is its own, of several hosts the highest. Throws USAGE. */
export async function runOnHosts(value: string, work: HostsRun): Promise<number> {
  const hosts = readHosts(value);
  const { values } = work.parsed;
  const seconds = readSeconds(values.get('host-timeout'));
  for (const flag of ['snapshot', 'procfs-root']) {
    if (values.has(flag)) throw new PortolanError('USAGE', `--host and --${flag} are two hosts; name one.`);
  }
  const abort = new AbortController();
  let interrupt: (code: number) => void = () => undefined;
  const interrupted = new Promise<number>((resolve) => {
    interrupt = resolve;
  });
  const release = work.io.onSignal(Object.keys(SIGNALS) as NodeJS.Signals[], (name) => {
    abort.abort();
    interrupt(SIGNALS[name] ?? 130);
  });
  const remote = (name: string): RemoteHost =>
    new RemoteHost(
      name,
      {
        seconds,
        // Questions of several hosts at a time would run into each other.
        interactive: hosts.length === 1 && isatty(0) && isatty(2),
        signal: abort.signal,
        env: work.io.env,
        now: () => work.io.now(),
      },
      work.call,
    );
  const [first = '', second] = hosts;
  const running =
    second === undefined
      ? work.run(work.context(work.io, first, remote(first).look))
      : runOnSeveral(hosts, remote, work, abort.signal);
  // Whoever was interrupted does not wait for what fails because of that.
  running.catch(() => undefined);
  try {
    return await Promise.race([running, interrupted]);
  } finally {
    release();
  }
}

/** What one of several hosts came to. */
interface Outcome {
  readonly code: number;
  readonly text: string;
  readonly error: PortolanError | null;
}

async function runOnSeveral(
  hosts: readonly string[],
  remote: (name: string) => RemoteHost,
  work: HostsRun,
  signal: AbortSignal,
): Promise<number> {
  const { parsed, io } = work;
  for (const flag of ['sarif', 'write-baseline']) {
    if (parsed.switches.has(flag) || parsed.values.has(flag))
      throw new PortolanError('USAGE', `--${flag} takes one host at a time.`);
  }
  const context = work.context(io, '', remote('').look);
  const tell = (message: Parameters<Context['lang']['say']>[0]): void => {
    if (!signal.aborted) io.err(`portolan: ${printable(context.lang.say(message))}\n`);
  };
  tell(say('remote.asking', { count: hosts.length }));
  let done = 0;
  const outcomes = inTurn(hosts, async (name) => {
    const outcome = await runOnOne(remote(name), work);
    done++;
    tell(
      say(outcome.error === null ? 'remote.answered' : 'remote.failed', {
        done,
        total: hosts.length,
        host: name,
      }),
    );
    return outcome;
  });
  let code = 0;
  for (const [index, name] of hosts.entries()) {
    const outcome = await outcomes[index];
    if (outcome === undefined || signal.aborted) break;
    code = Math.max(code, outcome.code);
    show(context, name, outcome, index === 0);
  }
  return code;
}

/** Does the work for all of them, so many at a time. */
function inTurn<T>(hosts: readonly string[], work: (host: string) => Promise<T>): Promise<T>[] {
  const waiting: (() => void)[] = [];
  let free = AT_ONCE;
  return hosts.map(async (host) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(host);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  });
}

async function runOnOne(remote: RemoteHost, { io, run, context }: HostsRun): Promise<Outcome> {
  const pieces: Uint8Array[] = [];
  const keep = (text: string | Uint8Array): void => {
    pieces.push(typeof text === 'string' ? Buffer.from(text) : Buffer.from(text));
  };
  const own: Io = {
    ...io,
    out: keep,
    outBeside(bytes) {
      keep(bytes);
      return Promise.resolve();
    },
  };
  try {
    const code = await run(context(own, remote.name, remote.look));
    return { code, text: Buffer.concat(pieces).toString('utf8'), error: null };
  } catch (error) {
    // A wrong word is wrong for every host.
    if (!(error instanceof PortolanError) || error.code === 'USAGE') throw error;
    return { code: exitCodeOf(error), text: '', error };
  }
}

/** One line of JSON a host, or its answer below its name. */
function show(context: Context, host: string, { code, text, error }: Outcome, first: boolean): void {
  const { io } = context;
  if (context.json) {
    const answer: unknown = error === null ? JSON.parse(text) : null;
    io.out(`${printableJson(hostJson(host, code, answer, error), 0)}\n`);
    return;
  }
  const body = error === null ? text : failureText(error);
  io.out(
    `${first ? '' : '\n'}${printable(host)}\n${(context.unicode ? '─' : '-').repeat(host.length)}\n${body}`,
  );
}

function readSeconds(value: string | undefined): number {
  if (value === undefined) return USUAL_SECONDS;
  const seconds = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (seconds < 1 || seconds > MOST_SECONDS) {
    throw new PortolanError(
      'USAGE',
      `--host-timeout takes 1 to ${MOST_SECONDS} seconds, not “${value.slice(0, 60)}”.`,
    );
  }
  return seconds;
}
