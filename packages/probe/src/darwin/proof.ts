// Two sockets of our own, without a port, that nobody can reach: a list of all sockets that does not have them says nothing.

import type { PcbList } from '../parse/darwin-pcblist.ts';
import { AF_INET } from '../parse/darwin-row.ts';
import type { DarwinCalls } from './native.ts';
import { socketAt } from './processes.ts';

const TYPES = { tcp: 1, udp: 2 } as const;

/** Open sockets; `close` must be called. */
export interface Proof {
  /** True where a list has our own socket of its transport, as it is and as ours. */
  holds(transport: 'tcp' | 'udp', list: PcbList): boolean;
  close(): void;
}

/** Opens them; where one cannot be had, no list of that transport is proven. */
export function openProof(calls: DarwinCalls, pid: number): Proof {
  const fds = {
    tcp: calls.socket(AF_INET, TYPES.tcp, 0),
    udp: calls.socket(AF_INET, TYPES.udp, 0),
  };
  return {
    holds(transport, list) {
      if (fds[transport] < 0) return false;
      const own = socketAt(calls, pid, fds[transport]);
      if (own.kind !== 'unbound' || own.transport !== transport) return false;
      return list.unbound.some(
        ({ so, generation, lastPid }) =>
          lastPid === pid && (so !== null && own.so !== null ? so === own.so : generation === own.generation),
      );
    },
    close() {
      for (const fd of Object.values(fds)) if (fd >= 0) calls.close(fd);
    },
  };
}
