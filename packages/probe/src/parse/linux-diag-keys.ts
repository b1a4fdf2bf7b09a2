// sock_diag messages about single sockets: whether a table has changed, whether a listener is there, who is at the other
// end of a connection, which socket died.
import type { Endpoint, Socket } from '@portolan/core';
import { formatIpv4, formatIpv6 } from './address.ts';
import type { DumpProgress } from './linux-inet-diag.ts';
import { linuxSocketState, TCP_CLOSE } from './linux-tcp-states.ts';
import { parseAddress } from './network.ts';

const NLMSG_HEADER = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOCK_DIAG_BY_FAMILY = 20;
/** sizeof(struct inet_diag_msg). */
const DIAG_MSG = 72;
/** EBADMSG: a message was cut short. */
const MALFORMED = 74;
const INET_DIAG_PROTOCOL = 10;
const AF_INET = 2;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const AF_INET6 = 10;
const NLM_F_REQUEST = 1;
const LOOKUP_LENGTH = 72;
/** Room for the state in a key. */
const STATES = 16;

/** Stands for a socket in its state, among those that a reader compares. */
export type Key = number | string;

/** Numbers of TCP states by name; the kernel shows a socket that is only bound as closed. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: 14 }, (_, state): [string, number] => [
    linuxSocketState('tcp', state, false),
    state,
  ]),
  ['UNCONN', TCP_CLOSE],
  ['BOUND', TCP_CLOSE],
]);

/** Reads a dump batch for nothing but what has changed since the last: keys, and their local ports. */
export function readDiagKeys(
  bytes: Buffer,
  length: number,
  onKey: (key: Key, port: number) => void,
): DumpProgress {
  return eachMessage(bytes, length, (at) => {
    const inode = bytes.readUInt32LE(at + 68);
    const state = (bytes[at + 1] ?? 0) % STATES;
    // Without an inode its addresses stand for it, as they are.
    const key = inode === 0 ? `${bytes.toString('latin1', at + 4, at + 40)}${state}` : inode * STATES + state;
    onKey(key, bytes.readUInt16BE(at + 4));
  });
}

/** The key that a dump gives for this socket; null for one without an inode. */
export function keyOfSocket({ inode, state }: Pick<Socket, 'inode' | 'state'>): Key | null {
  return inode === 0 ? null : inode * STATES + (NUMBERS.get(state) ?? 0);
}

/**
 * Asks for the listener that would take a connection to this address and port: quicker than any dump, for the kernel
 * finds it by its hash. Null where the address is none.
 */
export function encodeListenerLookup(family: 'ipv4' | 'ipv6', local: Endpoint): Buffer | null {
  const parsed = parseAddress(local.address);
  return parsed?.family === family ? encodeLookup(local, null) : null;
}

/**
 * Asks for the TCP socket that lies at `local` and is connected to `peer`. Where there is none the kernel may answer with
 * a listener in its place, which is not what was asked for. Null where an address is none, or both are not of one family.
 */
export function encodeConnectionLookup(local: Endpoint, peer: Endpoint): Buffer | null {
  return encodeLookup(local, peer);
}

/** struct inet_diag_req_v2 for one socket (man sock_diag(7)). */
function encodeLookup(local: Endpoint, peer: Endpoint | null): Buffer | null {
  const here = parseAddress(local.address);
  const there = peer === null ? null : parseAddress(peer.address);
  if (here === null || (peer !== null && there?.family !== here.family)) return null;
  // An own ArrayBuffer keeps the address stable for FFI.
  const out = Buffer.from(new ArrayBuffer(LOOKUP_LENGTH));
  out.writeUInt32LE(LOOKUP_LENGTH, 0);
  out.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  out.writeUInt16LE(NLM_F_REQUEST, 6);
  out[16] = here.family === 'ipv4' ? AF_INET : AF_INET6;
  out[17] = IPPROTO_TCP;
  out.writeUInt32LE(0xffffffff, 20);
  out.writeUInt16BE(local.port, 24);
  out.writeUInt16BE(peer?.port ?? 0, 26);
  const size = here.family === 'ipv4' ? 4 : 16;
  const byte = (number: bigint, index: number): number =>
    Number((number >> BigInt(8 * (size - 1 - index))) & 0xffn);
  for (let index = 0; index < size; index++) {
    out[28 + index] = byte(here.first, index);
    if (there !== null) out[44 + index] = byte(there.first, index);
  }
  // INET_DIAG_NOCOOKIE: the socket is not chosen by cookie.
  out.writeUInt32LE(0xffffffff, 64);
  out.writeUInt32LE(0xffffffff, 68);
  return out;
}

/** A socket of this network namespace that is no more. */
export interface Death {
  readonly transport: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  /**
   * True for one that never had a peer, as a listener. A connection that was reset or refused has lost the port of its
   * peer by now, and not the address (tcp_disconnect in net/ipv4/tcp.c).
   */
  readonly peerless: boolean;
}

/** Reads messages of the multicast groups SKNLGRP_INET_TCP_DESTROY and its like (linux/sock_diag.h). */
export function readDeaths(bytes: Buffer, length: number, onDeath: (death: Death) => void): DumpProgress {
  return eachMessage(bytes, length, (at, end) => {
    const protocol = protocolOf(bytes, at + DIAG_MSG, end);
    if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return;
    const family = bytes[at] === AF_INET ? 'ipv4' : 'ipv6';
    const format = family === 'ipv4' ? formatIpv4 : formatIpv6;
    onDeath({
      transport: protocol === IPPROTO_TCP ? 'tcp' : 'udp',
      family,
      local: { address: format(bytes, at + 8), port: bytes.readUInt16BE(at + 4) },
      peerless: bytes.readUInt16BE(at + 6) === 0 && isZero(bytes, at + 24, at + 40),
    });
  });
}

function isZero(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}

function protocolOf(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at + 4 <= end; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > end) return 0;
    if (bytes.readUInt16LE(at + 2) === INET_DIAG_PROTOCOL && length >= 5) return bytes[at + 4] ?? 0;
    at += (length + 3) & ~3;
  }
  return 0;
}

/** Hands on where each socket message begins and ends; messages cut short end it with EBADMSG. */
function eachMessage(
  bytes: Buffer,
  length: number,
  onMessage: (at: number, end: number) => void,
): DumpProgress {
  let at = 0;
  while (at + NLMSG_HEADER <= length) {
    const size = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    if (size < NLMSG_HEADER || at + size > length) return { done: true, errno: MALFORMED };
    if (type === NLMSG_DONE) return { done: true, errno: size >= 20 ? -bytes.readInt32LE(at + 16) : 0 };
    if (type === NLMSG_ERROR) {
      return { done: true, errno: size >= 20 ? -bytes.readInt32LE(at + 16) : MALFORMED };
    }
    if (type === SOCK_DIAG_BY_FAMILY) {
      if (size < NLMSG_HEADER + DIAG_MSG) return { done: true, errno: MALFORMED };
      onMessage(at + NLMSG_HEADER, at + size);
    }
    at += (size + 3) & ~3;
  }
  return at < length ? { done: true, errno: MALFORMED } : { done: false };
}
