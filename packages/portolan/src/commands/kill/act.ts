// Carries a plan out, target by target: each process is checked again right before its signal, then waited for.
import {
  type Holder,
  type KillOutcome,
  type KillTarget,
  launchDepth,
  type Owner,
  say,
  type Translator,
} from '@portolan/core';
import type { Actions, Grip, GripFailure, SignalName } from '@portolan/probe';

/** How long a launcher may take to end its own before they are told as well. */
const LAUNCHER_MS = 1000;
/** After it has let go of its sockets, how long a process may take to end before it is said to run on. */
const ENDING_MS = 500;
/** How long the kernel may take to end a process after SIGKILL. */
const KILLED_MS = 2000;
/** Between two looks at what is being waited for, growing. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/** How far it may go. */
export interface Means {
  readonly actions: Actions;
  readonly grips: Grips;
  readonly force: boolean;
  readonly waitSeconds: number;
  readonly lang: Translator;
}

/** Processes of a plan, gripped when it was made. */
export class Grips {
  readonly #actions: Actions;
  readonly #grips = new Map<Owner, Grip | GripFailure>();

  constructor(actions: Actions) {
    this.#actions = actions;
  }

  /** Grips every process of these targets that would be signalled. */
  hold(targets: readonly KillTarget[]): void {
    for (const target of targets) {
      if (target.how !== 'process') continue;
      const inodes = target.holders.map((holder) => holder.inode);
      for (const owner of target.owners) {
        this.#grips.set(owner, this.#actions.grip(owner.pid, owner.startedAt, inodes));
      }
    }
  }

  of(owner: Owner): Grip | GripFailure {
    return this.#grips.get(owner) ?? 'changed';
  }

  close(): void {
    for (const grip of this.#grips.values()) if (typeof grip !== 'string') grip.close();
    this.#grips.clear();
  }
}

/** Stops one target, as far as it is still what the plan showed. `now`: the port's holders at this moment. */
export async function stop(target: KillTarget, now: readonly Holder[], means: Means): Promise<KillOutcome[]> {
  const still = target.holders.filter((holder) => now.some((one) => isSameSocket(one, holder)));
  if (target.how === 'process') return await stopProcesses(target, still, now, means);
  const outcome = (
    result: KillOutcome['result'],
    detail: string | null = null,
    command: string | null = null,
  ): KillOutcome[] => [
    {
      how: target.how,
      owner: null,
      units: target.units,
      container: target.container,
      signals: [],
      result,
      detail,
      command,
    },
  ];
  // The manager acts on names: at least the socket must still be the one that was shown, in the same hands.
  if (!still.some((holder) => isInSameHands(holder, now))) return outcome('changed');
  const { actions, waitSeconds, force } = means;
  if (target.container !== null && target.engine !== null) {
    const told = await actions.stopContainer(target.container, target.engine, waitSeconds);
    return told === null ? outcome('ended') : outcome('failed', told);
  }
  const scope = target.scope ?? 'system';
  const told = await actions.stopUnits(target.units, scope, waitSeconds * 1000);
  if (told === null) return outcome('ended');
  if (!force) return outcome('failed', told, asRoot(target));
  const killed = await actions.killUnits(target.units, scope);
  return killed === null ? outcome('ended') : outcome('failed', killed, asRoot(target));
}

/** The command with the rights it may need; null where more rights do not help. */
function asRoot({ units, scope }: KillTarget): string | null {
  const plain = units.every((unit) => /^[\w.:@-]+$/.test(unit));
  if (!plain || scope !== 'system' || process.geteuid?.() === 0) return null;
  return `sudo systemctl stop ${units.join(' ')}`;
}

function isSameSocket(a: Holder, b: Holder): boolean {
  return a.inode !== 0 && a.inode === b.inode && a.kind === b.kind && a.local.port === b.local.port;
}

function isInSameHands(holder: Holder, now: readonly Holder[]): boolean {
  const current = now.find((one) => isSameSocket(one, holder));
  return holder.owners.some((owner) =>
    current?.owners.some((one) => one.pid === owner.pid && one.startedAt === owner.startedAt),
  );
}

/** A process on its way out. */
class Stopping {
  readonly owner: Owner;
  readonly depth: number;
  readonly #grip: Grip | GripFailure;
  /** Its sockets that wait for peers; without one of these it is not told anything. */
  readonly #waiting: readonly number[];
  /** All its sockets on the port. */
  readonly #all: readonly number[];
  readonly signals: SignalName[] = [];
  result: KillOutcome['result'] | null = null;
  unsupported = false;
  #letGoAt: number | null = null;

