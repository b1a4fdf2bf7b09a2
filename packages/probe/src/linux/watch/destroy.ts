// The kernel's messages about sockets that die, over NETLINK_SOCK_DIAG multicast (man sock_diag(7)). They need no
// rights and are about this network namespace alone.
import type { PortRange } from '@portolan/core';
import { type Death, readDeaths } from '../../parse/linux-diag-keys.ts';
import { type Libc, nativeBuffer, type WatchCalls } from '../native.ts';

const AF_NETLINK = 16;
/** SOCK_RAW | SOCK_CLOEXEC. */
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
/** SKNLGRP_INET_TCP_DESTROY, _UDP_, and both for IPv6: groups 1 to 4 (linux/sock_diag.h). */
const GROUPS = 0b1111;
/** struct sockaddr_nl. */
const ADDRESS_LENGTH = 12;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SO_ATTACH_FILTER = 26;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const ENOBUFS = 105;
const RECEIVE_BYTES = 1 << 16;
/** Room for some ten thousand messages that wait; by default there is some for a hundred and fifty. */
const WAITING_BYTES = 1 << 23;

/** An open subscription; `close` must be called. */
export interface Deaths {
  /** Descriptor that poll(2) can wait for. */
  readonly fd: number;
  /** What has come since the last time, and whether something did not fit; never waits. */
  read(): { deaths: Death[]; lost: boolean };
  close(): void;
}

/**
 * Subscribes to deaths: of sockets that never had a peer, or of all on some local ports. Connections come and go by
 * the thousand, so the kernel itself leaves out what nobody asked for. Errno where the kernel refuses.
 */
export function openDeaths(libc: Libc, calls: WatchCalls, ports: PortRange | null): Deaths | number {
  const fd = libc.socket(AF_NETLINK, SOCKET_TYPE, NETLINK_SOCK_DIAG);
  if (fd < 0) return libc.errno();
  const program = filterProgram(ports);
  const filter = nativeBuffer(16);
  filter.writeUInt16LE(program.length / 8, 0);
  filter.writeBigUInt64LE(BigInt(libc.address(program)), 8);
  const room = nativeBuffer(4);
  room.writeInt32LE(WAITING_BYTES, 0);
  // The first takes CAP_NET_ADMIN; the second gives as much as anybody may have (net.core.rmem_max).
  if (calls.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, libc.address(room), 4) < 0)
    calls.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, libc.address(room), 4);
  const address = nativeBuffer(ADDRESS_LENGTH);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(GROUPS, 8);
  if (
    calls.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, libc.address(filter), 16) < 0 ||
    calls.bind(fd, libc.address(address), ADDRESS_LENGTH) < 0
  ) {
    const errno = libc.errno();
    libc.close(fd);
    return errno;
  }
  const buffer = nativeBuffer(RECEIVE_BYTES);
  const bufferAddress = libc.address(buffer);
  return {
    fd,
    read() {
      const deaths: Death[] = [];
      let lost = false;
      for (;;) {
        const length = libc.recv(fd, bufferAddress, RECEIVE_BYTES, MSG_DONTWAIT);
        if (length > 0) {
          readDeaths(buffer, length, (death) => deaths.push(death));
          continue;
        }
        const errno = length < 0 ? libc.errno() : 0;
        if (errno === EINTR) continue;
        if (errno !== ENOBUFS) return { deaths, lost };
        lost = true;
      }
    },
    close() {
      libc.close(fd);
    },
  };
}

/** Classic BPF (linux/filter.h): load a half word or a word, jumps, return. */
const LOAD_HALF = 0x28;
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ABOVE = 0x25;
const RETURN = 0x06;
/** Offsets of the ports in a message: struct nlmsghdr, then struct inet_diag_msg. */
const LOCAL_PORT = 20;
const PEER_PORT = 22;
/** Four words; all are zero for a socket that never had a peer, while a reset takes away the port alone. */
const PEER_ADDRESS = [40, 44, 48, 52] as const;

type Instruction = readonly [code: number, yes: number, no: number, value: number];

function filterProgram(ports: PortRange | null): Buffer {
  const code: readonly Instruction[] =
    ports === null
      ? [
          [LOAD_HALF, 0, 0, PEER_PORT],
          [JUMP_EQUAL, 0, 9, 0],
          ...PEER_ADDRESS.flatMap((at, index): Instruction[] => [
            [LOAD_WORD, 0, 0, at],
            [JUMP_EQUAL, 0, 7 - 2 * index, 0],
          ]),
          [RETURN, 0, 0, 0xffffffff],
          [RETURN, 0, 0, 0],
        ]
      : [
          [LOAD_HALF, 0, 0, LOCAL_PORT],
          [JUMP_AT_LEAST, 0, 2, ports[0]],
          [JUMP_ABOVE, 1, 0, ports[1]],
          [RETURN, 0, 0, 0xffffffff],
          [RETURN, 0, 0, 0],
        ];
  const program = nativeBuffer(code.length * 8);
  for (const [index, [operation, yes, no, value]] of code.entries()) {
    program.writeUInt16LE(operation, index * 8);
    program[index * 8 + 2] = yes;
    program[index * 8 + 3] = no;
    program.writeUInt32LE(value, index * 8 + 4);
  }
  return program;
}
