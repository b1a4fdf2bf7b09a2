import { expect, test } from 'vitest';
import { parseSockstat } from './linux-sockstat.ts';

const IPV4 = `sockets: used 17
TCP: inuse 1 orphan 0 tw 2 alloc 45003 mem 390
UDP: inuse 3 mem 5
UDPLITE: inuse 0
`;

test('counters of both families, without the memory, which moves with every packet', () => {
  expect(parseSockstat(IPV4, 'TCP6: inuse 4\nUDP6: inuse 6\nUDPLITE6: inuse 0\n')).toEqual({
    tcp: 'inuse 1 orphan 0 tw 2 alloc 45003 inuse 4',
    udp: 'inuse 3 inuse 6',
  });
});

test('a host without IPv6', () => {
  expect(parseSockstat(IPV4, '')).toEqual({ tcp: 'inuse 1 orphan 0 tw 2 alloc 45003 ', udp: 'inuse 3 ' });
});
