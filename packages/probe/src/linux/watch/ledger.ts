// Keeps account of listeners that came and went between two looks. The trace tells that something listened, in
// whichever network namespace; the kernel's deaths tell of this one alone. A death that no look accounts for, of an
// endpoint that the trace saw listening, was a listener here.

/** Milliseconds after which what does not come out even is let go. */
const KEPT_MS = 2000;
/** The trace rounds its times to a microsecond. */
const ROUNDING_US = 1;

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

/** When a look read the tables, in microseconds on the trace's clock: it saw them as they were some time between. */
export interface LookSpan {
  readonly from: number;
  readonly until: number;
}

interface Listening {
  readonly openedAt: number | null;
  closedAt: number | null;
  readonly thread: number;
  /** A look has seen it. */
  seen: boolean;
  /** When it was heard of last. */
  touched: number;
}

interface Account {
  readonly endpoint: Endpoint;
  listening: Listening[];
  /** When sockets died of which no look has seen that they are gone, and when looks saw some go whose death is not told. */
  deaths: number[];
  owed: number[];
}

/**
 * Accounts by endpoint. Times are those of the caller's clocks: `now` in milliseconds, `at` and those of a look of the
 * trace. Whoever looks has to put in what the trace told until the look was over before what it has seen: only then are
 * what was told and what was seen the same socket.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  /** Accounts in which something may come out even now. */
  readonly #touched = new Set<Account>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  /** Endpoints that something is kept of. */
  get size(): number {
    return this.#accounts.size;
  }

  /** The trace saw it begin to listen. */
  began(endpoint: Endpoint, at: number, thread: number, now: number): void {
    const { listening } = this.#account(endpoint);
    listening.push({ openedAt: at, closedAt: null, thread, seen: false, touched: now });
  }

  /** The trace saw it cease to listen. */
  ceased(endpoint: Endpoint, at: number, thread: number, now: number): void {
    const { listening } = this.#account(endpoint);
    // The endpoint may be another's as well, in another namespace: most often who began to listen ends it.
    const open =
      listening.find((one) => one.closedAt === null && one.thread === thread) ??
      listening.find(({ closedAt }) => closedAt === null);
    if (open === undefined)
      listening.push({ openedAt: null, closedAt: at, thread, seen: false, touched: now });
    else {
      open.closedAt = at;
      open.touched = now;
    }
  }

  /** A TCP socket that never had a peer has died in this network namespace. */
  died(endpoint: Endpoint, now: number): void {
    const { deaths, owed } = this.#account(endpoint);
    if (owed.shift() === undefined) deaths.push(now);
  }

  /** A look saw it for the first time: when it began to listen, where the trace told. */
  appeared(endpoint: Endpoint, { from, until }: LookSpan): number | null {
    const found = this.#find(endpoint)?.listening.findLast(
      ({ seen, openedAt, closedAt }) =>
        !seen &&
        (openedAt ?? 0) <= until + ROUNDING_US &&
        (closedAt === null || closedAt >= from - ROUNDING_US),
    );
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
  vanished(endpoint: Endpoint, { until }: LookSpan, now: number): number | null {
    const account = this.#account(endpoint);
    const deaths = account.deaths.length;
    if (account.deaths.shift() === undefined) account.owed.push(now);
    const found = takeEnded(account.listening, until + ROUNDING_US);
    if (found === undefined || deaths !== 1) return found?.closedAt ?? null;
    // One socket has died, so what its thread ended after this was the same socket, which had begun to listen again.
    const isIts = ({ closedAt, thread }: Listening): boolean => closedAt !== null && thread === found.thread;
    const last = account.listening.findLast(isIts);
    account.listening = account.listening.filter((one) => !isIts(one));
    return Math.max(found.closedAt ?? 0, last?.closedAt ?? 0) || null;
  }

  /**
   * Listeners of this network namespace that came and went unseen. Call it after a look at what deaths hinted at.
   * `isElsewhere`: is its thread known to be in another namespace? One that is not goes first for a death.
   */
  settle(now: number, isElsewhere: (one: ShortLived) => boolean): ShortLived[] {
    const found: ShortLived[] = [];
    for (const account of this.#touched) {
      while (account.deaths.length > 0) {
        const one = takeUnseen(account, isElsewhere);
        if (one === null) break;
        found.push(one);
        account.deaths.shift();
      }
    }
    this.#touched.clear();
    this.#sweep(now);
    return found;
  }

  /** Those of any namespace that came and went unseen: all that can be told where nobody tells of deaths. */
  leftovers(now: number, olderThanMs: number): ShortLived[] {
    const found: ShortLived[] = [];
    for (const account of this.#accounts.values()) {
      account.listening = account.listening.filter((one) => {
        if (now - one.touched < olderThanMs || !isUnseenEnd(one)) return true;
        found.push(shortLived(account.endpoint, one));
        return false;
      });
    }
    return found;
  }

  /** Messages were lost: nothing that was counted holds any more. */
  clear(): void {
    this.#accounts.clear();
    this.#touched.clear();
  }

  #account(endpoint: Endpoint): Account {
    const key = keyOf(endpoint);
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { endpoint, listening: [], deaths: [], owed: [] };
      this.#accounts.set(key, account);
    }
    this.#touched.add(account);
    return account;
  }

  #find(endpoint: Endpoint): Account | undefined {
    return this.#accounts.get(keyOf(endpoint));
  }

  /** Each thing goes by its own age: an endpoint on which something happens all the time keeps no more than others. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < KEPT_MS / 4) return;
    this.#sweptAt = now;
    const isFresh = (at: number): boolean => now - at <= KEPT_MS;
    for (const [key, account] of this.#accounts) {
      account.listening = account.listening.filter(({ touched }) => isFresh(touched));
      account.deaths = account.deaths.filter(isFresh);
      account.owed = account.owed.filter(isFresh);
      if (account.listening.length + account.deaths.length + account.owed.length > 0) continue;
      this.#accounts.delete(key);
    }
  }
}

function keyOf({ family, address, port }: Endpoint): string {
  return `${family} ${address} ${port}`;
}

/** Is it one that a look has seen, or that began before this account did? */
function isKnown({ openedAt, seen }: Listening): boolean {
  return seen || openedAt === null;
}

