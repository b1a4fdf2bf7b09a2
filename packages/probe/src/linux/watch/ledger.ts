// Keeps account of listeners that came and went between two looks. The trace tells that something listened, in
// whichever network namespace; the kernel's deaths tell of this one alone. A death that no look accounts for, of an
// endpoint that the trace saw listening, was a listener here.

/** Milliseconds after which an account that does not come out even is let go. */
const KEPT_MS = 2000;

/** A listener that no look has seen. */
export interface ShortLived {
  readonly endpoint: Endpoint;
  /** When it began and ceased to listen, on the trace's clock. */
  readonly openedAt: number;
  readonly closedAt: number;
  /** Thread that called listen(2), in the first pid namespace. */
  readonly thread: number;
}

/** Where a TCP socket without a peer is bound. */
export interface Endpoint {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly port: number;
}

interface Listening {
  openedAt: number | null;
  closedAt: number | null;
  readonly thread: number;
  /** A look has seen it. */
  seen: boolean;
}

interface Account {
  readonly endpoint: Endpoint;
  listening: Listening[];
  /** Deaths less sockets that looks saw go. */
  balance: number;
  touched: number;
}

/** Accounts by endpoint. Times are those of the caller's clocks: `now` in milliseconds, `at` of the trace. */
export class Ledger {
  readonly #accounts = new Map<string, Account>();

  /** The trace saw it begin to listen. */
  began(endpoint: Endpoint, at: number, thread: number, now: number): void {
    this.#account(endpoint, now).listening.push({ openedAt: at, closedAt: null, thread, seen: false });
  }

  /** The trace saw it cease to listen. */
  ceased(endpoint: Endpoint, at: number, thread: number, now: number): void {
    const { listening } = this.#account(endpoint, now);
    const open = listening.find(({ closedAt }) => closedAt === null);
    if (open !== undefined) open.closedAt = at;
    else listening.push({ openedAt: null, closedAt: at, thread, seen: false });
  }

  /** A TCP socket without a peer has died in this network namespace. */
  died(endpoint: Endpoint, now: number): void {
    this.#account(endpoint, now).balance++;
  }

  /** A look saw it for the first time: when it began to listen, where the trace told. */
  appeared(endpoint: Endpoint): number | null {
    const found = this.#find(endpoint)?.listening.findLast(({ seen }) => !seen);
    if (found === undefined) return null;
    found.seen = true;
    return found.openedAt;
  }

  /** A look saw that it is otherwise than before: that it ceased to listen is no end of it any more. */
  changed(endpoint: Endpoint): void {
    const account = this.#find(endpoint);
    if (account === undefined) return;
    account.listening = account.listening.filter((one) => one.closedAt === null || !isKnown(one));
  }

  /** A look saw that it has gone: when it ceased to listen, where the trace told. */
  vanished(endpoint: Endpoint, now: number): number | null {
    const account = this.#account(endpoint, now);
    const deaths = account.balance--;
    const found = takeEnded(account.listening);
    if (found === undefined || deaths !== 1) return found?.closedAt ?? null;
    // One socket has died, so what its thread ended after this was the same socket, which had begun to listen again.
    const isIts = ({ closedAt, thread }: Listening): boolean => closedAt !== null && thread === found.thread;
    const last = account.listening.findLast(isIts);
    account.listening = account.listening.filter((one) => !isIts(one));
    return Math.max(found.closedAt ?? 0, last?.closedAt ?? 0) || null;
  }

  /** Listeners of this network namespace that came and went unseen. Call it after a look at what deaths hinted at. */
  settle(now: number): ShortLived[] {
    const found: ShortLived[] = [];
    for (const [key, account] of this.#accounts) {
      while (account.balance > 0) {
        const one = takeUnseen(account);
        if (one === null) break;
        found.push(one);
        account.balance--;
      }
      if (now - account.touched > KEPT_MS) this.#accounts.delete(key);
    }
    return found;
  }

  /** Those of any namespace that came and went unseen: all that can be told where nobody tells of deaths. */
  leftovers(now: number, olderThanMs: number): ShortLived[] {
    const found: ShortLived[] = [];
    for (const account of this.#accounts.values()) {
      if (now - account.touched < olderThanMs) continue;
      for (let one = takeUnseen(account); one !== null; one = takeUnseen(account)) found.push(one);
    }
    return found;
  }

  /** Messages were lost: nothing that was counted holds any more. */
  clear(): void {
    this.#accounts.clear();
  }

  #account(endpoint: Endpoint, now: number): Account {
    const key = keyOf(endpoint);
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { endpoint, listening: [], balance: 0, touched: now };
      this.#accounts.set(key, account);
    }
    account.touched = now;
    return account;
  }

  #find(endpoint: Endpoint): Account | undefined {
    return this.#accounts.get(keyOf(endpoint));
  }
}

function keyOf({ family, address, port }: Endpoint): string {
  return `${family} ${address} ${port}`;
}

/** Is it one that a look has seen, or that began before this account did? */
function isKnown({ openedAt, seen }: Listening): boolean {
  return seen || openedAt === null;
}

/** Takes the one that has gone: one that was known before others, and of those the last that ended. */
function takeEnded(listening: Listening[]): Listening | undefined {
  const choices = [
    listening.findLastIndex(({ seen, closedAt }) => seen && closedAt !== null),
    // The trace has not told of its end.
    listening.findIndex(({ seen }) => seen),
    listening.findLastIndex(({ openedAt }) => openedAt === null),
    listening.findIndex(({ closedAt }) => closedAt !== null),
  ];
  const index = choices.find((choice) => choice >= 0);
  return index === undefined ? undefined : listening.splice(index, 1)[0];
}

/**
 * Takes one that came and went unseen. Of one that began before the account did there was a look, or it is told of its
 * end after a look has told that it has gone.
 */
function takeUnseen({ endpoint, listening }: Account): ShortLived | null {
  const index = listening.findIndex((one) => !isKnown(one) && one.closedAt !== null);
  const [one] = index < 0 ? [] : listening.splice(index, 1);
  if (one === undefined || one.openedAt === null || one.closedAt === null) return null;
  const { openedAt, closedAt, thread } = one;
  return { endpoint, openedAt, closedAt, thread };
}
