// What a watch reads: the kernel's messages, the tables, and whose the sockets are. Opened before the first look, so
// that nothing falls between the two.
import { readlinkSync } from 'node:fs';
import { release as osRelease } from 'node:os';
import type { Owner, PortRange, Socket, WatchNotice } from '@portolan/core';
import type { WatchRequest } from '../../backend.ts';
import type { LinuxSocketRow } from '../../parse/linux-row.ts';
import { filesWalk, sharesDescriptors, syscallWalk, threadWalk } from '../fd-walk.ts';
import { readDeviceNames, readTunnelPorts } from '../links.ts';
import { type Libc, loadLibc, loadWatchCalls, type WatchCalls } from '../native.ts';
import { joinOwners } from '../owners.ts';
import { ProcessReader } from '../process.ts';
import { readText } from '../read-text.ts';
import { RestingProcesses } from '../resting.ts';
import { openSockDiag, type SockDiag } from '../sock-diag.ts';
import { listsBound, type Tables } from '../tables.ts';
import { mappedUsers, userNames } from '../users.ts';
import { type Deaths, openDeaths } from './destroy.ts';
import type { Endpoint } from './ledger.ts';
import {
  type KeyReader,
  type Keys,
  openKeyReader,
  type PartName,
  partsOf,
  readFileKeys,
  readWatched,
  type Scope,
} from './tables.ts';
import { openTrace, type Trace } from './trace.ts';
import { openWake, type Wake } from './wake.ts';

const PROC = '/proc';

/** Inode of the first pid namespace (PROC_PID_INIT_INO): only there are the trace's threads the pids of /proc. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Everything of the outside that a watch uses; `close` must be called. */
export interface Sources {
  /** Null where the kernel does not tell of listeners. */
  readonly trace: Pick<Trace, 'read'> | null;
  /** Null where the kernel does not tell of deaths. */
  readonly deaths: Pick<Deaths, 'read'> | null;
  /** Parts of the tables that can be read. */
  readonly parts: readonly PartName[];
  /** Are sockets that are only bound in the tables? */
  readonly showsBound: boolean;
  /** Why the kernel tells less than it could. */
  readonly notices: readonly WatchNotice[];
  readKeys(part: PartName): Keys | null;
  /** Would a listener here take a connection to this address? Null where it cannot be asked for by itself. */
  readonly listens: ((endpoint: Endpoint) => boolean | null) | null;
  /** Whole rows of the watched sockets on these ports; null: on all that are watched. */
  read(ports: PortRange | null): Tables;
  /** The rows with their owners, read again where they changed meanwhile. */
  owned(ports: PortRange | null, tables: Tables): readonly Socket[];
  /** Where the process of a thread of the trace is, while it lives; null where that cannot be told. */
  isElsewhere(thread: number): boolean | null;
  /** The process of a thread of the trace, while it lives. */
  ownerOf(thread: number): Owner | null;
  /** Calls back when the kernel has told something; null where that cannot be waited for. */
  wake(onMessage: () => void): Wake | null;
  close(): void;
}

/** Opens what this system and these rights give. */
export function openSources(request: WatchRequest, scope: Scope): Sources {
  return new LinuxSources(request, scope);
}

class LinuxSources implements Sources {
  readonly #scope: Scope;
  readonly #libc: Libc | null;
  readonly #calls: WatchCalls | null;
  readonly #diag: SockDiag | null;
  readonly #keyReader: KeyReader | null;
  readonly #walk: ReturnType<typeof filesWalk>;
  readonly #threadWalk: ReturnType<typeof threadWalk>;
  readonly #release = osRelease();
  readonly #tellsPids = linkOf('/proc/self/ns/pid') === INITIAL_PID_NAMESPACE;
  readonly trace: Trace | null;
  readonly deaths: Deaths | null;
  readonly parts: readonly PartName[];
  readonly notices: WatchNotice[] = [];
  readonly listens: Sources['listens'];
  readonly showsBound: boolean;

