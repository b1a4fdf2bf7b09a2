// Joins the kernel's lists with the processes' descriptors: one row for a socket, with all that have it.
import type { Owner, Socket } from '@portolan/core';
import type { SocketFd } from '../parse/darwin-libproc.ts';
import type { DarwinSocketRow } from '../parse/darwin-row.ts';
import { type DarwinTransport, type JudgedList, readList, TRANSPORTS } from './lists.ts';
import type { DarwinCalls } from './native.ts';
import { type DarwinProcesses, listPids, socketsOf } from './processes.ts';

/** A socket and the processes that were found to have it. */
interface Held {
  row: DarwinSocketRow;
  readonly pids: Set<number>;
  /** True where a list has it. */
  listed: boolean;
}

/** Sockets by what names them: the socket's own identity, or the generation of its control block. */
class Table {
  readonly all: Held[] = [];
  readonly #bySo = new Map<string, Held>();
  readonly #byGeneration = new Map<string, Held>();

  add(row: DarwinSocketRow, pid: number | null, listed: boolean): void {
    const known = this.find(row);
    if (known === undefined) {
      const held = { row, pids: new Set(pid === null ? [] : [pid]), listed };
      this.all.push(held);
      if (row.so !== null) this.#bySo.set(`${row.transport} ${row.so}`, held);
      this.#byGeneration.set(generationOf(row), held);
      return;
    }
    if (pid !== null) known.pids.add(pid);
    // A list knows user and last process besides; a descriptor was asked later, and knows the state better.
    if (listed && !known.listed) known.row = { ...row, state: known.row.state, peer: known.row.peer };
    known.listed ||= listed;
  }

  find(row: DarwinSocketRow): Held | undefined {
    const same = row.so === null ? undefined : this.#bySo.get(`${row.transport} ${row.so}`);
    const held = same ?? this.#byGeneration.get(generationOf(row));
    return held?.row.local.port === row.local.port ? held : undefined;
  }
}

function generationOf({ transport, generation, local }: DarwinSocketRow): string {
  return `${transport} ${generation} ${local.port}`;
}

/** What the join came to. */
export interface Joined {
  readonly sockets: readonly Socket[];
  /** Processes that may not be looked into. */
  readonly refused: ReadonlySet<number>;
  /** Sockets whose process was not seen. */
  readonly ownerless: number;
  /** Answers about descriptors that could not be read. */
  readonly broken: number;
  /** False where processes could not be listed at all. */
  readonly walked: boolean;
}

/** States that a process leaves behind: nobody has the socket any more. */
const LEFT_BEHIND: ReadonlySet<string> = new Set([
  'TIME_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
]);

/** All sockets that lists and descriptors show, of those that `wanted` takes. */
export function joinSockets(
  calls: DarwinCalls,
  lists: Readonly<Record<DarwinTransport, JudgedList>>,
  wanted: (row: DarwinSocketRow) => boolean,
  processes: DarwinProcesses,
): Joined {
  const table = new Table();
  for (const transport of TRANSPORTS) {
    for (const row of lists[transport].list.rows) if (wanted(row)) table.add(row, null, true);
  }
  const refused = new Set<number>();
  let broken = 0;
  const walk = (pid: number): void => {
    const found = socketsOf(calls, pid);
    if (found.refused) refused.add(pid);
    broken += found.broken;
    for (const socket of found.sockets) if (isWanted(socket, wanted)) table.add(socket.row, pid, false);
  };
  const pids = listPids(calls);
  for (const pid of pids ?? []) walk(pid);
  // One that was passed on while processes were walked is where the kernel saw it used last.
  const again = new Set<number>();
  for (const { row, pids: holders } of table.all)
    if (holders.size === 0 && row.lastPid > 0) again.add(row.lastPid);
  for (const pid of again) if (!refused.has(pid)) walk(pid);
  const gone = goneMeanwhile(calls, table, lists);
  const complete = pids !== null && refused.size === 0;
  let ownerless = 0;
  const sockets = table.all
    .filter((held) => !gone.has(held))
    .map((held) => {
      const socket = toSocket(held, complete, refused, processes);
      if (socket.inode !== 0 && socket.owners.every(({ inferred }) => inferred)) ownerless++;
      return socket;
    });
  return { sockets, refused, ownerless, broken, walked: pids !== null };
}

function isWanted(
  socket: SocketFd,
  wanted: (row: DarwinSocketRow) => boolean,
): socket is Extract<SocketFd, { kind: 'row' }> {
  return socket.kind === 'row' && wanted(socket.row);
}

/** Listed sockets without a process that a second look at the list no longer has: they were closed while we looked. */
function goneMeanwhile(
  calls: DarwinCalls,
  table: Table,
  lists: Readonly<Record<DarwinTransport, JudgedList>>,
): ReadonlySet<Held> {
  const gone = new Set<Held>();
  for (const transport of TRANSPORTS) {
    const unowned = table.all.filter(
      (held) => held.listed && held.pids.size === 0 && held.row.transport === transport,
    );
    if (unowned.length === 0 || lists[transport].worth !== 'complete') continue;
    const now = readList(calls, transport);
    // A second look that failed says nothing about what is gone.
    if (!now.whole) continue;
    const still = new Set(now.rows.map((row) => table.find(row)));
    for (const held of unowned) if (!still.has(held)) gone.add(held);
  }
  return gone;
}

function toSocket(
  { row, pids }: Held,
  complete: boolean,
  refused: ReadonlySet<number>,
  processes: DarwinProcesses,
): Socket {
  const seen = ownersOf([...pids], false, processes);
  // Whoever used it last, where nobody was seen: often the owner, and never sure.
  const last = row.effectivePid > 0 ? row.effectivePid : row.lastPid;
  const left = LEFT_BEHIND.has(row.state) && seen.length === 0 && (row.state === 'TIME_WAIT' || complete);
  const owners = seen.length > 0 || left || last === 0 ? seen : ownersOf([last], true, processes);
  return {
    transport: row.transport,
    family: row.family,
    local: row.local,
    peer: row.peer,
    state: row.state,
    inode: left ? 0 : inodeOf(row),
    uid: left ? null : row.uid,
    user: left || row.uid === null ? null : processes.userName(row.uid),
    freeInMs: null,
    ipv6Only: row.ipv6Only,
    owners,
    ownersComplete: complete || left,
    moreOwners: seen.length > 0 && row.lastPid > 0 && !pids.has(row.lastPid) && refused.has(row.lastPid),
    kernel: false,
    namespace: null,
    device: row.device,
    mptcp: false,
    activation: null,
    publishes: null,
  };
}

/** A number that tells the socket from others of its transport from look to look: its control block's generation. */
function inodeOf({ generation }: DarwinSocketRow): number {
  const number = Number(generation);
  return Number.isSafeInteger(number) && number > 0 ? number : -1;
}

function ownersOf(pids: readonly number[], inferred: boolean, processes: DarwinProcesses): Owner[] {
  return pids.map((pid) => processes.owner(pid, inferred)).filter((owner) => owner !== null);
}
