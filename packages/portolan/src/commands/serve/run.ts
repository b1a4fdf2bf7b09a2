// `portolan serve`: picks a port, serves the pages on loopback, says where, and ends with a signal.
import { spawn } from 'node:child_process';
import { homedir, hostname } from 'node:os';
import {
  auditPage,
  type Endpoint,
  type Node,
  PortolanError,
  printable,
  printableJson,
  say,
  serveJson,
  useSentence,
} from '@portolan/core';
import type { PeerUsers } from '@portolan/probe';
import type { Pack, Serving } from '@portolan/site';
import { readTcpPort } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { FeedbackFile } from '../../feedback-file.ts';
import { echo } from '../../flags.ts';
import { projectOf } from '../../leases/project.ts';
import { assetFolder, shippedSchema } from '../../pages/shipped.ts';
import { pickTools } from '../../pick-tools.ts';
import { pickPorts } from '../../picking.ts';
import { reportOn } from '../../report-on.ts';

/** Exit codes of a server that a signal ended: 128 and its number (POSIX.1-2017 s2.8.2). */
const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
};

/** Asks for an address with a new code; SIGUSR1 is Node's own, and starts its debugger. */
const NEW_CODE = 'SIGUSR2';

export const run: Run = async (context) => {
  const { io } = context;
  const { positionals, switches, values } = context.args;
  const [first] = positionals;
  if (first !== undefined) throw new PortolanError('USAGE', `serve takes no “${echo(first)}”.`);
  if (values.has('procfs-root')) {
    throw new PortolanError('USAGE', 'Pages are served of this host and not of a recorded one.');
  }
  const pack = await packOf(values.get('pack'));
  const port = await ownPort(context);
  const { lockFolder, peerUsers } = await import('@portolan/probe');
  const ffi = !switches.has('no-ffi');
  const peers = await peerUsers({ ffi });
  try {
    const serving = await serveOn(port, context, peers, pack, (folder, options) =>
      lockFolder(folder, { ...options, ffi }),
    );
    if (pack === null) tell(serving, peers !== null, context);
    else tellPack(serving, values.get('pack') ?? '', context);
    if (switches.has('open')) open(placeOf(serving, pack === null && needsCode(peers !== null)));
    const code = await ended(serving, context);
    await serving.close();
    return code;
  } finally {
    peers?.close();
    pack?.close();
  }

  async function ended(serving: Serving, { lang }: Context): Promise<number> {
    // There is no such signal on Windows.
    const names = process.platform === 'win32' ? [] : ([NEW_CODE] as const);
    const forget = io.onSignal(names, () => {
      const address = placeOf(serving, true);
      io.err(`${pack === null ? lang.say(say('serve.again', { address })) : address}\n`);
    });
    const code = await new Promise<number>((done) => {
      io.onSignal(Object.keys(SIGNALS) as NodeJS.Signals[], (name) => done(SIGNALS[name] ?? 1));
    });
    forget();
    return code;
  }
};

/** Starts the server. Throws SERVE where the port cannot be had, with who has it. */
async function serveOn(
  port: number,
  context: Context,
  peerUsers: PeerUsers | null,
  pack: Pack | null,
  lock: Parameters<FeedbackFile['note']>[2],
): Promise<Serving> {
  const { listen, listenPack, makeSite, readAssets } = await import('@portolan/site');
  const feedback = new FeedbackFile(context.dataDir);
  const own = process.geteuid?.();
  const peers =
    peerUsers === null || own === undefined
      ? null
      : { own, uidOf: (here: Endpoint, there: Endpoint) => peerUsers.uidOf(here, there) };
  const onFault = ({ stack, message }: Error): void => {
    const text = printable(stack ?? message).replace(/\\n/g, '\n');
    context.io.err(
      `portolan: this is a fault in Portolan, please report it with the lines below.\n${text}\n`,
    );
  };
  try {
    if (pack !== null) return await listenPack({ pack, port, peers, onFault });
    return await listen({
      site: makeSite(await context.facts(true), context.call()),
      assets: readAssets(assetFolder(context)),
      port,
      host: {
        name: hostname(),
        look: (ports, transports) => context.look({ ports, transports, countEphemeral: true }),
        audit: () => auditNodes(context),
      },
      peers,
      feedback: {
        note: (vote) => feedback.note(vote, context.io.now().toISOString().slice(0, 10), lock),
      },
      schema: shippedSchema(context),
      version: context.version,
      onFault,
    });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'listen') throw error;
    throw new PortolanError('SERVE', await refusal(port, code ?? '', context), {
      hint: `${context.call()} why ${port}`,
    });
  }
}

