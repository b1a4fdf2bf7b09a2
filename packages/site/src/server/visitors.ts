// Who may see what this host does: the user that the server runs as and root, told by the kernel, and whoever has the
// token.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '@portolan/core';
import type { Keys } from './keys.ts';

/** How the user of a connection's other end is found; handed in by the program, which has the probe. */
export interface Peers {
  /** The uid that the server runs as. */
  readonly own: number;
  /** The uid of the socket at `peer` that is connected to `own`; null where it cannot be told. */
  uidOf(own: Endpoint, peer: Endpoint): number | null;
}

const ROOT = 0;

/** Tells visitors apart; asks about each connection once. */
export class Visitors {
  readonly #peers: Peers | null;
  readonly #keys: Keys;
  readonly #known = new WeakMap<Socket, { readonly uid: number | null }>();

  constructor(peers: Peers | null, keys: Keys) {
    this.#peers = peers;
    this.#keys = keys;
  }

  /** The uid at the other end; null where it cannot be told. */
  uidOf(socket: Socket): number | null {
    const known = this.#known.get(socket);
    if (known !== undefined) return known.uid;
    const uid = this.#ask(socket);
    this.#known.set(socket, { uid });
    return uid;
  }

  #ask({ localAddress, localPort, remoteAddress, remotePort }: Socket): number | null {
    if (
      this.#peers === null ||
      localAddress === undefined ||
      localPort === undefined ||
      remoteAddress === undefined ||
      remotePort === undefined
    ) {
      return null;
    }
    return this.#peers.uidOf(
      { address: localAddress, port: localPort },
      { address: remoteAddress, port: remotePort },
    );
  }

  /** Is it this user or root? */
  isOwn(socket: Socket): boolean {
    const uid = this.uidOf(socket);
    return uid !== null && (uid === ROOT || uid === this.#peers?.own);
  }

  /** May this request be answered with what is on the host? */
  maySee({ socket, headers }: IncomingMessage): boolean {
    return this.isOwn(socket) || this.#keys.opens(headers.authorization ?? null);
  }
}
