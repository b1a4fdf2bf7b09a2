// From sockets to holders and a verdict: what kind of hold each socket is, and may the port be called free.
import type { PortRange, Transport } from '../model/port.ts';
import { inRange } from '../model/port.ts';
import { HOLDER_KINDS, type Holder, type HolderKind, type Use } from '../model/report.ts';
import type { Exclusion, NetNamespace, Redirect, Snapshot, Socket } from '../model/socket.ts';

/** States in which no process has the socket any more (RFC 9293 s3.3.2). */
const OWNERLESS_STATES: ReadonlySet<string> = new Set([
  'TIME_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
  'CLOSE',
]);

/** What kind of hold this socket is. */
export function holderKind(socket: Socket): HolderKind {
  if (socket.kernel) return 'kernel';
  if (socket.state === 'LISTEN' || socket.state === 'UNCONN') return 'listener';
  if (socket.state === 'BOUND') return 'bound';
  if (socket.state === 'TIME_WAIT') return 'closing';
  if (socket.inode === 0 && OWNERLESS_STATES.has(socket.state)) return 'closing';
  // A TCP socket in CLOSE with a local port and a process is one that was bound and is not in use.
  if (socket.state === 'CLOSE' && socket.peer === null) return 'bound';
  return 'connection';
}

/** The holder that a socket is, as if it were alone; `holdersOf` counts those that share an endpoint. */
export function toHolder(socket: Socket): Holder {
  return holderIn(socket, 1);
}

/** The holder that a socket is, one of `group` that share an endpoint. */
function holderIn(socket: Socket, group: number): Holder {
  return {
    kind: holderKind(socket),
    transport: socket.transport,
    local: socket.local,
    peer: socket.peer,
    state: socket.state,
    freeInMs: socket.freeInMs,
    namespace: socket.namespace,
    uid: socket.uid,
    user: socket.user,
    ipv6Only: socket.ipv6Only,
    owners: socket.owners,
    device: socket.device,
    mptcp: socket.mptcp,
    group,
    activation: socket.activation,
    publishes: socket.publishes,
    redirect: null,
    inode: socket.inode,
    ownerHidden: socket.moreOwners || (socket.owners.length === 0 && socket.inode !== 0 && !socket.kernel),
  };
}

/** The holder that a rule is, for the ports that are asked about. */
export function redirectHolder(redirect: Redirect, ports: PortRange | null): Holder {
  const any = redirect.family === 'ipv6' ? '::' : '0.0.0.0';
  const port = ports === null ? redirect.ports[0] : Math.max(redirect.ports[0], ports[0]);
  const { target } = redirect;
  return {
    kind: 'redirect',
    transport: redirect.transport,
    local: { address: redirect.address ?? any, port },
    peer: { address: target.address ?? any, port: target.port ?? port },
    state: 'REDIRECT',
    freeInMs: null,
    namespace: null,
    uid: null,
    user: null,
    ipv6Only: null,
    owners: [],
    device: null,
    mptcp: false,
    group: 1,
    activation: null,
    publishes: redirect.publishes,
    redirect,
    inode: 0,
    ownerHidden: false,
  };
}

/** The holder that a range is which the system keeps back, for the ports that are asked about. */
function exclusionHolder(exclusion: Exclusion, ports: PortRange | null): Holder {
  const [first] = exclusion.ports;
  return {
    kind: 'excluded',
    transport: exclusion.transport,
    local: {
      address: exclusion.family === null ? '*' : exclusion.family === 'ipv6' ? '::' : '0.0.0.0',
      port: ports === null ? first : Math.max(first, ports[0]),
    },
    peer: null,
    state: 'EXCLUDED',
    freeInMs: null,
    namespace: null,
    uid: null,
    user: null,
    // The lists of the two families are apart.
    ipv6Only: exclusion.family === 'ipv6' ? true : null,
    owners: [],
    device: null,
    mptcp: false,
    group: 1,
    activation: null,
    publishes: null,
    redirect: null,
    exclusion,
    inode: 0,
    ownerHidden: false,
  };
}

