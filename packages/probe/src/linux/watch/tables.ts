// The socket tables as a watch reads them: often, so that as little as can be is read, and whole where it must.
import { inRange, type PortRange, type Socket, type Transport } from '@portolan/core';
import { encodeListenerLookup, type Key, keyOfSocket, readDiagKeys } from '../../parse/linux-diag-keys.ts';
import { ALL_STATES, encodeDumpRequest } from '../../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../../parse/linux-row.ts';
import { TCP_BOUND_INACTIVE, TCP_CLOSE } from '../../parse/linux-tcp-states.ts';
import { type Libc, nativeBuffer } from '../native.ts';
import type { SockDiag } from '../sock-diag.ts';
import { readTables, type Tables } from '../tables.ts';
import type { Endpoint } from './ledger.ts';

const AF_NETLINK = 16;
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const EINTR = 4;
const RECEIVE_BYTES = 1 << 18;
const FAMILIES = ['ipv4', 'ipv6'] as const;
const TCP_LISTEN = 10;

/** Keys and their local ports. */
export type Keys = Map<Key, number>;

/** A part of the tables that is polled by itself, for each costs something else and changes for other reasons. */
export type PartName = 'udp' | 'tcp' | 'bound';

/** What is watched. */
export interface Scope {
  readonly ports: PortRange | null;
  readonly transports: readonly ('tcp' | 'udp')[];
  /** Every socket; else those that listen or are bound. */
  readonly all: boolean;
}

/** The scope of a request; sctp and dccp sockets are not read. */
export function scopeOf(ports: PortRange | null, transports: readonly Transport[], all: boolean): Scope {
  return {
    ports,
    transports: transports.filter((transport) => transport === 'tcp' || transport === 'udp'),
    all,
  };
}

/** The parts that a scope has; sockets that are only bound show in sock_diag alone. */
export function partsOf({ transports }: Scope, diag: boolean): PartName[] {
  return [
    ...(transports.includes('udp') ? (['udp'] as const) : []),
    ...(transports.includes('tcp') ? (diag ? (['tcp', 'bound'] as const) : (['tcp'] as const)) : []),
  ];
}

/** The part that lists this socket. */
export function partOf({ transport, state }: Pick<Socket, 'transport' | 'state'>): PartName {
  return transport === 'udp' ? 'udp' : state === 'BOUND' ? 'bound' : 'tcp';
}

function statesOf({ all }: Scope, part: PartName): number {
  if (part === 'bound') return 1 << TCP_BOUND_INACTIVE;
  if (all) return ALL_STATES & ~(1 << TCP_BOUND_INACTIVE);
  return part === 'tcp' ? 1 << TCP_LISTEN : 1 << TCP_CLOSE;
}

function transportOf(part: PartName): 'tcp' | 'udp' {
  return part === 'udp' ? 'udp' : 'tcp';
}

/** Is this socket watched? */
function isWatched({ state, peer }: LinuxSocketRow, { all }: Scope): boolean {
  return (
    all ||
    state === 'LISTEN' ||
    state === 'BOUND' ||
    state === 'UNCONN' ||
    (state === 'CLOSE' && peer === null)
  );
}

/** Reads keys over sock_diag; `close` must be called. */
export interface KeyReader {
  /** The keys of a part, or null where the kernel did not answer. */
  read(part: PartName): Keys | null;
  /** Would a listener here take a connection to this address? Null where the kernel cannot be asked. */
  listens(endpoint: Endpoint): boolean | null;
  close(): void;
}

/** A reader of keys by sock_diag, or null where the kernel refuses it. */
export function openKeyReader(libc: Libc, scope: Scope): KeyReader | null {
  const fd = libc.socket(AF_NETLINK, SOCKET_TYPE, NETLINK_SOCK_DIAG);
  if (fd < 0) return null;
  const buffer = nativeBuffer(RECEIVE_BYTES);
  const address = libc.address(buffer);
  const [first, last] = scope.ports ?? [0, 65_535];
  const receive = (): number => {
    for (;;) {
      const length = libc.recv(fd, address, RECEIVE_BYTES, 0);
      if (length >= 0 || libc.errno() !== EINTR) return length;
    }
  };
  const dump = (request: Buffer, keys: Keys): boolean => {
    if (libc.send(fd, libc.address(request), request.length, 0) < 0) return false;
    for (;;) {
      const length = receive();
      if (length <= 0) return false;
      const progress = readDiagKeys(buffer, length, (key, port) => {
        // The kernel does not filter its list of bound sockets by port.
        if (port >= first && port <= last) keys.set(key, port);
      });
      if (progress.done) return progress.errno === 0;
    }
  };
  return {
    read(part) {
      const keys: Keys = new Map();
      const base = { transport: transportOf(part), states: statesOf(scope, part), ports: scope.ports };
      const ok = FAMILIES.every((family) => dump(encodeDumpRequest({ ...base, family }), keys));
      return ok ? keys : null;
    },
    listens(endpoint) {
      const request = encodeListenerLookup(endpoint.family, endpoint);
      if (request === null || libc.send(fd, libc.address(request), request.length, 0) < 0) return null;
      let found = false;
      const length = receive();
      if (length <= 0) return null;
      readDiagKeys(buffer, length, () => {
        found = true;
      });
      return found;
    },
    close() {
      libc.close(fd);
    },
  };
}

/** Keys of a part by /proc, or null where it could not be read. */
export function readFileKeys(procRoot: string, release: string | null, scope: Scope, part: PartName): Keys {
  const only: Scope = { ...scope, transports: [transportOf(part)] };
  return keysOfRows(readWatched(null, procRoot, release, only, scope.ports).rows);
}

/** Keys made of whole rows. */
export function keysOfRows(
  rows: readonly Pick<Socket, 'transport' | 'state' | 'local' | 'peer' | 'inode'>[],
): Keys {
  return new Map(
    rows.map((row) => {
      const { transport, local, peer, state } = row;
      const addresses = `${transport} ${local.address} ${local.port} ${peer?.address} ${peer?.port} ${state}`;
      return [keyOfSocket(row) ?? addresses, local.port];
    }),
  );
}

/** Whole rows of the watched sockets on these ports (null: all). */
export function readWatched(
  diag: SockDiag | null,
  procRoot: string,
  release: string | null,
  scope: Scope,
  ports: PortRange | null,
): Tables {
  const rows = diag === null ? null : dumpRows(diag, scope, ports);
  if (rows !== null) return { rows, via: 'sock_diag', gaps: [] };
  const tables = readTables(procRoot, null, release, ports, scope.transports, null);
  return { ...tables, rows: tables.rows.filter((row) => isWatched(row, scope)) };
}

function dumpRows(diag: SockDiag, scope: Scope, ports: PortRange | null): LinuxSocketRow[] | null {
  const rows: LinuxSocketRow[] = [];
  for (const part of partsOf(scope, true)) {
    for (const family of FAMILIES) {
      const request = { family, transport: transportOf(part), states: statesOf(scope, part), ports };
      const failure = diag.dump(request, (row) => {
        if (ports === null || inRange(row.local.port, ports)) rows.push(row);
      });
      if (failure !== null) return null;
    }
  }
  return rows;
}
