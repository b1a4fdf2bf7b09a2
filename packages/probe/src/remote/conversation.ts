// One conversation with another machine's shell: what is sent, what came back, and what is to be asked next. It does not
// know how bytes get there.
import { randomBytes } from 'node:crypto';
import { inRange, type PortRange } from '@portolan/core';
import { parseFdListing } from '../parse/linux-fd-listing.ts';
import { parseProcNet } from '../parse/linux-proc-net.ts';
import { FrameReader } from '../parse/remote-frames.ts';
import { LAST_LINE, openingScript, ownersLine, roundLine } from './script.ts';

/** Most bytes that are taken of one machine: a table of 45,000 sockets has 7 MB. */
const ANSWER_BYTES = 1 << 26;
/** Processes that are asked about; the rest stays without a name, and a gap says so. */
const MOST_OWNERS = 4096;
/** Processes that are asked about in one line. */
const OWNERS_A_LINE = 256;
const ROUNDS = 2;
const TABLES = ['tcp', 'tcp6', 'udp', 'udp6'] as const;

/** What a machine answered, by names that the script gives. */
export interface RemoteAnswer {
  readonly frames: ReadonlyMap<string, Buffer>;
  /** Tables and descriptors are those of this round; 0 where there is no whole one. */
  readonly round: number;
  /** True where everything came that was asked for. */
  readonly whole: boolean;
  /** Processes with sockets that were not asked about. */
  readonly unasked: number;
}

/** The state of one conversation. */
export class Conversation {
  readonly opening: string;
  readonly #reader: FrameReader;
  readonly #frames = new Map<string, Buffer>();
  readonly #waiting: number[][] = [];
  readonly #listings: Buffer[] = [];
  #round = 0;
  #unasked = 0;
  #whole = false;

  /** `boundary` is random; a test may choose it. */
  constructor(boundary: string = randomBytes(24).toString('hex'), most: number = ANSWER_BYTES) {
    this.opening = openingScript(boundary);
    this.#reader = new FrameReader(boundary, most);
  }

  /** True once the script has begun to answer. */
  get greeted(): boolean {
    return this.#frames.has('hello');
  }

  /** True where nothing more will come. */
  get done(): boolean {
    return this.#whole;
  }

  /** True where more came than is taken. */
  get overflowed(): boolean {
    return this.#reader.overflowed;
  }

  /** Takes what came and gives what is to be sent, or null. */
  take(bytes: Buffer): string | null {
    let reply: string | null = null;
    for (const { name, bytes: body } of this.#reader.feed(bytes)) {
      if (name === 'again/fd') this.#listings.push(body);
      // The first counts: whoever can write the boundary twice is the machine itself, and gains nothing by it.
      else if (!this.#frames.has(name)) this.#frames.set(name, body);
      if (name === 'end') this.#whole = true;
      if (name === `${this.#round + 1}/told` && this.#round < ROUNDS) reply = this.#afterRound();
      else if (name === 'told') {
        this.#frames.delete('told');
        reply = this.#next();
      }
    }
    return reply;
  }

  /** All that came, with the descriptors as they were read last. */
  answer(): RemoteAnswer {
    const frames = new Map(this.#frames);
    frames.set('again/fd', Buffer.concat(this.#listings.flatMap((each) => [each, LINE_END])));
    return { frames, round: this.#round, whole: this.#whole, unasked: this.#unasked };
  }

  /**
   * Tables and descriptors cannot be read at one moment. Where a socket has no owner among processes that could all be
   * looked into, both are read once more: it may have gone, or come to another.
   */
  #afterRound(): string {
    this.#round++;
    const round = this.#round;
    const wanted = inetInodes(this.#frames, round, null);
    const listed = parseFdListing(this.#text(`${round}/fd`));
    const owned = listed.sockets.filter(({ inode }) => wanted.has(inode));
    const found = new Set(owned.map(({ inode }) => inode));
    const refused = listed.refused.size > 0 || this.#text(`${round}/refused`).trim() !== '';
    if (found.size < wanted.size && !refused && round < ROUNDS) return roundLine(round + 1);
    const pids = [...new Set(owned.map(({ pid }) => pid))];
    this.#unasked = Math.max(0, pids.length - MOST_OWNERS);
    for (let at = 0; at < Math.min(pids.length, MOST_OWNERS); at += OWNERS_A_LINE) {
      this.#waiting.push(pids.slice(at, Math.min(at + OWNERS_A_LINE, MOST_OWNERS)));
    }
    return this.#next();
  }

  #next(): string {
    const pids = this.#waiting.shift();
    return pids === undefined ? LAST_LINE : ownersLine(pids);
  }

  #text(name: string): string {
    return this.#frames.get(name)?.toString('latin1') ?? '';
  }
}

const LINE_END = Buffer.from('\n');

/** Inodes in the tables of a round, of sockets on `ports`; null for all. */
export function inetInodes(
  frames: ReadonlyMap<string, Buffer>,
  round: number,
  ports: PortRange | null,
): Set<number> {
  const inodes = new Set<number>();
  for (const table of TABLES) {
    const text = frames.get(`${round}/${table}`)?.toString('latin1') ?? '';
    for (const { inode, local } of parseProcNet(text, table.startsWith('tcp') ? 'tcp' : 'udp').rows) {
      if (inode !== 0 && (ports === null || inRange(local.port, ports))) inodes.add(inode);
    }
  }
  return inodes;
}
