// The child process that tries binds: one wish as JSON a line on stdin, one result a line on stdout. Each socket is
// closed before the answer is written; nothing is ever accepted; the end of stdin ends it, so that it outlives nobody.
import { readSync, writeSync } from 'node:fs';
import { constants, endianness } from 'node:os';
import type { BindResult, BindStep, BindWish } from '@portolan/core';
import { encodeSockaddr } from '../parse/linux-sockaddr.ts';
import { type Libc, loadLibc, nativeBuffer } from './native.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** Whoever connects in the moment between listen and close is reset: nobody listened there before either. */
const BACKLOG = 0;

/** Longest request line. */
const LINE_LIMIT = 4096;

const WORKED: BindResult = { ok: true, errno: null, step: null, exact: true };

function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, value]) => value === errno);
  return found?.[0] ?? `errno ${errno}`;
}

/** By the system calls themselves: socket, the options, bind, listen, close. */
function tryNatively(libc: Libc, wish: BindWish): BindResult {
  const fail = (step: BindStep): BindResult => ({
    ok: false,
    errno: errnoName(libc.errno()),
    step,
    exact: true,
  });
  const address = encodeSockaddr(wish.family, wish.address, wish.port, wish.scope, endianness());
  if (address === null) return { ok: false, errno: 'EINVAL', step: 'bind', exact: true };
  const type = (wish.transport === 'tcp' ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC;
  const fd = libc.socket(wish.family === 'ipv4' ? AF_INET : AF_INET6, type, 0);
  if (fd < 0) return fail('socket');
  try {
    const value = nativeBuffer(4);
    const set = (level: number, name: number, on: boolean): boolean => {
      value.writeUInt32LE(0);
      if (on) value[endianness() === 'LE' ? 0 : 3] = 1;
      return libc.setsockopt(fd, level, name, libc.address(value), 4) === 0;
    };
    const { reuse } = wish;
    if (wish.v6only !== null && !set(IPPROTO_IPV6, IPV6_V6ONLY, wish.v6only)) return fail('option');
    if ((reuse === 'addr' || reuse === 'both') && !set(SOL_SOCKET, SO_REUSEADDR, true)) return fail('option');
    if ((reuse === 'port' || reuse === 'both') && !set(SOL_SOCKET, SO_REUSEPORT, true)) return fail('option');
    if (libc.bind(fd, libc.address(address), address.length) !== 0) return fail('bind');
    if (wish.listen && libc.listen(fd, BACKLOG) !== 0) return fail('listen');
    return WORKED;
  } finally {
    libc.close(fd);
  }
}

/** By Node's own sockets, which set SO_REUSEADDR on every TCP socket and SO_REUSEPORT on none. */
async function tryByNode(wish: BindWish): Promise<BindResult> {
  const host = wish.zone === null ? wish.address : `${wish.address}%${wish.zone}`;
  const exact = wish.reuse === 'addr' || (wish.reuse === 'none' && wish.transport === 'udp');
  const ipv6Only = wish.v6only === true;
  const error = await (wish.transport === 'tcp' ? listenOnce() : bindOnce());
  if (error === null) return { ...WORKED, exact };
  const errno = error.code ?? 'unknown error';
  // libuv keeps EADDRINUSE of bind(2) back until listen(2).
  const step = errno === 'EADDRINUSE' ? (wish.transport === 'udp' ? 'bind' : null) : 'bind';
  return { ok: false, errno, step, exact };

  async function listenOnce(): Promise<NodeJS.ErrnoException | null> {
    const { createServer } = await import('node:net');
    return new Promise((resolve) => {
      const server = createServer();
      server.once('error', resolve);
      server.listen({ host, port: wish.port, ipv6Only, exclusive: true, backlog: 1 }, () => {
        server.close(() => resolve(null));
      });
    });
  }
  async function bindOnce(): Promise<NodeJS.ErrnoException | null> {
    const { createSocket } = await import('node:dgram');
    return new Promise((resolve) => {
      const type = wish.family === 'ipv4' ? 'udp4' : 'udp6';
      const socket = createSocket({ type, ipv6Only, reuseAddr: wish.reuse !== 'none' });
      socket.once('error', (failure) => {
        socket.close();
        resolve(failure);
      });
      socket.bind({ address: host, port: wish.port, exclusive: true }, () => {
        socket.close(() => resolve(null));
      });
    });
  }
}

/** One line of stdin without its end; null at the end. Read a byte at a time: a request is short, and there are few. */
function readLine(): string | null {
  const byte = Buffer.alloc(1);
  const line: number[] = [];
  while (line.length < LINE_LIMIT) {
    if (readSync(0, byte, 0, 1, null) === 0) return null;
    if (byte[0] === 0x0a) return Buffer.from(line).toString('utf8');
    line.push(byte[0] ?? 0);
  }
  return null;
}

async function serve(): Promise<void> {
  const libc = process.argv[2] === 'native' && process.platform === 'linux' ? loadLibc() : null;
  for (let line = readLine(); line !== null; line = readLine()) {
    const wish = JSON.parse(line) as BindWish;
    const result = libc === null ? await tryByNode(wish) : tryNatively(libc, wish);
    writeSync(1, `${JSON.stringify(result)}\n`);
  }
}

void serve();
