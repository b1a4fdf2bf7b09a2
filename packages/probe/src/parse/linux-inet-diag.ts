// sock_diag bytes (man sock_diag(7), include/uapi/linux/inet_diag.h): requests out, socket rows in.
import type { PortRange } from '@portolan/core';
import { formatIpv4, formatIpv6 } from './address.ts';
import { type DiagTransport, type LinuxSocketRow, uidIsMeaningless } from './linux-row.ts';
import { linuxSocketState, TCP_BOUND_INACTIVE, TCP_CLOSE, TCP_TIME_WAIT } from './linux-tcp-states.ts';

const NLMSG_HEADER = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOCK_DIAG_BY_FAMILY = 20;
/** The older request, which asks for TCP of both families in one pass over the tables. */
const TCPDIAG_GETSOCK = 18;
const OLD_REQUEST_LENGTH = 76;
/** NLM_F_REQUEST | NLM_F_DUMP. */
const FLAGS_DUMP = 0x301;
const REQUEST_LENGTH = 72;
/** sizeof(struct inet_diag_msg). */
const DIAG_MSG = 72;
const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_REQ_PROTOCOL = 3;
/** Too large for the request's own field of eight bits. */
const IPPROTO_MPTCP = 262;
const INET_DIAG_SKV6ONLY = 11;
const INET_DIAG_CGROUP_ID = 21;
const INET_DIAG_SOCKOPT = 22;
/** bind_address_no_port: first bit of the second byte of struct inet_diag_sockopt. */
const NO_PORT = 1 << 8;
const AF_INET = 2;
const AF_INET6 = 10;
/** IP protocol numbers (include/uapi/linux/in.h). */
const PROTOCOL: Readonly<Record<DiagTransport, number>> = { tcp: 6, udp: 17, sctp: 132 };
/** Source-port comparisons of the bytecode (INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE). */
const BC_S_GE = 2;
const BC_S_LE = 3;

/** Every state, bound-inactive included (kernels before 6.8 ignore that bit). */
export const ALL_STATES: number = 0xfff | (1 << TCP_BOUND_INACTIVE);

/** Those of sockets that wait for others: TCP_LISTEN, TCP_CLOSE (unconnected UDP), TCP_BOUND_INACTIVE. */
export const SERVING_STATES: number = (1 << 10) | (1 << TCP_CLOSE) | (1 << TCP_BOUND_INACTIVE);

/** What to list in one dump. */
export interface DumpRequest {
  /** `both` for TCP only. */
  readonly family: 'ipv4' | 'ipv6' | 'both';
  readonly transport: DiagTransport;
  /** Bit mask over state numbers. */
  readonly states: number;
  /** Local ports to keep; null keeps all. */
  readonly ports: PortRange | null;
  /** Multipath TCP's own list: sockets as programs hold them, with the inodes that their TCP sockets show as well. */
  readonly multipath?: boolean;
}

/**
 * A dump request. One port goes into the plain source-port field, which the kernel compares more cheaply; a
 * run of ports needs the comparison bytecode.
 */
export function encodeDumpRequest(request: DumpRequest): Buffer {
  const program =
    request.ports !== null && request.ports[0] !== request.ports[1] ? encodeRange(request.ports) : null;
  if (request.family === 'both') return encodeOldRequest(request, program);
  const protocolAt = REQUEST_LENGTH + (program === null ? 0 : 4 + program.length);
  const length = protocolAt + (request.multipath === true ? 8 : 0);
  // Buffer.alloc of a large size would leave the pool; an own ArrayBuffer keeps the address stable for FFI.
  const out = Buffer.from(new ArrayBuffer(length));
  out.writeUInt32LE(length, 0);
  out.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  out.writeUInt16LE(FLAGS_DUMP, 6);
  out[16] = request.family === 'ipv4' ? AF_INET : AF_INET6;
  out[17] = PROTOCOL[request.transport];
  out.writeUInt32LE(request.states >>> 0, 20);
  if (request.ports !== null && program === null) out.writeUInt16BE(request.ports[0], 24);
  // INET_DIAG_NOCOOKIE: the socket is not chosen by cookie.
  out.writeUInt32LE(0xffffffff, 64);
  out.writeUInt32LE(0xffffffff, 68);
  if (program !== null) {
    out.writeUInt16LE(4 + program.length, REQUEST_LENGTH);
    out.writeUInt16LE(INET_DIAG_REQ_BYTECODE, REQUEST_LENGTH + 2);
    program.copy(out, REQUEST_LENGTH + 4);
  }
  if (request.multipath === true) {
    out.writeUInt16LE(8, protocolAt);
    out.writeUInt16LE(INET_DIAG_REQ_PROTOCOL, protocolAt + 2);
    out.writeUInt32LE(IPPROTO_MPTCP, protocolAt + 4);
  }
  return out;
}