  constructor(request: WatchRequest, scope: Scope) {
    this.#scope = scope;
    const libc = request.ffi === false ? null : loadLibc();
    this.#libc = libc;
    this.#calls = libc === null ? null : loadWatchCalls();
    this.#diag = libc === null ? null : openSockDiag(libc);
    const keyReader = libc === null || this.#diag === null ? null : openKeyReader(libc, scope);
    this.#keyReader = keyReader;
    this.listens = keyReader === null ? null : (endpoint) => keyReader.listens(endpoint);
    this.showsBound = this.#diag !== null && listsBound(this.#release);
    this.parts = partsOf(scope, keyReader !== null);
    this.#walk = (libc === null ? null : syscallWalk(libc, PROC)) ?? filesWalk(PROC);
    this.#threadWalk = threadWalk(PROC, libc === null ? null : sharesDescriptors(libc));
    this.trace = scope.transports.includes('tcp') ? this.#openTrace(request) : null;
    this.deaths = this.#openDeaths();
  }

  readKeys(part: PartName): Keys | null {
    if (this.#keyReader !== null) return this.#keyReader.read(part);
    return readFileKeys(PROC, this.#release, this.#scope, part);
  }

  read(ports: PortRange | null): Tables {
    return readWatched(this.#diag, PROC, this.#release, this.#scope, ports);
  }

  owned(ports: PortRange | null, tables: Tables): readonly Socket[] {
    const userName = userNames(true);
    const read = (some: PortRange | null): readonly LinuxSocketRow[] => this.read(some ?? ports).rows;
    const devices = (): ReadonlyMap<string, string> =>
      this.#libc === null ? new Map() : readDeviceNames(this.#libc);
    const { sockets } = joinOwners(
      [{ namespace: null, rows: tables.rows, read, finds: () => false, devices }],
      {
        procRoot: PROC,
        walk: this.#walk,
        threadWalk: this.#threadWalk,
        everyThread: false,
        privileged: process.geteuid?.() === 0,
        processes: new ProcessReader(PROC, userName),
        userName,
        isUser: mappedUsers(true),
        // Loading programs into the kernel costs more than walking what has changed.
        descriptors: () => null,
        resting: new RestingProcesses(PROC),
        kernelPorts: () => (this.#libc === null ? new Set() : readTunnelPorts(this.#libc)),
        remedy: null,
      },
    );
    return sockets;
  }

  isElsewhere(thread: number): boolean | null {
    const there = this.#tellsPids ? linkOf(`/proc/${thread}/ns/net`) : null;
    return there === null ? null : there !== linkOf('/proc/self/ns/net');
  }

  ownerOf(thread: number): Owner | null {
    if (!this.#tellsPids) return null;
    const pid = /^Tgid:\s+(\d+)/m.exec(readText(`/proc/${thread}/status`, 1 << 14)?.text ?? '')?.[1];
    return pid === undefined ? null : new ProcessReader(PROC, userNames(true)).read(Number(pid), null, true);
  }

  wake(onMessage: () => void): Wake | null {
    const fds = [this.trace, this.deaths].flatMap((source) => (source === null ? [] : [source.fd]));
    if (this.#libc === null || this.#calls === null || fds.length === 0) return null;
    return openWake(this.#libc, this.#calls, fds, onMessage);
  }

  close(): void {
    this.trace?.close();
    this.deaths?.close();
    this.#keyReader?.close();
    this.#diag?.close();
  }

  #openTrace({ call = () => 'portolan' }: WatchRequest): Trace | null {
    const { ports, all } = this.#scope;
    const opened = openTrace(all ? ports : null, () => callAgain(call, ports));
    if ('code' in opened) {
      this.notices.push(opened);
      return null;
    }
    return opened;
  }

  #openDeaths(): Deaths | null {
    if (this.#libc === null || this.#calls === null) {
      this.notices.push({ code: 'native-missing', values: {}, remedy: null });
      return null;
    }
    const { ports, all } = this.#scope;
    const opened = openDeaths(this.#libc, this.#calls, all ? ports : null);
    if (typeof opened !== 'number') return opened;
    this.notices.push({ code: 'destroy-refused', values: { errno: opened }, remedy: null });
    return null;
  }
}

function callAgain(call: () => string, ports: PortRange | null): string {
  if (ports === null) return `${call()} watch`;
  return `${call()} watch ${ports[0] === ports[1] ? ports[0] : ports.join('-')}`;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