type UnseenEnd = Listening & { readonly openedAt: number; readonly closedAt: number };

/**
 * One that came and went unseen. Of one that began before the account did there was a look, or it is told of its end
 * after a look has told that it has gone.
 */
function isUnseenEnd(one: Listening): one is UnseenEnd {
  return !isKnown(one) && one.closedAt !== null;
}

/** Takes the one that has gone: one that was known before others, and of those the last that ended. */
function takeEnded(listening: Listening[], until: number): Listening | undefined {
  const choices = [
    listening.findLastIndex(({ seen, closedAt }) => seen && closedAt !== null && closedAt <= until),
    listening.findLastIndex(({ seen, closedAt }) => seen && closedAt !== null),
    // The trace has not told of its end.
    listening.findIndex(({ seen }) => seen),
    listening.findLastIndex(({ openedAt }) => openedAt === null),
    listening.findIndex(({ closedAt }) => closedAt !== null),
  ];
  const index = choices.find((choice) => choice >= 0);
  return index === undefined ? undefined : listening.splice(index, 1)[0];
}

function takeUnseen(
  { endpoint, listening }: Account,
  isElsewhere: (one: ShortLived) => boolean,
): ShortLived | null {
  const choices = listening.filter(isUnseenEnd);
  const one = choices.find((choice) => !isElsewhere(shortLived(endpoint, choice))) ?? choices[0];
  if (one === undefined) return null;
  listening.splice(listening.indexOf(one), 1);
  return shortLived(endpoint, one);
}

function shortLived(endpoint: Endpoint, { openedAt, closedAt, thread }: UnseenEnd): ShortLived {
  return { endpoint, openedAt, closedAt, thread };
}
