// Picking and leasing for the library: options in, typed answers out, nothing printed.
import {
  type Lease,
  LIFTABLE,
  type PickV1,
  PortolanError,
  type ProcessMark,
  pickJson,
  type Snapshot,
  translator,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import type { lockFolder, ProcessMarks } from '@portolan/probe';
import { checkOptions, checkText, told } from './arguments.ts';
import { bindAddressOf } from './bind-trial.ts';
import type { GetPortOptions, Leased, LeaseOptions, PickOptions } from './lease-types.ts';
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

/** A port that is written as text would be excluded by nothing. */
function excludedPorts(call: string, exclude: Iterable<unknown> | null): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const port of exclude ?? []) {
    if (typeof port !== 'number' || !Number.isSafeInteger(port))
      throw new TypeError(`${call}: exclude has numbers of ports alone, not ${told(port)}`);
    ports.add(port);
  }
  return ports;
}

/** See the door of the library. */
export async function pick(options: PickOptions, host: LibraryHost): Promise<PickV1> {
  checkOptions('pick', options);
  const { count = 1, near = null, name = null, transports = ['tcp', 'udp'], exclude = [] } = options;
  if (transports.some((one) => one !== 'tcp' && one !== 'udp'))
    throw new TypeError('pick: ports are picked for "tcp" and "udp" alone');
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
    excluded: excludedPorts('pick', exclude),
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
  checkText('lease', 'the name', name);
  checkOptions('lease', options);
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
  checkOptions('getPort', options);
  const { exclude = [], host: asked = '', reserve = false } = options;
  const port = options.port ?? [];
  const preferred = (typeof port === 'number' ? [port] : [...port]).filter((wished) => wished !== 0);
  for (const wished of preferred) checkPort(wished);
  const excluded = excludedPorts('getPort', exclude);
  // As Node has it: no host, and an empty one, are every address.
  const address = asked === null || asked === '' ? null : await bindAddressOf(asked);
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
      excluded,
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
