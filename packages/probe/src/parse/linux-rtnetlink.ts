// rtnetlink link messages (include/uapi/linux/if_link.h): interfaces by number, and the UDP ports tunnels listen on.

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
/** struct nlmsghdr + struct ifinfomsg. */
const HEADERS = 32;
/** ifi_index in struct ifinfomsg. */
const INDEX_AT = 20;
/** ifi_flags in struct ifinfomsg, and IFF_UP (include/uapi/linux/if.h). */
const FLAGS_AT = 24;
const IFF_UP = 1;
const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
/** Attribute that holds the big-endian destination port, by link kind. */
const PORT_ATTRIBUTE: Readonly<Record<string, number>> = { vxlan: 15, geneve: 5 };

/** A network interface, as far as ports have to do with it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Kind of a virtual interface, `vxlan`, `vrf` …; null for others. */
  readonly kind: string | null;
  /** UDP port on which the kernel listens for it here; null for none. */
  readonly tunnelPort: number | null;
}

/** Reads one batch; hands each interface to `onLink`. True once the dump has ended. */
export function parseLinks(bytes: Buffer, length: number, onLink: (link: Link) => void): boolean {
  for (let at = 0; at + 16 <= length; ) {
    const size = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    if (type === NLMSG_DONE || type === NLMSG_ERROR || size < 16 || at + size > length) return true;
    if (type === RTM_NEWLINK && size >= HEADERS) onLink(readLink(bytes, at, at + size));
    at += (size + 3) & ~3;
  }
  return false;
}

function readLink(bytes: Buffer, at: number, end: number): Link {
  const info = attribute(bytes, at + HEADERS, end, IFLA_LINKINFO);
  const kind = info === null ? null : attribute(bytes, info.start, info.end, IFLA_INFO_KIND);
  const kindText = kind === null ? null : text(bytes, kind);
  const name = attribute(bytes, at + HEADERS, end, IFLA_IFNAME);
  const index = bytes.readInt32LE(at + INDEX_AT);
  // An interface that is down has no socket: its port may be anyone's. One made in another namespace keeps its
  // socket there.
  const serves =
    (bytes.readUInt32LE(at + FLAGS_AT) & IFF_UP) !== 0 &&
    attribute(bytes, at + HEADERS, end, IFLA_LINK_NETNSID) === null;
  return {
    index,
    name: name === null ? String(index) : text(bytes, name),
    kind: kindText,
    tunnelPort: serves && info !== null && kindText !== null ? tunnelPort(bytes, info, kindText) : null,
  };
}

function tunnelPort(bytes: Buffer, info: Span, kind: string): number | null {
  const portAttribute = Object.hasOwn(PORT_ATTRIBUTE, kind) ? PORT_ATTRIBUTE[kind] : undefined;
  const data = attribute(bytes, info.start, info.end, IFLA_INFO_DATA);
  if (portAttribute === undefined || data === null) return null;
  const port = attribute(bytes, data.start, data.end, portAttribute);
  return port !== null && port.end - port.start >= 2 ? bytes.readUInt16BE(port.start) : null;
}

function text(bytes: Buffer, { start, end }: Span): string {
  return bytes.toString('latin1', start, end).replace(/\0.*$/s, '');
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
