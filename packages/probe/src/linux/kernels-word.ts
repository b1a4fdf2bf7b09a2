// What the kernel itself is asked for by BPF: its list of descriptors, and where processes are. Decides whether it is asked.
import type { ProbeRequest } from '../backend.ts';
import type { KernelFacts } from '../parse/linux-btf.ts';
import { type Descriptors, descriptorSteps } from './bpf/descriptors.ts';
import { freshFacts, kernelFacts } from './bpf/facts.ts';
import { processNamespaces } from './bpf/process-namespaces.ts';
import { atOnce, type Prepared, prepare, type Steps } from './bpf/steps.ts';
import type { Libc } from './native.ts';
import type { OpenDescriptors } from './open-descriptors.ts';
import { isInitialPidNamespace } from './owners.ts';

const LIVE_PROC = '/proc';

/**
 * Up to so many descriptors a walk takes no longer than asking the kernel, and leaves no trace in audit logs. Where its facts
 * cannot be kept they are read anew each time, which takes as long as walking thousands.
 */
const FEW_DESCRIPTORS = 500;
const FEW_WITHOUT_CACHE = 2000;

/** So many links take as long to read as a program takes to be loaded. */
const FEW_PROCESSES = 100;

/** Facts of the running kernel, which stays the same as long as this process runs; null where there are none of use. */
let known: KernelFacts | null | undefined;

/** Root in the first pid namespace may ask the kernel, unless it was told not to. */
export function mayAskKernel({ bpf, ffi }: ProbeRequest): boolean {
  return bpf !== false && ffi !== false && process.geteuid?.() === 0 && isInitialPidNamespace(LIVE_PROC);
}

/** Asks where the rights allow it and looking at all processes would take longer; null for all that cannot be had. */
export class KernelsWord {
  readonly #libc: Libc;
  readonly #request: ProbeRequest;
  readonly #open: OpenDescriptors;
  #asks: boolean | undefined;
  #prepared: Prepared<Descriptors | null> | null = null;
  #beside: Promise<Descriptors | null> | null = null;
  #first: Descriptors | null | undefined;

  constructor(libc: Libc, request: ProbeRequest, open: OpenDescriptors) {
    this.#libc = libc;
    this.#request = request;
    this.#open = open;
  }

  /** True where the kernel is asked. */
  get asks(): boolean {
    const few = (this.#request.cacheDir ?? null) === null ? FEW_WITHOUT_CACHE : FEW_DESCRIPTORS;
    this.#asks ??= mayAskKernel(this.#request) && this.#open.moreThan(few);
    return this.#asks;
  }

  /** Does all that the first list, of about so many sockets, takes before the kernel goes through the descriptors. */
  prepare(sockets: number): void {
    if (this.asks) this.#prepared ??= prepare(this.#libc, this.#steps(null, sockets));
  }

  /**
   * Begins that list: the kernel goes through all descriptors on another thread, while this one reads on. A list must not be
   * older than our own tables, or it lacks sockets of theirs.
   */
  begin(sockets: number): void {
    this.prepare(sockets);
    if (this.#prepared === null) return;
    this.#beside = this.#prepared.beside();
    // Whoever waits for it gets to know; if nobody does any more, something else has failed already.
    this.#beside.catch(() => undefined);
  }

  /** Lets go of what was prepared and not begun. */
  close(): void {
    this.#prepared?.drop();
  }

  /** Waits for what was begun; null where nothing was, and a recorded host is to be read without a pause. */
  begun(): Promise<void> | null {
    const beside = this.#beside;
    if (beside === null) return null;
    return beside.then((list) => {
      this.#first = list;
    });
  }

  /** The list, of all that was asked for or of one port, of about so many sockets; the first one is the one that was begun. */
  list(port: number | null, sockets: number): Descriptors | null {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && port === null) return first;
    return this.asks ? atOnce(this.#libc, this.#steps(port, sockets)) : null;
  }

  /** The network namespaces of processes, of which there are so many. */
  namespaces(processes: number): ReadonlyMap<number, number> | null {
    if (processes <= FEW_PROCESSES || !this.asks) return null;
    const facts = this.#facts();
    return facts === null ? null : processNamespaces(this.#libc, facts);
  }

  #facts(): KernelFacts | null {
    if (known === undefined) known = kernelFacts(this.#request.cacheDir ?? null);
    return known;
  }

  *#steps(port: number | null, sockets: number): Steps<Descriptors | null> {
    const { ports, cacheDir } = this.#request;
    const kept = this.#facts();
    if (kept === null) return null;
    const one = port ?? (ports !== null && ports[0] === ports[1] ? ports[0] : null);
    let found = yield* descriptorSteps(this.#libc, kept, one, sockets);
    if (found === 'unproven') {
      // What was kept of this kernel is wrong: it is read anew, and if that is no better the kernel is not asked again.
      const fresh = freshFacts(cacheDir ?? null);
      found = fresh === null ? null : yield* descriptorSteps(this.#libc, fresh, one, sockets);
      known = found === 'unproven' ? null : fresh;
    }
    return found === 'unproven' ? null : found;
  }
}
