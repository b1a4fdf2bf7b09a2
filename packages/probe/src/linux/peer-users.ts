// Whose socket is at the other end of a connection to this host's own listener.
import { endianness } from 'node:os';
import { type Endpoint, mappedIpv4 } from '@portolan/core';
import { parseProcNet } from '../parse/linux-proc-net.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { loadLibc } from './native.ts';
import { readTable } from './read-text.ts';
import { openSockDiag } from './sock-diag.ts';
import { mappedUsers } from './users.ts';

/** Tells the users of peers; `close` must be called. */
export interface PeerUsers {
  /**
   * The uid of the socket that lies at `peer` and is connected to `own`; null where there is none in this network
   * namespace, where no process has it any more (the kernel then says 0, which is nobody), and where its user is not
   * mapped into ours.
   */
  uidOf(own: Endpoint, peer: Endpoint): number | null;
  close(): void;
}

/** By an exact look-up of sock_diag, some microseconds long; without native code by /proc/net/tcp. */
export function peerUsers({ ffi }: { readonly ffi: boolean }): PeerUsers {
  const libc = ffi ? loadLibc() : null;
  const diag = libc === null ? null : openSockDiag(libc);
  const isUser = mappedUsers(true);
  return {
    uidOf(own, peer) {
      const row = diag === null ? rowInFiles(peer, own) : diag.connection(peer, own);
      if (row === null || row.inode === 0 || row.uid === null || !connects(row, peer, own)) return null;
      return isUser(row.uid) ? row.uid : null;
    },
    close() {
      diag?.close();
    },
  };
}

/** The row of a connection in /proc/net; only the lines that name both ports are looked at any closer. */
function rowInFiles(local: Endpoint, peer: Endpoint): LinuxSocketRow | null {
  const ports = [local.port, peer.port].map(
    (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')} `,
  );
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let lines: string[];
    try {
      lines = readTable(file).split('\n');
    } catch {
      // No IPv6, or none that may be read.
      continue;
    }
    const near = lines.filter((line, index) => index === 0 || ports.every((port) => line.includes(port)));
    const found = parseProcNet(near.join('\n'), 'tcp', endianness()).rows.find((row) =>
      connects(row, local, peer),
    );
    if (found !== undefined) return found;
  }
  return null;
}

/** Is it the socket at `local`, connected to `peer`? One of IPv6 may have IPv4 addresses, mapped. */
function connects(row: LinuxSocketRow, local: Endpoint, peer: Endpoint): boolean {
  return row.peer !== null && isSame(row.local, local) && isSame(row.peer, peer);
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && plain(a.address) === plain(b.address);
}

function plain(address: string): string {
  return mappedIpv4(address) ?? address;
}
