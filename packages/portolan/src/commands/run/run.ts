// `portolan run NAME… -- COMMAND`: leases, then the command with the ports in its environment, its signals and its end.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { PortolanError, portVariable, printable, type StoredLease, say } from '@portolan/core';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { projectOf } from '../../leases/project.ts';
import { noneLeft, tellGaps } from '../../leases/told.ts';
import { pickTools, readTransport } from '../../pick-tools.ts';
import { checkName, type PickTools, takeLease } from '../../picking.ts';

/** As shells have them. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const BY_SIGNAL = 128;

/** What is passed on; others either cannot be caught or mean nothing between programs. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

/** What a terminal sends to all of its foreground process group, the command included. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/** systemd's own limit for a name in LISTEN_FDNAMES. */
const FD_NAME_LIMIT = 255;

export const run: Run = async (context) => {
  const { values, switches, positionals, beforeEnd } = context.args;
  const names = positionals.slice(0, beforeEnd ?? undefined);
  const command = beforeEnd === null ? [] : positionals.slice(beforeEnd);
  checkAsked(names, command, beforeEnd !== null);
  const transport = readTransport(values.get('transport'));
  const tools = await pickTools(context);
  const project = projectOf(values.get('project') ?? process.cwd(), tools.uid);
  const leases: StoredLease[] = [];
  for (const name of names) leases.push(await lease(name));
  const env: NodeJS.ProcessEnv = { ...context.io.env, PORT: String(leases[0]?.port ?? '') };
  for (const { name, port } of leases) env[portVariable(name ?? '')] = String(port);
  return switches.has('socket')
    ? withSockets(context, leases, command, env)
    : spawned(context, command, env, []);

  async function lease(name: string): Promise<StoredLease> {
    const holder = ownMark(tools);
    const wish = { name, project, transport, near: null, lifted: new Set<never>(), holder };
    const taken = await takeLease(wish, tools);
    if (taken.lease === null) throw noneLeft(taken.refused, context.lang);
    tellGaps(context, taken.gaps);
    return taken.lease;
  }
};

function ownMark({ marks }: PickTools): NonNullable<ReturnType<PickTools['marks']['of']>> {
  const mark = marks.of(process.pid);
  if (mark === null) throw new Error('this process has no mark');
  return mark;
}

function checkAsked(names: readonly string[], command: readonly string[], ended: boolean): void {
  const hint = 'As in: portolan run web -- npm start';
  const [first] = names;
  if (first === undefined) throw new PortolanError('USAGE', 'A name is missing before --.', { hint });
  if (command.length === 0) {
    throw new PortolanError(
      'USAGE',
      ended ? 'A command is missing after --.' : 'The command goes after --.',
      { hint },
    );
  }
  for (const name of names) checkName(name);
  const variables = new Map<string, string>();
  for (const name of names) {
    const variable = portVariable(name);
    const other = variables.get(variable);
    if (other !== undefined) {
      throw new PortolanError(
        'USAGE',
        `“${echo(other)}” and “${echo(name)}” would both be ${echo(variable)}.`,
      );
    }
    variables.set(variable, name);
  }
}

/**
 * Sockets listen before the command starts. LISTEN_PID must be the pid of the program itself, which is known only to
 * itself: a shell that is replaced by the program sets it. The command's words are the shell's arguments and never its
 * text.
 */
async function withSockets(
  context: Context,
  leases: readonly StoredLease[],
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const { holdSocket } = await import('@portolan/probe');
  const sockets: { readonly fd: number; close(): void }[] = [];
  try {
    for (const { port, transport, name } of leases) {
      const held = context.args.switches.has('no-ffi')
        ? null
        : await holdSocket({ transport: transport === 'udp' ? 'udp' : 'tcp', port, address: null });
      if (held === null) {
        throw new PortolanError(
          'LEASES',
          'No socket can be handed over here: it takes native code (koffi), on Linux.',
          {
            hint: 'Without --socket the command is given PORT and binds it itself.',
          },
        );
      }
      if (held.fd === null) {
        throw new PortolanError(
          'LEASES',
          `${port} of “${echo(name ?? '')}” could not be bound (${held.errno}).`,
          {
            hint: `${context.call()} why ${port}/${transport}`,
          },
        );
      }
      sockets.push(held);
    }
    const listen = {
      ...env,
      LISTEN_FDS: String(sockets.length),
      LISTEN_FDNAMES: leases.map(({ name }) => descriptorName(name ?? '')).join(':'),
    };
    const shim = ['sh', '-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', ...command];
    return await spawned(context, shim, listen, sockets);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** Names in LISTEN_FDNAMES are printable ASCII without colons. */
function descriptorName(name: string): string {
  return name.replace(/[^\x21-\x39\x3b-\x7e]/g, '_').slice(0, FD_NAME_LIMIT);
}

function spawned(
  { io, lang }: Context,
  [file = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  sockets: { readonly fd: number; close(): void }[],
): Promise<number> {
  return new Promise((resolve) => {
    const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', ...sockets.map(({ fd }) => fd)];
    const waiting: NodeJS.Signals[] = [];
    let send = (name: NodeJS.Signals): void => void waiting.push(name);
    const off = io.onSignal(FORWARDED, (name) => {
      if (FROM_TERMINAL.has(name) && inForeground(io.stdoutIsTerminal)) return;
      send(name);
    });
    let child: ChildProcess;
    try {
      child = spawn(file, args, { env, stdio });
    } catch (error) {
      // Node throws what it does not tell by an event, such as E2BIG and ENAMETOOLONG.
      failed(error as NodeJS.ErrnoException);
      return;
    }
    // The command has them now: a copy of ours would keep the port open once it has let go.
    for (const socket of sockets.splice(0)) socket.close();
    child.once('error', failed);
    child.once('exit', (code, signal) => {
      off();
      resolve(signal === null ? (code ?? 0) : BY_SIGNAL + constants.signals[signal]);
    });
    send = (name) => void child.kill(name);
    for (const name of waiting) send(name);

    function failed(error: NodeJS.ErrnoException): void {
      off();
      const missing = error.code === 'ENOENT';
      io.err(
        `portolan: ${printable(lang.say(say(missing ? 'run.not-found' : 'run.not-run', { file: echo(file), code: error.code ?? '' })))}\n`,
      );
      resolve(missing ? NOT_FOUND : NOT_EXECUTABLE);
    }
  });
}

/** Are we of the terminal's foreground process group (fields 5 and 8 of /proc/self/stat)? Then Ctrl-C reaches the command too. */
function inForeground(guess: boolean): boolean {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[4] !== '0' && fields[2] === fields[5];
  } catch {
    return guess;
  }
}
