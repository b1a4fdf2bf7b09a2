// Watches the sockets of this network namespace. Messages of the kernel and polls say where to look; what is told
// always comes from a look at the tables and at the processes, except for listeners that were gone before it.
import {
  type ChangeKind,
  changesBetween,
  type Holder,
  inRange,
  type Owner,
  type PortRange,
  toHolder,
  type WatchEvent,
  type WatchNotice,
  type WatchState,
} from '@portolan/core';
import type { Watch, WatchRequest } from '../../backend.ts';
import type { Death } from '../../parse/linux-diag-keys.ts';
import type { TraceChange } from '../../parse/linux-trace.ts';
import { readText } from '../read-text.ts';
import type { Tables } from '../tables.ts';
import { type Endpoint, Ledger, type LookSpan, type ShortLived } from './ledger.ts';
import { CpuShare, Credit, Pace } from './pace.ts';
import { Parts } from './parts.ts';
import { EventQueue } from './queue.ts';
import { openSources, type Sources } from './sources.ts';
import { type PartName, type Scope, scopeOf } from './tables.ts';
import type { Wake } from './wake.ts';

const PROC = '/proc';
const PARTS: readonly PartName[] = ['udp', 'tcp', 'bound'];

/** Shares of a CPU for looks at owners, and at whether they live; with polls, below 1 % as long as nothing changes. */
const OWNERS_SHARE = 0.0015;
const ALIVE_SHARE = 0.0005;
/** The share for looks at what has changed, beyond what may be used at once. */
const CHANGES_SHARE = 0.1;
const LEAST_OWNERS_MS = 2000;
const MOST_OWNERS_MS = 60_000;
const LEAST_ALIVE_MS = 200;
const MOST_ALIVE_MS = 10_000;
/** However many looks there are to be made, whoever waits for one need not wait longer. */
const LONGEST_WAIT_MS = 2000;

/** Ports that are looked at one by one; for more, everything is read at once. */
const SINGLE_PORTS = 8;
/** A listener is announced before it is in the table: so much later it is looked for again. */
const AGAIN_MS = 3;
/** How long deaths are waited for where nobody tells of them. */
const LEFTOVER_MS = 300;
/** A process cannot have done what it had not begun to do; start times are rounded to a tick of 10 ms. */
const TICK_MS = 20;

/** Begins a watch; it is closed by its signal, by leaving the loop over it, or by `close`. */
export function watchLinux(request: WatchRequest): Watch {
  const scope = scopeOf(request.ports, request.transports, request.all);
  return watchSources(request, scope, openSources(request, scope));
}

/** Begins a watch of what these sources tell; it closes them. */
export function watchSources(
  request: Pick<WatchRequest, 'intervalMs' | 'signal'>,
  scope: Scope,
  sources: Sources,
): Watch {
  return new LinuxWatch(request, scope, sources);
}

class LinuxWatch implements Watch {
  readonly #scope: Scope;
  readonly #signal: AbortSignal | undefined;
  readonly #sources: Sources;
  readonly #wake: Wake | null;
  readonly #notices: WatchNotice[];

  readonly #queue = new EventQueue<WatchEvent>();
  readonly #ledger = new Ledger();
  readonly #known = new Map<number, readonly Holder[]>();
  readonly #parts: Parts;
  /** Ports where something is not as it was. */
  readonly #dirty = new Set<number>();
  /** Listeners that the trace announced and that were not in the table yet. */
  readonly #expected = new Map<string, Endpoint>();
  /** A listener is to be given its port by listen(2): it may be any. */
  #anyListener = false;
  /** Messages were lost: anything may have changed. */
  #anything = false;
  #lost = 0;
  #unplaced = 0;

