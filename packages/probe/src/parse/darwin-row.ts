// One socket as XNU tells it, before anyone asks whose it is; the shape that libproc's and the sysctl's readers produce.
import type { Endpoint, SocketState } from '@portolan/core';
import { formatIpv4, formatIpv6 } from './address.ts';

/** A socket without its owners. */
export interface DarwinSocketRow {
  readonly transport: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  readonly peer: Endpoint | null;
  readonly state: SocketState;
  /** What names the socket (soi_so, xso_so): the hashed address of its structure, as hexadecimal digits; null where hidden. */
  readonly so: string | null;
  /** Generation of its protocol control block (inp_gencnt), unique within a transport, in decimal digits. */
  readonly generation: string;
  readonly uid: number | null;
  readonly ipv6Only: boolean | null;
  /** Interface of a link-local address, by number, as text; null for none. */
  readonly device: string | null;
  /** Process that used the socket last (so_last_pid), and the one it was made for (so_e_pid); 0 where not told. */
  readonly lastPid: number;
  readonly effectivePid: number;
}

/** AF_INET and AF_INET6 of XNU (bsd/sys/socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 30;
/** inp_vflag (bsd/netinet/in_pcb.h): which families a control block serves. */
const INP_IPV4 = 1;
const INP_IPV6 = 2;

/** States by number (bsd/netinet/tcp_fsm.h). */
const TCP_STATES: readonly SocketState[] = [
  'CLOSE', 'LISTEN', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT1', 'CLOSING', 'LAST_ACK',
  'FIN_WAIT2', 'TIME_WAIT',
]; // biome-ignore format: in the order of the kernel

/** Where in a record addresses, ports and the rest stand. */
export interface PcbPlaces {
  readonly localPort: number;
  readonly peerPort: number;
  readonly vflag: number;
  /** Sixteen bytes each; an IPv4 address is in the last four. */
  readonly local: number;
  readonly peer: number;
}

/** A little-endian record: every Mac that runs Node is. Ports and addresses are in network order. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a control block says of its ends; null where it has no local port, so that it holds none. */
export function endsOf(
  bytes: Uint8Array,
  socketFamily: number,
  { localPort, peerPort, vflag, local, peer }: PcbPlaces,
): Pick<DarwinSocketRow, 'family' | 'local' | 'peer' | 'ipv6Only' | 'device'> | null {
  const view = viewOf(bytes);
  const port = view.getUint16(localPort);
  if (port === 0) return null;
  const flags = view.getUint8(vflag);
  const family =
    socketFamily === AF_INET6 || (socketFamily !== AF_INET && (flags & INP_IPV6) !== 0) ? 'ipv6' : 'ipv4';
  const short = (flags & INP_IPV6) === 0;
  const here = addressAt(bytes, local, family, short);
  const there = addressAt(bytes, peer, family, short);
  const remotePort = view.getUint16(peerPort);
  const connected = remotePort !== 0 || !there.any;
  return {
    family,
    local: { address: here.text, port },
    peer: connected ? { address: there.text, port: remotePort } : null,
    ipv6Only: family === 'ipv4' || !here.any ? null : (flags & INP_IPV4) === 0,
    device: here.device,
  };
}

/** KAME keeps a link-local address's interface in its second group (bsd/netinet6/scope6.c). */
function addressAt(
  bytes: Uint8Array,
  at: number,
  family: 'ipv4' | 'ipv6',
  short: boolean,
): { readonly text: string; readonly any: boolean; readonly device: string | null } {
  if (family === 'ipv4' || short) {
    const text = formatIpv4(bytes, at + 12);
    // An IPv6 socket that serves IPv4 alone has a mapped address (RFC 4291 s2.5.5.2).
    return { text: family === 'ipv6' ? `::ffff:${text}` : text, any: text === '0.0.0.0', device: null };
  }
  const address = bytes.slice(at, at + 16);
  const scope = ((address[2] ?? 0) << 8) | (address[3] ?? 0);
  const linkLocal = address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
  if (linkLocal) address.fill(0, 2, 4);
  const text = formatIpv6(address, 0);
  return { text, any: text === '::', device: linkLocal && scope !== 0 ? String(scope) : null };
}

/**
 * Name of a state. TCP in CLOSED with a port and no peer is bound and no more; an unknown number is read as `CLOSE`: the
 * socket is there, and that is what must not be lost. UDP has no states.
 */
export function darwinState(transport: 'tcp' | 'udp', state: number, peer: boolean): SocketState {
  if (transport === 'udp') return peer ? 'ESTABLISHED' : 'UNCONN';
  const name = TCP_STATES[state] ?? 'CLOSE';
  return name === 'CLOSE' && !peer ? 'BOUND' : name;
}

/** Text up to NUL, of at most `length` bytes; other bytes than UTF-8 become U+FFFD. */
export function textAt(bytes: Uint8Array, at: number, length: number): string {
  const piece = bytes.subarray(at, at + length);
  const end = piece.indexOf(0);
  return new TextDecoder().decode(end < 0 ? piece : piece.subarray(0, end));
}