/** Holders in the order they are shown: here before elsewhere, then by port, kind, transport and address. */
export function holdersOf(
  snapshot: Snapshot,
  ports: PortRange | null,
  transports: readonly Transport[],
): Holder[] {
  const holders: Holder[] = [];
  holdersInTurn(
    snapshot,
    ports,
    transports,
  )((holder) => {
    holders.push(holder);
    return true;
  });
  return holders;
}

/**
 * The same one at a time: whoever writes them as they come never has 45,000 of them at once. The result hands them to
 * `take` until that returns false, goes on from there when it is called again, and tells whether there may be more. It is no
 * generator, for that takes longer to go on than most holders take to be written.
 */
export function holdersInTurn(
  snapshot: Snapshot,
  ports: PortRange | null,
  transports: readonly Transport[],
): (take: (holder: Holder) => boolean) => boolean {
  const entries: Entry[] = snapshot.sockets.filter(
    (socket) =>
      (ports === null || inRange(socket.local.port, ports)) && transports.includes(socket.transport),
  );
  for (const redirect of snapshot.redirects) {
    if (ports !== null && (redirect.ports[0] > ports[1] || redirect.ports[1] < ports[0])) continue;
    if (transports.includes(redirect.transport)) entries.push(redirectHolder(redirect, ports));
  }
  for (const exclusion of snapshot.exclusions ?? []) {
    if (ports !== null && (exclusion.ports[0] > ports[1] || exclusion.ports[1] < ports[0])) continue;
    if (transports.includes(exclusion.transport)) entries.push(exclusionHolder(exclusion, ports));
  }
  const keys = sortedKeys(entries);
  const count = entries.length;
  let next = 0;
  return (take) => {
    for (let first = next; first < count; first = next) {
      const key = keys[2 * first + HIGH];
      next = first + 1;
      while (next < count && keys[2 * next + HIGH] === key) next++;
      const entry = entries[keys[2 * first + LOW] ?? 0];
      let more = true;
      if (next - first === 1 && entry !== undefined) more = take(holderFrom(entry, 1));
      else for (const holder of alike(entries, keys, first, next)) more = take(holder);
      if (!more) return true;
    }
    return false;
  };
}

/** What is put in order: sockets, which are smaller than their holders, and the holders that rules are. */
type Entry = Socket | Holder;

function kindOf(entry: Entry): HolderKind {
  return 'kind' in entry ? entry.kind : holderKind(entry);
}

function holderFrom(entry: Entry, group: number): Holder {
  return 'kind' in entry ? entry : holderIn(entry, group);
}

const KIND_RANK: Readonly<Record<HolderKind, number>> = Object.fromEntries(
  HOLDER_KINDS.map((kind, rank) => [kind, rank]),
) as Record<HolderKind, number>;

/** By the alphabet. */
const TRANSPORT_RANK: Readonly<Record<Transport, number>> = { dccp: 0, sctp: 1, tcp: 2, udp: 3 };

/** Which of the two 32-bit words of a 64-bit number counts less, as this machine has them in memory. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/**
 * One 64-bit number for each entry, sorted: the high word is what it is put in order by, the low one its place. That
 * takes a fifth of the time of comparing 45,000 entries field by field, which is left for those whose high words
 * are the same.
 */
function sortedKeys(entries: readonly Entry[]): Uint32Array {
  const { ranks, count } = addressRanks(entries);
  // More addresses than the word has room for are compared as text.
  const digits = count * FIRST_DIGITS <= 2 ** 32 ? count : 1;
  const keys = new BigUint64Array(entries.length);
  const words = new Uint32Array(keys.buffer);
  entries.forEach((entry, place) => {
    words[2 * place + LOW] = place;
    words[2 * place + HIGH] = firstDigits(entry) * digits + (digits === 1 ? 0 : (ranks[place] ?? 0));
  });
  keys.sort();
  return words;
}

const PORTS = 1 << 16;
const TRANSPORT_COUNT = 4;
/** More than any first digits are. */
const FIRST_DIGITS = 2 * PORTS * HOLDER_KINDS.length * TRANSPORT_COUNT;

