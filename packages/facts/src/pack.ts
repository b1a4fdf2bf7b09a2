// The packed index: one file that answers for one port by reading two small pieces of itself. Bytes only.
import { crc32 } from 'node:zlib';
import { type Claim, PORT_MAX, PortolanError, type Source } from '@portolan/core';

/**
 * Layout (integers little-endian):
 *   0   magic "PORTOLAN" · u32 format · u32 header length · u32 header CRC-32 · u32 file length
 *   24  header, JSON
 *   …   port table: 65,536 × (u32 block offset or 0, u32 CRC-32 of port and offset)
 *   …   blocks: u32 length · u32 CRC-32 · JSON array of the claims that cover the port and at most NARROW ports
 *   …   sections: framed like blocks; their offsets stand in the header
 * Every piece carries its own check, so that damage is an error and never reads as "no claims".
 */
const MAGIC = Buffer.from('PORTOLAN', 'latin1');
const FORMAT = 1;
const PREAMBLE = 24;
const TABLE_BYTES = (PORT_MAX + 1) * 8;

/** Claims on more ports than this are kept once, in the section `wide`, and not under each port. */
export const NARROW = 64;

/** What a pack says about itself. */
export interface PackHeader {
  readonly kind: 'registry' | 'claims';
  /** Edition in words, such as "8.0.35" or "2025-02-25". */
  readonly edition: string;
  /** Date of the edition, YYYY-MM-DD. */
  readonly date: string;
  /** When the pack was made from it, ISO 8601. */
  readonly builtAt: string;
  readonly claims: number;
  /** HTTP entity tag of the file it was made from. */
  readonly etag: string | null;
  /** Where the file came from. */
  readonly from: string;
}

/** Named parts beside the port table. */
export type SectionName = 'wide' | 'names' | 'sources' | 'extras';

interface StoredHeader extends PackHeader {
  readonly sections: Readonly<Record<SectionName, number>>;
}

/** Everything a pack is made from. */
export interface PackInput {
  readonly header: PackHeader;
  readonly claims: readonly Claim[];
  readonly sources: Readonly<Record<string, Source>>;
  /** Words a port can be asked for by, with its claims' ports. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Free JSON: blocked ports, ephemeral defaults. */
  readonly extras: unknown;
}

/** Makes the bytes of a pack. */
export function encodePack(input: PackInput): Buffer {
  const table = Buffer.alloc(TABLE_BYTES);
  const parts: Buffer[] = [];
  const byPort = new Map<number, Claim[]>();
  const wide: Claim[] = [];
  for (const claim of input.claims) {
    if (claim.ports[1] - claim.ports[0] >= NARROW) {
      wide.push(claim);
      continue;
    }
    for (let port = claim.ports[0]; port <= claim.ports[1]; port++) {
      const list = byPort.get(port);
      if (list === undefined) byPort.set(port, [claim]);
      else list.push(claim);
    }
  }
  const sectionTexts: Record<SectionName, string> = {
    wide: JSON.stringify(wide),
    names: [...input.names].map(([name, ports]) => `\n${name}\t${ports.join(',')}`).join(''),
    sources: Object.entries(input.sources)
      .map(([id, source]) => `\n${id}\t${JSON.stringify(source)}`)
      .join(''),
    extras: JSON.stringify(input.extras),
  };
  // The header's length depends on the offsets it holds, so offsets are counted from the end of the header.
  const blocks = new Map<number, number>();
  let at = TABLE_BYTES;
  const add = (json: string): number => {
    const frame = encodeFrame(json);
    parts.push(frame);
    const offset = at;
    at += frame.length;
    return offset;
  };
  for (const [port, claims] of [...byPort].toSorted(([a], [b]) => a - b))
    blocks.set(port, add(JSON.stringify(claims)));
  const sections: Record<SectionName, number> = {
    wide: add(sectionTexts.wide),
    names: add(sectionTexts.names),
    sources: add(sectionTexts.sources),
    extras: add(sectionTexts.extras),
  };
  for (let port = 0; port <= PORT_MAX; port++) {
    const offset = blocks.get(port) ?? 0;
    table.writeUInt32LE(offset, port * 8);
    table.writeUInt32LE(entryCheck(port, offset), port * 8 + 4);
  }
  const stored: StoredHeader = { ...input.header, sections };
  const header = Buffer.from(JSON.stringify(stored), 'utf8');
  const preamble = Buffer.alloc(PREAMBLE);
  MAGIC.copy(preamble, 0);
  preamble.writeUInt32LE(FORMAT, 8);
  preamble.writeUInt32LE(header.length, 12);
  preamble.writeUInt32LE(crc32(header), 16);
  preamble.writeUInt32LE(PREAMBLE + header.length + at, 20);
  return Buffer.concat([preamble, header, table, ...parts]);
}

function encodeFrame(json: string): Buffer {
  const body = Buffer.from(json, 'utf8');
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32LE(body.length, 0);
  frame.writeUInt32LE(crc32(body), 4);
  body.copy(frame, 8);
  return frame;
}

const entryBytes = Buffer.alloc(8);

function entryCheck(port: number, offset: number): number {
  entryBytes.writeUInt32LE(port, 0);
  entryBytes.writeUInt32LE(offset, 4);
  return crc32(entryBytes);
}

/** Reads `length` bytes at `offset`; fewer at the end of the file. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** A pack opened for look-ups. `name` is what errors call it. */
export class Pack {
  readonly header: PackHeader;
  readonly name: string;
  readonly #read: ReadAt;
  readonly #base: number;
  readonly #fileLength: number;
  readonly #sections: Readonly<Record<SectionName, number>>;
  #wide: readonly Claim[] | null = null;
  readonly #texts = new Map<SectionName, string>();

