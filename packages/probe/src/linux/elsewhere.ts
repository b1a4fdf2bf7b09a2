// Socket tables of the other network namespaces, read by entering them, or from a process's /proc where that is refused.
import type { Gap, PortRange } from '@portolan/core';
import type { ProbeRequest } from '../backend.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { readDeviceNames } from './links.ts';
import { type Foreign, inNamespace } from './namespaces.ts';
import type { Libc } from './native.ts';
import type { TablePart } from './owners.ts';
import { openSockDiag } from './sock-diag.ts';
import { dumpElsewhere, readFiles } from './tables.ts';

/** Most names that a gap lists. */
const NAMES_SHOWN = 5;

/** Reads the tables of other namespaces, and notes those it could not. */
export class Elsewhere {
  readonly #libc: Libc | null;
  readonly #request: ProbeRequest;
  readonly #unreadable: Foreign[] = [];

  constructor(libc: Libc | null, request: ProbeRequest) {
    this.#libc = libc;
    this.#request = request;
  }

  /** Rows of each other namespace as they are now. */
  parts(foreign: readonly Foreign[]): TablePart[] {
    return foreign.flatMap((each) => {
      const read = (ports: PortRange | null): readonly LinuxSocketRow[] | null =>
        this.#inside(each.path, ports) ?? this.#fromProc(each.tables, ports);
      const rows = read(this.#request.ports);
      if (rows === null) this.#unreadable.push(each);
      if (rows === null) return [];
      return [
        {
          namespace: each.namespace,
          rows,
          read: (ports) => read(ports ?? this.#request.ports),
          devices: () => this.#devices(each.path),
        },
      ];
    });
  }

  #inside(path: string | null, ports: PortRange | null): readonly LinuxSocketRow[] | null {
    const libc = this.#libc;
    if (libc === null || path === null) return null;
    const diag = inNamespace(libc, path, () => openSockDiag(libc));
    if (diag === null) return null;
    try {
      return dumpElsewhere(diag, ports, this.#request.transports);
    } finally {
      diag.close();
    }
  }

  #devices(path: string | null): ReadonlyMap<string, string> {
    const libc = this.#libc;
    const names =
      libc === null || path === null ? null : inNamespace(libc, path, () => readDeviceNames(libc));
    return names ?? new Map();
  }

  /** Anybody may read the tables of any process; bound sockets are not in them. */
  #fromProc(folder: string | null, ports: PortRange | null): readonly LinuxSocketRow[] | null {
    return folder === null ? null : readFiles(folder, ports, this.#request.transports);
  }

  /** What stayed unseen. None of it can keep a port of our own namespace from anybody. */
  gaps(hidden: number, remedy: string | null): Gap[] {
    const base = { remedy, coversUse: false, transports: [] };
    const gaps: Gap[] = [];
    if (hidden > 0) gaps.push({ code: 'namespaces-hidden', values: { processes: hidden }, ...base });
    if (this.#unreadable.length > 0) {
      const names = this.#unreadable
        .slice(0, NAMES_SHOWN)
        .map(({ namespace }) => namespace.names[0] ?? `net:[${namespace.inode}]`);
      const more = this.#unreadable.length > NAMES_SHOWN ? ', …' : '';
      gaps.push({
        code: 'namespaces-unreadable',
        values: { namespaces: this.#unreadable.length, names: names.join(', ') + more, reason: 'EPERM' },
        ...base,
      });
    }
    return gaps;
  }
}
