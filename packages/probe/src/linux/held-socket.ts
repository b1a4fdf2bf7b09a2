// A socket that is bound, and listens where it is TCP, before the program that will serve it has started. Made by the
// system calls themselves: Node's own servers would take connections, and their sockets do not wait in accept(2).
import { closeSync } from 'node:fs';
import { constants, endianness } from 'node:os';
import { encodeSockaddr } from '../parse/linux-sockaddr.ts';
import { loadLibc, nativeBuffer } from './native.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Connections that may wait before the program takes them; the kernel's own limit is net.core.somaxconn. */
const BACKLOG = 4096;

/** What to hold. */
export interface HeldSocketWish {
  readonly transport: 'tcp' | 'udp';
  readonly port: number;
  /** Address of the family that it is written in; null: [::] with IPv4 too, 0.0.0.0 where there is no IPv6. */
  readonly address: string | null;
}

/** A held socket, or why there is none: the name of the error. */
export type HeldSocket =
  | { readonly fd: number; readonly errno: null; close(): void }
  | { readonly fd: null; readonly errno: string };

/** Binds it; null where there is no native code. */
export function holdSocket({ transport, port, address }: HeldSocketWish): HeldSocket | null {
  if (process.platform !== 'linux') return null;
  if (loadLibc() === null) return null;
  if (address !== null) return open(transport, port, address);
  const both = open(transport, port, '::');
  const without = both.errno === 'EAFNOSUPPORT' || both.errno === 'EADDRNOTAVAIL';
  return without ? open(transport, port, '0.0.0.0') : both;
}

function open(transport: 'tcp' | 'udp', port: number, address: string): HeldSocket {
  const libc = loadLibc();
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const encoded = encodeSockaddr(family, address, port, 0, endianness());
  if (libc === null || encoded === null) return { fd: null, errno: 'EINVAL' };
  const failed = (): HeldSocket => {
    const number = libc.errno();
    const name = Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
    return { fd: null, errno: name ?? `errno ${number}` };
  };
  const type = (transport === 'tcp' ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC;
  const fd = libc.socket(family === 'ipv4' ? AF_INET : AF_INET6, type, 0);
  if (fd < 0) return failed();
  const value = nativeBuffer(4);
  const set = (level: number, name: number, on: boolean): boolean => {
    value.fill(0);
    if (on) value[endianness() === 'LE' ? 0 : 3] = 1;
    return libc.setsockopt(fd, level, name, libc.address(value), 4) === 0;
  };
  const done =
    (family === 'ipv4' || set(IPPROTO_IPV6, IPV6_V6ONLY, false)) &&
    // On UDP it would let others in.
    (transport === 'udp' || set(SOL_SOCKET, SO_REUSEADDR, true)) &&
    libc.bind(fd, libc.address(encoded), encoded.length) === 0 &&
    (transport === 'udp' || libc.listen(fd, BACKLOG) === 0);
  if (done) return { fd, errno: null, close: () => closeSync(fd) };
  const result = failed();
  libc.close(fd);
  return result;
}
