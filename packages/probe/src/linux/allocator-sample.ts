// Asks the kernel for many ports on loopback, in the ways that tell its algorithm: alone, in turn, and held.
import type { AllocatorDraws, AllocatorFinding } from '@portolan/core';
import { type Chosen, PortChooser } from './port-choice.ts';

/** All of it may take so long, in milliseconds. */
const TIME_LIMIT = 10_000;
/** Most sockets that are held at once: less than the usual limit of descriptors leaves, and a part of the range. */
const HELD_LIMIT = 2000;

/** What was drawn of each way; `reason` is the error where the kernel gave none. */
export interface AllocatorSample {
  readonly draws: ReadonlyMap<AllocatorFinding['way'], AllocatorDraws>;
  readonly took: number;
  readonly reason: string | null;
}

/** Draws `count` ports of each way, in time. */
export function sampleAllocator(count: number): AllocatorSample {
  const start = performance.now();
  const chooser = PortChooser.open();
  const draws = new Map<AllocatorFinding['way'], AllocatorDraws>();
  if (chooser === null) return { draws, took: 0, reason: 'ENOSYS' };
  let reason: string | null = null;
  let end = start;
  const many = (limit: number, next: (index: number) => Chosen): number[] => {
    const ports: number[] = [];
    for (let index = 0; index < limit && performance.now() < end; index++) {
      const got = next(index);
      if ('errno' in got) {
        reason = got.errno;
        break;
      }
      ports.push(got.port);
    }
    return ports;
  };
  try {
    const ways = [
      ['tcp-connect', { transport: 'tcp', call: 'connect' }],
      ['tcp-bind', { transport: 'tcp', call: 'bind' }],
      ['udp-bind', { transport: 'udp', call: 'bind' }],
    ] as const;
    for (const [index, [name, way]] of ways.entries()) {
      // Each way has its share of the time.
      end = start + ((index + 1) * TIME_LIMIT) / ways.length;
      const connects = way.call === 'connect';
      draws.set(name, {
        single: many(count, () => chooser.choose(way, null)),
        inTurn: connects ? many(count, (at) => chooser.choose(way, null, at % 2 === 0 ? 0 : 1)) : [],
        held: connects ? [] : many(Math.min(count, HELD_LIMIT), () => chooser.hold(way.transport)),
      });
      chooser.drop();
    }
    return { draws, took: performance.now() - start, reason };
  } finally {
    chooser.close();
  }
}
