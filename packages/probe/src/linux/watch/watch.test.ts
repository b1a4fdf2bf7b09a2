// What a watch tells of messages and looks that come in any order. Sockets and messages are those of a model of the
// kernel; that the kernel is so is shown by tests/live/watch.test.ts.
import type { Socket, WatchEvent } from '@portolan/core';
import { afterEach, expect, test } from 'vitest';
import { makeSocket } from '../../../../../fixtures/makers.ts';
import type { Death } from '../../parse/linux-diag-keys.ts';
import type { TraceLine } from '../../parse/linux-trace.ts';
import type { Sources } from './sources.ts';
import { keysOfRows, partOf, scopeOf } from './tables.ts';
import { watchSources } from './watch.ts';

const ADDRESS = '127.0.0.1';
const THREAD = 7;
const ELSEWHERE = 8;
const GONE = 9;

/** Sockets, and what the kernel has told of them and nobody has read yet. */
class Kernel {
  readonly sockets = new Map<number, Socket>();
  told: TraceLine[] = [];
  died: Death[] = [];
  /** Done once, at the next reading of the tables, before anything is read of them. */
  meanwhile: (() => void) | null = null;
  /** How many times the tables have been read. */
  readings = 0;
  #inode = 1000;

  open(port: number, state: 'LISTEN' | 'BOUND'): number {
    const inode = this.#inode++;
    if (state === 'LISTEN') this.trace(port, 'CLOSE', 'LISTEN');
    this.sockets.set(inode, socketOf(port, state, inode));
    return inode;
  }

  close(inode: number): void {
    const { local, state } = this.sockets.get(inode) ?? socketOf(0, 'CLOSE', 0);
    this.sockets.delete(inode);
    if (state === 'LISTEN') this.trace(local.port, 'LISTEN', 'CLOSE');
    this.died.push({ transport: 'tcp', family: 'ipv4', local, peerless: true });
  }

  trace(port: number, from: string, to: string, thread = THREAD): void {
    const at = Number(process.hrtime.bigint() / 1000n);
    this.told.push({ kind: 'state', at, thread, family: 'ipv4', port, address: ADDRESS, from, to });
  }

  /** What a watch reads; without `deaths`, as where there is no native code. */
  sources(deaths: boolean): Sources {
    const { sockets } = this;
    const now = (): Socket[] => {
      this.readings++;
      const meanwhile = this.meanwhile;
      this.meanwhile = null;
      meanwhile?.();
      return [...sockets.values()];
    };
    const rowsOf = (list: readonly Socket[]): never[] => list as never[];
    return {
      trace: { read: () => this.told.splice(0) },
      deaths: deaths ? { read: () => ({ deaths: this.died.splice(0), lost: false }) } : null,
      parts: ['tcp', 'bound'],
      showsBound: true,
      notices: [],
      readKeys: (part) => keysOfRows(now().filter((socket) => partOf(socket) === part)),
      listens: ({ port }) => now().some(({ local, state }) => local.port === port && state === 'LISTEN'),
      read: (ports) => ({
        rows: rowsOf(now().filter(({ local }) => ports === null || local.port === ports[0])),
        via: 'sock_diag',
        gaps: [],
      }),
      owned: (_, { rows }) => rows as unknown as Socket[],
      isElsewhere: (thread) => (thread === GONE ? null : thread === ELSEWHERE),
      ownerOf: () => null,
      wake: () => null,
      close: () => undefined,
    };
  }
}

function socketOf(port: number, state: Socket['state'], inode: number): Socket {
  return makeSocket({ local: { address: ADDRESS, port }, state, inode });
}

const open: { close(): void }[] = [];

afterEach(() => {
  for (const watch of open.splice(0)) watch.close();
});