/** struct inet_diag_req in place of inet_diag_req_v2: the socket's id stands four bytes earlier. */
function encodeOldRequest({ states, ports }: DumpRequest, program: Buffer | null): Buffer {
  const length = OLD_REQUEST_LENGTH + (program === null ? 0 : 4 + program.length);
  const out = Buffer.from(new ArrayBuffer(length));
  out.writeUInt32LE(length, 0);
  out.writeUInt16LE(TCPDIAG_GETSOCK, 4);
  out.writeUInt16LE(FLAGS_DUMP, 6);
  if (ports !== null && program === null) out.writeUInt16BE(ports[0], 20);
  out.writeUInt32LE(0xffffffff, 60);
  out.writeUInt32LE(0xffffffff, 64);
  out.writeUInt32LE(states >>> 0, 68);
  if (program !== null) {
    out.writeUInt16LE(4 + program.length, OLD_REQUEST_LENGTH);
    out.writeUInt16LE(INET_DIAG_REQ_BYTECODE, OLD_REQUEST_LENGTH + 2);
    program.copy(out, OLD_REQUEST_LENGTH + 4);
  }
  return out;
}

/** Bytecode that accepts `first <= source port <= last`: each test is two 4-byte words, code and operand. */
function encodeRange([first, last]: PortRange): Buffer {
  const op = (code: number, no: number, port: number): Buffer => {
    const word = Buffer.alloc(8);
    word[0] = code;
    word[1] = 8;
    word.writeUInt16LE(no, 2);
    word.writeUInt16LE(port, 6);
    return word;
  };
  // A failed test jumps four bytes past the end of the program, which the kernel reads as "reject".
  return Buffer.concat([op(BC_S_GE, 20, first), op(BC_S_LE, 12, last)]);
}

/** How a batch of messages ended. `errno` is positive, as in errno(3). */
export type DumpProgress = { readonly done: false } | { readonly done: true; readonly errno: number };

/**
 * Reads the messages of one receive buffer, handing each socket to `onRow`. Messages cut short are an error
 * of the caller's buffer and end the dump with EBADMSG (74), never with rows silently missing.
 */
export function readDumpBatch(
  bytes: Buffer,
  length: number,
  transport: DiagTransport,
  onRow: (row: LinuxSocketRow) => void,
): DumpProgress {
  const malformed: DumpProgress = { done: true, errno: 74 };
  const words = wordsOf(bytes);
  let at = 0;
  while (at + NLMSG_HEADER <= length) {
    const size = words[at >> 2] ?? 0;
    const type = (words[(at >> 2) + 1] ?? 0) & 0xffff;
    if (size < NLMSG_HEADER || at + size > length) return malformed;
    if (type === NLMSG_DONE) {
      // The kernel puts the dump's own error code into the DONE message.
      return { done: true, errno: size >= 20 ? -((words[(at + 16) >> 2] ?? 0) | 0) : 0 };
    }
    if (type === NLMSG_ERROR)
      return { done: true, errno: size >= 20 ? -((words[(at + 16) >> 2] ?? 0) | 0) : 74 };
    if (type === SOCK_DIAG_BY_FAMILY || type === TCPDIAG_GETSOCK) {
      if (size < NLMSG_HEADER + DIAG_MSG) return malformed;
      onRow(readSocket(bytes, words, (at + NLMSG_HEADER) >> 2, (at + size) >> 2, transport));
    }
    at += (size + 3) & ~3;
  }
  // Bytes too few for a header are the beginning of a message that was cut short.
  return at < length ? malformed : { done: false };
}

