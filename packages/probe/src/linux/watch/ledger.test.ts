import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Endpoint, Ledger } from './ledger.ts';

const AT: Endpoint = { family: 'ipv4', address: '127.0.0.1', port: 80 };
const OTHER: Endpoint = { ...AT, port: 81 };

describe('Ledger', () => {
  test('a listener that died before any look is found, with its times and its thread', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.ceased(AT, 20, 7, 0);
    ledger.died(AT, 1);
    expect(ledger.settle(2)).toEqual([{ endpoint: AT, openedAt: 10, closedAt: 20, thread: 7 }]);
    expect(ledger.settle(3)).toEqual([]);
  });

  test('one in another network namespace is traced, never dies here, and is not told', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.ceased(AT, 20, 7, 0);
    ledger.died(OTHER, 1);
    expect(ledger.settle(2)).toEqual([]);
    expect(ledger.settle(5000)).toEqual([]);
  });

  test('a bound socket dies here without having listened', () => {
    const ledger = new Ledger();
    ledger.died(AT, 0);
    expect(ledger.settle(1)).toEqual([]);
    // What is let go after a while is not held against a listener that comes later.
    expect(ledger.settle(3000)).toEqual([]);
    ledger.began(AT, 10, 7, 3001);
    ledger.ceased(AT, 20, 7, 3001);
    expect(ledger.settle(3002)).toEqual([]);
  });

  test('one that looks saw come and go is told by them alone, whichever is told first', () => {
    for (const deathFirst of [true, false]) {
      const ledger = new Ledger();
      ledger.began(AT, 10, 7, 0);
      expect(ledger.appeared(AT)).toBe(10);
      ledger.ceased(AT, 20, 7, 5);
      if (deathFirst) ledger.died(AT, 5);
      expect(ledger.vanished(AT, 6)).toBe(20);
      if (!deathFirst) ledger.died(AT, 6);
      expect(ledger.settle(7)).toEqual([]);
    }
  });

  test('one that ceased to listen and began again ended when it ended last', () => {
    for (const looked of ['at each change', 'after it began again', 'never'] as const) {
      const ledger = new Ledger();
      ledger.began(AT, 10, 7, 0);
      ledger.appeared(AT);
      ledger.ceased(AT, 20, 7, 1);
      if (looked === 'at each change') ledger.changed(AT);
      ledger.began(AT, 30, 7, 2);
      if (looked === 'at each change') ledger.changed(AT);
      if (looked !== 'never') ledger.appeared(AT);
      ledger.ceased(AT, 40, 7, 3);
      ledger.died(AT, 3);
      expect(ledger.vanished(AT, 4), looked).toBe(40);
      expect(ledger.settle(5), looked).toEqual([]);
      // Nothing of it is left for a socket that is only bound.
      ledger.died(AT, 6);
      expect(ledger.settle(7), looked).toEqual([]);
    }
  });

  test('one that ceased to listen and stays bound ends at a time that the trace does not tell', () => {
    for (const old of [false, true]) {
      const ledger = new Ledger();
      if (!old) ledger.began(AT, 10, 7, 0);
      if (!old) ledger.appeared(AT);
      ledger.ceased(AT, 20, 7, 1);
      ledger.changed(AT);
      ledger.died(AT, 2);
      expect(ledger.vanished(AT, 3)).toBe(null);
      expect(ledger.settle(4)).toEqual([]);
    }
  });

  test('another on the same endpoint, after one that a look saw, is told by itself', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.appeared(AT);
    ledger.ceased(AT, 20, 7, 1);
    ledger.began(AT, 30, 7, 2);
    ledger.ceased(AT, 40, 7, 3);
    ledger.died(AT, 3);
    ledger.died(AT, 3);
    expect(ledger.vanished(AT, 4)).toBe(20);
    expect(ledger.settle(5)).toEqual([{ endpoint: AT, openedAt: 30, closedAt: 40, thread: 7 }]);
  });

  test('an end that is told after a look saw it go is not another one', () => {
    const ledger = new Ledger();
    ledger.began(AT, 10, 7, 0);
    ledger.appeared(AT);
    ledger.vanished(AT, 1);
    ledger.ceased(AT, 20, 7, 2);
    ledger.died(AT, 2);
    // Of a socket that was only bound.
    ledger.died(AT, 3);
    expect(ledger.settle(4)).toEqual([]);
    expect(ledger.leftovers(1000, 300)).toEqual([]);
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
              expect(ledger.appeared(AT)).toBe(index * 10);
              told++;
            }
            ledger.ceased(AT, index * 10 + 5, index, index);
            if (here) ledger.died(AT, index);
            if (here && looked) ledger.vanished(AT, index);
            told += ledger.settle(index).length;
          }
          expect(told).toBe(listeners.filter(({ here }) => here).length);
        },
      ),
    );
  });
});
