// Bare sockets for the forecast's trials: what Node's own would add (SO_REUSEADDR, an event loop) is part of the
// question there.
import { createRequire } from 'node:module';

// koffi is the probe's dependency; from here it is found through the probe.
const koffi = createRequire(new URL('../../packages/probe/package.json', import.meta.url))('koffi');
const libc = koffi.load(null);
const sys = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const uint8_t *, uint32_t)'),
  listen: libc.func('int listen(int, int)'),
  connect: libc.func('int connect(int, const uint8_t *, uint32_t)'),
  accept: libc.func('int accept4(int, void *, void *, int)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
  getsockname: libc.func('int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
  close: libc.func('int close(int)'),
};

const AF_INET = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_LINGER = 13;
const ONE = Buffer.from([1, 0, 0, 0]);
/** struct linger: on, for no time, so that close() resets the connection and nothing waits. */
const NO_LINGER = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

function check(result, what) {
  if (result < 0) throw new Error(`${what}: errno ${koffi.errno()}`);
  return result;
}

/** struct sockaddr_in of a dotted address and a port. */
function name(address, port) {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}

/** A socket of `type` 1 (TCP) or 2 (UDP). */
export function open(type, { reuse = false } = {}) {
  const fd = check(sys.socket(AF_INET, type | SOCK_CLOEXEC, 0), 'socket');
  if (reuse) check(sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, ONE, 4), 'SO_REUSEADDR');
  return fd;
}

/** True where it could be bound. */
export function bind(fd, address, port) {
  return sys.bind(fd, name(address, port), 16) === 0;
}

/** True where it listens now. */
export function listen(fd, backlog) {
  return sys.listen(fd, backlog) === 0;
}

export function connect(fd, address, port) {
  check(sys.connect(fd, name(address, port), 16), `connect to ${address}:${port}`);
}

export function accept(fd) {
  return check(sys.accept(fd, null, null, SOCK_CLOEXEC), 'accept');
}

/** The local port. */
export function portOf(fd) {
  const bytes = Buffer.alloc(16);
  check(sys.getsockname(fd, bytes, [16]), 'getsockname');
  return bytes.readUInt16BE(2);
}

export function close(fd) {
  check(sys.close(fd), 'close');
}

/** Closes with a reset: neither end waits. */
export function reset(fd) {
  check(sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, NO_LINGER, 8), 'SO_LINGER');
  close(fd);
}