  readonly #credit = new Credit(CHANGES_SHARE);
  readonly #owners = new Pace(OWNERS_SHARE, LEAST_OWNERS_MS, MOST_OWNERS_MS);
  readonly #alive = new Pace(ALIVE_SHARE, LEAST_ALIVE_MS, MOST_ALIVE_MS);
  #ownersDue = 0;
  #aliveDue = 0;
  readonly #share: CpuShare;
  #timer: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    { intervalMs, signal }: Pick<WatchRequest, 'intervalMs' | 'signal'>,
    scope: Scope,
    sources: Sources,
  ) {
    this.#scope = scope;
    this.#signal = signal;
    this.#sources = sources;
    this.#notices = [...sources.notices];
    this.#wake = sources.wake(() => this.#guard(() => this.#onMessage()));
    try {
      this.#parts = new Parts(sources.parts, intervalMs ?? null, (part) => sources.readKeys(part));
      this.#owners.run(() => this.#tell(this.#look(scope.ports, false)));
    } catch (error) {
      this.#letGo();
      throw error;
    }
    this.#share = new CpuShare();
    this.#ownersDue = performance.now() + this.#owners.waitMs;
    // Whatever ends the process takes the instance of the trace away, kill -9 apart.
    process.on('exit', this.close);
    signal?.addEventListener('abort', this.close, { once: true });
    if (signal?.aborted === true) this.close();
    else {
      this.#wake?.arm();
      this.#schedule();
    }
  }

  readonly close = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    process.removeListener('exit', this.close);
    this.#signal?.removeEventListener('abort', this.close);
    clearTimeout(this.#timer);
    clearTimeout(this.#settling);
    this.#parts.close();
    this.#letGo();
    this.#queue.end();
  };

  #letGo(): void {
    this.#wake?.stop();
    this.#sources.close();
  }

  state(): WatchState {
    let holders = 0;
    for (const list of this.#known.values()) holders += list.length;
    const { trace, deaths } = this.#sources;
    return {
      trace: trace !== null,
      destroy: deaths !== null,
      intervalMs: this.#parts.movedMs(trace === null || this.#scope.all ? ['tcp', 'udp'] : ['udp']),
      boundMs: this.#parts.unmovedMs(['bound']),
      ownersMs: this.#owners.waitMs,
      cpuShare: this.#share.now(),
      holders,
      lost: this.#lost,
      unplaced: this.#unplaced,
      notices: this.#notices,
    };
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    return {
      next: () => this.#queue.next(),
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** What the first look could not see is told once. */
  #tell({ gaps }: Tables): void {
    for (const { code, values, remedy } of gaps) {
      if (code === 'sockets-unreadable') this.#notices.push({ code, values, remedy });
    }
    if (this.#scope.transports.includes('tcp') && !this.#sources.showsBound)
      this.#notices.push({ code: 'bound-invisible', values: {}, remedy: null });
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#guard(() => this.#tick()), this.#parts.tickMs);
  }

  /** A fault of ours ends the watch and goes to its reader; nothing is left behind. */
  #guard(work: () => void): void {
    if (this.#closed) return;
    try {
      work();
    } catch (error) {
      this.#queue.end({ error });
      this.close();
    }
  }

  #onMessage(): void {
    this.#drain();
    this.#settle();
    // Armed again once what came has been looked at: a flood is then read in batches.
    if (this.#settling === undefined) this.#wake?.arm();
  }

  #tick(): void {
    this.#drain();
    const now = performance.now();
    this.#parts.poll(now, this.#onPort);
    if (now >= this.#aliveDue) {
      this.#alive.run(() => this.#checkOwners());
      this.#aliveDue = now + this.#alive.waitMs;
    }
    this.#settle();
    if (now >= this.#ownersDue) {
      this.#owners.run(() => this.#look(this.#scope.ports, true));
      this.#ownersDue = performance.now() + this.#owners.waitMs;
    }
    this.#schedule();
  }

  readonly #onPort = (port: number): void => {
    this.#dirty.add(port);
  };

  /** Takes in what the kernel has told; deaths first, so that the trace of their listeners is read by then. */
  #drain(): void {
    const now = performance.now();
    const died = this.#sources.deaths?.read();
    this.#drainTrace(now);
    if (died === undefined) return;
    if (died.lost) this.#missed(1);
    for (const death of died.deaths) this.#died(death, now);
  }

  #drainTrace(now: number): void {
    for (const change of this.#sources.trace?.read() ?? []) {
      if (change.kind === 'lost') this.#missed(change.count);
      else this.#traced(change, now);
    }
  }

  /** Messages were lost: nothing that was counted holds, and what they would have said is found by looking. */
  #missed(count: number): void {
    this.#lost += count;
    this.#ledger.clear();
    this.#anything = true;
  }

  /** The trace tells of every network namespace: what it says is worth a look only where something is there. */
  #traced({ family, address, port, from, to, at, thread }: TraceChange, now: number): void {
    if (port === 0) {
      this.#anyListener = true;
      return;
    }
    if (!this.#isAsked(port)) return;
    const endpoint = { family, address, port };
    if (to === 'LISTEN') this.#ledger.began(endpoint, at, thread, now);
    // A connection that a listener takes begins as its copy, in the state LISTEN.
    if (from === 'LISTEN' && to === 'CLOSE') this.#ledger.ceased(endpoint, at, thread, now);
    if (to === 'LISTEN') this.#expected.set(`${family} ${address} ${port}`, endpoint);
    else if (this.#scope.all || this.#known.has(port)) this.#dirty.add(port);
  }

  /** Deaths are of this network namespace, and matter where somebody was known to be. */
  #died({ transport, family, local, peerless }: Death, now: number): void {
    if (!this.#isAsked(local.port)) return;
    if (transport === 'tcp' && peerless) this.#ledger.died({ family, ...local }, now);
    if (this.#known.has(local.port)) this.#dirty.add(local.port);
  }

  #isAsked(port: number): boolean {
    return this.#scope.ports === null || inRange(port, this.#scope.ports);
  }

  /** Is there anything to be looked at? */
  get #waits(): boolean {
    return this.#anything || this.#anyListener || this.#dirty.size > 0 || this.#expected.size > 0;
  }

  /** Looks at what was hinted at, now or when there is something to spend on it again. */
  #settle(): void {
    if (!this.#waits) {
      this.#tellShortLived();
      return;
    }
    if (this.#credit.waitMs === 0) {
      this.#credit.spend(() => this.#lookAround());
      this.#tellShortLived();
    }
    // More may have been told during the look.
    if (this.#waits) this.#settleIn(Math.min(LONGEST_WAIT_MS, this.#credit.waitMs));
  }

  #settleIn(waitMs: number): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#guard(() => {
        this.#credit.forgive();
        this.#onMessage();
      });
    }, waitMs);
  }

  #lookAround(): void {
    if (this.#anything || this.#anyListener) {
      for (const part of PARTS)
        if (this.#anything || part === 'tcp') this.#parts.pollPart(part, this.#onPort);
    }
    const again = this.#anyListener;
    this.#anything = false;
    this.#anyListener = false;
    this.#expect(again);
    const ports = [...this.#dirty];
    // Each look takes in what has been told meanwhile, and that may be of ports that were looked at before it.
    this.#dirty.clear();
    if (ports.length > SINGLE_PORTS) this.#look(this.#scope.ports, true);
    else for (const port of ports) this.#look([port, port], true);
  }

  /** Which of the announced listeners are here? One that is not may be in another namespace, gone, or about to be. */
  #expect(anyListener: boolean): void {
    const absent: [string, Endpoint][] = [];
    // Without sock_diag one reading of the table answers for all of them.
    const { listens } = this.#sources;
    if (listens === null && this.#expected.size > 0) this.#parts.pollPart('tcp', this.#onPort);
    for (const [key, endpoint] of this.#expected) {
      if (listens === null || listens(endpoint) === false) absent.push([key, endpoint]);
      else this.#dirty.add(endpoint.port);
    }
    this.#expected.clear();
    const again = absent.filter(([key]) => !this.#again.delete(key));
    const anyAgain = anyListener && !this.#anyAgain;
    this.#anyAgain = anyAgain;
    if (again.length === 0 && !anyAgain) return;
    for (const [key] of again) this.#again.add(key);
    setTimeout(
      () =>
        this.#guard(() => {
          for (const [key, endpoint] of again) this.#expected.set(key, endpoint);
          this.#anyListener ||= anyAgain;
          this.#settle();
        }),
      AGAIN_MS,
    ).unref();
  }

  /** Announced listeners that are looked for a second time. */
  readonly #again = new Set<string>();
  #anyAgain = false;

  /** Reads the rows of these ports, finds their owners, and tells what is not as it was. */
  #look(ports: PortRange | null, tell: boolean): Tables {
    const from = traceTime();
    const tables = this.#sources.read(ports);
    const sockets = this.#sources.owned(ports, tables);
    const span = { from, until: traceTime() };
    // What began and ceased until now is put in first: else it would be taken for another than the one that was seen.
    this.#drainTrace(performance.now());
    this.#parts.looked((port) => ports === null || inRange(port, ports), sockets);
    const now = groupByPort(sockets.map(toHolder));
    const before = [...this.#known].filter(([port]) => ports === null || inRange(port, ports));
    for (const [port, holders] of before) {
      this.#update(port, holders, now.get(port) ?? [], span, tell);
      now.delete(port);
    }
    for (const [port, holders] of now) this.#update(port, [], holders, span, tell);
    return tables;
  }

  #update(
    port: number,
    before: readonly Holder[],
    after: readonly Holder[],
    span: LookSpan,
    tell: boolean,
  ): void {
    if (after.length === 0) this.#known.delete(port);
    else this.#known.set(port, after);
    for (const { change, holder } of changesBetween(before, after)) {
      const at = this.#timeTold(change, holder, span);
      if (tell) this.#emit(change, holder, at);
    }
  }

  /** When the trace says it happened, in milliseconds since 1970; null where it does not say. */
  #timeTold(change: ChangeKind, holder: Holder, span: LookSpan): number | null {
    const { transport, peer, state, local, inode } = holder;
    if (transport !== 'tcp' || peer !== null || inode === 0) return null;
    const endpoint: Endpoint = { family: local.address.includes(':') ? 'ipv6' : 'ipv4', ...local };
    if (change === 'changed') this.#ledger.changed(endpoint);
    if (change === 'closed') return wallTime(this.#ledger.vanished(endpoint, span, performance.now()));
    return state === 'LISTEN' ? wallTime(this.#ledger.appeared(endpoint, span)) : null;
  }

  #tellShortLived(): void {
    const now = performance.now();
    const isElsewhere = ({ thread }: ShortLived): boolean => this.#sources.isElsewhere(thread) === true;
    if (this.#sources.deaths !== null) {
      for (const one of this.#ledger.settle(now, isElsewhere)) {
        // Something died here and its thread is not here: a socket that was only bound, or the thread has moved.
        if (isElsewhere(one)) this.#unplaced++;
        else this.#emitShortLived(one, this.#ownerOf(one));
      }
      return;
    }
    // Nobody tells which namespace it was in; its process can, as long as it lives.
    for (const one of this.#ledger.leftovers(now, LEFTOVER_MS)) {
      if (isElsewhere(one)) continue;
      const owner = this.#sources.isElsewhere(one.thread) === false ? this.#ownerOf(one) : null;
      if (owner === null) this.#unplaced++;
      else this.#emitShortLived(one, owner);
    }
    this.#ledger.settle(now, isElsewhere);
  }

  #emitShortLived({ endpoint, openedAt, closedAt }: ShortLived, owner: Owner | null): void {
    const { family, address, port } = endpoint;
    const holder = toHolder({
      transport: 'tcp',
      family,
      local: { address, port },
      peer: null,
      state: 'LISTEN',
      inode: 0,
      uid: null,
      user: null,
      freeInMs: null,
      ipv6Only: null,
      owners: owner === null ? [] : [owner],
      ownersComplete: false,
      moreOwners: false,
      kernel: false,
      namespace: null,
      device: null,
      mptcp: false,
      activation: null,
      publishes: null,
    });
    this.#emit('opened', holder, wallTime(openedAt));
    this.#emit('closed', holder, wallTime(closedAt));
  }

  /** The process that called listen(2), where it still lives; another may have its number by now. */
  #ownerOf({ thread, openedAt }: ShortLived): Owner | null {
    const owner = this.#sources.ownerOf(thread);
    if (owner === null || owner.startedAt === null) return null;
    return Date.parse(owner.startedAt) <= (wallTime(openedAt) ?? 0) + TICK_MS ? owner : null;
  }

  /** Ports whose owners have ended are to be looked at: a child may have their sockets. */
  #checkOwners(): void {
    const alive = new Map<number, boolean>();
    for (const [port, holders] of this.#known) {
      for (const { owners } of holders) {
        for (const { pid } of owners) {
          const lives = alive.get(pid) ?? isAlive(pid);
          alive.set(pid, lives);
          if (!lives) this.#dirty.add(port);
        }
      }
    }
  }

  #emit(change: ChangeKind, holder: Holder, at: number | null): void {
    this.#queue.push({ at: new Date(at ?? Date.now()).toISOString(), change, holder });
  }
}

function groupByPort(holders: readonly Holder[]): Map<number, Holder[]> {
  const ports = new Map<number, Holder[]>();
  for (const holder of holders) {
    const list = ports.get(holder.local.port);
    if (list === undefined) ports.set(holder.local.port, [holder]);
    else list.push(holder);
  }
  return ports;
}

/** Microseconds of CLOCK_MONOTONIC, which is the trace's clock. */
function traceTime(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Microseconds of CLOCK_MONOTONIC to milliseconds since 1970. */
function wallTime(micros: number | null): number | null {
  if (micros === null) return null;
  return Date.now() - (traceTime() - micros) / 1000;
}

/** A zombie has no descriptors any more. */
function isAlive(pid: number): boolean {
  const text = readText(`${PROC}/${pid}/stat`, 4096)?.text;
  if (text === undefined) return false;
  const state = text[text.lastIndexOf(')') + 2];
  return state !== 'Z' && state !== 'X';
}
