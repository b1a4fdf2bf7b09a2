// What has changed between two looks: holders that opened, that closed, and that are not what they were.
import type { Change } from '../model/event.ts';
import type { Holder } from '../model/report.ts';

/**
 * The changes that lead from one list of holders to another: first what closed, then what changed, then what opened,
 * so that a port is let go before it is taken again. A socket with an inode is itself as long as it keeps it; one
 * that loses its inode (a connection going into TIME_WAIT), or never had one, is known by its addresses.
 */
export function changesBetween(before: readonly Holder[], after: readonly Holder[]): Change[] {
  const left = new Remaining(before);
  const opened: Change[] = [];
  const changed: Change[] = [];
  const unmatched: Holder[] = [];
  const compare = (old: Holder, holder: Holder): void => {
    if (!isSame(old, holder)) changed.push({ change: 'changed', holder, before: old });
  };
  for (const holder of after) {
    const old = left.takeByInode(holder.inode);
    if (old === null) unmatched.push(holder);
    else compare(old, holder);
  }
  for (const holder of unmatched) {
    const old = left.takeByAddresses(holder);
    if (old === null) opened.push({ change: 'opened', holder, before: null });
    else compare(old, holder);
  }
  const closed = left.all().map((holder): Change => ({ change: 'closed', holder, before: holder }));
  return [...closed, ...changed, ...opened];
}

/** Same kind, state, local address and owners: what else may differ, such as the time left of TIME_WAIT, is no change. */
function isSame(a: Holder, b: Holder): boolean {
  return (
    a.kind === b.kind &&
    a.state === b.state &&
    a.local.address === b.local.address &&
    a.local.port === b.local.port &&
    a.owners.length === b.owners.length &&
    a.owners.every((owner, index) => {
      const other = b.owners[index];
      return (
        other !== undefined &&
        owner.pid === other.pid &&
        owner.startedAt === other.startedAt &&
        owner.name === other.name
      );
    })
  );
}

function addressesOf({ transport, local, peer, namespace, device, kind }: Holder): string {
  const there = peer === null ? '' : `${peer.address} ${peer.port}`;
  const rule = kind === 'redirect' ? 'rule' : '';
  return `${transport} ${local.address} ${local.port} ${there} ${namespace?.inode ?? ''} ${device ?? ''} ${rule}`;
}

/** Holders of the first list that have no counterpart yet. */
class Remaining {
  readonly #left: Set<Holder>;
  readonly #byInode = new Map<number, Holder[]>();
  #byAddresses: Map<string, Holder[]> | null = null;

  constructor(holders: readonly Holder[]) {
    this.#left = new Set(holders);
    for (const holder of holders) if (holder.inode !== 0) push(this.#byInode, holder.inode, holder);
  }

  takeByInode(inode: number): Holder | null {
    const found = this.#byInode.get(inode)?.shift();
    if (found === undefined) return null;
    this.#left.delete(found);
    return found;
  }

  /** Two sockets that both have an inode are two, whatever their addresses. */
  takeByAddresses(holder: Holder): Holder | null {
    this.#byAddresses ??= this.#index();
    const found = this.#byAddresses
      .get(addressesOf(holder))
      ?.find((old) => this.#left.has(old) && (old.inode === 0 || holder.inode === 0));
    if (found === undefined) return null;
    this.#left.delete(found);
    return found;
  }

  all(): Holder[] {
    return [...this.#left];
  }

  #index(): Map<string, Holder[]> {
    const index = new Map<string, Holder[]>();
    for (const holder of this.#left) push(index, addressesOf(holder), holder);
    return index;
  }
}

function push<K>(map: Map<K, Holder[]>, key: K, holder: Holder): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [holder]);
  else list.push(holder);
}
