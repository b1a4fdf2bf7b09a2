import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeOwner, makeSocket } from '../../../../fixtures/makers.ts';
import type { Change } from '../model/event.ts';
import type { Holder } from '../model/report.ts';
import { changesBetween } from './changes.ts';
import { toHolder } from './use.ts';

function aHolder(over: Partial<Holder> = {}): Holder {
  return { ...toHolder(makeSocket()), ...over };
}

/** Does what the changes say. */
function apply(holders: readonly Holder[], changes: readonly Change[]): Holder[] {
  const left = [...holders];
  for (const { change, holder, before } of changes) {
    const index = before === null ? -1 : left.indexOf(before);
    if (change !== 'opened') {
      expect(index).toBeGreaterThanOrEqual(0);
      left.splice(index, 1);
    }
    if (change !== 'closed') left.push(holder);
  }
  return left;
}

/** What changesBetween is to keep account of, as text that can be sorted. */
function seen(holders: readonly Holder[]): string[] {
  return holders
    .map(({ kind, state, transport, local, peer, owners }) =>
      JSON.stringify([
        kind,
        state,
        transport,
        local,
        peer,
        owners.map(({ pid, startedAt }) => [pid, startedAt]),
      ]),
    )
    .toSorted();
}

const listener = (inode: number, port: number, pid = 1): Holder =>
  aHolder({ inode, local: { address: '127.0.0.1', port }, owners: [makeOwner({ pid })] });
const connection = (inode: number, from: number, to: number, over: Partial<Holder> = {}): Holder =>
  aHolder({
    kind: 'connection',
    state: 'ESTABLISHED',
    inode,
    local: { address: '127.0.0.1', port: from },
    peer: { address: '127.0.0.1', port: to },
    owners: [],
    ...over,
  });

/** Sockets with an inode are alone with it, and so are connections with their addresses: the kernel sees to that. */
const holders = fc
  .array(
    fc.record({
      inode: fc.integer({ min: 0, max: 6 }),
      port: fc.integer({ min: 1, max: 3 }),
      pid: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom('listener' as const, 'bound' as const, 'connection' as const, 'closing' as const),
    }),
    { maxLength: 8 },
  )
  .map((rows) => {
    const taken = new Set<string>();
    return rows.flatMap(({ inode: some, port, pid, kind }): Holder[] => {
      const inode = kind === 'closing' ? 0 : some;
      const connected = kind === 'closing' || kind === 'connection';
      const names = [
        ...(inode === 0 ? [] : [`inode ${inode}`]),
        ...(connected ? [`connection ${port}`] : inode === 0 ? [`listener ${port}`] : []),
      ];
      if (names.some((name) => taken.has(name))) return [];
      for (const name of names) taken.add(name);
      if (kind === 'closing') return [connection(0, port, 80, { kind, state: 'TIME_WAIT' })];
      if (kind === 'connection') return [connection(inode, port, 80)];
      return [{ ...listener(inode, port, pid), kind, state: kind === 'bound' ? 'BOUND' : 'LISTEN' }];
    });
  });

describe('changesBetween', () => {
  test('applied to the first list, they give the second', () => {
    fc.assert(
      fc.property(holders, holders, (before, after) => {
        expect(seen(apply(before, changesBetween(before, after)))).toEqual(seen(after));
      }),
    );
  });

  test('between a list and itself, in whatever order, there are none', () => {
    fc.assert(
      fc.property(holders, (list) => {
        expect(changesBetween(list, list.toReversed())).toEqual([]);
      }),
    );
  });

  test('a socket that takes over a port is another one, and the first has closed before', () => {
    const [old, fresh] = [listener(1, 80), listener(2, 80)];
    expect(changesBetween([old], [fresh])).toEqual([
      { change: 'closed', holder: old, before: old },
      { change: 'opened', holder: fresh, before: null },
    ]);
  });

  test('another owner, another state or another kind is a change of the same socket', () => {
    const old = listener(1, 80, 10);
    for (const fresh of [
      listener(1, 80, 11),
      { ...old, owners: [] },
      { ...old, owners: [...old.owners, makeOwner({ pid: 12 })] },
      { ...old, kind: 'bound' as const, state: 'BOUND' as const },
    ]) {
      expect(changesBetween([old], [fresh])).toEqual([{ change: 'changed', holder: fresh, before: old }]);
    }
  });

  test('a pid that names another process is another owner', () => {
    const old = aHolder({ inode: 1, owners: [makeOwner({ pid: 5, startedAt: '2026-01-01T00:00:00.000Z' })] });
    const fresh = aHolder({
      inode: 1,
      owners: [makeOwner({ pid: 5, startedAt: '2026-01-01T00:00:09.000Z' })],
    });
    expect(changesBetween([old], [fresh]).map(({ change }) => change)).toEqual(['changed']);
  });

  test('the time left is no change, and a connection that goes into TIME_WAIT stays itself', () => {
    const open = connection(7, 41_000, 80);
    const closing = connection(0, 41_000, 80, { kind: 'closing', state: 'TIME_WAIT', freeInMs: 60_000 });
    expect(changesBetween([open], [closing])).toEqual([{ change: 'changed', holder: closing, before: open }]);
    expect(changesBetween([closing], [{ ...closing, freeInMs: 100 }])).toEqual([]);
  });

  test('two sockets that share an endpoint are counted', () => {
    const [a, b, c] = [listener(1, 80), listener(2, 80), listener(3, 80)];
    expect(changesBetween([a, b], [b, c]).map(({ change, holder }) => [change, holder.inode])).toEqual([
      ['closed', 1],
      ['opened', 3],
    ]);
  });
});
