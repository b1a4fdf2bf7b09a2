// Picking and leasing for the library: options in, typed answers out, nothing printed.
import {
  type Lease,
  LIFTABLE,
  type PickRule,
  type PickV1,
  PortolanError,
  type ProcessMark,
  pickJson,
  type Snapshot,
  type Transport,
  translator,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import type { lockFolder, ProcessMarks } from '@portolan/probe';
import { leaseFolder } from './leases/folder.ts';
import { projectOf } from './leases/project.ts';
import { LeaseStore } from './leases/store.ts';
import {
  checkLifted,
  checkName,
  type PickTools,
  type PickWish,
  pickPorts,
  releasePort,
  takeLease,
} from './picking.ts';

/** What every call takes. */
interface Common {
  /** Folder of the project; default the working directory. The git worktree around it is meant, where there is one. */
  readonly project?: string;
  /** Rules to lift by name; see `portolan pick --help`. */
  readonly allow?: readonly PickRule[];
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
  readonly signal?: AbortSignal;
}

/** Which ports are wanted. */
export interface PickOptions extends Common {
  /** 1 to 1000; default 1. */
  readonly count?: number;
  /** As near to this port (1–65535) as can be. */
  readonly near?: number;
  /** The same ports each time for this name of the project. */
  readonly name?: string;
  /** Default tcp and udp. */
  readonly transports?: readonly ('tcp' | 'udp')[];
  /** Ports that are not wanted. */
  readonly exclude?: Iterable<number>;
}

/** What a new lease should be. */
export interface LeaseOptions extends Common {
  /** Default tcp. */
  readonly transport?: 'tcp' | 'udp';
  /** A new lease as near to this port (1–65535) as can be. */
  readonly near?: number;
}

/** A lease that this process has. It ends with `release`; without it the port stays the name's. */
export interface Leased {
  readonly name: string;
  readonly project: string;
  /** 1–65535. */
  readonly port: number;
  readonly transport: Transport;
  /** False where the name had the port already. */
  readonly fresh: boolean;
  /** Gives the port back, unless another process has taken the lease over since or had it before. */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** As the package get-port has them. */
export interface GetPortOptions {
  /** Ports to try first, in order, whosever they are. */
  readonly port?: number | Iterable<number>;
  /** Ports that are not wanted. */
  readonly exclude?: Iterable<number>;
  /** Address to try the bind on; default every address of both families. */
  readonly host?: string;
  /** Keep the port from others that pick until this process ends; default for half a minute. */
  readonly reserve?: boolean;
  readonly signal?: AbortSignal;
}

/** What the library's door hands in: it alone knows where its data lies. */
export interface LibraryHost {
  look(signal: AbortSignal | undefined, ffi: boolean): Promise<Snapshot>;
  facts(whole: boolean): Facts;
  readonly lock: typeof lockFolder;
  marks(): Promise<ProcessMarks>;
}

/** How long a port that was got is kept from others, milliseconds: its server is bound long before. */
const KEPT_MS = 30_000;

async function toolsOf(
  host: LibraryHost,
  { ffi = true, signal }: { readonly ffi?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): Promise<PickTools> {
  signal?.throwIfAborted();
  const uid = process.geteuid?.();
  return {
    store: new LeaseStore(leaseFolder(process.env, uid), (folder, waiting) =>
      host.lock(folder, { ...waiting, ffi }),
    ),
    marks: await host.marks(),
    uid,
    look: () => host.look(signal, ffi),
    facts: (whole) => Promise.resolve(host.facts(whole)),
    now: () => new Date(),
    ...(signal === undefined ? {} : { signal }),
  };
}

function ownMark({ marks }: PickTools): ProcessMark {
  const mark = marks.of(process.pid);
  if (mark === null) throw new Error('this process has no mark');
  return mark;
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new RangeError(`not a port number: ${port}`);
}

/** See the door of the library. */
export async function pick(options: PickOptions, host: LibraryHost): Promise<PickV1> {
  const { count = 1, near = null, name = null, transports = ['tcp', 'udp'], exclude = [] } = options;
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new RangeError(`count is 1 to 1000, not ${count}`);
  if (near !== null) checkPort(near);
  if (name !== null) checkName(name);
  const tools = await toolsOf(host, options);
  const wish: PickWish = {
    count,
    name,
    near,
    transports,
    project: projectOf(options.project ?? process.cwd(), tools.uid),
    lifted: checkLifted(options.allow ?? []),
    excluded: new Set(exclude),
    preferred: [],
    host: null,
    hold: null,
    trusting: false,
    counted: true,
  };
  return pickJson(await pickPorts(wish, tools), translator('en'));
}

/** See the door of the library. */
export async function lease(name: string, options: LeaseOptions, host: LibraryHost): Promise<Leased> {
  const { transport = 'tcp', near = null } = options;
  checkName(name);
  if (near !== null) checkPort(near);
  const tools = await toolsOf(host, options);
  const project = projectOf(options.project ?? process.cwd(), tools.uid);
  const lifted = checkLifted(options.allow ?? []);
  const holder = ownMark(tools);
  const taken = await takeLease({ name, project, transport, near, lifted, holder }, tools);
  if (taken.lease === null) throw noneLeft();
  const { lease: given, fresh } = taken;
  const mine: Lease = { ...given, holder };
  const release = (): Promise<void> => releasePort(mine, tools);
  return {
    name,
    project: given.project,
    port: given.port,
    transport: given.transport,
    fresh,
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** See the door of the library. */
export async function getPort(options: GetPortOptions, host: LibraryHost): Promise<number> {
  const { port = [], exclude = [], host: address = null, reserve = false } = options;
  const preferred = (typeof port === 'number' ? [port] : [...port]).filter((wished) => wished !== 0);
  for (const wished of preferred) checkPort(wished);
  const tools = await toolsOf(host, options);
  const hold = ownMark(tools);
  const project = projectOf(process.cwd(), tools.uid);
  const decision = await pickPorts(
    {
      count: 1,
      name: null,
      near: null,
      transports: ['tcp'],
      project,
      lifted: new Set(),
      excluded: new Set(exclude),
      preferred,
      host: address,
      hold,
      trusting: true,
      counted: false,
    },
    tools,
  );
  const got = decision.ports[0]?.port;
  if (got === undefined) throw noneLeft();
  if (!reserve) {
    const { folder, place } = project;
    const held: Lease = {
      name: null,
      project: folder,
      place,
      port: got,
      transport: 'tcp',
      holder: hold,
      madeAt: '',
    };
    // What is left when the process ends before is cleared away by the next who picks.
    setTimeout(() => void releasePort(held, tools).catch(() => undefined), KEPT_MS).unref();
  }
  return got;
}

function noneLeft(): PortolanError {
  return new PortolanError('LEASES', 'No port is left: every number is refused by a rule.', {
    hint: `pick() tells which rule took how many; allow lifts ${LIFTABLE.join(', ')}.`,
  });
}
