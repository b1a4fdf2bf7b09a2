// What to stop so that a port becomes free, what goes with it, and what is never touched.
import type {
  Asker,
  Elsewhere,
  KillEnd,
  KillOutcome,
  KillPlan,
  KillTarget,
  Manager,
  Managers,
  Refusal,
  RefusalReason,
} from '../model/kill.ts';
import { inRange, type PortRange } from '../model/port.ts';
import type { Holder, Use } from '../model/report.ts';
import type { Owner, Snapshot, Socket } from '../model/socket.ts';
import { holderKind } from './use.ts';

/** Everything a plan is made from. */
export interface KillInput {
  /** The holders of the port. */
  readonly use: Use;
  /** Every socket there is, for what goes with a process. */
  readonly all: Snapshot;
  readonly asker: Asker;
  readonly managers: Managers;
  /** Was the transport named? A bare number alone does not stop what may be a UDP client. */
  readonly named: boolean;
}

/** What is known of a holder by itself: what must be stopped for it, or why it is left alone. */
type Finding =
  | { readonly kind: 'stop'; readonly managers: readonly (readonly [Owner, Manager])[] }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/**
 * Listeners and bound sockets are what is stopped, and only by owners that were found through a descriptor. A socket is
 * free only when all its owners have gone, so one that may not be touched saves the others as well.
 */
export function killPlan(input: KillInput): KillPlan {
  const refusals: Refusal[] = [];
  const drafts = new Drafts();
  for (const holder of input.use.holders) {
    if (holder.kind === 'connection') continue;
    const finding = findingOf(holder, input);
    if (finding.kind === 'refuse') refusals.push(finding.refusal);
    else drafts.add(holder, finding.managers);
  }
  if (!input.named) refusals.push(...drafts.withoutLikelyClients(input.all.limits.ephemeral));
  const connections = input.use.holders.filter((holder) => holder.kind === 'connection');
  const targets = drafts.targets().map((draft) => withExtent(draft, connections, input.all));
  for (const holder of connections) {
    if (targets.some((target) => target.connections.includes(holder))) continue;
    refusals.push(connectionRefusal(holder, targets));
  }
  return { targets, refusals };
}

function refuse(
  reason: RefusalReason,
  holder: Holder,
  owner: Owner | null = null,
  command: string | null = null,
): Finding {
  return { kind: 'refuse', refusal: { reason, holder, owner, command } };
}

function findingOf(holder: Holder, { asker, managers }: KillInput): Finding {
  const first = holder.owners[0] ?? null;
  if (holder.namespace !== null) return refuse('namespace', holder, first);
  if (holder.kind === 'kernel' || holder.kind === 'closing' || holder.kind === 'redirect')
    return refuse(holder.kind, holder);
  const inferred = holder.owners.find((owner) => owner.inferred);
  if (inferred !== undefined) return refuse('inferred', holder, inferred);
  if (first === null || holder.ownerHidden) return refuse('hidden', holder, first);

  const found: (readonly [Owner, Manager])[] = [];
  const activation =
    holder.activation === null ? null : managers.activations.get(holder.activation.socketUnit);
  const publisher = holder.publishes === null ? null : managers.publishers.get(holder.publishes.container.id);
  for (const owner of holder.owners) {
    const manager = activation ?? publisher ?? managers.processes.get(owner.pid) ?? { kind: 'none' };
    const own = ownRefusal(owner, manager, asker);
    if (own !== null) return refuse(own, holder, owner);
    if (manager.kind === 'unreachable') return refuse(manager.reason, holder, owner, manager.command);
    found.push([owner, manager]);
  }
  return { kind: 'stop', managers: found };
}

/** Portolan, what it runs in, and pid 1. A manager may be pid 1 itself, when it is the one that is asked. */
function ownRefusal(owner: Owner, manager: Manager, asker: Asker): RefusalReason | null {
  if (manager.kind === 'units' && asker.unit !== null && manager.units.includes(asker.unit)) return 'self';
  if (manager.kind === 'container' && manager.container.id === asker.container?.id) return 'self';
  if (owner.pid === asker.pids[0]) return 'self';
  // systemd holds the sockets of the units it is asked to stop, and is above everything.
  if (manager.kind === 'units' && manager.units.some((unit) => unit.endsWith('.socket'))) return null;
  if (owner.pid === 1) return 'init';
  return asker.pids.includes(owner.pid) ? 'ancestor' : null;
}

