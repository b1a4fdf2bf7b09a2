// `portolan serve`: picks a port, serves the pages on loopback, and ends with Ctrl-C.
import { spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { PortolanError } from '@portolan/core';
import { readPort } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { projectOf } from '../../leases/project.ts';
import { pickTools } from '../../pick-tools.ts';
import { pickPorts } from '../../picking.ts';

export const run: Run = async (context) => {
  const { positionals, switches, values } = context.args;
  const [first] = positionals;
  if (first !== undefined) throw new PortolanError('USAGE', `serve takes no “${echo(first)}”.`);
  if (values.has('procfs-root')) {
    throw new PortolanError('USAGE', 'Pages are served of this host and not of a recorded one.');
  }
  const port = await ownPort(context);
  const { listen, makeSite, readAssets } = await import('@portolan/site');
  const site = makeSite(await context.facts(true), context.call());
  const assets = readAssets(join(context.shippedFacts, '..', 'site'));
  const serving = await listen({
    site,
    assets,
    port,
    host: {
      name: hostname(),
      look: (ports, transports) => context.look({ ports, transports, countEphemeral: true }),
    },
    isOwn: peerCheck(context, port),
  }).catch((error: NodeJS.ErrnoException) => {
    throw new PortolanError('SERVE', `Port ${port} cannot be had (${error.code ?? error.message}).`, {
      hint: `portolan why ${port}`,
    });
  });
  const address = `http://127.0.0.1:${serving.port}/`;
  context.io.out(`${address}\n`);
  if (switches.has('open')) open(address);
  await ended();
  await serving.close();
  return 0;
};

/** The port that was asked for, else one that no rule refuses: the same each time, so that bookmarks last. */
async function ownPort(context: Context): Promise<number> {
  const asked = context.args.values.get('port');
  if (asked !== undefined) {
    return (await readPort(asked, context.lang, () => context.facts(false))).range[0];
  }
  const tools = await pickTools(context);
  const decision = await pickPorts(
    {
      count: 1,
      name: 'portolan serve',
      project: projectOf(homedir(), tools.uid),
      near: null,
      transports: ['tcp'],
      lifted: new Set(),
      excluded: new Set(),
      preferred: [],
      host: '127.0.0.1',
      // A port that turns out to be taken is refused by the bind, which is what counts here.
      trusting: true,
      counted: false,
      hold: null,
    },
    tools,
  );
  const [picked] = decision.ports;
  if (picked === undefined) {
    throw new PortolanError('SERVE', 'No port was found to serve on.', { hint: 'portolan serve --port N' });
  }
  return picked.port;
}

/** Tells whether the other end of a connection is a socket of this user or root, once for each connection. */
function peerCheck(context: Context, own: number): (request: IncomingMessage) => Promise<boolean | null> {
  const known = new WeakMap<object, Promise<boolean | null>>();
  const uid = process.geteuid?.();
  const look = async (peer: number | undefined): Promise<boolean | null> => {
    if (uid === undefined || peer === undefined) return null;
    const { sockets } = await context.look({ ports: [peer, peer], transports: ['tcp'], namespaces: false });
    const other = sockets.find((socket) => socket.peer?.port === own && socket.namespace === null);
    if (other === undefined || other.uid === null) return null;
    return other.uid === uid || other.uid === 0;
  };
  return ({ socket }) => {
    const before = known.get(socket);
    if (before !== undefined) return before;
    const answer = look(socket.remotePort);
    known.set(socket, answer);
    return answer;
  };
}

/** Hands the address to the system's own opener, as one argument. */
function open(address: string): void {
  const opener =
    process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(opener, [address], { stdio: 'ignore', detached: true });
  // Where there is no opener, the address on the screen is what there is.
  child.once('error', () => undefined);
  child.unref();
}

function ended(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}
