// Socket tables of the other network namespaces, read by entering them, or from a process's /proc where that is refused.
import { existsSync, statSync } from 'node:fs';
import { type Gap, namespaceName, type PortRange } from '@portolan/core';
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
  readonly #find: () => readonly Foreign[];
  readonly #unreadable = new Map<number | string | null, Foreign>();

  /** `find`: the other namespaces as they are now. */
  constructor(libc: Libc | null, request: ProbeRequest, find: () => readonly Foreign[]) {
    this.#libc = libc;
    this.#request = request;
    this.#find = find;
  }

  /** Rows of each other namespace as they are now. */
  parts(foreign: readonly Foreign[]): TablePart[] {
    return foreign.flatMap((found) => {
      let each = found;
      const read = (ports: PortRange | null): readonly LinuxSocketRow[] | null => {
        const rows = this.#inside(each, ports) ?? this.#fromProc(each, ports);
        if (rows !== null) return rows;
        const { inode } = each.namespace;
        // The process that stood for it may have ended, and others or a name keep it.
        const again = inode === null ? undefined : this.#find().find((one) => one.namespace.inode === inode);
        each = again ?? each;
        const others =
          again === undefined ? null : (this.#inside(again, ports) ?? this.#fromProc(again, ports));
        // One that has ended meanwhile is no gap.
        if (others === null && isThere(each)) this.#unreadable.set(inode ?? each.path ?? each.tables, each);
        return others;
      };
      const rows = read(this.#request.ports);
      if (rows === null) return [];
      return [
        {
          namespace: each.namespace,
          rows,
          read: (ports) => read(ports ?? this.#request.ports),
          finds: (some) => this.#finds(each, some),
          devices: () => this.#devices(each),
        },
      ];
    });
  }

  #inside({ path, namespace }: Foreign, ports: PortRange | null): readonly LinuxSocketRow[] | null {
    const libc = this.#libc;
    if (libc === null || path === null) return null;
    const diag = inNamespace(libc, path, namespace.inode, () => openSockDiag(libc));
    if (diag === null) return null;
    try {
      const { ports: asked, transports } = this.#request;
      // When all was asked for, the rows of a port that is read again must be all of its rows, too.
      return dumpElsewhere(diag, ports, transports, asked !== null && asked[0] === asked[1]);
    } finally {
      diag.close();
    }
  }

  #finds({ path, namespace }: Foreign, rows: readonly LinuxSocketRow[]): boolean {
    const libc = this.#libc;
    if (libc === null || path === null) return false;
    const diag = inNamespace(libc, path, namespace.inode, () => openSockDiag(libc));
    if (diag === null) return false;
    try {
      return rows.every((row) => diag.finds(row));
    } finally {
      diag.close();
    }
  }

  #devices({ path, namespace }: Foreign): ReadonlyMap<string, string> {
    const libc = this.#libc;
    const names =
      libc === null || path === null
        ? null
        : inNamespace(libc, path, namespace.inode, () => readDeviceNames(libc));
    return names ?? new Map();
  }

  /** Anybody may read the tables of any process; bound sockets are not in them. */
  #fromProc({ tables, namespace }: Foreign, ports: PortRange | null): readonly LinuxSocketRow[] | null {
    if (tables === null) return null;
    const rows = readFiles(tables, ports, this.#request.transports);
    // Its process may have gone into another one meanwhile, or another process may have its number.
    const link = `${tables.slice(0, -'net'.length)}ns/net`;
    return namespace.inode === null || inodeAt(link) === namespace.inode ? rows : null;
  }

  /** What stayed unseen. None of it can keep a port of our own namespace from anybody. */
  gaps(hidden: number, remedy: string | null): Gap[] {
    const base = { remedy, coversUse: false, transports: [] };
    const gaps: Gap[] = [];
    if (hidden > 0) gaps.push({ code: 'namespaces-hidden', values: { processes: hidden }, ...base });
    const unreadable = [...this.#unreadable.values()];
    if (unreadable.length > 0) {
      const names = unreadable.slice(0, NAMES_SHOWN).map(({ namespace }) => namespaceName(namespace));
      const more = unreadable.length > NAMES_SHOWN ? ', …' : '';
      gaps.push({
        code: 'namespaces-unreadable',
        values: { namespaces: unreadable.length, names: names.join(', ') + more, reason: 'EPERM' },
        ...base,
      });
    }
    return gaps;
  }
}

/** The folder of a process that has ended stays until its parent has taken notice, but is empty. */
function isThere({ path, tables }: Foreign): boolean {
  return (path !== null && existsSync(path)) || (tables !== null && existsSync(`${tables}/tcp`));
}

function inodeAt(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}