/** A target that is still being put together. */
interface Draft {
  readonly manager: Manager;
  readonly owners: Set<Owner>;
  readonly holders: Set<Holder>;
}

/** Joins processes that share sockets, and sockets of one unit or container. */
class Drafts {
  #drafts: Draft[] = [];

  add(holder: Holder, managers: readonly (readonly [Owner, Manager])[]): void {
    for (const [owner, manager] of managers) {
      const joined: Draft = { manager, owners: new Set([owner]), holders: new Set([holder]) };
      const others: Draft[] = [];
      for (const draft of this.#drafts) {
        if (!belongsTogether(draft, joined)) {
          others.push(draft);
          continue;
        }
        for (const one of draft.owners) if (!hasPid(joined.owners, one.pid)) joined.owners.add(one);
        for (const one of draft.holders) joined.holders.add(one);
      }
      this.#drafts = [...others, joined];
    }
  }

  /**
   * UDP has no listeners: on a port that the host hands out, a socket without a peer may be a client's. It is dropped
   * unless its processes serve the port over another transport too.
   */
  withoutLikelyClients(ephemeral: PortRange | null): Refusal[] {
    const isUnsure = (holder: Holder): boolean =>
      holder.transport === 'udp' && (ephemeral === null || inRange(holder.local.port, ephemeral));
    const unsure = this.#drafts.filter(
      ({ manager, holders }) => manager.kind === 'none' && [...holders].every(isUnsure),
    );
    this.#drafts = this.#drafts.filter((draft) => !unsure.includes(draft));
    return unsure.flatMap(({ holders }) =>
      [...holders].map((holder) => ({
        reason: 'datagram' as const,
        holder,
        owner: holder.owners[0] ?? null,
        command: null,
      })),
    );
  }

  targets(): KillTarget[] {
    return this.#drafts.map(({ manager, owners, holders }) => ({
      how: manager.kind === 'units' ? 'unit' : manager.kind === 'container' ? 'container' : 'process',
      units: manager.kind === 'units' ? manager.units : [],
      scope: manager.kind === 'units' ? manager.scope : null,
      container: manager.kind === 'container' ? manager.container : null,
      engine: manager.kind === 'container' ? manager.engine : null,
      owners: launchersFirst([...owners]),
      holders: [...holders],
      connections: [],
      elsewhere: [],
      elsewhereConnections: 0,
    }));
  }
}

function hasPid(owners: ReadonlySet<Owner>, pid: number): boolean {
  for (const owner of owners) if (owner.pid === pid) return true;
  return false;
}

function belongsTogether(a: Draft, b: Draft): boolean {
  if (a.manager.kind === 'units' && b.manager.kind === 'units')
    return a.manager.scope === b.manager.scope && a.manager.units.join() === b.manager.units.join();
  if (a.manager.kind === 'container' && b.manager.kind === 'container')
    return a.manager.container.id === b.manager.container.id;
  if (a.manager.kind !== b.manager.kind) return false;
  for (const owner of a.owners) if (hasPid(b.owners, owner.pid)) return true;
  for (const holder of a.holders) if (b.holders.has(holder)) return true;
  return false;
}

/** How many of `owners` are above this one; those with fewer are told first, for a launcher starts the others anew. */
export function launchDepth(owner: Owner, owners: readonly Owner[]): number {
  return owner.launchedBy.filter(({ pid }) => owners.some((other) => other.pid === pid)).length;
}

function launchersFirst(owners: readonly Owner[]): Owner[] {
  return owners.toSorted((a, b) => launchDepth(a, owners) - launchDepth(b, owners) || a.pid - b.pid);
}

