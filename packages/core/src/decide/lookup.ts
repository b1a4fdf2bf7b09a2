// Finds ports and services while somebody types: numbers first, then names by how well they fit.
import type { PortRange, Transport } from '../model/port.ts';
import { isTransport, PORT_MAX, rangeSize } from '../model/port.ts';
import { WIDE_FROM } from './claims.ts';

/** A service or product that can be found. */
export interface LookupEntry {
  readonly name: string;
  /** Its part of the address, `/services/SLUG`. */
  readonly slug: string;
  /** Its ports, ascending. */
  readonly ports: readonly PortRange[];
  /** Who makes it; empty where nobody is named. */
  readonly vendors: readonly string[];
  /** Somebody beside the registry names it. */
  readonly used: boolean;
}

/** One thing that was found. */
export type LookupHit =
  | {
      readonly kind: 'port';
      readonly port: number;
      readonly transport: Transport | null;
      /** Services and products on it. */
      readonly names: readonly string[];
    }
  | { readonly kind: 'service'; readonly entry: LookupEntry };

/** How well a name fits; less is better. */
const RANK = { name: 0, start: 1, vendor: 2, word: 3, vendorWord: 4, part: 5, none: 6 } as const;
const RANKS: number = RANK.none;

/** An entry with what is compared. */
interface Prepared {
  readonly entry: LookupEntry;
  readonly name: string;
  readonly words: readonly string[];
  readonly vendors: readonly string[];
  /** Its own words and its makers'. */
  readonly all: readonly string[];
}

/** Names that are told beside a number. */
const NAMES = 3;

/** Everything that can be found, ready to be asked often. */
export class Lookup {
  readonly #entries: readonly Prepared[];
  readonly #names = new Map<number, string[]>();
  readonly #ports: readonly string[];

  constructor(entries: readonly LookupEntry[]) {
    // What is in use comes first, then the shorter name, which has less that was not asked for.
    const sorted = entries.toSorted(
      (a, b) =>
        Number(b.used) - Number(a.used) ||
        a.name.length - b.name.length ||
        (a.ports[0]?.[0] ?? 0) - (b.ports[0]?.[0] ?? 0),
    );
    this.#entries = sorted.map((entry) => {
      const name = plain(entry.name);
      const vendors = entry.vendors.map(plain);
      const words = wordsOf(name);
      return { entry, name, words, vendors, all: [...words, ...vendors.flatMap(wordsOf)] };
    });
    // Beside a number the registry's own name comes first.
    const official = sorted.filter(({ used }) => !used);
    for (const { name, ports } of [...official, ...sorted.filter(({ used }) => used)]) {
      for (const range of ports) {
        if (rangeSize(range) >= WIDE_FROM) continue;
        for (let port = range[0]; port <= range[1]; port++) {
          const names = this.#names.get(port);
          if (names === undefined) this.#names.set(port, [name]);
          else if (names.length < NAMES) names.push(name);
        }
      }
    }
    this.#ports = [...this.#names.keys()].toSorted((a, b) => a - b).map(String);
  }

  /** The best hits for what was typed; none for nothing. */
  find(query: string, limit: number): LookupHit[] {
    const text = plain(query).trim().replace(/\s+/g, ' ');
    if (text === '') return [];
    const hits = this.#numbers(text, limit);
    const words = text.split(' ');
    const byRank: LookupHit[][] = Array.from({ length: RANKS }, () => []);
    for (const prepared of this.#entries) {
      const rank = rankOf(prepared, text, words);
      if (rank !== RANK.none) byRank[rank]?.push({ kind: 'service', entry: prepared.entry });
    }
    for (const found of byRank) hits.push(...found.slice(0, limit - hits.length));
    return hits;
  }

  /** The number itself, then named numbers that start with it. */
  #numbers(text: string, limit: number): LookupHit[] {
    const asked = portQuery(text);
    if (asked === null) return [];
    const hit = (port: number, transport: Transport | null): LookupHit => ({
      kind: 'port',
      port,
      transport,
      names: this.#names.get(port) ?? [],
    });
    const hits = [hit(asked.port, asked.transport)];
    if (asked.transport !== null) return hits;
    const digits = String(asked.port);
    for (const port of this.#ports) {
      if (hits.length >= limit) break;
      if (port !== digits && port.startsWith(digits)) hits.push(hit(Number(port), null));
    }
    return hits;
  }
}

/** A port as somebody types it: `8080`, `53/udp`, `udp 53`; null for all else. */
export function portQuery(text: string): { port: number; transport: Transport | null } | null {
  const found = /^(?:([a-z]+)[\s/:]+)?(\d{1,5})(?:[\s/:]+([a-z]+))?$/.exec(text.trim().toLowerCase());
  if (found === null) return null;
  const port = Number(found[2]);
  const words = [found[1], found[3]].filter((word) => word !== undefined && word !== 'port');
  const [transport = null] = words;
  if (port > PORT_MAX || words.length > 1) return null;
  if (transport === null) return { port, transport };
  return isTransport(transport) ? { port, transport } : null;
}

function rankOf({ name, words, vendors, all }: Prepared, text: string, asked: string[]): number {
  if (name === text) return RANK.name;
  if (name.startsWith(text)) return RANK.start;
  if (vendors.includes(text)) return RANK.vendor;
  if (startAll(asked, words)) return RANK.word;
  // A maker and one of its products together: `apple xsan`.
  if (all.length > words.length && startAll(asked, all)) return RANK.vendorWord;
  return text.length > 1 && name.includes(text) ? RANK.part : RANK.none;
}

/** Does each of these start one of the words? */
function startAll(parts: readonly string[], words: readonly string[]): boolean {
  return parts.every((part) => words.some((word) => word.startsWith(part)));
}

/** Lower case, without accents. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
}

function wordsOf(name: string): string[] {
  return name.split(/[^\p{L}\p{N}+#]+/u).filter((word) => word !== '');
}
