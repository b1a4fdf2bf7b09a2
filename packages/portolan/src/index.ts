// The library: the same answers as the program, typed, nothing printed, nothing kept.
import { fileURLToPath } from 'node:url';
import {
  type AuditV1,
  type Claim,
  type EphemeralV1,
  type EventV1,
  eventJson,
  type PickV1,
  PortolanError,
  type PortRange,
  type PortReport,
  type ReportV1,
  type ReserveV1,
  type Reuse,
  renderTerminal,
  reportJson,
  type Snapshot,
  searchClaims,
  type Transport,
  translator,
  type WatchState,
  type WhyDecision,
  type WhyV1,
  whyJson,
  whyPage,
} from '@portolan/core';
import { dataDirectory, openFacts } from '@portolan/facts';
import {
  bindHost,
  bindTrials,
  lockFolder,
  snapshot as look,
  processMarks,
  watch as watchHost,
} from '@portolan/probe';
import { checkOptions, checkText } from './arguments.ts';
import type { CollisionHost } from './collisions/library.ts';
import type { AuditOptions, EphemeralOptions, PortWish, ReserveOptions } from './collisions/types.ts';
import type { GetPortOptions, Leased, LeaseOptions, PickOptions } from './lease-types.ts';
import { getPort as getPortHere, type LibraryHost, lease as leaseHere, pick as pickHere } from './leasing.ts';
import { listenFailureOf, unseenWords } from './listening/failure.ts';
import { callOf } from './program.ts';
import { reportOn } from './report-on.ts';

export type {
  AuditV1,
  Claim,
  EphemeralV1,
  EventV1,
  Gap,
  Holder,
  Owner,
  PickRule,
  PickV1,
  PortRange,
  PortReport,
  ReportV1,
  ReserveV1,
  Snapshot,
  Socket,
  Transport,
  WatchState,
  WhyV1,
} from '@portolan/core';
export { PortolanError } from '@portolan/core';
export type { AuditOptions, EphemeralOptions, PortWish, ReserveOptions } from './collisions/types.ts';
export type { GetPortOptions, Leased, LeaseOptions, PickOptions } from './lease-types.ts';

/** Options of every look at this machine. */
export interface LookOptions {
  /** Default tcp and udp. */
  readonly transports?: readonly Transport[];
  /** A recorded copy of /proc in place of this machine. */
  readonly procRoot?: string;
  readonly signal?: AbortSignal;
}

const SHIPPED = fileURLToPath(new URL('./facts/', import.meta.url));
/** The child process that tries binds. */
const BIND_CHILD = fileURLToPath(new URL('./bind-child.cjs', import.meta.url));
/** The thread that helps to walk many descriptors. */
const WALK_WORKER = fileURLToPath(new URL('./walk-worker.cjs', import.meta.url));
const USUAL: readonly Transport[] = ['tcp', 'udp'];
/** A library has no command line of its own to tell. */
const CALL = 'portolan';
/** The program beside it, for words that people read. */
const PROGRAM = fileURLToPath(new URL('./bin.cjs', import.meta.url));

/** The whole answer about one port (0–65535), in the shape of `portolan PORT --json`. */
export async function explain(port: number, options: LookOptions = {}): Promise<ReportV1> {
  return reportJson(await report(port, options), translator('en'));
}

/** The same before it is put into words. */
export async function report(port: number, options: LookOptions = {}): Promise<PortReport> {
  checkOptions('explain', options);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`not a port number: ${port}`);
  const transports = options.transports ?? USUAL;
  const seen = await snapshotOf([port, port], options, true);
  const facts = openFacts({ shipped: SHIPPED, dataDir: dataDirectory() });
  try {
    return reportOn(port, transports, facts, seen, CALL);
  } finally {
    facts.close();
  }
}

/** Every socket of this host's current network namespace, with owners, and what could not be seen. */
export async function snapshot(options: LookOptions = {}): Promise<Snapshot> {
  checkOptions('snapshot', options);
  return snapshotOf(null, options, false);
}

/** Which bind `why` tries, and how it looks. */
export interface WhyOptions extends Omit<LookOptions, 'transports'> {
  /** Default tcp. */
  readonly transport?: 'tcp' | 'udp';
  /** IP address, with a zone where it is link-local; default [::] with IPv4 too, as servers bind. */
  readonly address?: string;
  /** 4 binds 0.0.0.0, 6 binds [::] for IPv6 alone. */
  readonly family?: 4 | 6;
  /** Default `addr` for tcp, `none` for udp. */
  readonly reuse?: Reuse;
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
}

