// Packets that earlier rules have taken from later ones: all of some, and some of others.
import type { PortRange, Redirect, Transport } from '@portolan/core';
import { EVERY_PORT, type Match, meets } from './linux-nat-match.ts';
import { intersectNetworks, isWhole, type Network } from './network.ts';

/**
 * Packets that no later rule gets. They are found by port and address: a cluster's rules take thousands of both, and
 * each is compared with all before it.
 */
export class Gone {
  readonly #all: Match[] = [];
  readonly #wide: Match[] = [];
  readonly #byPort = new Map<number, Match[]>();
  readonly #byPlace = new Map<string, Match[]>();
  /** For a single address: those with several ports, and those with any. */
  readonly #wideByAddress = new Map<string, Match[]>();
  readonly #byAddress = new Map<string, Match[]>();

  add(match: Match): void {
    this.#all.push(match);
    const [run, ...more] = match.ports ?? EVERY_PORT;
    if (run === undefined) return;
    const [port, last] = run;
    const single = more.length === 0 && port === last;
    const only = match.networks?.length === 1 ? match.networks[0] : undefined;
    if (only === undefined || only.first !== only.last) {
      if (single) addTo(this.#byPort, port, match);
      else this.#wide.push(match);
      return;
    }
    addTo(this.#byAddress, addressOf(only), match);
    if (single) addTo(this.#byPlace, placeOf(port, only), match);
    else addTo(this.#wideByAddress, addressOf(only), match);
  }

  addAll(other: Gone): void {
    for (const match of other.#all) this.add(match);
  }

  /** Those that may have some of these ports, for this address or network, or for all addresses; in lists. */
  near(ports: readonly PortRange[], network: Network | null): readonly (readonly Match[])[] {
    // Only the very address can hold one address, and none can hold more.
    const at = network === null ? null : addressOf(network);
    if (!ports.every(([first, last]) => first === last)) {
      const all = [this.#wide, ...this.#byPort.values()];
      return at === null ? all : [...all, this.#byAddress.get(at) ?? []];
    }
    const lists = [this.#wide, ...ports.map(([port]) => this.#byPort.get(port) ?? [])];
    if (network !== null && at !== null) {
      lists.push(this.#wideByAddress.get(at) ?? []);
      for (const [port] of ports) lists.push(this.#byPlace.get(placeOf(port, network)) ?? []);
    }
    return lists;
  }
}

function addTo<Key>(map: Map<Key, Match[]>, key: Key, match: Match): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [match]);
  else list.push(match);
}

function addressOf({ family, first }: Network): string {
  return `${family} ${first}`;
}

function placeOf(port: number, network: Network): string {
  return `${port} ${addressOf(network)}`;
}

/** What a chain, and those it was called from, have taken. */
export interface Frame {
  /** Later rules get none of these packets. */
  readonly gone: Gone;
  /** Later rules do not get some of these packets, by conditions that are not followed, or for some addresses. */
  readonly spared: Match[];
  readonly caller: Frame | null;
}

export function newFrame(caller: Frame | null): Frame {
  return { gone: new Gone(), spared: [], caller };
}

/** What later rules do not get of some packets. */
export interface Spared {
  /** Some of them for any address. */
  readonly some: boolean;
  /** Some or all of them for these addresses. */
  readonly networks: readonly Network[];
  /** How many rules were compared. */
  readonly compared: number;
}

/** Most networks that are told; more are any address. */
const NETWORK_LIMIT = 1000;

/** What earlier rules have spared of these packets. */
export function sparedOf(
  frame: Frame,
  runs: readonly PortRange[],
  transport: Transport,
  family: Redirect['family'],
  network: Network | null,
): Spared {
  const networks: Network[] = [];
  let compared = 0;
  for (let at: Frame | null = frame; at !== null; at = at.caller) {
    for (const match of at.spared) {
      compared++;
      if (match.transports !== null && !match.transports.includes(transport)) continue;
      if (match.family !== null && family !== null && match.family !== family) continue;
      if (!meets(runs, match.ports)) continue;
      if (match.networks === null || networks.length > NETWORK_LIMIT)
        return { some: true, networks: [], compared };
      for (const one of match.networks) {
        const met = network === null ? one : intersectNetworks(one, network);
        if (met === null || (family !== null && met.family !== family)) continue;
        if (isWhole(met)) return { some: true, networks: [], compared };
        networks.push(met);
      }
    }
  }
  return { some: false, networks, compared };
}