  constructor(
    owner: Owner,
    depth: number,
    grip: Grip | GripFailure,
    waiting: readonly number[],
    all: readonly number[],
  ) {
    this.owner = owner;
    this.depth = depth;
    this.#grip = grip;
    this.#waiting = waiting;
    this.#all = all;
  }

  /** Sends SIGTERM; `others` tells that others were signalled before, which may have changed this one. */
  terminate(others: boolean): void {
    if (this.result !== null) return;
    if (typeof this.#grip === 'string') {
      this.unsupported = this.#grip === 'unsupported';
      this.result = this.#grip === 'unsupported' ? 'failed' : this.#grip;
      return;
    }
    const sent = this.#grip.signal('SIGTERM', this.#waiting);
    if (sent === 'sent') this.signals.push('SIGTERM');
    else if (sent === 'gone') this.result = others ? 'ended' : 'gone';
    // A launcher that ends may have had it close its sockets: then it is waited for like the others.
    else if (sent !== 'changed' || !others) this.result = sent;
  }

  kill(): void {
    if (this.result !== null || typeof this.#grip === 'string') return;
    const sent = this.#grip.signal('SIGKILL', this.#all);
    if (sent === 'sent') this.signals.push('SIGKILL');
    else if (sent === 'gone') this.result = 'ended';
    else this.result = sent === 'changed' ? 'released' : sent;
  }

  /** Looks how far it is; true once there is nothing to wait for. */
  settled(): boolean {
    if (this.result !== null || typeof this.#grip === 'string') return true;
    if (this.#grip.gone()) {
      this.result = 'ended';
      return true;
    }
    if (this.#grip.has(this.#all)) {
      this.#letGoAt = null;
      return false;
    }
    this.#letGoAt ??= performance.now();
    if (performance.now() - this.#letGoAt < ENDING_MS) return false;
    this.result = 'released';
    return true;
  }

  outcome(lang: Translator): KillOutcome {
    const { owner, signals, unsupported } = this;
    const result = this.result ?? (this.#letGoAt === null ? 'remains' : 'released');
    return {
      how: 'process',
      owner,
      units: [],
      container: null,
      signals,
      result,
      detail: unsupported ? lang.say(say('kill.no-pidfd')) : null,
      command: unsupported
        ? `kill -TERM ${owner.pid}`
        : result === 'denied'
          ? `sudo kill -TERM ${owner.pid}`
          : null,
    };
  }
}

async function stopProcesses(
  target: KillTarget,
  still: readonly Holder[],
  now: readonly Holder[],
  { grips, force, waitSeconds, lang }: Means,
): Promise<KillOutcome[]> {
  const waiting = still.map((holder) => holder.inode);
  const connections = target.connections.filter((holder) => now.some((one) => isSameSocket(one, holder)));
  const all = [...waiting, ...connections.map((holder) => holder.inode)];
  const processes = target.owners.map(
    (owner) => new Stopping(owner, launchDepth(owner, target.owners), grips.of(owner), waiting, all),
  );
  const deadline = performance.now() + waitSeconds * 1000;
  const depths = [...new Set(processes.map(({ depth }) => depth))].toSorted((a, b) => a - b);
  for (const [index, depth] of depths.entries()) {
    const others = processes.some(({ signals }) => signals.length > 0);
    for (const one of processes) if (one.depth === depth) one.terminate(others);
    const last = index === depths.length - 1;
    await settle(processes, last ? deadline : Math.min(deadline, performance.now() + LAUNCHER_MS));
  }
  if (force && processes.some((one) => !one.settled())) {
    for (const one of processes) one.kill();
    await settle(processes, performance.now() + KILLED_MS);
  }
  return processes.map((one) => one.outcome(lang));
}

/** Waits until all have settled, or until `deadline` (performance.now). */
async function settle(processes: readonly Stopping[], deadline: number): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    // Each is asked, for asking is how it learns.
    const waiting = processes.filter((one) => !one.settled());
    const left = deadline - performance.now();
    if (waiting.length === 0 || left <= 0) return;
    const ms = Math.min(pause, left);
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
  }
}