/**
 * The bytes as little-endian words: netlink aligns everything to four bytes, and a word is one step of the interpreter
 * where four bytes are a dozen. That matters for the first ten thousand sockets, which are read before anything is
 * compiled.
 */
function wordsOf(bytes: Buffer): Uint32Array {
  const aligned = (bytes.byteOffset & 3) === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/** Reads struct inet_diag_msg at word `at` and the attributes after it, up to word `end`. */
function readSocket(
  bytes: Buffer,
  words: Uint32Array,
  at: number,
  end: number,
  transport: DiagTransport,
): LinuxSocketRow {
  const head = words[at] ?? 0;
  const ipv4 = (head & 0xff) === AF_INET;
  const stateNumber = (head >>> 8) & 0xff;
  const ports = words[at + 1] ?? 0;
  const peerPort = swapped(ports >>> 16);
  const inode = words[at + 17] ?? 0;
  // Asked for TCP_BOUND_INACTIVE, the kernel answers with the state the socket is in: CLOSE. No other closed
  // socket is listed while it is open. One whose connection was reset still shows its late peer.
  const closed = stateNumber === TCP_CLOSE && inode !== 0;
  const bound = closed && (transport === 'tcp' || (transport === 'sctp' && peerPort === 0));
  const state = bound ? 'BOUND' : linuxSocketState(transport, stateNumber, peerPort !== 0);
  let ipv6Only: boolean | null = null;
  let cgroupId: number | null = null;
  let noPort = false;
  for (let attr = at + (DIAG_MSG >> 2); attr < end; ) {
    const header = words[attr] ?? 0;
    const attrLength = header & 0xffff;
    const attrType = header >>> 16;
    if (attrLength < 4 || attr + ((attrLength + 3) >> 2) > end) break;
    if (attrType === INET_DIAG_SKV6ONLY && attrLength >= 5) ipv6Only = ((words[attr + 1] ?? 0) & 0xff) !== 0;
    if (attrType === INET_DIAG_CGROUP_ID && attrLength >= 12)
      cgroupId = (words[attr + 1] ?? 0) + (words[attr + 2] ?? 0) * 2 ** 32;
    if (attrType === INET_DIAG_SOCKOPT && attrLength >= 6) noPort = ((words[attr + 1] ?? 0) & NO_PORT) !== 0;
    attr += (attrLength + 3) >> 2;
  }
  const device = words[at + 10] ?? 0;
  const row: LinuxSocketRow = {
    transport,
    family: ipv4 ? 'ipv4' : 'ipv6',
    local: { address: addressAt(bytes, words, at + 2, ipv4), port: swapped(ports & 0xffff) },
    peer: peerPort === 0 || bound ? null : { address: addressAt(bytes, words, at + 6, ipv4), port: peerPort },
    state,
    inode,
    uid: uidIsMeaningless(state, inode) ? null : (words[at + 16] ?? 0),
    // FIN_WAIT2 runs on the same timer, but what follows it is TIME_WAIT and not a free port.
    freeInMs: transport === 'tcp' && stateNumber === TCP_TIME_WAIT ? (words[at + 13] ?? 0) : null,
    ipv6Only: ipv4 ? null : ipv6Only,
    cgroupId,
    device: device === 0 ? null : String(device),
    mptcp: false,
  };
  // Rarely set: rows without it keep one shape.
  return noPort ? { ...row, noPort } : row;
}

/** Sixteen bits the other way round. */
function swapped(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}

/** Texts of IPv4 addresses, which are few even where sockets are many. */
const texts = new Map<number, string>();
const TEXTS_KEPT = 4096;

function addressAt(bytes: Buffer, words: Uint32Array, at: number, ipv4: boolean): string {
  if (!ipv4) return formatIpv6(bytes, at << 2);
  const number = words[at] ?? 0;
  let text = texts.get(number);
  if (text === undefined) {
    if (texts.size >= TEXTS_KEPT) texts.clear();
    text = formatIpv4(bytes, at << 2);
    texts.set(number, text);
  }
  return text;
}
