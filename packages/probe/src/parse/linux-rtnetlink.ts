// rtnetlink link messages (include/uapi/linux/if_link.h): which UDP ports tunnel interfaces listen on.

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
/** struct nlmsghdr + struct ifinfomsg. */
const HEADERS = 32;
/** ifi_flags in struct ifinfomsg, and IFF_UP (include/uapi/linux/if.h). */
const FLAGS_AT = 24;
const IFF_UP = 1;
const IFLA_LINKINFO = 18;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
/** Attribute that holds the big-endian destination port, by link kind. */
const PORT_ATTRIBUTE: Readonly<Record<string, number>> = { vxlan: 15, geneve: 5 };

/** Reads one batch; hands each tunnel's port to `onPort`. True once the dump has ended. */
export function parseTunnelPorts(bytes: Buffer, length: number, onPort: (port: number) => void): boolean {
  for (let at = 0; at + 16 <= length; ) {
    const size = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    if (type === NLMSG_DONE || type === NLMSG_ERROR || size < 16 || at + size > length) return true;
    // An interface that is down has no socket: its port may be anyone's.
    if (type === RTM_NEWLINK && size >= HEADERS && (bytes.readUInt32LE(at + FLAGS_AT) & IFF_UP) !== 0) {
      const info = attribute(bytes, at + HEADERS, at + size, IFLA_LINKINFO);
      // An interface made in another namespace keeps its socket there.
      const foreign = attribute(bytes, at + HEADERS, at + size, IFLA_LINK_NETNSID) !== null;
      if (info !== null && !foreign) readLinkInfo(bytes, info, onPort);
    }
    at += (size + 3) & ~3;
  }
  return false;
}

function readLinkInfo(bytes: Buffer, info: Span, onPort: (port: number) => void): void {
  const kind = attribute(bytes, info.start, info.end, IFLA_INFO_KIND);
  const data = attribute(bytes, info.start, info.end, IFLA_INFO_DATA);
  if (kind === null || data === null) return;
  const name = bytes.toString('latin1', kind.start, kind.end).replace(/\0.*$/, '');
  const portAttribute = PORT_ATTRIBUTE[name];
  if (portAttribute === undefined) return;
  const port = attribute(bytes, data.start, data.end, portAttribute);
  if (port !== null && port.end - port.start >= 2) onPort(bytes.readUInt16BE(port.start));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** First attribute of this type between `start` and `end`; the two top bits of a type are flags. */
function attribute(bytes: Buffer, start: number, end: number, type: number): Span | null {
  for (let at = start; at + 4 <= end; ) {
    const size = bytes.readUInt16LE(at);
    if (size < 4 || at + size > end) return null;
    if ((bytes.readUInt16LE(at + 2) & 0x3fff) === type) return { start: at + 4, end: at + size };
    at += (size + 3) & ~3;
  }
  return null;
}