  /** Checks magic, format, length and header. Throws FACTS_CORRUPT. */
  constructor(name: string, fileLength: number, read: ReadAt) {
    this.name = name;
    this.#read = read;
    this.#fileLength = fileLength;
    const preamble = this.#exact(0, PREAMBLE);
    if (!preamble.subarray(0, 8).equals(MAGIC)) throw this.#corrupt('it does not begin as a Portolan index');
    if (preamble.readUInt32LE(8) !== FORMAT) {
      throw this.#corrupt(`it has format ${preamble.readUInt32LE(8)}, this program reads format ${FORMAT}`);
    }
    if (preamble.readUInt32LE(20) !== fileLength) {
      throw this.#corrupt(`it is ${fileLength} bytes long where ${preamble.readUInt32LE(20)} were written`);
    }
    const header = this.#exact(PREAMBLE, preamble.readUInt32LE(12));
    if (crc32(header) !== preamble.readUInt32LE(16)) throw this.#corrupt('its header fails its check');
    const stored = this.#json(header) as StoredHeader;
    const { sections, ...rest } = stored;
    this.header = rest;
    this.#sections = sections;
    this.#base = PREAMBLE + header.length;
  }

  /** Claims that cover `port`, wide ones included. */
  claims(port: number): readonly Claim[] {
    const entry = this.#exact(this.#base + port * 8, 8);
    const offset = entry.readUInt32LE(0);
    if (entry.readUInt32LE(4) !== entryCheck(port, offset))
      throw this.#corrupt(`its entry for port ${port} fails its check`);
    const narrow = offset === 0 ? [] : (this.#json(this.#frame(offset)) as Claim[]);
    const wide = this.wide().filter((claim) => claim.ports[0] <= port && port <= claim.ports[1]);
    return wide.length === 0 ? narrow : [...narrow, ...wide];
  }

  /** Claims on more than NARROW ports. */
  wide(): readonly Claim[] {
    this.#wide ??= this.#json(this.#frame(this.#sections.wide)) as Claim[];
    return this.#wide;
  }

  /** Every claim once, by ascending first port. */
  all(): readonly Claim[] {
    const table = this.#exact(this.#base, TABLE_BYTES);
    const seen = new Map<string, Claim>();
    for (let port = 0; port <= PORT_MAX; port++) {
      const offset = table.readUInt32LE(port * 8);
      if (table.readUInt32LE(port * 8 + 4) !== entryCheck(port, offset)) {
        throw this.#corrupt(`its entry for port ${port} fails its check`);
      }
      if (offset === 0) continue;
      for (const claim of this.#json(this.#frame(offset)) as Claim[]) seen.set(claim.id, claim);
    }
    for (const claim of this.wide()) seen.set(claim.id, claim);
    if (seen.size !== this.header.claims) {
      throw this.#corrupt(`it holds ${seen.size} claims where ${this.header.claims} were written`);
    }
    return [...seen.values()].toSorted((a, b) => a.ports[0] - b.ports[0] || a.ports[1] - b.ports[1]);
  }

  /** Ports listed for a name, as `443/tcp` words; null where the name is unknown. */
  portsOfName(name: string): readonly string[] | null {
    const text = this.#section('names');
    const at = text.indexOf(`\n${name}\t`);
    if (at < 0) return null;
    const end = text.indexOf('\n', at + 1);
    return text.slice(at + name.length + 2, end < 0 ? undefined : end).split(',');
  }

  /** Every name that can be asked for. */
  names(): readonly string[] {
    return this.#section('names')
      .split('\n')
      .slice(1)
      .map((line) => line.slice(0, line.indexOf('\t')));
  }

  /** A source by its id; null where this pack has none of that id. */
  source(id: string): Source | null {
    const text = this.#section('sources');
    const at = text.indexOf(`\n${id}\t`);
    if (at < 0) return null;
    const end = text.indexOf('\n', at + 1);
    return JSON.parse(text.slice(at + id.length + 2, end < 0 ? undefined : end)) as Source;
  }

  /** Ids of all sources. */
  sourceIds(): readonly string[] {
    return this.#section('sources')
      .split('\n')
      .slice(1)
      .map((line) => line.slice(0, line.indexOf('\t')));
  }

  /** The free part. */
  extras(): unknown {
    return JSON.parse(this.#section('extras'));
  }

  #section(name: SectionName): string {
    const known = this.#texts.get(name);
    if (known !== undefined) return known;
    const text = this.#frame(this.#sections[name]).toString('utf8');
    this.#texts.set(name, text);
    return text;
  }

  #frame(offset: number): Buffer {
    const at = this.#base + offset;
    const head = this.#exact(at, 8);
    const body = this.#exact(at + 8, head.readUInt32LE(0));
    if (crc32(body) !== head.readUInt32LE(4)) throw this.#corrupt(`the piece at byte ${at} fails its check`);
    return body;
  }

  #exact(offset: number, length: number): Buffer {
    if (offset + length > this.#fileLength) throw this.#corrupt('it ends too early');
    const bytes = this.#read(offset, length);
    if (bytes.length !== length) throw this.#corrupt('it ends too early');
    return bytes;
  }

  #json(bytes: Buffer): unknown {
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw this.#corrupt('a piece of it is not JSON', cause);
    }
  }

  #corrupt(why: string, cause?: unknown): PortolanError {
    return new PortolanError('FACTS_CORRUPT', `The facts index ${this.name} is damaged: ${why}.`, {
      hint: 'Run `portolan facts reset` to drop an updated registry; if that does not help, install or build Portolan again.',
      cause,
    });
  }
}
