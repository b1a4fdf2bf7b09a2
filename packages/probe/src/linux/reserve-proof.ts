// Proves a reservation: the kernel is asked for the port, before and after, on loopback and with sockets of our own.

import { createSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import {
  type Choice,
  type ChoiceWay,
  commonRanges,
  type ExactTrial,
  type PortRange,
  portCount,
  type RepeatedTrial,
  type ReserveProof,
  repeatedTrial,
} from '@portolan/core';
import { CHOICE_WAYS, type ProofRequest, type Prover } from '../reservations.ts';
import { PortChooser } from './port-choice.ts';

/** Most ports that are asked for one by one. */
const PORTS_ASKED = 256;
/** Most choices of the whole range for one way, and the time for all of them in milliseconds. */
const DRAWS = 4000;
const DRAW_MS = 3000;

/** No port is left to give: bind(2), connect(2) of TCP and of UDP say it differently. */
const NONE_LEFT = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EAGAIN']);

/** A prover for these ports; `close` must be called. */
export function openProver(request: ProofRequest): Prover {
  const { ephemeral, ports } = request;
  const candidates = ephemeral === null ? [] : commonRanges(ports, [ephemeral]);
  const chosen = spread(candidates, PORTS_ASKED);
  const chooser = request.ffi ? PortChooser.open() : null;
  const exact = chooser !== null && chooser.canNarrow();
  const before = new Map<string, Choice>();
  const ask = (way: ChoiceWay, port: number): Choice => {
    const result = chooser?.choose(way, [port, port]) ?? { errno: 'ENOSYS' };
    if ('port' in result) return result.port === port ? 'given' : 'untried';
    return NONE_LEFT.has(result.errno) ? 'refused' : 'untried';
  };
  return {
    async before() {
      if (!exact) return;
      for (const port of chosen) for (const way of CHOICE_WAYS) before.set(keyOf(way, port), ask(way, port));
    },
    async after() {
      const count = portCount(candidates);
      const none = { method: 'none', candidates: count, exact: [], repeated: [] } as const;
      if (ephemeral === null || count === 0) return { ...none, reason: 'outside' };
      if (!exact) return repeated(ephemeral, chosen, count);
      const trials: ExactTrial[] = chosen.flatMap((port) =>
        CHOICE_WAYS.map((way): ExactTrial => {
          const after = ask(way, port);
          const free = after === 'refused' ? (chooser?.isFree(way.transport, port) ?? null) : null;
          return { ...way, port, before: before.get(keyOf(way, port)) ?? 'untried', after, free };
        }),
      );
      const tried = trials.some(({ after }) => after !== 'untried');
      return {
        method: tried ? 'exact' : 'none',
        reason: tried ? (count > chosen.length ? 'too-many' : null) : 'no-loopback',
        candidates: count,
        exact: trials,
        repeated: [],
      };
    },
    close: () => chooser?.close(),
  };
}

function keyOf({ transport, call }: ChoiceWay, port: number): string {
  return `${transport} ${call} ${port}`;
}

/** At most `limit` ports of these runs, evenly spread over them. */
function spread(ranges: readonly PortRange[], limit: number): number[] {
  const count = portCount(ranges);
  const wanted = Math.min(count, limit);
  const ports: number[] = [];
  let run = 0;
  let before = 0;
  for (let index = 0; index < wanted; index++) {
    const at = Math.floor((index * count) / wanted);
    for (let size = sizeOf(ranges[run]); at >= before + size; size = sizeOf(ranges[run])) {
      before += size;
      run++;
    }
    ports.push((ranges[run]?.[0] ?? 0) + at - before);
  }
  return ports;
}

function sizeOf(range: PortRange | undefined): number {
  return range === undefined ? Number.POSITIVE_INFINITY : range[1] - range[0] + 1;
}

/** Draws from the whole range, for kernels or rights that know no narrower one: bounded by count and time. */
async function repeated(
  range: PortRange,
  ports: readonly number[],
  candidates: number,
): Promise<ReserveProof> {
  const end = performance.now() + DRAW_MS;
  const draws = new Map<ChoiceWay, number[]>(CHOICE_WAYS.map((way) => [way, []]));
  const server = await listening();
  const none = { method: 'none', candidates, exact: [], repeated: [] } as const;
  if (server === null) return { ...none, reason: 'no-loopback' };
  try {
    const { port } = server.address() as AddressInfo;
    for (let round = 0; round < DRAWS && performance.now() < end; round++) {
      for (const [way, list] of draws) {
        const got = await drawOne(way, port);
        if (got !== null) list.push(got);
      }
    }
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }
  const trials: RepeatedTrial[] = ports.flatMap((port) =>
    [...draws]
      .filter(([, list]) => list.length > 0)
      .map(([way, list]) => repeatedTrial(way, port, list, range)),
  );
  if (trials.length === 0) return { ...none, reason: 'no-loopback' };
  return {
    method: 'repeated',
    reason: candidates > ports.length ? 'too-many' : performance.now() >= end ? 'time' : null,
    candidates,
    exact: [],
    repeated: trials,
  };
}

const HOST = '127.0.0.1';

function listening(): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.destroy();
    });
    server.once('error', () => resolve(null));
    server.listen({ host: HOST, port: 0 }, () => resolve(server));
  });
}

/** One port by Node's own sockets; null where it got none. */
function drawOne({ transport, call }: ChoiceWay, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    if (transport === 'udp') {
      const socket = createSocket('udp4');
      const done = (): void => {
        const got = socket.address().port;
        socket.close(() => resolve(got));
      };
      socket.once('error', () => socket.close(() => resolve(null)));
      if (call === 'bind') socket.bind({ address: HOST, port: 0, exclusive: true }, done);
      else socket.connect(port, HOST, done);
    } else if (call === 'bind') {
      const server = createServer();
      server.once('error', () => resolve(null));
      server.listen({ host: HOST, port: 0, exclusive: true }, () => {
        const got = (server.address() as AddressInfo).port;
        server.close(() => resolve(got));
      });
    } else {
      const socket = connect({ host: HOST, port });
      socket.once('error', () => resolve(null));
      socket.once('connect', () => {
        const got = socket.localPort ?? null;
        socket.resetAndDestroy();
        resolve(got);
      });
    }
  });
}
