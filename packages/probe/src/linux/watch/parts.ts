// Polls the parts of the socket tables, each as often as its cost allows and its counters call for.
import { closeSync, openSync, readSync } from 'node:fs';
import type { Socket } from '@portolan/core';
import { parseSockstat, type SocketCounters } from '../../parse/linux-sockstat.ts';
import { Pace } from './pace.ts';
import { type Keys, keysOfRows, type PartName, partOf } from './tables.ts';

/** Shares of a CPU that polling may take. */
const SHARES: Readonly<Record<PartName, number>> = { udp: 0.0015, tcp: 0.001, bound: 0.001 };
/** Ten times a second is often enough for what nobody tells at once. */
export const LEAST_MS = 100;
const MOST_MS = 30_000;
/** Where no counter has moved, a part is read after this time all the same: what opened may have replaced another. */
const UNMOVED_MS = 2000;
const COUNTERS_BYTES = 4096;

interface Part {
  readonly name: PartName;
  readonly pace: Pace;
  keys: Keys;
  counters: string;
  readAt: number;
}

/** What is polled, and what it was when it was last read. */
export class Parts {
  readonly #parts: readonly Part[];
  readonly #read: (part: PartName) => Keys | null;
  readonly #fixedMs: number | null;
  readonly #counters = new Counters();

  /** `fixedMs`: read everything this often, whatever it costs. */
  constructor(names: readonly PartName[], fixedMs: number | null, read: (part: PartName) => Keys | null) {
    this.#read = read;
    this.#fixedMs = fixedMs;
    this.#parts = names.map((name) => ({
      name,
      pace: new Pace(SHARES[name], LEAST_MS, MOST_MS),
      keys: read(name) ?? new Map(),
      counters: '',
      readAt: 0,
    }));
  }

  /** Milliseconds until the next poll. */
  get tickMs(): number {
    return this.#fixedMs ?? LEAST_MS;
  }

  /** Milliseconds within which a socket that moves a counter is seen in one of these parts. */
  movedMs(names: readonly PartName[]): number {
    return this.#fixedMs ?? this.#longest(names, LEAST_MS);
  }

  /** Milliseconds within which anything is seen in one of these parts; 0 where they are not polled. */
  unmovedMs(names: readonly PartName[]): number {
    if (!this.#parts.some(({ name }) => names.includes(name))) return 0;
    return this.#fixedMs ?? this.#longest(names, UNMOVED_MS);
  }

  #longest(names: readonly PartName[], least: number): number {
    const own = this.#parts.filter(({ name }) => names.includes(name));
    return Math.max(least, ...own.map(({ pace }) => pace.waitMs));
  }

  /** Reads what is due; `onPort` gets every port where something is not as it was. */
  poll(now: number, onPort: (port: number) => void): void {
    const counters = this.#counters.read();
    for (const part of this.#parts) {
      const text = counters === null ? '' : part.name === 'udp' ? counters.udp : counters.tcp;
      const moved = counters === null || text !== part.counters;
      const since = now - part.readAt;
      const due = this.#fixedMs !== null || since >= (moved ? part.pace.waitMs : this.#unmoved(part));
      if (!due) continue;
      part.counters = text;
      part.readAt = now;
      this.#compare(part, onPort);
    }
  }

  /** Reads one part now. */
  pollPart(name: PartName, onPort: (port: number) => void): void {
    for (const part of this.#parts) if (part.name === name) this.#compare(part, onPort);
  }

  /** What a look has found on these ports, so that the next poll finds nothing new there. */
  looked(isLookedAt: (port: number) => boolean, sockets: readonly Socket[]): void {
    for (const part of this.#parts) {
      // What has no inode is left to the next poll: a dump names it in another way than a look.
      for (const [key, port] of part.keys) {
        if (typeof key === 'number' && isLookedAt(port)) part.keys.delete(key);
      }
      const own = sockets.filter((socket) => socket.inode !== 0 && partOf(socket) === part.name);
      for (const [key, port] of keysOfRows(own)) part.keys.set(key, port);
    }
  }

  close(): void {
    this.#counters.close();
  }

  #unmoved({ pace }: Part): number {
    return Math.max(UNMOVED_MS, pace.waitMs);
  }

  #compare(part: Part, onPort: (port: number) => void): void {
    const keys = part.pace.run(() => this.#read(part.name));
    if (keys === null) return;
    for (const [key, port] of keys) if (!part.keys.has(key)) onPort(port);
    for (const [key, port] of part.keys) if (!keys.has(key)) onPort(port);
    part.keys = keys;
  }
}

/** The kernel's counters of this network namespace. */
class Counters {
  readonly #ipv4 = openCounters('/proc/net/sockstat');
  readonly #ipv6 = openCounters('/proc/net/sockstat6');
  readonly #buffer = Buffer.allocUnsafe(COUNTERS_BYTES);

  /** Null where they cannot be read. */
  read(): SocketCounters | null {
    const ipv4 = this.#text(this.#ipv4);
    // Without IPv6 there is no second file, and nothing that it would count.
    return ipv4 === null ? null : parseSockstat(ipv4, this.#text(this.#ipv6) ?? '');
  }

  close(): void {
    for (const fd of [this.#ipv4, this.#ipv6]) if (fd !== null) closeSync(fd);
  }

  #text(fd: number | null): string | null {
    if (fd === null) return null;
    try {
      return this.#buffer.toString('latin1', 0, readSync(fd, this.#buffer, 0, COUNTERS_BYTES, 0));
    } catch {
      return null;
    }
  }
}

function openCounters(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
