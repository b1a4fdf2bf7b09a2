// Interfaces from rtnetlink (man rtnetlink(7)): their names, the ports of VXLAN and Geneve, whether there are VRFs.
import { existsSync } from 'node:fs';
import type { Gap } from '@portolan/core';
import { type Link, parseLinks } from '../parse/linux-rtnetlink.ts';
import { type Libc, nativeBuffer } from './native.ts';

const AF_NETLINK = 16;
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const RTM_GETLINK = 18;
const FLAGS_DUMP = 0x301;
const RECEIVE_BYTES = 1 << 16;
/** struct nlmsghdr + struct ifinfomsg. */
const REQUEST_LENGTH = 32;

/** The interfaces of the current network namespace; none where the kernel does not answer. */
export function readLinks(libc: Libc): readonly Link[] {
  const links: Link[] = [];
  const fd = libc.socket(AF_NETLINK, SOCKET_TYPE, NETLINK_ROUTE);
  if (fd < 0) return links;
  try {
    const request = nativeBuffer(REQUEST_LENGTH);
    request.writeUInt32LE(REQUEST_LENGTH, 0);
    request.writeUInt16LE(RTM_GETLINK, 4);
    request.writeUInt16LE(FLAGS_DUMP, 6);
    const buffer = nativeBuffer(RECEIVE_BYTES);
    if (libc.send(fd, libc.address(request), REQUEST_LENGTH, 0) < 0) return links;
    for (;;) {
      const length = libc.recv(fd, libc.address(buffer), RECEIVE_BYTES, 0);
      if (length <= 0) return links;
      if (parseLinks(buffer, length, (link) => links.push(link))) return links;
    }
  } finally {
    libc.close(fd);
  }
}

/** `udp/PORT` for each tunnel interface of this namespace. */
export function readTunnelPorts(libc: Libc): ReadonlySet<string> {
  return new Set(
    readLinks(libc).flatMap(({ tunnelPort }) => (tunnelPort === null ? [] : [`udp/${tunnelPort}`])),
  );
}

/** Names of interfaces by their number, as text. */
export function readDeviceNames(libc: Libc): ReadonlyMap<string, string> {
  return new Map(readLinks(libc).map(({ index, name }) => [String(index), name]));
}

/** The kernel has this folder once it knows VRFs (Documentation/networking/vrf.rst). */
const VRF_SETTINGS = '/proc/sys/net/vrf';

/** A gap where there are VRF interfaces: which sockets serve which of them is not followed. */
export function vrfGaps(libc: Libc | null): Gap[] {
  if (libc === null || !existsSync(VRF_SETTINGS)) return [];
  const names = readLinks(libc).flatMap(({ kind, name }) => (kind === 'vrf' ? [name] : []));
  if (names.length === 0) return [];
  const remedy = 'sysctl net.ipv4.tcp_l3mdev_accept net.ipv4.udp_l3mdev_accept';
  return [{ code: 'vrf', values: { names: names.join(', ') }, remedy, coversUse: false, transports: [] }];
}