/** What an audit of this host and of the project in the working folder finds, without its first lines and its gaps. */
async function auditNodes(context: Context): Promise<readonly Node[]> {
  const { auditBy } = await import('../../audit/auditing.ts');
  const decision = await auditBy(
    {
      files: [],
      profiles: [],
      cwd: process.cwd(),
      root: '/',
      procRoot: undefined,
      printed: undefined,
      host: undefined,
      baseline: null,
    },
    {
      look: () => context.look({ ports: null, transports: ['tcp', 'udp'], countEphemeral: true }),
      facts: () => context.facts(true),
      shippedFacts: context.shippedFacts,
      call: context.call(),
    },
  );
  return auditPage(decision).nodes;
}

/** Why the port cannot be had: who has it, where somebody has. */
async function refusal(port: number, code: string, context: Context): Promise<string> {
  const plain = `Port ${port} cannot be had (${code}).`;
  if (code !== 'EADDRINUSE') return plain;
  const snapshot = await context.look({ ports: [port, port], transports: ['tcp'] });
  const report = reportOn(port, ['tcp'], await context.facts(false), snapshot, context.call());
  return report.use.verdict === 'held' ? `${plain} ${context.lang.say(useSentence(report))}` : plain;
}

/** The address of the pages, with a new code in its fragment, which is sent to nobody, or without. */
function placeOf(serving: Serving, withCode: boolean): string {
  const address = `http://127.0.0.1:${serving.port}/`;
  const code = withCode ? serving.newCode() : null;
  return code === null ? address : `${address}#code=${code}`;
}

/**
 * Does the own browser need a code? The kernel tells its user, where it can; a browser of root is most often another user's.
 * Where none is needed none is given away: the arguments of a browser can be seen by all.
 */
function needsCode(peerCheck: boolean): boolean {
  return !peerCheck || process.geteuid?.() === 0;
}

/** Says where the pages are, and who sees what. */
function tell(serving: Serving, peerCheck: boolean, { io, json, lang, args }: Context): void {
  if (serving.withoutIpv6 !== null) {
    io.err(`${lang.say(say('serve.without', { port: serving.port, code: serving.withoutIpv6 }))}\n`);
  }
  if (json) {
    const { port, listens } = serving;
    const told = serveJson({
      address: placeOf(serving, false),
      port,
      listens,
      pid: process.pid,
      open: placeOf(serving, true),
      codeSeconds: serving.codeSeconds,
      peerCheck,
    });
    io.out(`${printableJson(told, 0)}\n`);
    return;
  }
  io.out(`${placeOf(serving, false)}\n`);
  // Opened with a code, which another would take the place of.
  if (args.switches.has('open') && needsCode(peerCheck)) return;
  io.err(`${lang.say(say(peerCheck ? 'serve.you' : 'serve.code', { address: placeOf(serving, true) }))}\n`);
}

/** Says where the pages of a pack are. */
function tellPack(serving: Serving, file: string, { io, json, lang }: Context): void {
  const address = placeOf(serving, false);
  if (json) {
    const { port, listens } = serving;
    const told = {
      address,
      port,
      listens,
      pid: process.pid,
      open: address,
      codeSeconds: 0,
      peerCheck: false,
    };
    io.out(`${printableJson(serveJson(told), 0)}\n`);
    return;
  }
  io.out(`${address}\n`);
  io.err(`${lang.say(say('serve.pack', { file }))}\n`);
}

/** The pack that is named, wholly read once: a damaged one is told before anybody asks for its pages. */
async function packOf(file: string | undefined): Promise<Pack | null> {
  if (file === undefined) return null;
  const { openPack } = await import('@portolan/site');
  const pack = openPack(file);
  try {
    pack.check();
    return pack;
  } catch (error) {
    pack.close();
    throw error;
  }
}

/** The port that was asked for, else one that no rule refuses: the same each time, so that bookmarks last. */
async function ownPort(context: Context): Promise<number> {
  const asked = context.args.values.get('port');
  if (asked !== undefined) {
    return await readTcpPort('port', asked, context.lang, () => context.facts(false));
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

/** Hands the address to the system's own opener, as one argument. */
function open(address: string): void {
  const opener =
    process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(opener, [address], { stdio: 'ignore', detached: true });
  // Where there is no opener, the address on the screen is what there is.
  child.once('error', () => undefined);
  child.unref();
}