function firstDigits(entry: Entry): number {
  const place = (entry.namespace === null ? 0 : PORTS) + entry.local.port;
  return (
    (place * HOLDER_KINDS.length + KIND_RANK[kindOf(entry)]) * TRANSPORT_COUNT +
    TRANSPORT_RANK[entry.transport]
  );
}

/** For each entry the place of its local address among them all, and how many they are. */
function addressRanks(entries: readonly Entry[]): { ranks: Uint32Array; count: number } {
  const numbers = new Map<string, number>();
  const ranks = new Uint32Array(entries.length);
  entries.forEach(({ local }, place) => {
    let number = numbers.get(local.address);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(local.address, number);
    }
    ranks[place] = number;
  });
  const rankOf = new Uint32Array(numbers.size);
  const sorted = [...numbers].sort(([a], [b]) => compareText(a, b));
  for (const [rank, [, number]] of sorted.entries()) rankOf[number] = rank;
  for (let place = 0; place < ranks.length; place++) ranks[place] = rankOf[ranks[place] ?? 0] ?? 0;
  return { ranks, count: numbers.size };
}

/**
 * Holders of entries that the number orders alike. Only with SO_REUSEPORT can two listeners have the very same endpoint
 * (man socket(7)); in order, they stand side by side and are counted.
 */
function alike(entries: readonly Entry[], keys: Uint32Array, first: number, end: number): Holder[] {
  const same: Entry[] = [];
  for (let at = first; at < end; at++) {
    const entry = entries[keys[2 * at + LOW] ?? 0];
    if (entry !== undefined) same.push(entry);
  }
  same.sort(compareRest);
  const holders: Holder[] = [];
  for (let from = 0; from < same.length; ) {
    let to = from + 1;
    while (to < same.length && sharesEndpoint(same[from], same[to])) to++;
    for (const entry of same.slice(from, to)) holders.push(holderFrom(entry, to - from));
    from = to;
  }
  return holders;
}

/** What the number does not tell. */
function compareRest(a: Entry, b: Entry): number {
  return (
    compareText(a.local.address, b.local.address) ||
    (a.peer?.port ?? 0) - (b.peer?.port ?? 0) ||
    (a.namespace === b.namespace ? 0 : compareText(namespaceKey(a.namespace), namespaceKey(b.namespace))) ||
    compareText(a.device ?? '', b.device ?? '')
  );
}

function sharesEndpoint(a: Entry | undefined, b: Entry | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    kindOf(a) === 'listener' &&
    kindOf(b) === 'listener' &&
    a.local.port === b.local.port &&
    a.local.address === b.local.address &&
    a.transport === b.transport &&
    a.device === b.device &&
    namespaceKey(a.namespace) === namespaceKey(b.namespace)
  );
}

function namespaceKey(namespace: NetNamespace | null): string {
  return namespace === null ? '' : `${namespace.inode ?? ''} ${namespace.process?.pid ?? ''}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The use as far as it is of one local address; rules and other namespaces stay, for they are never acted on. */
export function useAt(use: Use, address: string): Use {
  const holders = use.holders.filter(
    (holder) => holder.redirect !== null || holder.namespace !== null || holder.local.address === address,
  );
  const held = holders.some((holder) => holder.namespace === null);
  if (held || use.verdict !== 'held') return { ...use, holders };
  return { ...use, holders, verdict: use.gaps.some((gap) => gap.coversUse) ? 'unknown' : 'free' };
}

/**
 * Who is on these ports. The verdict is about this network namespace: what another one holds is shown and keeps
 * nobody here from the port. *Free* is only said where no gap could hide a holder.
 */
export function useOf(snapshot: Snapshot, ports: PortRange | null, transports: readonly Transport[]): Use {
  const holders = holdersOf(snapshot, ports, transports);
  const gaps = snapshot.gaps.filter(
    (gap) =>
      gap.transports.length === 0 || gap.transports.some((transport) => transports.includes(transport)),
  );
  const held = holders.some((holder) => holder.namespace === null);
  const verdict = held ? 'held' : gaps.some((gap) => gap.coversUse) ? 'unknown' : 'free';
  return { verdict, holders, gaps };
}
