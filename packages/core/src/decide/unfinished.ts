// A run of reserve that was ended after it had changed the list and before its drop-in was in place: what it had ready
// tells which entries are ours.
import type { PortRange } from '../model/port.ts';
import type { AddedPorts, DropInBlock, ReserveState } from '../model/reserve.ts';
import { type DropIn, readDropIn } from './drop-in.ts';
import { commonRanges, joinRanges, withoutRanges } from './port-set.ts';

/** The block as that run would have left it, as far as the list bears it out, and the ports it is about. */
export interface Recovered {
  readonly block: DropInBlock | null;
  /** Entries of this namespace's running list that nothing else remembers. */
  readonly ports: readonly PortRange[];
}

/** Joins what the ended run had ready to the drop-in. Of an earlier boot nothing is left in any list. */
export function recovered(
  {
    unfinishedText,
    bootId,
    namespace,
    list,
  }: Pick<ReserveState, 'unfinishedText' | 'bootId' | 'namespace' | 'list'>,
  { block }: DropIn,
): Recovered {
  const ready = unfinishedText === null ? null : readDropIn(unfinishedText).block;
  if (ready === null) return { block, ports: [] };
  const known = (inode: number): readonly PortRange[] =>
    block?.added.find((entry) => entry.boot === bootId && entry.namespace === inode)?.ports ?? [];
  let ports: readonly PortRange[] = [];
  let added: readonly AddedPorts[] = block?.added ?? [];
  for (const entry of ready.added) {
    if (entry.boot !== bootId) continue;
    const here = entry.namespace === namespace.inode;
    // Another namespace's list cannot be seen from here: its next run there sees what of this came true.
    const fresh = here
      ? commonRanges(withoutRanges(entry.ports, known(entry.namespace)), list ?? [])
      : withoutRanges(entry.ports, known(entry.namespace));
    if (fresh.length === 0) continue;
    if (here) ports = fresh;
    added = [
      ...added.filter((other) => other.boot !== bootId || other.namespace !== entry.namespace),
      { ...entry, ports: joinRanges(known(entry.namespace), fresh) },
    ];
  }
  if (added === block?.added || added.length === 0) return { block, ports };
  return {
    block: {
      ours: joinRanges(block?.ours ?? [], commonRanges(ready.ours, ports)),
      theirs: block?.theirs ?? ready.theirs,
      added,
      madeFolders: block?.madeFolders ?? ready.madeFolders,
    },
    ports,
  };
}
