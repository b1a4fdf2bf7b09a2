// Ports the kernel itself listens on for VXLAN and Geneve interfaces, from rtnetlink (man rtnetlink(7)).
import { parseTunnelPorts } from '../parse/linux-rtnetlink.ts';
import { type Libc, nativeBuffer } from './native.ts';

const AF_NETLINK = 16;
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const RTM_GETLINK = 18;
const FLAGS_DUMP = 0x301;
const RECEIVE_BYTES = 1 << 16;
/** struct nlmsghdr + struct ifinfomsg. */
const REQUEST_LENGTH = 32;

/** `udp/PORT` for each tunnel interface of this namespace; empty where the kernel does not answer. */
export function readTunnelPorts(libc: Libc): ReadonlySet<string> {
  const ports = new Set<string>();
  const fd = libc.socket(AF_NETLINK, SOCKET_TYPE, NETLINK_ROUTE);
  if (fd < 0) return ports;
  try {
    const request = nativeBuffer(REQUEST_LENGTH);
    request.writeUInt32LE(REQUEST_LENGTH, 0);
    request.writeUInt16LE(RTM_GETLINK, 4);
    request.writeUInt16LE(FLAGS_DUMP, 6);
    const buffer = nativeBuffer(RECEIVE_BYTES);
    if (libc.send(fd, libc.address(request), REQUEST_LENGTH, 0) < 0) return ports;
    for (;;) {
      const length = libc.recv(fd, libc.address(buffer), RECEIVE_BYTES, 0);
      if (length <= 0) return ports;
      if (parseTunnelPorts(buffer, length, (port) => ports.add(`udp/${port}`))) return ports;
    }
  } finally {
    libc.close(fd);
  }
}
