// `portolan serve`: picks a port, serves the pages on loopback, says where, and ends with a signal.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import {
  auditPage,
  type Node,
  PortolanError,
  printable,
  printableJson,
  say,
  serveJson,
  useSentence,
} from '@portolan/core';
import type { PeerUsers } from '@portolan/probe';
import type { Described, Serving } from '@portolan/site';
import { readPort } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { FeedbackFile } from '../../feedback-file.ts';
import { echo } from '../../flags.ts';
import { projectOf } from '../../leases/project.ts';
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
  const port = await ownPort(context);
  const { lockFolder, peerUsers } = await import('@portolan/probe');
  const ffi = !switches.has('no-ffi');
  const peers = await peerUsers({ ffi });
  try {
    const serving = await serveOn(port, context, peers, (folder, options) =>
      lockFolder(folder, { ...options, ffi }),
    );
    tell(serving, peers !== null, context);
    if (switches.has('open')) open(placeOf(serving, needsCode(peers !== null)));
    const code = await ended(serving, context);
    await serving.close();
    return code;
  } finally {
    peers?.close();
  }

  async function ended(serving: Serving, { lang }: Context): Promise<number> {
    // There is no such signal on Windows.
    const names = process.platform === 'win32' ? [] : ([NEW_CODE] as const);
    const forget = io.onSignal(names, () => {
      io.err(`${lang.say(say('serve.again', { address: placeOf(serving, true) }))}\n`);
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
  peers: PeerUsers | null,
  lock: Parameters<FeedbackFile['note']>[2],
): Promise<Serving> {
  const { listen, makeSite, readAssets } = await import('@portolan/site');
  const feedback = new FeedbackFile(context.dataDir);
  const own = process.geteuid?.();
  try {
    return await listen({
      site: makeSite(await context.facts(true), context.call()),
      assets: readAssets(join(context.shippedFacts, '..', 'site')),
      port,
      host: {
        name: hostname(),
        look: (ports, transports) => context.look({ ports, transports, countEphemeral: true }),
        audit: () => auditNodes(context),
      },
      peers:
        peers === null || own === undefined
          ? null
          : { own, uidOf: (here, there) => peers.uidOf(here, there) },
      feedback: {
        note: (vote) => feedback.note(vote, context.io.now().toISOString().slice(0, 10), lock),
      },
      schema: readSchema(context),
      version: context.version,
      onFault: ({ stack, message }) => {
        const text = printable(stack ?? message).replace(/\\n/g, '\n');
        context.io.err(
          `portolan: this is a fault in Portolan, please report it with the lines below.\n${text}\n`,
        );
      },
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

/** The shipped schema, which the pages' description for programs is made from. */
function readSchema(context: Context): Described['schema'] {
  const file = join(context.shippedFacts, '..', '..', 'schema', 'v1.schema.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Described['schema'];
}

/** The address of the pages, with a new code in its fragment, which is sent to nobody, or without. */
function placeOf(serving: Serving, withCode: boolean): string {
  const address = `http://127.0.0.1:${serving.port}/`;
  return withCode ? `${address}#code=${serving.newCode()}` : address;
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

/** Hands the address to the system's own opener, as one argument. */
function open(address: string): void {
  const opener =
    process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(opener, [address], { stdio: 'ignore', detached: true });
  // Where there is no opener, the address on the screen is what there is.
  child.once('error', () => undefined);
  child.unref();
}
