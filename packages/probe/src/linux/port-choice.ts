// Lets the kernel choose ports on loopback, from its whole range or from a few numbers, and tells what it chose.
import { constants, endianness } from 'node:os';
import type { ChoiceWay, PortRange } from '@portolan/core';
import { encodeSockaddr } from '../parse/linux-sockaddr.ts';
import { type ChoiceCalls, type Libc, loadChoiceCalls, loadLibc, nativeBuffer } from './native.ts';

const AF_INET = 2;
const SOCK = { tcp: 1, udp: 2 } as const;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const IPPROTO_IP = 0;
/** Linux 6.3: the socket's own part of the range, `last << 16 | first` (man ip(7)). */
const IP_LOCAL_PORT_RANGE = 51;
const EINPROGRESS = 115;
const LOOPBACK = '127.0.0.1';
const BACKLOG = 64;

/** A port that the kernel chose, or the name of the error. */
export type Chosen = { readonly port: number } | { readonly errno: string };

/** Opens and closes one socket after the other; `close` must be called. */
export class PortChooser {
  readonly #libc: Libc;
  readonly #calls: ChoiceCalls;
  readonly #address = nativeBuffer(16);
  readonly #length = nativeBuffer(4);
  readonly #value = nativeBuffer(8);
  /** Listeners of our own, by destination. */
  readonly #servers = new Map<number, { fd: number; address: Uint8Array }>();
  readonly #held: number[] = [];

  private constructor(libc: Libc, calls: ChoiceCalls) {
    this.#libc = libc;
    this.#calls = calls;
  }

  /** Null where there is no native code. */
  static open(): PortChooser | null {
    const libc = loadLibc();
    const calls = libc === null ? null : loadChoiceCalls();
    return libc === null || calls === null ? null : new PortChooser(libc, calls);
  }

  /** Does this kernel let a socket narrow its range? */
  canNarrow(): boolean {
    const fd = this.#libc.socket(AF_INET, SOCK.udp | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const can = this.#narrow(fd, [40_000, 40_000]);
    this.#libc.close(fd);
    return can;
  }

  /**
   * One choice of the kernel, from `range` where one is given. Connections go to one of our own destinations, are reset
   * at once and leave nothing.
   */
  choose({ transport, call }: ChoiceWay, range: PortRange | null, destination = 0): Chosen {
    const libc = this.#libc;
    const server = call === 'connect' ? this.#server(destination) : null;
    if (call === 'connect' && server === null) return this.#failure();
    const fd = libc.socket(AF_INET, SOCK[transport] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return this.#failure();
    try {
      if (range !== null && !this.#narrow(fd, range)) return this.#failure();
      if (server === null) {
        const any = socketAddress(0);
        if (libc.bind(fd, libc.address(any), any.length) !== 0) return this.#failure();
      } else {
        const { address } = server;
        if (transport === 'tcp') this.#resetOnClose(fd);
        if (
          this.#calls.connect(fd, libc.address(address), address.length) !== 0 &&
          libc.errno() !== EINPROGRESS
        )
          return this.#failure();
      }
      return { port: this.#portOf(fd) };
    } finally {
      libc.close(fd);
      if (server !== null && transport === 'tcp') this.#takeOut(server.fd);
    }
  }

  /** Can this very port be bound on purpose now? */
  isFree(transport: 'tcp' | 'udp', port: number): boolean {
    const libc = this.#libc;
    const fd = libc.socket(AF_INET, SOCK[transport] | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const address = socketAddress(port);
    const bound = libc.bind(fd, libc.address(address), address.length) === 0;
    libc.close(fd);
    return bound;
  }

  /** Binds to port 0 and keeps the socket until `drop`. */
  hold(transport: 'tcp' | 'udp'): Chosen {
    const libc = this.#libc;
    const fd = libc.socket(AF_INET, SOCK[transport] | SOCK_CLOEXEC, 0);
    if (fd < 0) return this.#failure();
    const any = socketAddress(0);
    if (libc.bind(fd, libc.address(any), any.length) !== 0) {
      const failure = this.#failure();
      libc.close(fd);
      return failure;
    }
    this.#held.push(fd);
    return { port: this.#portOf(fd) };
  }

  /** Closes what is held. */
  drop(): void {
    for (const fd of this.#held.splice(0)) this.#libc.close(fd);
  }

  close(): void {
    this.drop();
    for (const { fd } of this.#servers.values()) this.#libc.close(fd);
    this.#servers.clear();
  }

  /** A listener of our own: what connects to it concerns nobody else. */
  #server(destination: number): { fd: number; address: Uint8Array } | null {
    const known = this.#servers.get(destination);
    if (known !== undefined) return known;
    const libc = this.#libc;
    const fd = libc.socket(AF_INET, SOCK.tcp | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return null;
    const any = socketAddress(0);
    if (libc.bind(fd, libc.address(any), any.length) !== 0 || libc.listen(fd, BACKLOG) !== 0) {
      libc.close(fd);
      return null;
    }
    const server = { fd, address: socketAddress(this.#portOf(fd)) };
    this.#servers.set(destination, server);
    return server;
  }

  /** Takes the reset connection out of the listener's queue. */
  #takeOut(listener: number): void {
    const fd = this.#calls.accept(listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) this.#libc.close(fd);
  }

  #narrow(fd: number, [first, last]: PortRange): boolean {
    const bytes = new DataView(this.#value.buffer);
    bytes.setUint32(0, last * 65_536 + first, endianness() === 'LE');
    return (
      this.#libc.setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, this.#libc.address(this.#value), 4) === 0
    );
  }

  #resetOnClose(fd: number): void {
    const bytes = new DataView(this.#value.buffer);
    // struct linger: on, no seconds.
    bytes.setUint32(0, 1, endianness() === 'LE');
    bytes.setUint32(4, 0, endianness() === 'LE');
    this.#libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, this.#libc.address(this.#value), 8);
  }

  #portOf(fd: number): number {
    const size = new DataView(this.#length.buffer);
    size.setUint32(0, this.#address.length, endianness() === 'LE');
    this.#calls.getsockname(fd, this.#libc.address(this.#address), this.#libc.address(this.#length));
    return this.#address.readUInt16BE(2);
  }

  #failure(): Chosen {
    const errno = this.#libc.errno();
    const name = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0];
    return { errno: name ?? `errno ${errno}` };
  }
}

function socketAddress(port: number): Uint8Array {
  const bytes = encodeSockaddr('ipv4', LOOPBACK, port, 0, endianness());
  if (bytes === null) throw new Error('loopback is no address');
  return bytes;
}
