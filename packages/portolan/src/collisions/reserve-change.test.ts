// The change against a host that is played: others write in between, disks fill up, lists turn out read-only.
import {
  joinRanges,
  type PortRange,
  planReserve,
  type ReserveAction,
  type ReserveReport,
  type ReserveState,
  sameRanges,
  withoutRanges,
} from '@portolan/core';
import type { Refused, Reservations } from '@portolan/probe';
import { describe, expect, test } from 'vitest';
import { change, droppedFolders, readBack } from './reserve-change.ts';

const DROP_IN = '/etc/sysctl.d/zz-portolan.conf';
const PORT: PortRange = [60_163, 60_163];
const REFUSED: Refused = { code: 'EROFS', path: 'list' };

/** A host in memory; `before` is called ahead of each write to the list, and may be somebody else. */
class Host implements Reservations {
  ports: PortRange[];
  text: string | null = null;
  beside: string | null = null;
  writes = 0;
  listRefused = false;
  commitRefused = false;
  before: (host: Host) => void = () => undefined;

  constructor(ports: PortRange[]) {
    this.ports = ports;
  }
  read(): ReserveState {
    return {
      platform: 'linux',
      list: this.ports,
      ephemeral: [32_768, 60_999],
      namespace: { kind: 'host', inode: 7, names: [], container: null },
      bootId: 'b',
      files: [],
      dropIn: DROP_IN,
      dropInText: this.text,
      dropInProblem: null,
      unfinishedText: null,
      foldersMissing: 1,
    };
  }
  lock(): Promise<{ release(): void }> {
    return Promise.resolve({ release: () => undefined });
  }
  addToList(ports: readonly PortRange[]): Refused | null {
    return this.#write(() => joinRanges(this.ports, ports));
  }
  setList(ports: readonly PortRange[]): Refused | null {
    return this.#write(() => joinRanges(ports));
  }
  list(): readonly PortRange[] {
    return this.ports;
  }
  stageDropIn(text: string | null): { commit(): Refused | null; abort(): void } {
    this.beside = text ?? '';
    return {
      commit: () => {
        this.beside = null;
        if (this.commitRefused) return { code: 'EIO', path: DROP_IN };
        this.text = text;
        return null;
      },
      abort: () => {
        this.beside = null;
      },
    };
  }
  dropUnfinished(): void {}
  dropFolders(): void {
    throw new Error('not here');
  }
  dropInText(): string | null {
    return this.text;
  }
  #write(next: () => PortRange[]): Refused | null {
    if (this.listRefused) return REFUSED;
    this.before(this);
    this.ports = next();
    this.writes++;
    return null;
  }
}

function report(host: Host, action: ReserveAction = 'reserve', ports: PortRange[] = [PORT]): ReserveReport {
  const state = host.read();
  const rest = { force: false, nowOnly: false, transport: null, holders: [], call: 'portolan', flags: [] };
  const plan = planReserve({ action, ports, state, ...rest });
  return {
    plan,
    state,
    asked: true,
    applied: false,
    verified: null,
    now: null,
    proof: null,
    failure: null,
    gaps: [],
  };
}

describe('a change', () => {
  test('writes the list once and the drop-in after it', () => {
    const host = new Host([[1, 1]]);
    const planned = report(host);
    expect(change(host, planned)).toBeNull();
    expect(host).toMatchObject({ writes: 1, beside: null, ports: [[1, 1], PORT] });
    expect(readBack(host, planned)).toEqual({ now: [[1, 1], PORT], verified: true });
  });

  test('keeps what others add in between', () => {
    const host = new Host([[1, 1]]);
    host.before = (other) => {
      other.ports = joinRanges(other.ports, [[9, 9]]);
    };
    change(host, report(host));
    expect(host.ports).toEqual([[1, 1], [9, 9], PORT]);
  });

  test('is made again where somebody else replaces the list, and gives up after a while', () => {
    const host = new Host([[1, 1]]);
    const planned = report(host);
    // Whoever reads and writes back replaces what was written in between.
    const add = host.addToList.bind(host);
    let replaced = 0;
    host.addToList = (ports) => {
      const refused = add(ports);
      if (replaced++ < 2)
        host.ports = [
          [1, 1],
          [8, 8],
        ];
      return refused;
    };
    expect(change(host, planned)).toBeNull();
    expect(host.ports).toEqual([[1, 1], [8, 8], PORT]);
    replaced = Number.NEGATIVE_INFINITY;
    const again = report(host, 'reserve', [[50_001, 50_001]]);
    expect(change(host, again)).toMatchObject({ step: 'verify' });
    expect(host.beside).toBeNull();
    expect(host.text).not.toContain('50001');
  });

  test('that may not write the list leaves no drop-in', () => {
    const host = new Host([]);
    const planned = report(host);
    host.listRefused = true;
    expect(change(host, planned)).toMatchObject({ step: 'list', code: 'EROFS', restored: null });
    expect(host).toMatchObject({ text: null, beside: null, ports: [] });
  });

  test('whose drop-in fails at the end takes the list back, and nobody else’s entries', () => {
    const host = new Host([[1, 1]]);
    const planned = report(host);
    host.commitRefused = true;
    host.before = (other) => {
      other.ports = joinRanges(other.ports, [[9, 9]]);
    };
    expect(change(host, planned)).toMatchObject({ step: 'file', code: 'EIO', restored: true });
    expect(host.ports).toEqual([
      [1, 1],
      [9, 9],
    ]);
  });

  test('undone is as it was, and says that its folder may go', () => {
    const host = new Host([[1, 1]]);
    change(host, report(host));
    const undo = report(host, 'unreserve');
    expect(droppedFolders(undo.plan)).toBe(1);
    expect(change(host, undo)).toBeNull();
    expect(host).toMatchObject({ text: null, ports: [[1, 1]] });
    expect(sameRanges(withoutRanges(host.ports, [[1, 1]]), [])).toBe(true);
  });
});
