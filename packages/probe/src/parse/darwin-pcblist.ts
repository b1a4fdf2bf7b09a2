// The sysctls net.inet.tcp.pcblist_n and net.inet.udp.pcblist_n (XNU bsd/netinet/in_pcblist.c): a header, then for each
// control block a run of records of which each says its length and kind, then a header again.
import { identityAt } from './darwin-libproc.ts';
import { type DarwinSocketRow, darwinState, endsOf, viewOf } from './darwin-row.ts';

/** sizeof(struct xinpgen); a record that is no longer than it ends the list. */
const HEADER_SIZE = 24;
/** Kinds of records (bsd/sys/socketvar.h). */
const XSO_SOCKET = 0x1;
const XSO_INPCB = 0x10;
const XSO_TCPCB = 0x20;
/** Bytes of each that are read; later systems may add more. */
const SOCKET_BYTES = 76;
const INPCB_BYTES = 92;
const TCPCB_BYTES = 40;

/** A control block that has no port: it is there, and that proves something. */
export interface UnboundSocket {
  readonly so: string | null;
  readonly generation: string;
  readonly uid: number;
  readonly lastPid: number;
}

/** What a list said. */
export interface PcbList {
  readonly rows: readonly DarwinSocketRow[];
  readonly unbound: readonly UnboundSocket[];
  /** Control blocks that the header counts (xig_count); null without a header. */
  readonly counted: number | null;
  /** False where the list breaks off: before its last header, within a record, or with a part of a socket missing. */
  readonly whole: boolean;
}

interface Parts {
  inpcb: Uint8Array | null;
  socket: Uint8Array | null;
  tcpcb: Uint8Array | null;
}

const PLACES = { localPort: 18, peerPort: 16, vflag: 44, local: 64, peer: 48 } as const;

/** Reads a list; records of kinds that are not known are passed over by their length. */
export function parsePcbList(bytes: Uint8Array, transport: 'tcp' | 'udp'): PcbList {
  const rows: DarwinSocketRow[] = [];
  const unbound: UnboundSocket[] = [];
  const view = viewOf(bytes);
  if (bytes.length < HEADER_SIZE || view.getUint32(0, true) < HEADER_SIZE) {
    return { rows, unbound, counted: null, whole: false };
  }
  const counted = view.getUint32(4, true);
  let parts: Parts = { inpcb: null, socket: null, tcpcb: null };
  let whole = true;
  let any = false;
  const finish = (): void => {
    if (!any) return;
    const found = socketOf(parts, transport);
    if (found === null) whole = false;
    else if ('local' in found) rows.push(found);
    else unbound.push(found);
    parts = { inpcb: null, socket: null, tcpcb: null };
    any = false;
  };
  let at = roundUp(view.getUint32(0, true));
  for (;;) {
    // Without any control block the kernel writes no second header; else a list without it was cut.
    if (counted === 0 && at === bytes.length) return { rows, unbound, counted, whole: true };
    if (at + 8 > bytes.length) return { rows, unbound, counted, whole: false };
    const length = view.getUint32(at, true);
    if (length <= HEADER_SIZE) {
      finish();
      return { rows, unbound, counted, whole: whole && length === HEADER_SIZE };
    }
    if (length > bytes.length - at) return { rows, unbound, counted, whole: false };
    const kind = view.getUint32(at + 4, true);
    const record = bytes.subarray(at, at + length);
    // Each control block begins with its inpcb.
    if (kind === XSO_INPCB) {
      finish();
      any = true;
      parts.inpcb = record;
    } else if (kind === XSO_SOCKET) parts.socket = record;
    else if (kind === XSO_TCPCB) parts.tcpcb = record;
    at += roundUp(length);
  }
}

/** Records are kept on boundaries of eight bytes; the header has 24. */
function roundUp(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function socketOf(
  { inpcb, socket, tcpcb }: Parts,
  transport: 'tcp' | 'udp',
): DarwinSocketRow | UnboundSocket | null {
  if (inpcb === null || inpcb.length < INPCB_BYTES || socket === null || socket.length < SOCKET_BYTES)
    return null;
  // Only TCP has one; what stands in its place elsewhere is not looked at.
  const tcp = transport === 'tcp' ? tcpcb : null;
  if (transport === 'tcp' && (tcp === null || tcp.length < TCPCB_BYTES)) return null;
  const about = viewOf(socket);
  const generation = viewOf(inpcb).getBigUint64(28, true).toString();
  const so = identityAt(about, 8);
  const uid = about.getUint32(64, true);
  const lastPid = Math.max(0, about.getInt32(68, true));
  const ends = endsOf(inpcb, about.getInt32(40, true), PLACES);
  if (ends === null) return { so, generation, uid, lastPid };
  const state = darwinState(transport, tcp === null ? 0 : viewOf(tcp).getInt32(36, true), ends.peer !== null);
  const effectivePid = Math.max(0, about.getInt32(72, true));
  return { transport, ...ends, state, so, generation, uid, lastPid, effectivePid };
}