/**
 * Can the port (0–65535) be bound, and if not, why and what helps: the shape of `portolan why PORT --json`. The bind
 * is tried in a child process for a moment. Throws PortolanError USAGE for an address or family that cannot be.
 */
export async function why(port: number, options: WhyOptions = {}): Promise<WhyV1> {
  checkOptions('why', options);
  return whyJson(await decideWhy(port, options), translator('en'));
}

async function decideWhy(port: number, options: WhyOptions, call = CALL): Promise<WhyDecision> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`not a port number: ${port}`);
  const { transport = 'tcp', address, family, reuse, ffi = true, procRoot, signal } = options;
  const { checkAsked, explainBind, lookFor } = await import('./why.ts');
  const asked = {
    port,
    transport,
    ...(address === undefined ? {} : { address }),
    ...(family === undefined ? {} : { family: String(family) }),
    ...(reuse === undefined ? {} : { reuse }),
  };
  const { address: serviceAddress } = checkAsked(asked);
  const ports: PortRange = [port, port];
  const trials =
    procRoot === undefined
      ? await bindTrials({ child: BIND_CHILD, ffi, ...(signal === undefined ? {} : { signal }) })
      : null;
  try {
    return await explainBind(asked, {
      look: (whole) =>
        look({
          ports,
          transports: [transport],
          serviceAddress,
          ...lookFor(whole),
          ffi,
          ...(procRoot === undefined ? {} : { procRoot }),
          ...(signal === undefined ? {} : { signal }),
        }),
      attempt: trials === null ? null : (wish) => trials.try(wish),
      host: bindHost,
      risks(seen) {
        const facts = openFacts({ shipped: SHIPPED, dataDir: dataDirectory() });
        try {
          return Promise.resolve(reportOn(port, [transport], facts, seen, call).risks);
        } finally {
          facts.close();
        }
      },
      call: () => call,
    });
  } finally {
    trials?.close();
  }
}

/** How long `explainListenError` looks at most, milliseconds. */
const LISTEN_LIMIT_MS = 5000;

/** Why a server could not listen. */
export interface ListenAnswer {
  /** For people, as `portolan why PORT` prints it. */
  readonly text: string;
  /** Null where it could not be looked at; `text` says so. */
  readonly why: WhyV1 | null;
}

/**
 * Why a bind failed, from the error that Node gave for it: EADDRINUSE, EACCES or EADDRNOTAVAIL of listen() or of
 * bind() (whose stack tells TCP from UDP), the error itself or a cause of it. Null for any other value. Takes at most five seconds, and never
 * rejects: what could not be looked at is said in the answer.
 */
export async function explainListenError(
  error: unknown,
  options: Pick<WhyOptions, 'ffi' | 'signal'> = {},
): Promise<ListenAnswer | null> {
  const failed = listenFailureOf(error);
  if (failed === null) return null;
  const limit = AbortSignal.timeout(LISTEN_LIMIT_MS);
  const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  const { port, transport, address } = failed;
  try {
    const wish = { ...options, transport, signal, ...(address === null ? {} : { address }) };
    const decision = await decideWhy(port, wish, callOf(PROGRAM, process.env));
    const lang = translator('en');
    const page = renderTerminal(whyPage(decision), {
      lang,
      width: 80,
      color: false,
      unicode: true,
      fit: false,
    });
    return { text: page.trimEnd(), why: whyJson(decision, lang) };
  } catch (cause) {
    return { text: unseenWords(failed, cause instanceof Error ? cause.message : String(cause)), why: null };
  }
}

/** What is watched, and how. */
export interface WatchOptions {
  /** Local ports to watch, inclusive, with every kind of holder; default: all, those that listen or are bound. */
  readonly ports?: PortRange;
  /** Default tcp and udp; others are not watched. */
  readonly transports?: readonly Transport[];
  /** Connections and closing sockets of all ports, too. */
  readonly all?: boolean;
  /** Milliseconds between polls, at least 1; default: as often as less than 1 % of a CPU allows. */
  readonly intervalMs?: number;
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A watch that has begun, in the shape of `portolan watch --json`. It runs until its signal aborts, the loop over it is
 * left or it is closed, and keeps the process alive until then; nothing of it is left behind.
 */
export interface Watching extends AsyncIterable<EventV1> {
  /** How it watches: its resolution, its share of a CPU, what it does without. */
  state(): WatchState;
  close(): void;
}

/** Watches this host's current network namespace. Throws PortolanError USAGE on a system that cannot be watched. */
export async function watch(options: WatchOptions = {}): Promise<Watching> {
  checkOptions('watch', options);
  const { ports = null, transports = USUAL, all = false, intervalMs = null, ffi = true, signal } = options;
  const watching = await watchHost({
    ports,
    transports,
    all: all || ports !== null,
    intervalMs: intervalMs === null ? null : Math.max(1, intervalMs),
    ffi,
    ...(signal === undefined ? {} : { signal }),
  });
  if (watching === null)
    throw new PortolanError('USAGE', `Watching is not possible on ${process.platform} yet.`);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const event of watching) yield eventJson(event);
    },
    state: () => watching.state(),
    close: () => watching.close(),
  };
}

