// Sockets that several tools tell of in one text: seen twice, they are one.
import type { Owner } from '@portolan/core';
import type { Draft, Shown } from './row.ts';

/** Finds what an earlier run of another tool has told already. */
export class Sightings {
  #shown: Shown | null = null;
  /** Sockets of earlier runs by their ends, in their order. */
  #earlier = new Map<string, Draft[]>();

  /**
   * The socket of an earlier run that this is, or null. Each is found once a run: where several listeners share an endpoint
   * (SO_REUSEPORT), each run tells all of them.
   */
  same(draft: Draft, shown: Shown, sockets: readonly Draft[]): Draft | null {
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#earlier = new Map();
      for (const each of sockets) {
        const key = keyOf(each);
        const those = this.#earlier.get(key);
        if (those === undefined) this.#earlier.set(key, [each]);
        else those.push(each);
      }
    }
    return this.#earlier.get(keyOf(draft))?.shift() ?? null;
  }
}

function keyOf({ transport, local, peer, namespace }: Draft): string {
  const where =
    namespace === null
      ? ''
      : `${namespace.inode ?? ''} ${namespace.names[0] ?? ''} ${namespace.process?.pid ?? ''}`;
  return `${transport} ${local.address} ${local.port} ${peer?.address ?? ''} ${peer?.port ?? ''} ${where}`;
}

/** Adds to a socket what another tool tells of it. */
export function join(known: Draft, more: Draft): void {
  known.uid ??= more.uid;
  known.user ??= more.user;
  known.device ??= more.device;
  known.freeInMs ??= more.freeInMs;
  known.ipv6Only ??= more.ipv6Only;
  known.publishes ??= more.publishes;
  if (known.inode < 0 && more.inode > 0) known.inode = more.inode;
  for (const owner of more.owners) addOwner(known, owner);
}

/** Adds a process, or what is told of one that is known. */
export function addOwner({ owners }: Draft, owner: Owner): void {
  if (owner.pid < 1) return;
  const at = owners.findIndex(({ pid }) => pid === owner.pid);
  const known = owners[at];
  if (known === undefined) owners.push(owner);
  // `?` stands for a name that was not printed.
  else owners[at] = known.name === '?' ? owner : { ...known, user: known.user ?? owner.user };
}
