// What of a host the chart of all ports shows: who holds which number, and which numbers the host hands out itself.
import type { PortRange } from '../model/port.ts';
import type { Snapshot, Socket } from '../model/socket.ts';
import { holderKind } from './use.ts';

/** How a number is held, as far as the chart tells it apart. */
export type HeldMark = 'listening' | 'bound' | 'kernel' | 'redirect';

/** What is sent to the chart, as JSON. */
export interface LiveChart {
  /** Numbers the host hands to connections; null where that is not known. */
  readonly range: PortRange | null;
  /** Numbers it keeps out of automatic choice. */
  readonly reserved: readonly PortRange[];
  /** Ascending by port, each port once; `name` is empty where nobody was seen behind it. */
  readonly held: readonly (readonly [port: number, mark: HeldMark, name: string])[];
  /** Runs of numbers whose packets a rule sends elsewhere. */
  readonly redirects: readonly PortRange[];
  /** Numbers that connections hold and nobody listens on: the first, then the distance of each to the one before. */
  readonly connections: readonly number[];
  /** False where something could not be looked at, so that nothing may be called free. */
  readonly complete: boolean;
}

/** A rule for more ports than this is shown as a run. */
const SINGLE = 4;

/** Which of two holders of a number is shown. */
const ORDER: readonly HeldMark[] = ['listening', 'kernel', 'redirect', 'bound'];

/** What a snapshot shows of the namespace that it was taken in. */
export function liveChartOf(snapshot: Snapshot): LiveChart {
  const held = new Map<number, { mark: HeldMark; name: string }>();
  const passing = new Set<number>();
  const hold = (port: number, mark: HeldMark, name: string): void => {
    const before = held.get(port);
    const better = before === undefined || ORDER.indexOf(mark) < ORDER.indexOf(before.mark);
    if (better || (before.mark === mark && before.name === '')) held.set(port, { mark, name });
  };
  for (const socket of snapshot.sockets) {
    if (socket.namespace !== null || socket.local.port === 0) continue;
    const kind = holderKind(socket);
    if (kind === 'listener') hold(socket.local.port, 'listening', holderName(socket));
    else if (kind === 'bound' || kind === 'kernel') hold(socket.local.port, kind, holderName(socket));
    else passing.add(socket.local.port);
  }
  const redirects: PortRange[] = [];
  for (const { ports, publishes, name, by } of snapshot.redirects) {
    if (ports[1] - ports[0] >= SINGLE) redirects.push(ports);
    else {
      const whose = publishes?.container.name ?? name ?? by;
      for (let port = ports[0]; port <= ports[1]; port++) hold(port, 'redirect', whose);
    }
  }
  const connections = [...passing].filter((port) => !held.has(port)).toSorted((a, b) => a - b);
  return {
    range: snapshot.limits.ephemeral,
    reserved: snapshot.limits.reserved ?? [],
    held: [...held]
      .toSorted(([a], [b]) => a - b)
      .map(([port, { mark, name }]) => [port, mark, name] as const),
    redirects,
    connections: connections.map((port, index) => port - (connections[index - 1] ?? 0)),
    complete: !snapshot.gaps.some((gap) => gap.coversUse),
  };
}

/** The ports that connections hold, from their distances. */
export function connectionPorts({ connections }: Pick<LiveChart, 'connections'>): number[] {
  let at = 0;
  return connections.map((step) => {
    at += step;
    return at;
  });
}

/** Who holds it in one word: the container, the service that is started for it, else the process. */
function holderName({ publishes, activation, owners }: Socket): string {
  if (publishes !== null) return publishes.container.name ?? publishes.container.id.slice(0, 12);
  const service = activation?.serviceUnit ?? null;
  const serving = service === null ? undefined : owners.find(({ unit }) => unit === service);
  return serving?.name ?? service ?? owners[0]?.name ?? '';
}
