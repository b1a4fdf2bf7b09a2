// Counters of outgoing connections and the uptime, from the kernel's texts and from what is none.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseActiveOpens, parseUptime } from './linux-snmp.ts';

const SNMP = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens
Tcp: 1 200 120000 -1 106 76
`;

test('the column is found by its name', () => {
  expect(parseActiveOpens(SNMP)).toBe(106);
  expect(parseActiveOpens(SNMP.replace('RtoMin RtoMax ', 'RtoMin ').replace('200 120000', '200'))).toBe(106);
});

test('a text without it, cut short or changed, tells nothing', () => {
  for (const text of ['', 'Tcp: ActiveOpens\n', 'Tcp: ActiveOpens\nTcp: many\n', 'Tcp: RtoMin\nTcp: 1\n'])
    expect(parseActiveOpens(text)).toBeNull();
  for (const text of ['', 'soon 1', '-5.00 1.00']) expect(parseUptime(text)).toBeNull();
  expect(parseUptime('2417.32 3532.10\n')).toBe(2417.32);
});

test('no text makes them throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), (text) => {
      parseActiveOpens(`Tcp: ${text}`);
      parseUptime(text);
    }),
  );
});
