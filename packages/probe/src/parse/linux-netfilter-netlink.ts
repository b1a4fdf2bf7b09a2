// nf_tables over netlink (include/uapi/linux/netfilter/nf_tables.h): may any chain send packets elsewhere?

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** struct nlmsghdr + struct nfgenmsg. */
const HEADERS = 20;
/** NFNL_SUBSYS_NFTABLES << 8, with NFT_MSG_NEWCHAIN and NFT_MSG_GETCHAIN. */
const SUBSYSTEM = 10 << 8;
const NEWCHAIN = SUBSYSTEM | 3;
const GETCHAIN = SUBSYSTEM | 4;
/** NLM_F_REQUEST | NLM_F_DUMP. */
const FLAGS_DUMP = 0x301;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
/** NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6. */
const FAMILIES: ReadonlySet<number> = new Set([1, 2, 10]);
/** NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT. */
const PREROUTING = 0;
const OUTPUT = 3;

/** Length of the request. */
export const CHAINS_REQUEST_LENGTH: number = HEADERS;

/** Writes the request for all chains of all families into `bytes`. */
export function writeChainsRequest(bytes: Buffer): void {
  bytes.fill(0, 0, HEADERS);
  bytes.writeUInt32LE(HEADERS, 0);
  bytes.writeUInt16LE(GETCHAIN, 4);
  bytes.writeUInt16LE(FLAGS_DUMP, 6);
}

/** What one batch of answers told. */
export interface ChainsBatch {
  /** A nat chain of prerouting or output, or a filter chain of prerouting, where tproxy may stand. */
  readonly found: boolean;
  readonly done: boolean;
  /** errno(3) where the kernel refused, else 0; EIO for an answer that cannot be read. */
  readonly errno: number;
}

const EIO = 5;

/** Reads one batch of `length` bytes; never throws, whatever the bytes. */
export function readChainsBatch(bytes: Buffer, length: number): ChainsBatch {
  let found = false;
  for (let at = 0; at < length; ) {
    if (at + 16 > length) return { found, done: true, errno: EIO };
    const size = bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    if (size < 16 || at + size > length) return { found, done: true, errno: EIO };
    if (type === NLMSG_DONE) return { found, done: true, errno: 0 };
    if (type === NLMSG_ERROR) {
      const errno = size >= HEADERS ? -bytes.readInt32LE(at + 16) : EIO;
      return { found, done: true, errno: errno > 0 ? errno : EIO };
    }
    if (type === NEWCHAIN && size >= HEADERS && FAMILIES.has(bytes.readUInt8(at + 16))) {
      found ||= isAble(bytes, at + HEADERS, at + size);
    }
    at += (size + 3) & ~3;
  }
  return { found, done: false, errno: 0 };
}

function isAble(bytes: Buffer, start: number, end: number): boolean {
  const hook = attribute(bytes, start, end, NFTA_CHAIN_HOOK);
  const type = attribute(bytes, start, end, NFTA_CHAIN_TYPE);
  // Only chains that the kernel itself calls have a hook.
  if (hook === null || type === null) return false;
  const number = attribute(bytes, hook.start, hook.end, NFTA_HOOK_HOOKNUM);
  if (number === null || number.end - number.start < 4) return false;
  const hooknum = bytes.readUInt32BE(number.start);
  const name = bytes.toString('latin1', type.start, type.end).replace(/\0.*$/s, '');
  if (name === 'nat') return hooknum === PREROUTING || hooknum === OUTPUT;
  return name === 'filter' && hooknum === PREROUTING;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** First attribute of this type between `start` and `end`; the two top bits of a type are flags. */
function attribute(bytes: Buffer, start: number, end: number, type: number): Span | null {
  for (let at = start; at + 4 <= end; ) {
    const size = bytes.readUInt16LE(at);
    if (size < 4 || at + size > end) return null;
    if ((bytes.readUInt16LE(at + 2) & 0x3fff) === type) return { start: at + 4, end: at + size };
    at += (size + 3) & ~3;
  }
  return null;
}
