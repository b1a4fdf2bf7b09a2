// What systemctl prints, as JSON and as the columns of older versions.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSystemdSockets } from './systemd-sockets.ts';

/** Rows in the form of systemd 252, of every kind. */
const JSON_ROWS = `[{"listen":"/run/dbus/system_bus_socket","type":"Stream","unit":"dbus.socket","activates":"dbus.service"},
{"listen":"kobject-uevent 1","type":"Netlink","unit":"systemd-udevd-kernel.socket","activates":"systemd-udevd.service"},
{"listen":"[::]:22","type":"Stream","unit":"ssh.socket","activates":"ssh.service"},
{"listen":"0.0.0.0:111","type":"Datagram","unit":"rpcbind.socket","activates":"rpcbind.service"},
{"listen":"127.0.0.1:631","type":"Stream","unit":"cups.socket","activates":null},
{"listen":"[fe80::1]:80%eth0","type":"Stream","unit":"web@eth0.socket","activates":["web.service","other.service"]},
{"listen":"vsock:2:80","type":"Stream","unit":"v.socket","activates":"v.service"},
{"listen":"0.0.0.0:9899","type":"SequentialPacket","unit":"s.socket","activates":"s.service"}]
`;

const IP_SOCKETS = [
  { transport: 'tcp', address: '::', port: 22, unit: 'ssh.socket', activates: 'ssh.service' },
  { transport: 'udp', address: '0.0.0.0', port: 111, unit: 'rpcbind.socket', activates: 'rpcbind.service' },
  { transport: 'tcp', address: '127.0.0.1', port: 631, unit: 'cups.socket', activates: null },
  { transport: 'tcp', address: 'fe80::1', port: 80, unit: 'web@eth0.socket', activates: 'web.service' },
];

test('JSON: the sockets of the internet, each with its unit', () => {
  expect(parseSystemdSockets(JSON_ROWS)).toEqual({ ok: true, sockets: IP_SOCKETS });
  expect(parseSystemdSockets('[]\n')).toEqual({ ok: true, sockets: [] });
});

test('columns, for systemd before 247', () => {
  const text = `/run/dbus/system_bus_socket  Stream     dbus.socket                  dbus.service
kobject-uevent 1             Netlink    systemd-udevd-kernel.socket  systemd-udevd.service
[::]:22                      Stream     ssh.socket                   ssh.service
0.0.0.0:111                  Datagram   rpcbind.socket               rpcbind.service
127.0.0.1:631                Stream     cups.socket                  -
[fe80::1]:80%eth0            Stream     web@eth0.socket              web.service, other.service
`;
  expect(parseSystemdSockets(text)).toEqual({ ok: true, sockets: IP_SOCKETS });
  expect(parseSystemdSockets('')).toEqual({ ok: true, sockets: [] });
});

test('the place of what is wrong is told', () => {
  expect(parseSystemdSockets('[{"listen":1}]')).toEqual({
    ok: false,
    problem: 'socket 0, listen is no string',
  });
  expect(parseSystemdSockets('[{')).toEqual({ ok: false, problem: 'the answer is no JSON' });
  expect(parseSystemdSockets('System has not been booted')).toEqual({
    ok: false,
    problem: 'line 1 is no line of list-sockets',
  });
});

test('no text throws, cut or invented', () => {
  const any = fc.oneof(
    fc.string(),
    fc.json(),
    fc.nat(JSON_ROWS.length).map((length) => JSON_ROWS.slice(0, length)),
    fc
      .array(
        fc.constantFrom(' ', '\n', '[', ']', ':', '%', '22', '::', 'Stream', 'a.socket', '0.0.0.0', '-', ','),
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(any, (text) => {
      const parsed = parseSystemdSockets(text);
      if (!parsed.ok) expect(parsed.problem).not.toBe('');
      else expect(parsed.sockets.every(({ port }) => port >= 1 && port <= 65_535)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a very long line takes no longer than it is', () => {
  const hostile = `${'a '.repeat(500_000)}x`;
  expect(parseSystemdSockets(hostile).ok).toBe(false);
  expect(parseSystemdSockets(`[${'1'.repeat(1_000_000)}]:22 Stream a.socket -`)).toMatchObject({ ok: true });
});