/** A watch of this kernel, what it has told, and a way to wait until it has read the tables another time or two. */
function watching(
  kernel: Kernel,
  deaths = true,
): { events: WatchEvent[]; polled: () => Promise<void>; unplaced: () => number } {
  const events: WatchEvent[] = [];
  const watch = watchSources({ intervalMs: 5 }, scopeOf(null, ['tcp', 'udp'], false), kernel.sources(deaths));
  open.push(watch);
  const read = async (): Promise<void> => {
    for await (const event of watch) events.push(event);
  };
  read().catch((error: unknown) => {
    throw error;
  });
  return {
    events,
    unplaced: () => watch.state().unplaced,
    polled: async () => {
      const wanted = kernel.readings + 8;
      while (kernel.readings < wanted || kernel.told.length > 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  };
}

const kinds = (events: readonly WatchEvent[]): string[] =>
  events.map(({ change, holder }) => `${change} ${holder.kind}`);

/** Lets a listener come and go, each when `when` says, and then a bound socket on its address. */
async function comeAndGo(
  kernel: Kernel,
  polled: () => Promise<void>,
  when: (work: () => void) => void,
): Promise<void> {
  let listener = 0;
  when(() => {
    listener = kernel.open(7700, 'LISTEN');
  });
  await polled();
  when(() => kernel.close(listener));
  await polled();
  kernel.close(kernel.open(7700, 'BOUND'));
  await polled();
}

test('a listener that a look sees before its message is read is no second one', async () => {
  // The message comes between what was read of messages and what was read of the tables, as on a busy machine.
  const kernel = new Kernel();
  const { events, polled } = watching(kernel);
  await comeAndGo(kernel, polled, (work) => {
    kernel.meanwhile = work;
  });
  expect(kinds(events)).toEqual(['opened listener', 'closed listener']);
});

test('nor where nobody tells of deaths', async () => {
  const kernel = new Kernel();
  const { events, polled, unplaced } = watching(kernel, false);
  await comeAndGo(kernel, polled, (work) => {
    kernel.meanwhile = work;
  });
  // Longer than deaths are waited for.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await polled();
  expect(kinds(events)).toEqual(['opened listener', 'closed listener']);
  expect(unplaced()).toBe(0);
});

test('one that was there at the first look is not told, however its message comes', async () => {
  const kernel = new Kernel();
  let listener = 0;
  // The keys of two parts are read first.
  kernel.meanwhile = () => {
    listener = kernel.open(7700, 'LISTEN');
  };
  const { events, polled } = watching(kernel);
  await polled();
  expect(events).toEqual([]);
  kernel.meanwhile = () => kernel.close(listener);
  await polled();
  kernel.close(kernel.open(7700, 'BOUND'));
  await polled();
  expect(kinds(events)).toEqual(['closed listener']);
});

test('one that comes and goes within a look is told, before its bound neighbour and after', async () => {
  const kernel = new Kernel();
  const { events, polled } = watching(kernel);
  const bound = kernel.open(7700, 'BOUND');
  await polled();
  kernel.meanwhile = () => kernel.close(kernel.open(7700, 'LISTEN'));
  await polled();
  kernel.close(bound);
  await polled();
  expect(kinds(events)).toEqual(['opened bound', 'opened listener', 'closed listener', 'closed bound']);
});

test('a bound socket that ends here is not told as a listener of a thread elsewhere', async () => {
  for (const [thread, told] of [
    [ELSEWHERE, []],
    [THREAD, ['opened listener', 'closed listener']],
    // A death here, and nobody left who could say otherwise.
    [GONE, ['opened listener', 'closed listener']],
  ] as const) {
    const kernel = new Kernel();
    const { events, polled, unplaced } = watching(kernel);
    kernel.trace(7700, 'CLOSE', 'LISTEN', thread);
    kernel.trace(7700, 'LISTEN', 'CLOSE', thread);
    kernel.close(kernel.open(7700, 'BOUND'));
    await polled();
    expect(kinds(events), String(thread)).toEqual(told);
    expect(unplaced(), String(thread)).toBe(thread === ELSEWHERE ? 1 : 0);
  }
});