/** Adds what goes with a target: its connections on the port, its other ports, its other connections. */
function withExtent(target: KillTarget, connections: readonly Holder[], all: Snapshot): KillTarget {
  const own = connections.filter(
    (holder) => holder.namespace === null && holder.owners.length > 0 && ownedBy(holder.owners, target),
  );
  const onPort = new Set([...target.holders, ...own].map((holder) => holder.inode));
  const elsewhere = new Map<string, Elsewhere>();
  let elsewhereConnections = 0;
  for (const socket of all.sockets) {
    if (onPort.has(socket.inode) || !losesOwner(socket, target)) continue;
    const kind = holderKind(socket);
    if (kind === 'connection') elsewhereConnections++;
    if (kind !== 'listener' && kind !== 'bound') continue;
    const { transport, local } = socket;
    elsewhere.set(`${transport} ${local.address} ${local.port}`, { transport, local });
  }
  return { ...target, connections: own, elsewhere: [...elsewhere.values()], elsewhereConnections };
}

/** True where every owner goes with the target. */
function ownedBy(owners: readonly Owner[], target: KillTarget): boolean {
  return owners.every((owner) => !owner.inferred && goesWith(owner, target));
}

function losesOwner(socket: Socket, target: KillTarget): boolean {
  return socket.owners.some((owner) => !owner.inferred && goesWith(owner, target));
}

function goesWith(owner: Owner, target: KillTarget): boolean {
  if (target.how === 'container') return owner.container?.id === target.container?.id;
  if (target.how === 'unit') {
    return (
      (owner.unit !== null && target.units.includes(owner.unit)) ||
      // Pid 1 holds the sockets of its units, and stays.
      (owner.pid !== 1 && target.owners.some((one) => isSame(one, owner)))
    );
  }
  return target.owners.some((one) => isSame(one, owner));
}

function isSame(a: Owner, b: Owner): boolean {
  return a.pid === b.pid && a.startedAt === b.startedAt;
}

function connectionRefusal(holder: Holder, targets: readonly KillTarget[]): Refusal {
  const owner = holder.owners[0] ?? null;
  if (holder.namespace !== null) return { reason: 'namespace', holder, owner, command: null };
  // Not accepted yet: nobody has it, and it ends with its listener.
  if (owner === null && !holder.ownerHidden && targets.length > 0)
    return { reason: 'queued', holder, owner, command: null };
  return { reason: 'connection', holder, owner, command: null };
}

/** How the port stands after targets were told to stop. */
export function killEnd(after: Use, plan: KillPlan): KillEnd {
  const here = after.holders.filter((holder) => holder.namespace === null);
  if (here.length === 0) return after.verdict === 'free' ? 'free' : 'unknown';
  const processes = here.filter((holder) => holder.kind !== 'closing');
  if (processes.length === 0) {
    // Only what has no process is left; nothing else may hide.
    return after.gaps.some((gap) => gap.coversUse) ? 'unknown' : 'closing';
  }
  return processes.some((holder) => holder.kind !== 'connection' && isNewcomer(holder, plan))
    ? 'taken'
    : 'held';
}

/** True for a holder that was not there when the plan was made, or is another process's now. */
export function isNewcomer(holder: Holder, plan: KillPlan): boolean {
  return ![
    ...plan.targets.flatMap((target) => [...target.holders, ...target.connections]),
    ...plan.refusals.map((refusal) => refusal.holder),
  ].some((known) => wasThere(holder, known));
}

function wasThere(now: Holder, before: Holder): boolean {
  if (now.inode !== before.inode || now.transport !== before.transport) return false;
  if (now.inode === 0) return now.kind === before.kind && now.local.address === before.local.address;
  return now.owners.every((owner) => before.owners.some((one) => isSame(one, owner)));
}

/** The ancestor that starts a stopped process anew, as far as the newcomer shows it: the same launcher. */
export function respawner(
  newcomer: Holder,
  outcome: readonly KillOutcome[],
): Owner['launchedBy'][number] | null {
  const parent = newcomer.owners[0]?.launchedBy[0];
  if (parent === undefined) return null;
  const same = outcome.some(({ owner }) => {
    const before = owner?.launchedBy[0];
    return before?.pid === parent.pid && before.startedAt === parent.startedAt;
  });
  return same ? parent : null;
}
