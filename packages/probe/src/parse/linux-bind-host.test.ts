// /proc/net/if_inet6 and CapEff: recorded lines, flags of addresses that cannot be used, and hostile text.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIfInet6, parseStatusRights } from './linux-bind-host.ts';

test('addresses, interfaces, and which cannot be used yet', () => {
  const text = [
    '00000000000000000000000000000001 01 80 10 80       lo',
    'fe80000000000000021122fffe334455 0c 40 20 80     eth0',
    '20010db8000000000000000000000005 0c 40 00 c0     eth0',
    '20010db8000000000000000000000006 0c 40 00 88     eth0',
    '20010db8000000000000000000000007 0c 40 00 c4     eth0',
    'nonsense',
    '',
  ].join('\n');
  expect(parseIfInet6(text)).toEqual([
    { address: '::1', family: 'ipv6', device: 'lo', index: 1, usable: true },
    { address: 'fe80::211:22ff:fe33:4455', family: 'ipv6', device: 'eth0', index: 12, usable: true },
    { address: '2001:db8::5', family: 'ipv6', device: 'eth0', index: 12, usable: false },
    { address: '2001:db8::6', family: 'ipv6', device: 'eth0', index: 12, usable: false },
    { address: '2001:db8::7', family: 'ipv6', device: 'eth0', index: 12, usable: true },
  ]);
});

test('rights: bit 10 of CapEff, and whether a filter is on', () => {
  const status = (caps: string, seccomp: string): string =>
    `Name:\tx\nCapPrm:\t0\nCapEff:\t${caps}\nSeccomp:\t${seccomp}\nSeccomp_filters:\t0\n`;
  expect(parseStatusRights(status('000001ffffffffff', '0'))).toEqual({ mayBindLow: true, seccomp: false });
  expect(parseStatusRights(status('0000000000000400', '2'))).toEqual({ mayBindLow: true, seccomp: true });
  expect(parseStatusRights(status('fffffffffffffbff', '2'))).toEqual({ mayBindLow: false, seccomp: true });
  expect(parseStatusRights('')).toEqual({ mayBindLow: null, seccomp: null });
});

test('any text is read without an exception', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseIfInet6(text);
      parseStatusRights(`CapEff:\t${text}\nSeccomp:\t${text}`);
    }),
  );
});
