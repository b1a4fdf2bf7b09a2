import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Endpoint, Ledger, type LookSpan, type ShortLived } from './ledger.ts';

const AT: Endpoint = { family: 'ipv4', address: '127.0.0.1', port: 80 };
const OTHER: Endpoint = { ...AT, port: 81 };
/** A look that took so long that it may have seen anything. */
const ALWAYS: LookSpan = { from: 0, until: 1e12 };
const HERE = (): boolean => false;

describe('Ledger', () => {
  test('a listener that died before any look is found, with its times and its thread', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.ceased(AT, 20, 7, 0);
    ledger.died(AT, 1);
    expect(ledger.settle(2, HERE)).toEqual([{ endpoint: AT, openedAt: 10, closedAt: 20, thread: 7 }]);
    expect(ledger.settle(3, HERE)).toEqual([]);
  });

  test('one in another network namespace is traced, never dies here, and is not told', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.ceased(AT, 20, 7, 0);
    ledger.died(OTHER, 1);
    expect(ledger.settle(2, HERE)).toEqual([]);
    expect(ledger.settle(5000, HERE)).toEqual([]);
  });

  test('a bound socket dies here without having listened', () => {
    const ledger = new Ledger();
    ledger.died(AT, 0);
    expect(ledger.settle(1, HERE)).toEqual([]);
    // What is let go after a while is not held against a listener that comes later.
    expect(ledger.settle(3000, HERE)).toEqual([]);
    ledger.began(AT, 10, 7, 3001);
    ledger.ceased(AT, 20, 7, 3001);
    expect(ledger.settle(3002, HERE)).toEqual([]);
  });

  test('one that looks saw come and go is told by them alone, whichever is told first', () => {
    for (const deathFirst of [true, false]) {
      const ledger = new Ledger();
      ledger.began(AT, 10, 7, 0);
      expect(ledger.appeared(AT, ALWAYS)).toBe(10);
      ledger.ceased(AT, 20, 7, 5);
      if (deathFirst) ledger.died(AT, 5);
      expect(ledger.vanished(AT, ALWAYS, 6)).toBe(20);
      if (!deathFirst) ledger.died(AT, 6);
      expect(ledger.settle(7, HERE)).toEqual([]);
    }
  });

  test('one that ceased to listen and began again ended when it ended last', () => {
    for (const looked of ['at each change', 'after it began again', 'never'] as const) {
      const ledger = new Ledger();
      ledger.began(AT, 10, 7, 0);
      ledger.appeared(AT, ALWAYS);
      ledger.ceased(AT, 20, 7, 1);
      if (looked === 'at each change') ledger.changed(AT);
      ledger.began(AT, 30, 7, 2);
      if (looked === 'at each change') ledger.changed(AT);
      if (looked !== 'never') ledger.appeared(AT, ALWAYS);
      ledger.ceased(AT, 40, 7, 3);
      ledger.died(AT, 3);
      expect(ledger.vanished(AT, ALWAYS, 4), looked).toBe(40);
      expect(ledger.settle(5, HERE), looked).toEqual([]);
      // Nothing of it is left for a socket that is only bound.
      ledger.died(AT, 6);
      expect(ledger.settle(7, HERE), looked).toEqual([]);
    }
  });

  test('one that ceased to listen and stays bound ends at a time that the trace does not tell', () => {
    for (const old of [false, true]) {
      const ledger = new Ledger();
      if (!old) ledger.began(AT, 10, 7, 0);
      if (!old) ledger.appeared(AT, ALWAYS);
      ledger.ceased(AT, 20, 7, 1);
      ledger.changed(AT);
      ledger.died(AT, 2);
      expect(ledger.vanished(AT, ALWAYS, 3)).toBe(null);
      expect(ledger.settle(4, HERE)).toEqual([]);
    }
  });

  test('another on the same endpoint, after one that a look saw, is told by itself', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.appeared(AT, ALWAYS);
    ledger.ceased(AT, 20, 7, 1);
    ledger.began(AT, 30, 7, 2);
    ledger.ceased(AT, 40, 7, 3);
    ledger.died(AT, 3);
    ledger.died(AT, 3);
    expect(ledger.vanished(AT, ALWAYS, 4)).toBe(20);
    expect(ledger.settle(5, HERE)).toEqual([{ endpoint: AT, openedAt: 30, closedAt: 40, thread: 7 }]);
  });

  test('an end that is told after a look saw it go is not another one', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.appeared(AT, ALWAYS);
    ledger.vanished(AT, ALWAYS, 1);
    ledger.ceased(AT, 20, 7, 2);
    ledger.died(AT, 2);
    // Of a socket that was only bound.
    ledger.died(AT, 3);
    expect(ledger.settle(4, HERE)).toEqual([]);
    expect(ledger.leftovers(1000, 300)).toEqual([]);
  });

  test('a look sees one that listened while it read, however many came and went on its endpoint', () => {
    const ledger = new Ledger();
    for (const at of [10, 30, 50]) {
      ledger.began(AT, at, 7, 0);
      ledger.ceased(AT, at + 5, 7, 0);
    }
    expect(ledger.appeared(AT, { from: 32, until: 40 })).toBe(30);
    for (let count = 0; count < 3; count++) ledger.died(AT, 1);
    expect(ledger.vanished(AT, { from: 60, until: 70 }, 2)).toBe(35);
    expect(ledger.settle(3, HERE).map(({ openedAt }) => openedAt)).toEqual([10, 50]);
    expect(ledger.appeared(AT, { from: 70, until: 80 })).toBe(null);
  });

  test('an end goes to the listener of the thread that ended it', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 6, 0);
    ledger.began(AT, 20, 7, 0);
    expect(ledger.appeared(AT, ALWAYS)).toBe(20);
    ledger.ceased(AT, 30, 7, 1);
    ledger.died(AT, 1);
    expect(ledger.vanished(AT, ALWAYS, 2)).toBe(30);
    // Of a socket that was only bound; thread 6 listens still, elsewhere.
    ledger.died(AT, 3);
    expect(ledger.settle(4, HERE)).toEqual([]);
  });

  test('for a death, one whose thread is not known to be elsewhere goes first', () => {
    const ledger = new Ledger();
    for (const thread of [6, 7]) {
      ledger.began(AT, thread, thread, 0);
      ledger.ceased(AT, thread + 10, thread, 0);
    }
    ledger.died(AT, 1);
    const elsewhere = ({ thread }: ShortLived): boolean => thread === 6;
    expect(ledger.settle(2, elsewhere).map(({ thread }) => thread)).toEqual([7]);
    ledger.died(AT, 3);
    expect(ledger.settle(4, elsewhere).map(({ thread }) => thread)).toEqual([6]);
  });

  test('an endpoint on which something happens all the time is let go like others, and so is each thing on it', () => {
    const ledger = new Ledger();
    // Listeners of another network namespace, one after another for a minute, and here a death on each of many ports.
    for (let now = 0; now < 60_000; now += 10) {
      ledger.began(AT, now * 1000, 7, now);
      ledger.ceased(AT, now * 1000 + 5, 7, now);
      ledger.died({ ...AT, port: 10_000 + now / 10 }, now);
      expect(ledger.settle(now, HERE)).toEqual([]);
      expect(ledger.size).toBeLessThan(300);
    }
    let told = 0;
    for (let count = 0; count < 6000; count++) {
      ledger.died(AT, 60_000);
      told += ledger.settle(60_000, HERE).length;
    }
    expect(told).toBeLessThan(300);
    ledger.settle(70_000, HERE);
    expect(ledger.size).toBe(0);
  });

  test('where nobody tells of deaths, what the trace saw come and go is left over after a while', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.ceased(AT, 20, 7, 0);
    expect(ledger.leftovers(100, 300)).toEqual([]);
    expect(ledger.leftovers(400, 300)).toHaveLength(1);
    expect(ledger.leftovers(400, 300)).toEqual([]);
  });

  test('of any number of listeners in turn on one endpoint, each is told once: by looks or by the account', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ here: fc.boolean(), looked: fc.boolean() }), { maxLength: 12 }),
        (listeners) => {
          const ledger = new Ledger();
          let told = 0;
          for (const [index, { here, looked }] of listeners.entries()) {
            ledger.began(AT, index * 10, index, index);
            if (here && looked) {
              expect(ledger.appeared(AT, ALWAYS)).toBe(index * 10);
              told++;
            }
            ledger.ceased(AT, index * 10 + 5, index, index);
            if (here) ledger.died(AT, index);
            if (here && looked) ledger.vanished(AT, ALWAYS, index);
            told += ledger.settle(index, HERE).length;
          }
          expect(told).toBe(listeners.filter(({ here }) => here).length);
        },
      ),
    );
  });
});
