// Picks ports and leases them: looks, asks the rules, tries binds under the lock of the leases. What the program and the
// library share.
import { createHash, randomBytes } from 'node:crypto';
import {
  claimable,
  countRefusals,
  currentDefaults,
  type Gap,
  heldPorts,
  isLeaseName,
  isUnsure,
  type Lease,
  LIFTABLE,
  leaseOf,
  type NearVerdict,
  nearVerdict,
  offers,
  type PickDecision,
  type PickFacts,
  type PickOrder,
  type PickRule,
  PortolanError,
  type ProcessMark,
  pickedPort,
  pickGaps,
  type RuleCount,
  ruleAgainst,
  type Snapshot,
  type StoredLease,
  type Transport,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import type { ProcessMarks } from '@portolan/probe';
import { bindable } from './bind-trial.ts';
import { echo } from './flags.ts';
import { type Project, placeOf, trustedIn } from './leases/project.ts';
import type { LeaseList, LeaseStore, LeaseWriter } from './leases/store.ts';

/** What the work is done with. */
export interface PickTools {
  readonly store: LeaseStore;
  readonly marks: ProcessMarks;
  /** Effective user; undefined where the system has none. */
  readonly uid: number | undefined;
  /** Looks at all sockets of tcp and udp. */
  look(): Promise<Snapshot>;
  /** Opened for one pick and closed after it. */
  facts(whole: boolean): Promise<Facts>;
  now(): Date;
  readonly signal?: AbortSignal;
}

/** Which ports are wanted. */
export interface PickWish {
  readonly count: number;
  /** Stable for this name of the project; null for none. */
  readonly name: string | null;
  readonly project: Project;
  readonly near: number | null;
  readonly transports: readonly Transport[];
  readonly lifted: ReadonlySet<PickRule>;
  readonly excluded: ReadonlySet<number>;
  /** Address to try the bind on; null for every address of both families. */
  readonly host: string | null;
  /** Numbers to try first, in order, whosever they are: only facts refuse them. */
  readonly preferred: readonly number[];
  /** Trust the bind alone where a gap may hide a holder; else nothing is offered then. */
  readonly trusting: boolean;
  /** Count what every rule refused: it asks the claims of every number. */
  readonly counted: boolean;
  /** Lease what is picked, for this process and no name. */
  readonly hold: ProcessMark | null;
}

/** Numbers that are looked for ahead of the lock, beyond those that are wanted: some will be leased or not be bindable. */
const AHEAD = 64;

const NONE: ReadonlySet<number> = new Set();

/** The lease that is wanted. */
export interface LeaseWish {
  readonly name: string;
  readonly project: Project;
  readonly transport: Transport;
  readonly near: number | null;
  readonly lifted: ReadonlySet<PickRule>;
  readonly holder: ProcessMark;
}

/** A lease, or what took all the numbers. */
export type LeaseTaken =
  | {
      readonly lease: StoredLease;
      readonly fresh: boolean;
      /** The number that was wished for a new lease; null where none was. */
      readonly near: NearVerdict | null;
      readonly gaps: readonly Gap[];
    }
  | { readonly lease: null; readonly refused: readonly RuleCount[]; readonly gaps: readonly Gap[] };

/** Throws USAGE for a name that cannot be one. */
export function checkName(name: string): void {
  if (isLeaseName(name)) return;
  throw new PortolanError('USAGE', `“${echo(name)}” cannot be a name.`, {
    hint: 'A name has 1 to 200 characters, none of them invisible, and no blank at its ends.',
  });
}

/** Throws USAGE for rules that are none or cannot be lifted. */
export function checkLifted(words: readonly string[]): ReadonlySet<PickRule> {
  return new Set(
    words.map((word) => {
      const rule = LIFTABLE.find((known) => known === word);
      if (rule !== undefined) return rule;
      throw new PortolanError('USAGE', `There is no rule “${echo(word)}” that can be lifted.`, {
        hint: `--allow takes ${LIFTABLE.join(', ')}, several with commas between them.`,
      });
    }),
  );
}

/** Ports that no rule refuses, each bound for a moment. Throws LEASES where the leases cannot be read. */
export async function pickPorts(wish: PickWish, tools: PickTools): Promise<PickDecision> {
  const snapshot = await tools.look();
  const facts = await tools.facts(wish.counted);
  try {
    const gaps = [...pickGaps(snapshot.gaps), ...tools.store.gaps];
    const unclear = isUnsure(snapshot, wish.transports);
    const unsure = unclear && !wish.trusting;
    const order = orderOf(wish.near, wish.name, wish.project);
    // The walk asks every claim on its way: that is done before the lock, which many may be waiting for.
    const asked = rulesOf(wish, snapshot, facts, NONE);
    const walk = unsure ? [] : ahead(offers(order, asked), wish.count + AHEAD);
    const found = await tools.store.locked(async (writer) => {
      if (!unclear) clearLeftovers(writer, snapshot, tools);
      const own = wish.name === null ? null : ownLease(wish.name, wish.project, writer.found(), tools);
      const rules = { ...asked, leased: leasedPorts(writer.found(), own) };
      const tried = new Set<number>();
      const ports: number[] = [];
      // What the name has already comes first, whatever lies nearer.
      const first = own === null || ruleAgainst(own.port, rules) !== null ? [] : [own.port];
      // Whether this process may have a privileged one, the bind tells.
      const plain = { ...rules, lifted: new Set<PickRule>([...LIFTABLE, 'privileged']) };
      first.push(...wish.preferred.filter((port) => ruleAgainst(port, plain) === null));
      for (const port of unsure ? [] : chain(first, walk)) {
        if (ports.length >= wish.count) break;
        if (rules.leased.has(port)) continue;
        if (ports.includes(port) || tried.has(port)) continue;
        tools.signal?.throwIfAborted();
        if (await bindable(port, wish.transports, wish.host)) {
          const kept = wish.hold === null || port === own?.port;
          // Under the lock only a stranger's hand could have been there first.
          if (kept || writer.create(heldLease(port, wish, wish.hold, tools))) ports.push(port);
          else tried.add(port);
        } else tried.add(port);
      }
      return { ports, tried, rules };
    }, tools.signal);
    const { refused, left } = wish.counted
      ? countRefusals(found.rules, found.tried.size)
      : { refused: [], left: 0 };
    const { near } = wish;
    const nearRule =
      near === null ? null : found.tried.has(near) ? 'unbindable' : ruleAgainst(near, found.rules);
    return {
      count: wish.count,
      transports: wish.transports,
      ports: found.ports.map((port) => pickedPort(port, found.rules, wish)),
      refused,
      left,
      near: near === null ? null : nearVerdict(near, nearRule, found.rules),
      ephemeral: snapshot.limits.ephemeral,
      systems: [...new Set(found.rules.defaults.map(({ os }) => os))],
      lifted: [...wish.lifted],
      unsure,
      held: wish.hold !== null && found.ports.length > 0,
      gaps,
    };
  } finally {
    facts.close();
  }
}

/** The name's lease: the one it has, else a new one. Throws USAGE where it has one for another transport. */
export async function takeLease(wish: LeaseWish, tools: PickTools): Promise<LeaseTaken> {
  checkName(wish.name);
  const { store } = tools;
  const known = ownLease(wish.name, wish.project, store.list(), tools);
  // A lease that stands as it should is only read: nothing is looked at and nobody waited for.
  if (known !== null && isCurrent(known, wish, tools)) return knownLease(known, store.gaps);
  if (known !== null) {
    const renewed = await store.locked((writer) => renew(writer, wish, tools), tools.signal);
    if (renewed !== null) return knownLease(renewed, store.gaps);
  }
  const snapshot = await tools.look();
  const facts = await tools.facts(false);
  const rules = rulesOf(
    { transports: [wish.transport], lifted: wish.lifted, excluded: new Set() },
    snapshot,
    facts,
    NONE,
  );
  try {
    // As for picking: the lock is for what others do, and not for the claims.
    const walk = ahead(offers(orderOf(wish.near, wish.name, wish.project), rules), AHEAD);
    return await store.locked((writer) => takeNew(writer, wish, tools, snapshot, rules, walk), tools.signal);
  } finally {
    facts.close();
  }
}

function knownLease(lease: StoredLease, gaps: readonly Gap[]): LeaseTaken {
  return { lease, fresh: false, near: null, gaps };
}

async function takeNew(
  writer: LeaseWriter,
  wish: LeaseWish,
  tools: PickTools,
  snapshot: Snapshot,
  unleased: PickFacts,
  walk: Iterable<number>,
): Promise<LeaseTaken> {
  const { store, marks } = tools;
  const gaps = [...pickGaps(snapshot.gaps), ...store.gaps];
  // Another process may have leased it for the same name while we looked.
  const renewed = renew(writer, wish, tools);
  if (renewed !== null) return knownLease(renewed, gaps);
  const unsure = isUnsure(snapshot, [wish.transport]);
  if (!unsure) clearLeftovers(writer, snapshot, tools);
  const order = orderOf(wish.near, wish.name, wish.project);
  const transports = [wish.transport];
  const rules = { ...unleased, leased: leasedPorts(writer.found(), null) };
  const give = (port: number): LeaseTaken => ({
    lease: { ...newLease(port, wish, tools), uid: tools.uid ?? 0 },
    fresh: true,
    near:
      wish.near === null || wish.near === port
        ? null
        : nearVerdict(wish.near, ruleAgainst(wish.near, rules) ?? 'unbindable', rules),
    gaps,
  });
  let unbindable = 0;
  for (const port of walk) {
    tools.signal?.throwIfAborted();
    if (rules.leased.has(port)) continue;
    if (!(await bindable(port, transports, null))) unbindable++;
    else if (writer.create(newLease(port, wish, tools))) return give(port);
  }
  // Nothing else is left: the names whose processes are gone give way, as far as their files are ours to change.
  const stale = new Map(
    writer
      .found()
      .leases.filter((lease) => claimable(lease, marks.state(lease.holder)) === 'stale')
      .filter(({ uid }) => mayChange(uid, tools.uid))
      .map((lease) => [lease.port, lease]),
  );
  // The number is promised whatever the transport.
  const held = heldPorts(snapshot, ['tcp', 'udp']);
  const everyOther = new Set([...rules.leased].filter((port) => !stale.has(port)));
  for (const port of unsure ? [] : offers(order, { ...rules, leased: everyOther })) {
    if (!stale.has(port) || held.has(port) || !(await bindable(port, ['tcp', 'udp'], null))) continue;
    writer.replace(newLease(port, wish, tools));
    return give(port);
  }
  return { lease: null, refused: countRefusals(rules, unbindable).refused, gaps };
}

/** Gives a name's port back; null where it has none. Throws LEASES where the lease is another user's. */
export async function releaseName(
  name: string,
  project: Project,
  tools: Omit<PickTools, 'look' | 'facts'>,
): Promise<StoredLease | null> {
  return tools.store.locked((writer) => {
    const own = ownLease(name, project, writer.found(), tools);
    if (own !== null) writer.remove(own.port);
    return own;
  }, tools.signal);
}

/** Gives a port back that this very process leased; nothing where the lease has passed to another since. */
export async function releasePort(lease: Lease, tools: Omit<PickTools, 'look' | 'facts'>): Promise<void> {
  await tools.store.locked((writer) => {
    const now = writer.found().leases.find(({ port }) => port === lease.port);
    const same =
      now !== undefined &&
      now.name === lease.name &&
      now.project === lease.project &&
      now.holder.pid === lease.holder.pid &&
      now.holder.startTicks === lease.holder.startTicks &&
      now.holder.bootId === lease.holder.bootId;
    if (same) writer.remove(lease.port);
  });
}

type Judge = Pick<PickTools, 'marks' | 'uid'>;

/** The lease that a name of a project has. */
function ownLease(name: string, project: Project, { leases }: LeaseList, { uid }: Judge): StoredLease | null {
  return leaseOf(leases, {
    name,
    project: project.folder,
    place: project.place,
    trusted: trustedIn(project, uid),
    stillThere: (folder, place) => placeOf(folder) === place,
  });
}

function isCurrent(lease: StoredLease, wish: LeaseWish, { marks, uid }: Judge): boolean {
  checkTransport(lease, wish);
  if (lease.uid !== uid && uid !== undefined) return true;
  return lease.project === wish.project.folder && marks.state(lease.holder) !== 'gone';
}

/** Under the lock: the lease the name has, with a holder that lives and the folder where the project is now. */
function renew(writer: LeaseWriter, wish: LeaseWish, tools: Judge): StoredLease | null {
  const own = ownLease(wish.name, wish.project, writer.found(), tools);
  if (own === null || isCurrent(own, wish, tools)) return own;
  const { folder: project, place } = wish.project;
  const holder = tools.marks.state(own.holder) === 'gone' ? wish.holder : own.holder;
  const renewed: StoredLease = { ...own, project, place, holder };
  writer.replace(renewed);
  return renewed;
}

function checkTransport(lease: StoredLease, { name, transport }: LeaseWish): void {
  if (lease.transport === transport) return;
  throw new PortolanError(
    'USAGE',
    `“${echo(name)}” has ${lease.port}/${lease.transport}, not ${transport}.`,
    {
      hint: `Release it first, or use another name for ${transport}.`,
    },
  );
}

/** Leases for no name of processes that are gone, on ports that nobody has: there is nothing left of them. */
function clearLeftovers(writer: LeaseWriter, snapshot: Snapshot, { marks, uid }: Judge): void {
  const held = heldPorts(snapshot, ['tcp', 'udp']);
  for (const lease of writer.found().leases) {
    if (held.has(lease.port) || !mayChange(lease.uid, uid)) continue;
    if (claimable(lease, marks.state(lease.holder)) === 'leftover') writer.remove(lease.port);
  }
}

/** A sticky folder lets users change their own files, and root all. */
function mayChange(owner: number, uid: number | undefined): boolean {
  return uid === undefined || uid === 0 || owner === uid;
}

function leasedPorts({ leases, damaged }: LeaseList, own: StoredLease | null): Set<number> {
  const ports = new Set([...leases, ...damaged].map(({ port }) => port));
  if (own !== null) ports.delete(own.port);
  return ports;
}

function rulesOf(
  { transports, lifted, excluded }: Pick<PickWish, 'transports' | 'lifted' | 'excluded'>,
  snapshot: Snapshot,
  facts: Facts,
  leased: ReadonlySet<number>,
): PickFacts {
  const { blocked, ephemeral } = facts.extras();
  return {
    transports,
    limits: snapshot.limits,
    defaults: currentDefaults(ephemeral),
    blocked: new Set(blocked.ports.map(({ port }) => port)),
    claimsOf: (port) => facts.claimsFor(port).claims,
    leased,
    held: heldPorts(snapshot, transports),
    excluded,
    lifted,
  };
}

/** Near a number; else a walk that is the same each time for a name of a project, and another each time without one. */
function orderOf(near: number | null, name: string | null, project: Project): PickOrder {
  if (near !== null) return { kind: 'near', port: near };
  const bytes =
    name === null ? randomBytes(8) : createHash('sha256').update(`${project.folder}\0${name}`).digest();
  return { kind: 'walk', seed: [bytes.readUInt32LE(0), bytes.readUInt32LE(4)] };
}

function newLease(port: number, wish: LeaseWish, tools: Pick<PickTools, 'now'>): Lease {
  const { folder, place } = wish.project;
  return {
    name: wish.name,
    project: folder,
    place,
    port,
    transport: wish.transport,
    holder: wish.holder,
    madeAt: tools.now().toISOString(),
  };
}

function heldLease(port: number, wish: PickWish, holder: ProcessMark, tools: Pick<PickTools, 'now'>): Lease {
  const { folder, place } = wish.project;
  const transport = wish.transports[0] ?? 'tcp';
  return { name: null, project: folder, place, port, transport, holder, madeAt: tools.now().toISOString() };
}

/** The same numbers, of which so many are found at once and the others when they are asked for. */
function ahead(numbers: Generator<number>, count: number): Iterable<number> {
  const found: number[] = [];
  for (let next = numbers.next(); next.done !== true; next = numbers.next()) {
    found.push(next.value);
    if (found.length >= count) break;
  }
  return chain(found, numbers);
}

function* chain(first: readonly number[], then: Iterable<number>): Generator<number> {
  yield* first;
  yield* then;
}