const LIBRARY: LibraryHost = {
  look: (signal, ffi) =>
    look({
      ports: null,
      transports: USUAL,
      namespaces: false,
      walkWorker: WALK_WORKER,
      ffi,
      ...(signal === undefined ? {} : { signal }),
    }),
  facts: (whole) => openFacts({ shipped: SHIPPED, dataDir: dataDirectory(), whole }),
  lock: lockFolder,
  marks: processMarks,
};

/**
 * Good ports with reasons, in the shape of `portolan pick --json`; `ports` is empty where none qualifies, or where
 * `unsure` says that a gap may hide a holder. Throws PortolanError LEASES where the leases cannot be read.
 */
export function pick(options: PickOptions = {}): Promise<PickV1> {
  return pickHere(options, LIBRARY);
}

/**
 * The port of a name in a project, for this process: the same every time, and no other project's. Throws PortolanError
 * USAGE for a name that cannot be one, LEASES where no port is left or the leases cannot be written.
 */
export function lease(name: string, options: LeaseOptions = {}): Promise<Leased> {
  return leaseHere(name, options, LIBRARY);
}

/**
 * A port to bind at once, as from the package get-port: one of those wished that is free, else a good one. No two
 * processes that ask get the same. Throws PortolanError USAGE for a host on which nothing can be bound, LEASES where none
 * is left.
 */
export function getPort(options: GetPortOptions = {}): Promise<number> {
  return getPortHere(options, LIBRARY);
}

const COLLISIONS: CollisionHost = {
  look: (request) => look({ walkWorker: WALK_WORKER, ...request }),
  facts: () => openFacts({ shipped: SHIPPED, dataDir: dataDirectory(), whole: true }),
  shippedFacts: SHIPPED,
};

/**
 * Every fixed port of this host or of files against what systems hand out and what others claim, in the shape of
 * `portolan audit --json`. Nothing is written. Throws PortolanError USAGE for a file, profile, folder or baseline that is
 * not there or cannot be one.
 */
export async function audit(options: AuditOptions = {}): Promise<AuditV1> {
  checkOptions('audit', options);
  return (await import('./collisions/library.ts')).audit(options, COLLISIONS);
}

/**
 * How full the range is that this host hands out, by whom and how fast, in the shape of `portolan ephemeral --json`.
 * Throws RangeError for an interval or a sample that is none.
 */
export async function ephemeral(options: EphemeralOptions = {}): Promise<EphemeralV1> {
  checkOptions('ephemeral', options);
  return (await import('./collisions/library.ts')).ephemeral(options, COLLISIONS);
}

/**
 * Keeps ports out of automatic choice, in the shape of `portolan reserve --json`: the plan, or with `apply` the change,
 * read back and proven. What the system refuses is told as `plan.refusal` or `failure` and not thrown. Throws RangeError
 * for what is no port, PortolanError USAGE for a root that is no folder.
 */
export async function reserve(ports: PortWish, options: ReserveOptions = {}): Promise<ReserveV1> {
  checkOptions('reserve', options);
  return (await import('./collisions/library.ts')).reserve('reserve', ports, options, COLLISIONS);
}

/** Gives back what `reserve` reserved, and that alone; the same answer, the same errors. */
export async function unreserve(ports: PortWish, options: ReserveOptions = {}): Promise<ReserveV1> {
  checkOptions('unreserve', options);
  return (await import('./collisions/library.ts')).reserve('unreserve', ports, options, COLLISIONS);
}

/** Claims that have every word of the query, best first. */
export function search(query: string): readonly Claim[] {
  checkText('search', 'the query', query);
  const facts = openFacts({ shipped: SHIPPED, dataDir: dataDirectory(), whole: true });
  return searchClaims(facts.allClaims(), query);
}

function snapshotOf(
  ports: readonly [number, number] | null,
  options: LookOptions,
  count: boolean,
): Promise<Snapshot> {
  return look({
    ports,
    transports: options.transports ?? USUAL,
    countEphemeral: count,
    walkWorker: WALK_WORKER,
    ...(options.procRoot === undefined ? {} : { procRoot: options.procRoot }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}
