// The user's own ssh, given a list of arguments and never a line for a shell, and the conversation over it.
import { spawn } from 'node:child_process';
import { PortolanError } from '@portolan/core';
import type { RemoteAnswer } from '@portolan/probe';

/** How an answer ended: whole, or why it is not. */
export type Ending = 'whole' | 'closed' | 'late' | 'large';

/** What came of asking one host. */
export interface Asked {
  readonly answer: RemoteAnswer;
  readonly ending: Ending;
  /** When the last of it came. */
  readonly at: Date;
}

/** How a host is asked. */
export interface AskOptions {
  /** Seconds for all of it, once ssh is through to the host. */
  readonly seconds: number;
  /** May ssh ask for a passphrase, a password, or about a host's key? It does so on the terminal itself. */
  readonly interactive: boolean;
  readonly signal: AbortSignal;
  /** Environment that ssh is found and started in. */
  readonly env: NodeJS.ProcessEnv;
  now(): Date;
}

const CONNECT_SECONDS = 10;
/** Seconds for somebody who types a password. */
const TYPING_SECONDS = 120;
/** Characters of ssh's own words that are kept. */
const WORDS_KEPT = 1 << 14;
/** Lines of them that are shown. */
const LINES_SHOWN = 12;
/** How long ssh may take to end by itself, and its last words to come, in milliseconds. */
const GRACE_MS = 1000;
const WORDS_MS = 200;

/** The arguments. Nothing of the host's comes back into them; `--` ends the options. */
export function sshArguments(host: string, interactive: boolean): readonly string[] {
  return [
    // No terminal there, no agent and no X11 for a host that is only asked, and no forwarding of the configuration's.
    '-T',
    '-a',
    '-x',
    ...option(`BatchMode=${interactive ? 'no' : 'yes'}`),
    ...option(`ConnectTimeout=${CONNECT_SECONDS}`),
    ...option('ServerAliveInterval=5'),
    ...option('ServerAliveCountMax=3'),
    ...option('ClearAllForwardings=yes'),
    ...option('PermitLocalCommand=no'),
    ...option('RemoteCommand=none'),
    '--',
    host,
    // Words that every login shell understands alike.
    'exec sh',
  ];
}

function option(setting: string): readonly [string, string] {
  return ['-o', setting];
}

/** Asks one host. Throws REMOTE where nothing of an answer came; what came in part is given with how it ended. */
export async function askHost(host: string, options: AskOptions): Promise<Asked> {
  const { seconds, interactive, signal, env } = options;
  signal.throwIfAborted();
  const { conversation } = await import('@portolan/probe');
  const talk = await conversation();
  const child = spawn('ssh', sshArguments(host, interactive), { stdio: ['pipe', 'pipe', 'pipe'], env });
  const words = new Words();
  child.stderr.on('data', (bytes: Buffer) => words.add(bytes));
  // A reader that has gone shows by what does not come back.
  child.stdin.on('error', () => undefined);
  let timer: NodeJS.Timeout | undefined;
  const ended = await new Promise<Ending | { exit: number | null; by: string | null } | { error: Error }>(
    (resolve) => {
      const within = (limit: number): void => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve('late'), limit * 1000);
      };
      within(interactive ? Math.max(TYPING_SECONDS, seconds) : seconds);
      signal.addEventListener('abort', () => resolve('closed'), { once: true });
      child.once('error', (error) => resolve({ error }));
      let greeted = false;
      child.stdout.on('data', (bytes: Buffer) => {
        const reply = talk.take(bytes);
        if (talk.greeted && !greeted) {
          greeted = true;
          // Typing is over.
          if (interactive) within(seconds);
        }
        if (talk.done) resolve('whole');
        else if (talk.overflowed) resolve('large');
        else if (reply !== null) child.stdin.write(reply);
      });
      // Not `close`: a master connection (ControlPersist) stays, and keeps standard error open.
      child.once('exit', (exit, by) => {
        setTimeout(() => resolve({ exit, by }), WORDS_MS);
      });
      child.stdin.write(talk.opening);
    },
  );
  clearTimeout(timer);
  end(child, ended === 'whole');
  signal.throwIfAborted();
  if (typeof ended === 'object' && 'error' in ended) throw noSsh(ended.error);
  if (!talk.greeted) throw noAnswer(host, ended, words.text(), options);
  return {
    answer: talk.answer(),
    ending: typeof ended === 'string' ? ended : 'closed',
    at: options.now(),
  };
}

/** Lets go of ssh: at once, or after it had a moment to end by itself. */
function end(child: ReturnType<typeof spawn>, gently: boolean): void {
  child.stdin?.end();
  child.stdout?.removeAllListeners('data');
  // What is read no more must not keep ssh from ending, nor us.
  child.stdout?.destroy();
  child.stderr?.destroy();
  const kill = (name: NodeJS.Signals) => (): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
  };
  if (!gently) kill('SIGTERM')();
  const timers = [setTimeout(kill('SIGTERM'), GRACE_MS), setTimeout(kill('SIGKILL'), 2 * GRACE_MS)];
  child.once('exit', () => {
    for (const timer of timers) clearTimeout(timer);
  });
  if (child.exitCode !== null || child.signalCode !== null) for (const timer of timers) clearTimeout(timer);
}

/** What ssh itself said, as far as it is kept. */
class Words {
  #kept = '';

  add(bytes: Buffer): void {
    this.#kept = `${this.#kept}${bytes.toString('utf8')}`.slice(-WORDS_KEPT);
  }

  text(): string[] {
    const lines = this.#kept.split(/[\r\n]+/).filter((line) => line.trim() !== '');
    return lines.slice(-LINES_SHOWN);
  }
}

function noSsh(error: Error): PortolanError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return new PortolanError(
    'REMOTE',
    code === 'ENOENT' ? 'There is no ssh here to ask a host with.' : `ssh could not be started (${code}).`,
    { hint: 'It is the ssh of PATH that is used, with its own configuration and keys.', cause: error },
  );
}

function noAnswer(
  host: string,
  ended: Ending | { exit: number | null; by: string | null } | { error: Error },
  said: readonly string[],
  { seconds, interactive }: AskOptions,
): PortolanError {
  const failed = typeof ended === 'object' && 'exit' in ended;
  const why =
    ended === 'late'
      ? `gave no answer within ${interactive ? Math.max(TYPING_SECONDS, seconds) : seconds} seconds`
      : ended === 'large'
        ? 'sent a great deal, and no answer in it'
        : failed && ended.exit === 255
          ? 'could not be reached'
          : `gave no answer${failed && ended.exit !== null ? ` (ssh ended with ${ended.exit})` : ''}`;
  const words = said.length === 0 ? [] : ['ssh said:', ...said.map((line) => `  ${line}`)];
  const advice =
    failed && ended.exit === 255
      ? 'Whatever makes “ssh HOST” work makes this work: keys, known hosts and names are those of your ssh.'
      : ended === 'late'
        ? 'More time: --host-timeout SECONDS.'
        : 'It needs a login that may run sh there.';
  return new PortolanError('REMOTE', `${host} ${why}.`, { hint: [...words, advice].join('\n') });
}
