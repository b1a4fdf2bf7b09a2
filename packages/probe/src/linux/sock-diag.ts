// Asks the kernel for socket tables over NETLINK_SOCK_DIAG.
import type { Endpoint } from '@portolan/core';
import { encodeConnectionLookup, encodeListenerLookup } from '../parse/linux-diag-keys.ts';
import { type DumpRequest, encodeDumpRequest, readDumpBatch } from '../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { type Libc, nativeBuffer } from './native.ts';

const AF_NETLINK = 16;
/** SOCK_RAW | SOCK_CLOEXEC. */
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const EINTR = 4;
const EIO = 5;
/** One receive takes what fits: the kernel fills up to 32 KiB a message batch, more on request. */
const RECEIVE_BYTES = 1 << 18;

/** A dump that failed: errno as in errno(3). */
export interface DumpFailure {
  readonly request: DumpRequest;
  readonly errno: number;
}

/** An open sock_diag socket; `close` must be called. */
export interface SockDiag {
  /**
   * Asks for a list by another thread: the kernel goes through its tables before it takes the question for sent, as far as what
   * it finds has room in one answer. Nothing else may be asked before that is done, and then the same dump is to be made, which
   * does not ask again.
   */
  ask(request: DumpRequest): Promise<void>;
  /** Lists sockets; null when all went well. */
  dump(request: DumpRequest, onRow: (row: LinuxSocketRow) => void): DumpFailure | null;
  /** True where this very socket is found, in 3 µs and without any dump; false also where it cannot be found so. */
  finds(row: LinuxSocketRow): boolean;
  /** The row that the kernel has for a TCP connection, or for a listener where there is no such connection. */
  connection(local: Endpoint, peer: Endpoint): LinuxSocketRow | null;
  close(): void;
}

/** Opens a sock_diag socket, or null where the kernel or a sandbox refuses it. */
export function openSockDiag(libc: Libc): SockDiag | null {
  const fd = libc.socket(AF_NETLINK, SOCKET_TYPE, NETLINK_SOCK_DIAG);
  if (fd < 0) return null;
  const buffer = nativeBuffer(RECEIVE_BYTES);
  const bufferAddress = libc.address(buffer);
  const receive = (): number => {
    for (;;) {
      const length = libc.recv(fd, bufferAddress, RECEIVE_BYTES, 0);
      if (length >= 0 || libc.errno() !== EINTR) return length;
    }
  };
  /** What was asked for already. */
  let asked: Buffer | null = null;
  return {
    async ask(request) {
      const message = encodeDumpRequest(request);
      const sent = await libc.sendBeside(fd, libc.address(message), message.length, 0);
      // One that failed is asked again, and fails by itself.
      if (sent >= 0) asked = message;
    },
    finds(row) {
      // A listener that is bound to an interface, or is not TCP's, is found in other ways.
      if (row.transport !== 'tcp' || row.state !== 'LISTEN' || row.device !== null) return false;
      const message = encodeListenerLookup(row.family, row.local);
      if (message === null || libc.send(fd, libc.address(message), message.length, 0) < 0) return false;
      let same = false;
      readDumpBatch(buffer, Math.max(0, receive()), row.transport, ({ inode }) => {
        same = inode === row.inode;
      });
      return same;
    },
    connection(local, peer) {
      const message = encodeConnectionLookup(local, peer);
      if (message === null || libc.send(fd, libc.address(message), message.length, 0) < 0) return null;
      let found: LinuxSocketRow | null = null;
      readDumpBatch(buffer, Math.max(0, receive()), 'tcp', (row) => {
        found = row;
      });
      return found;
    },
    dump(request, onRow) {
      const message = encodeDumpRequest(request);
      const again = asked;
      asked = null;
      if (again !== null && !again.equals(message))
        throw new Error('the answer to another question is under way');
      if (again === null && libc.send(fd, libc.address(message), message.length, 0) < 0)
        return { request, errno: libc.errno() };
      for (;;) {
        const length = receive();
        if (length < 0) return { request, errno: libc.errno() };
        if (length === 0) return { request, errno: EIO };
        const progress = readDumpBatch(buffer, length, request.transport, onRow);
        if (progress.done) return progress.errno === 0 ? null : { request, errno: progress.errno };
      }
    },
    close() {
      libc.close(fd);
    },
  };
}
